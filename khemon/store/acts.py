"""What a person does by hand, as the store takes it in and hands it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Act:
    """Makes the rows of a batch what a person says: they stand as said, in place of the rows `instead_of`.

    `patient_ids` are those it speaks of even without a row.
    """

    instead_of: frozenset[int] = frozenset()
    patient_ids: tuple[str, ...] = ()


class EventEntry(NamedTuple):
    """One event as its rows say it together; `out`: a person set it out.

    `version` is the row that spoke of it last: another number means that somebody said something since.
    """

    version: int
    rows: tuple[int, ...]
    source: str | None
    kind: str
    start_ms: int
    end_ms: int | None
    dose: str | None
    unit: str | None
    note: str | None
    out: bool
