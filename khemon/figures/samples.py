"""A result as charts, strips and tables show it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """One result of one patient.

    low, high: the closed interval in the canonical unit. value: exact canonical number, without comparator.
    text, unit: as received. counted: rules may see it. leads: of several at one time the one that rules read.
    remarks: why it is not counted, or what to know when reading it. severity: of what its value meets, if anything.
    """

    result_id: int
    analyte: str
    at: dt.datetime
    low: float
    high: float
    comparator: str
    value: str
    text: str
    unit: str
    counted: bool
    leads: bool
    supported: bool = False
    preliminary: bool = False
    remarks: tuple[str, ...] = ()
    is_new: bool = False
    severity: str | None = None

    @property
    def words(self) -> str:
        """The value with its comparator: <5."""
        return f"{self.comparator}{self.value}"
