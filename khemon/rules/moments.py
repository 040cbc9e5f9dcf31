"""The moments of a block: each patient and time with a point, and which point of some was the latest there.

A place among points is counted from 1, so that 0 says "none" and one look into a column padded in front answers both.
"""

from __future__ import annotations

from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from khemon.rules.keys import Bools, Ints, key_first, key_patient, positions, starts_of

_Number = TypeVar("_Number", bound=np.generic)


def padded(first: int | np.generic, column: NDArray[_Number]) -> NDArray[_Number]:
    """The column with a value in front of it."""
    found = np.empty(column.size + 1, column.dtype)
    found[0] = first
    found[1:] = column
    return found


def not_before(at: Ints, within_ms: int | None) -> Ints:
    """The earliest key of the same patient that is not older than so long at each key; None: however old."""
    first = key_first(at)
    return first if within_ms is None else np.maximum(first, at - within_ms)


def place_since(padded_key: Ints, place: Ints, earliest: Ints) -> Ints:
    """The places, 0 where the point lies before the earliest key. padded_key: keys of the points, one before all."""
    return place * (padded_key.take(place) >= earliest)


class Moments:
    """The moments of the points of one block, in order."""

    def __init__(self, of_points: Ints) -> None:
        """of_points: the key of every point of the block, sorted."""
        self._of_points = of_points
        self._earliest: dict[int | None, Ints] = {}

    @cached_property
    def _first(self) -> Bools:
        return starts_of(self._of_points)

    @cached_property
    def number(self) -> Ints:
        """For each point of the block the number of its moment."""
        later = self._first.astype(np.int64)
        later[:1] = 0
        number: Ints = np.cumsum(later, out=later)
        return number

    @cached_property
    def key(self) -> Ints:
        return self._of_points.take(positions(self._first))

    @cached_property
    def start(self) -> Bools:
        """Where a patient begins."""
        return starts_of(key_patient(self.key))

    def earliest(self, within_ms: int | None) -> Ints:
        """The earliest key of the same patient that is not older than so long at each moment; None: however old."""
        if within_ms not in self._earliest:
            self._earliest[within_ms] = not_before(self.key, within_ms)
        return self._earliest[within_ms]
