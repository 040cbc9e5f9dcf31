"""The nouns: frozen values that every layer may pass on. Times are aware datetimes or UTC milliseconds."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value that does not change once made."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KhemonError(Exception):
    """A problem a person can act on: place, finding, remedy. Never names a patient."""

    def __init__(self, where: str, found: str, remedy: str) -> None:
        super().__init__(f"{where}: {found}. {remedy}")
        self.where = where
        self.found = found
        self.remedy = remedy


class ImportProblem(KhemonError):
    """A file, or a part of it, that cannot be read."""


class RulebookProblem(KhemonError):
    """A protocol or case file that is refused."""


class StoreProblem(KhemonError):
    """A database that cannot be opened, or that failed one of its own checks."""


class DamagedRows(StoreProblem):
    """Rows that are not what was written; `patients`: our own numbers of those they belong to, none for the ward."""

    def __init__(self, where: str, found: str, remedy: str, patients: Collection[int] = ()) -> None:
        super().__init__(where, found, remedy)
        self.patients = frozenset(patients)


class Refused(KhemonError):
    """An act that is not allowed, or not possible in the present state."""


_BAND = re.compile(
    r"(?P<low>\d+(?:\.\d+)?)\s*[-–]\s*(?P<high>\d+(?:\.\d+)?)(?:\s*(?:ng/ml|[uµμ]g/l|mcg/l))?(?:\s*\((?P<by>[^()]*)\))?",
    re.ASCII | re.IGNORECASE,
)

ResultStatus = Literal["preliminary", "final", "corrected", "cancelled", "entered_in_error"]
Quality = Literal["", "clumped", "clotted", "contaminated", "wrong_patient", "insufficient", "hemolyzed", "lipemic"]
Timing = Literal["unknown", "trough", "random"]
Severity = Literal["note", "warning", "critical"]
EvidenceRole = Literal["onset", "confirm", "worsen", "mend", "end"]

#: The index is the code in columns and in the store; of statuses a higher one counts over a lower one.
STATUSES: tuple[str, ...] = ("preliminary", "final", "corrected", "cancelled", "entered_in_error")
QUALITIES: tuple[str, ...] = (
    *("", "hemolyzed", "lipemic"),
    *("clumped", "clotted", "contaminated", "wrong_patient", "insufficient"),
)
#: Qualities that set a result aside; `hemolyzed` and `lipemic` are used with a caution.
EXCLUDING_QUALITIES: frozenset[str] = frozenset(QUALITIES[3:])
TIMINGS: tuple[str, ...] = ("unknown", "trough", "random")
SEVERITIES: tuple[str, ...] = ("note", "warning", "critical")
COMPARATORS: tuple[str, ...] = ("", "<", "<=", ">", ">=")

#: Event kinds that go on until an end is recorded.
LASTING_EVENTS: tuple[str, ...] = (
    "active_bleeding",
    "symptomatic_anemia",
    "infection",
    "sirolimus",
    "prednisolone",
    "vincristine",
    "pjp_prophylaxis",
    "other_drug",
)
#: Event kinds that end at their start when no end is recorded.
BRIEF_EVENTS: tuple[str, ...] = (
    "platelet_transfusion",
    "plasma",
    "cryoprecipitate",
    "fibrinogen_concentrate",
    "exchange_transfusion",
    "red_cell_transfusion",
    "procedure",
    "lesion_change",
    "lesion_volume",
    "quality_of_life",
    "sequela",
    "adverse_event",
    "day0",
    "arm",
    "discontinuation",
)
#: Event kinds of which only the start counts.
MOMENT_EVENTS: tuple[str, ...] = ("response_documented", "death", "transfer_out", "follow_up_end")
CLOSING_EVENTS: tuple[str, ...] = ("death", "transfer_out", "follow_up_end")
#: Index of a kind is its code in columns.
EVENT_KINDS: tuple[str, ...] = LASTING_EVENTS + BRIEF_EVENTS + MOMENT_EVENTS


class AlertState(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    RETRACTED = "retracted"


class Actor(Frozen):
    """Who acts: name as it stands in the audit log, and the kind of identity behind it."""

    name: str
    kind: Literal["local", "demo", "system", "account"]
    #: Which credentials an account signed in with: others since then end what was begun with these.
    credential_version: int = 0


class ChosenBand(Frozen):
    """The sirolimus band chosen for a child: ng/mL, both ends inside; who chose it, empty where nobody is named."""

    low: Decimal
    high: Decimal
    chosen_by: str

    @classmethod
    def read(cls, text: str) -> ChosenBand | None:
        """The band in a text like `10-15` or `8-12 ng/mL (Dr. Lee)`; None where there is none to read."""
        found = _BAND.fullmatch(text.strip())
        if found is None or Decimal(found["low"]) > Decimal(found["high"]):
            return None
        by = (found["by"] or "").strip().removeprefix("chosen by ")
        return cls(low=Decimal(found["low"]), high=Decimal(found["high"]), chosen_by=by)


class Patient(Frozen):
    """A child as registered; dates are calendar dates, times are aware."""

    patient_id: str
    name: str | None = None
    birth_date: dt.date | None = None
    sex: str | None = None
    diagnosis: str | None = None
    lesion_class: str | None = None
    ward: str | None = None
    on_ward_from: dt.datetime | None = None
    on_ward_until: dt.datetime | None = None
    followed_until: dt.datetime | None = None
    sirolimus_target: str | None = None
    arm: str | None = None
    day0: dt.datetime | None = None
    discontinued_at: dt.datetime | None = None
    note: str | None = None


class Event(Frozen):
    """Something that happened to a patient; `end` is empty when none was recorded."""

    patient_id: str
    kind: str
    start: dt.datetime
    end: dt.datetime | None = None
    dose: str | None = None
    unit: str | None = None
    note: str | None = None


class GroundResult(Frozen):
    """A result that an episode rests on, as received."""

    result_id: int
    analyte: str
    collected_at: dt.datetime
    value: str
    unit: str


class EvidenceItem(GroundResult):
    """A result that opened, confirmed, worsened, mended or closed an episode."""

    role: EvidenceRole


class GroundEvent(Frozen):
    """An event that an episode rests on; `end` is None when none was recorded."""

    kind: str
    start: dt.datetime
    end: dt.datetime | None


class Grounds(Frozen):
    """All that an episode rests on: from these results, events and entries of the register it can be told again.

    results: those of the evidence among them, in order of time. not_counted: results that were seen and not counted,
    each in words with the reason.
    """

    results: tuple[GroundResult, ...]
    events: tuple[GroundEvent, ...]
    entries: tuple[str, ...]
    not_counted: tuple[str, ...]


class Episode(Frozen):
    """What a rule says about a patient over a stretch of time."""

    patient_id: str
    rule: str
    status: str
    severity: Severity
    onset: dt.datetime
    confirmed_at: dt.datetime | None
    end: dt.datetime | None
    end_reason: str | None
    text: str
    evidence: tuple[EvidenceItem, ...]
    missing: tuple[str, ...]
    source: str
    last_input_at: dt.datetime | None = None
    #: Limbs of a criterion that are certainly true now, and those of them whose input is not older than the limit.
    limbs: tuple[str, ...] = ()
    fresh_limbs: tuple[str, ...] = ()
    #: The results that stood at the onset and all inside, in order of time: (analyte, how many bands deep, result id).
    bands: tuple[tuple[str, int, int], ...] = ()
    #: Told only where a person asks why.
    grounds: Grounds | None = None


class Handed(Frozen):
    """To whom an alert was handed over, by whom and when, with words."""

    to: str
    by: str
    at: dt.datetime
    note: str


class Alert(Frozen):
    """An episode of severity warning or critical, with what people decided about it.

    `carried` are the episodes it follows, oldest first; `judged_at` is when it was last compared with them.
    `limbs`, `band_floor` and `known_result` say what was known when it was acknowledged, so that worsening shows;
    `taken_in` is the last result of an episode that the acknowledgement has since been found to cover.
    """

    alert_id: int
    patient_id: str
    rule: str
    state: AlertState
    severity: Severity
    status: str
    onset: dt.datetime
    end: dt.datetime | None
    end_reason: str | None
    text: str
    judged_at: dt.datetime
    carried: tuple[tuple[dt.datetime, dt.datetime | None], ...] = ()
    reason: str | None = None
    reason_code: str | None = None
    actor: str | None = None
    acknowledged_at: dt.datetime | None = None
    until: dt.datetime | None = None
    handed: Handed | None = None
    reopened_because: str | None = None
    muted_by: str | None = None
    times_met: int = 1
    seen_at: dt.datetime | None = None
    #: While nobody has seen it: the worst severity it has had; a critical that fades stays listed as not seen.
    worst: Severity | None = None
    note: str | None = None
    limbs: tuple[str, ...] = ()
    band_floor: dict[str, int] = {}
    known_result: int = 0
    taken_in: int = 0
    confirmed_acknowledged: bool = False
