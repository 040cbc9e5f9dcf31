"""What goes in and what comes out, as plain dataclasses."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

#: The protocols differ in one number: how many days may lie between two samples of an unconfirmed run.
PROTOCOLS: dict[str, dict[str, int]] = {"ward": {"gap_days": 14}, "trial": {"gap_days": 31}}


@dataclass(frozen=True)
class Lab:
    """One version of one result. `value` is in the canonical unit; a D-dimer of basis DDU is already doubled."""

    row: int
    analyte: str
    collected_at: dt.datetime
    comparator: str
    value: Decimal
    basis: str = ""
    status: str = "final"
    quality: str = ""
    specimen: str | None = None
    recorded: int = 0
    timing: str = "unknown"


@dataclass(frozen=True)
class Event:
    """Something that happened; `end` is None when none was recorded."""

    kind: str
    start: dt.datetime
    end: dt.datetime | None = None
    dose: Decimal | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Child:
    """The child the samples are from."""

    patient_id: str
    birth_date: dt.date | None = None
    diagnosis: str | None = None
    day0: dt.datetime | None = None
    followed_until: dt.datetime | None = None
    target: tuple[Decimal, Decimal] | None = None


@dataclass
class Episode:
    """What a rule says over a stretch of time; `rows` holds, by role, result rows that are surely its evidence."""

    rule: str
    status: str
    onset: dt.datetime
    confirmed_at: dt.datetime | None = None
    end: dt.datetime | None = None
    end_reason: str | None = None
    severity: str = "note"
    rows: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def verdict(self) -> tuple[object, ...]:
        """All that has to agree between two readings of the definitions."""
        return (
            self.rule,
            self.onset,
            self.status,
            self.severity,
            self.confirmed_at,
            self.end,
            self.end_reason,
        )
