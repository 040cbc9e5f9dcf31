"""The points rules read, and which of some was the latest at each moment of their block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from khemon.rules.keys import Bools, Codes, Floats, Ints, key_patient, key_time, keys, positions, starts_of
from khemon.rules.moments import Moments, padded, place_since
from khemon.units import ANALYTE_CODES

_BEFORE_ALL = np.int64(np.iinfo(np.int64).min)


@dataclass(frozen=True, slots=True)
class Columns:
    """The points of a block as arrays of one length, sorted by patient, time and analyte.

    high is the very array of low where every value is exact. plain: none is preliminary or supported.
    """

    key: Ints
    day: NDArray[np.int32]
    analyte: Codes
    low: Floats
    high: Floats
    preliminary: Bools
    supported: Bools
    plain: bool
    row: Ints
    moments: Moments


class Points:
    """Usable results, one per patient, time and analyte, sorted so; `row` leads back to Results.

    A choice among the points of a block takes each column from there when it is first asked for.
    """

    def __init__(self, block: Columns, chosen: Ints | None = None) -> None:
        self._block = block
        self._chosen = chosen
        self._by_analyte: dict[str, Points] = {}

    def _taken(self, column: NDArray[Any]) -> NDArray[Any]:
        return column if self._chosen is None else column.take(self._chosen)

    @cached_property
    def key(self) -> Ints:
        return self._taken(self._block.key)

    @cached_property
    def padded_key(self) -> Ints:
        """The keys, and before them one that lies before all."""
        return padded(_BEFORE_ALL, self.key)

    @cached_property
    def patient(self) -> Ints:
        return key_patient(self.key)

    @cached_property
    def time(self) -> Ints:
        return key_time(self.key)

    @cached_property
    def day(self) -> NDArray[np.int32]:
        return self._taken(self._block.day)

    @cached_property
    def by_day(self) -> Ints:
        """Sortable numbers of patient and calendar day; a day later is one more."""
        return keys(self.patient, self.day)

    @cached_property
    def low(self) -> Floats:
        return self._taken(self._block.low)

    @cached_property
    def high(self) -> Floats:
        return self.low if self._block.high is self._block.low else self._taken(self._block.high)

    @cached_property
    def preliminary(self) -> Bools:
        return np.zeros(self.key.size, np.bool_) if self.plain else self._taken(self._block.preliminary)

    @cached_property
    def supported(self) -> Bools:
        return np.zeros(self.key.size, np.bool_) if self.plain else self._taken(self._block.supported)

    @cached_property
    def row(self) -> Ints:
        return self._taken(self._block.row)

    @cached_property
    def moment(self) -> Ints:
        """The number of each point's moment among those of the block."""
        return self._taken(self._block.moments.number)

    @cached_property
    def start(self) -> Bools:
        """Where a patient begins."""
        return starts_of(self.patient)

    @property
    def moments(self) -> Moments:
        """The moments of the block."""
        return self._block.moments

    @property
    def plain(self) -> bool:
        """Whether no point of the block is preliminary or supported."""
        return self._block.plain

    @cached_property
    def everywhere(self) -> bool:
        """Whether one of the points lies at every moment."""
        return self.moment.size == self.moments.key.size

    @cached_property
    def present(self) -> Bools:
        """At which moments one of the points lies."""
        mask = np.zeros(self.moments.key.size, np.bool_)
        mask[self.moment] = True
        return mask

    @cached_property
    def so_far(self) -> Ints:
        """How many of the points lie at or before each moment, whosever: the place of the latest, if it is recent."""
        if self.everywhere:
            return np.arange(1, self.moment.size + 1)
        counted = self.present.astype(np.int64)
        return np.cumsum(counted, out=counted)

    @cached_property
    def _latest(self) -> dict[int | None, Ints]:
        return {}

    def latest(self, within_ms: int | None = None) -> Ints:
        """The place of the patient's latest of the points at each moment; 0 without one, or when it is older."""
        if self.everywhere:
            return self.so_far
        if within_ms not in self._latest:
            self._latest[within_ms] = place_since(self.padded_key, self.so_far, self.moments.earliest(within_ms))
        return self._latest[within_ms]

    def take(self, rows: Ints) -> Points:
        """Those points only."""
        return Points(self._block, rows if self._chosen is None else self._chosen.take(rows))

    def of(self, analyte: str) -> Points:
        """The points of one analyte."""
        if analyte not in self._by_analyte:
            is_own = self._taken(self._block.analyte) == ANALYTE_CODES[analyte]
            self._by_analyte[analyte] = self.take(positions(is_own))
        return self._by_analyte[analyte]


def with_any(listed: Sequence[Points]) -> Ints | None:
    """The numbers of the moments with a point of any of the lists; None when that is all of them."""
    if any(points.everywhere for points in listed):
        return None
    present = listed[0].present
    for points in listed[1:]:
        present = present | points.present
    return None if present.all() else positions(present)
