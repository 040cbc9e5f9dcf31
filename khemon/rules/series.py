"""The columnar batch: results and events of whole patients in, usable points in order out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from khemon.models import EVENT_KINDS
from khemon.rules.keys import (
    FIRST_TIME,
    LAST_TIME,
    Bools,
    Codes,
    Floats,
    Ints,
    key_first,
    key_patient,
    key_time,
    keys,
    merged,
    positions,
    starts_of,
)
from khemon.rules.points import Columns, Points

__all__ = [
    "BLOCK_ROWS",
    "FIRST_TIME",
    "LAST_TIME",
    "NONE",
    "NO_CLOSING",
    "NO_TIME",
    "Bools",
    "Codes",
    "Columns",
    "Events",
    "Floats",
    "Ints",
    "Patients",
    "Points",
    "Results",
    "in_steps",
    "key_first",
    "key_patient",
    "key_time",
    "keys",
    "merged",
    "positions",
    "starts_of",
]

#: Stands for "no time" in columns of times.
NO_TIME = int(np.iinfo(np.int64).min)
#: Stands for "no row", "no specimen", "unknown birth day" in columns.
NONE = -1
#: Stands for "observation goes on" in columns of closings.
NO_CLOSING = np.int64(np.iinfo(np.int64).max)

_MILLION, _LARGEST = 1_000_000, 1 << 42
#: Whole patients of about this many rows are evaluated at a time: it fits the processor's cache.
BLOCK_ROWS = 1 << 17


@dataclass(frozen=True, slots=True)
class Results:
    """Results as arrays of one length; a row's id is its position.

    patient: dense index. time: collection, UTC ms. day: calendar day in the ward's zone. analyte: ANALYTE_CODES.
    low, high: the closed interval of the value in the canonical unit. status, quality: index into STATUSES and
    QUALITIES. specimen: code of the specimen (equal text, equal code), -1 without one. recorded: order of recording.
    timing: index into TIMINGS; unknown for all when absent.
    """

    patient: NDArray[np.int32]
    time: Ints
    day: NDArray[np.int32]
    analyte: Codes
    low: Floats
    high: Floats
    status: Codes
    quality: Codes
    specimen: Ints
    recorded: Ints
    timing: Codes | None = None

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """Every array, in the order of the fields."""
        found = (getattr(self, name) for name in self.__dataclass_fields__)
        return tuple(array for array in found if array is not None)

    def take(self, rows: slice | NDArray[Any]) -> Results:
        """The same columns, those rows only."""
        return Results(*(array[rows] for array in self.arrays()))

    def of_patients(self, first: int, rows: slice) -> Results:
        """Some rows that lie together, their patients counted from the first."""
        return replace(self.take(rows), patient=self.patient[rows] - np.int32(first))


@dataclass(frozen=True, slots=True)
class Events:
    """Events as arrays of one length; `end` is NO_TIME when none was recorded; kind is an index into EVENT_KINDS.

    dose: the number of a drug's dose, NaN where none can be read; 0 says that the drug is held. dose_unit: code of its
    unit (equal text, equal code), -1 without one; absent: none has one.
    """

    patient: NDArray[np.int32]
    kind: Codes
    start: Ints
    end: Ints
    dose: Floats | None = None
    dose_unit: Ints | None = None

    def take(self, rows: slice | NDArray[Any]) -> Events:
        """The same columns, those rows only."""
        dose = None if self.dose is None else self.dose[rows]
        unit = None if self.dose_unit is None else self.dose_unit[rows]
        return Events(self.patient[rows], self.kind[rows], self.start[rows], self.end[rows], dose, unit)

    def of_patients(self, first: int, rows: slice) -> Events:
        """Some rows that lie together, their patients counted from the first."""
        return replace(self.take(rows), patient=self.patient[rows] - np.int32(first))

    def of(self, *kinds: str) -> Events:
        """The events of some kinds."""
        if not self.kind.size:
            return self
        return self.take(positions(np.isin(self.kind, [EVENT_KINDS.index(kind) for kind in kinds])))

    @classmethod
    def none(cls) -> Events:
        """No events."""
        return cls(np.zeros(0, np.int32), np.zeros(0, np.int8), np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class Patients:
    """One entry per patient index. birth_day: calendar day number, -2**31 when unknown.

    day0, followed_until: UTC ms, NO_TIME when unknown. target_low, target_high: the chosen sirolimus band, NaN when
    none was chosen. Columns that are absent are unknown for all.
    """

    birth_day: NDArray[np.int32]
    day0: Ints | None = None
    followed_until: Ints | None = None
    target_low: Floats | None = None
    target_high: Floats | None = None

    def take(self, rows: slice) -> Patients:
        """The same columns, those patients only."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return Patients(**{name: column[rows] for name, column in found.items() if column is not None})

    @classmethod
    def unknown(cls, count: int) -> Patients:
        """That many patients without a birth date."""
        return cls(np.full(count, np.iinfo(np.int32).min, np.int32))


def in_steps(values: Floats) -> Ints:
    """Values as whole half-millionths, in which sums and products of short decimals are exact.

    A bound that lies just inside an open end is one step inside it; endless ones are very large.
    """
    millionths = np.rint(np.minimum(values * _MILLION, _LARGEST))
    exact = millionths / _MILLION
    steps = 2 * millionths.astype(np.int64)
    off = positions(values != exact)
    if off.size:
        steps[off] += np.where(values[off] > exact[off], 1, -1)
    return steps
