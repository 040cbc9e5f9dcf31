"""What a reader found, one entry per observation, event or patient, each with its fate and reasons.

Importers decide `accepted`, `review`, `rejected`, `no_value` and `ignored`; `duplicate` and `conflict` are the
store's answer.
A reason is `code: sentence`; a sentence never names a patient.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from khemon.importers.findings import Findings

ACCEPTED = "accepted"
REVIEW = "review"
REJECTED = "rejected"
NO_VALUE = "no_value"
IGNORED = "ignored"
#: The fates an importer gives, mildest first: of several findings about one row the last in this order decides.
DECISIONS: tuple[str, ...] = (ACCEPTED, NO_VALUE, REVIEW, REJECTED, IGNORED)

LABS = "labs"
EVENTS = "events"
PATIENTS = "patients"


@dataclass(slots=True)
class Observation:
    """One laboratory value found in a file: as received, as understood, and its fate.

    `value` is the number as read, in `unit`; `low` and `high` are the closed interval in the canonical unit
    (0 and infinity where there is no number). `collected_ms` is empty where the time is missing or undecided.
    """

    row: int
    field: str | None
    patient_id: str | None
    collected_ms: int | None
    analyte: str | None
    text: str
    comparator: str = ""
    value: str | None = None
    unit: str | None = None
    canonical_value: str | None = None
    canonical_unit: str | None = None
    basis: str = ""
    low: float = 0.0
    high: float = math.inf
    status: str = "final"
    quality: str = ""
    timing: str = "unknown"
    specimen_id: str | None = None
    comment: str | None = None
    resulted_ms: int | None = None
    decision: str = ACCEPTED
    reasons: list[str] = dataclasses.field(default_factory=list)
    collected_text: str = ""
    #: The birth date beside it, as written: for the comparison with the register alone, and not stored.
    born_text: str = ""


@dataclass(slots=True)
class EventRow:
    """One event found in a file; `start_ms` is empty only in a row that is not accepted."""

    row: int
    patient_id: str | None
    kind: str
    start_ms: int | None
    end_ms: int | None = None
    dose: str | None = None
    unit: str | None = None
    note: str | None = None
    decision: str = ACCEPTED
    reasons: list[str] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class PatientRow:
    """One patient found in a file; `fields` holds validated texts: ISO dates, times in ISO form with offset."""

    row: int
    patient_id: str | None
    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    decision: str = ACCEPTED
    reasons: list[str] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class Reading:
    """Everything found in one file, and how the file was understood.

    `dates` says how its dates were read: `stated`, `iso`, `day first`, `month first`, `undecided` or `cells`; empty
    where it has none. `received` finds the text of a row by its number and field.
    `found` says how its columns were understood, where that was asked for.
    """

    kind: str
    format: str
    observations: Sequence[Observation] = dataclasses.field(default_factory=list)
    events: list[EventRow] = dataclasses.field(default_factory=list)
    patients: list[PatientRow] = dataclasses.field(default_factory=list)
    source: str | None = None
    mapping_digest: str = ""
    encoding: str = ""
    layout: str = ""
    notes: list[str] = dataclasses.field(default_factory=list)
    found: Findings | None = None
    dates: str = ""
    received: Callable[[int, str | None], str] | None = dataclasses.field(default=None, compare=False, repr=False)


def worse(one: str, other: str) -> str:
    """The fate that decides when a row has both."""
    return max(one, other, key=DECISIONS.index)
