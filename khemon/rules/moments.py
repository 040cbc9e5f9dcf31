"""The moments of a block: each patient and time with a point, and which point of some was the latest there.

A place among points is counted from 1, so that 0 says "none" and one look into a column padded in front answers both.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from khemon.rules.series import Bools, Ints, key_first, key_patient, positions, starts_of

if TYPE_CHECKING:
    from khemon.rules.series import Points

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


def place_since(points: Points, place: Ints, earliest: Ints) -> Ints:
    """The places, 0 where the point lies before the earliest key."""
    return place * (points.padded_key.take(place) >= earliest)


class Moments:
    """The moments of the points of one block, in order. What was asked once is kept."""

    def __init__(self, of_points: Ints) -> None:
        """of_points: the key of every point of the block, sorted."""
        self._of_points = of_points
        self._present: dict[Points, Bools] = {}
        self._so_far: dict[Points, Ints] = {}
        self._latest: dict[tuple[Points, int | None], Ints] = {}
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

    def present(self, points: Points) -> Bools:
        """At which moments one of the points lies."""
        if points not in self._present:
            mask = np.zeros(self.key.size, np.bool_)
            mask[points.moment] = True
            self._present[points] = mask
        return self._present[points]

    def so_far(self, points: Points) -> Ints:
        """How many of the points lie at or before each moment, whosever: the place of the latest, if it is recent."""
        if points not in self._so_far:
            self._so_far[points] = self._counted(points)
        return self._so_far[points]

    def _counted(self, points: Points) -> Ints:
        if points.moment.size == self.key.size:
            return np.arange(1, self.key.size + 1)
        counted = self.present(points).astype(np.int64)
        return np.cumsum(counted, out=counted)

    def latest(self, points: Points, within_ms: int | None = None) -> Ints:
        """The place of the patient's latest of the points at each moment; 0 without one, or when it is older."""
        asked = (points, within_ms)
        if asked not in self._latest:
            self._latest[asked] = self._since(points, within_ms)
        return self._latest[asked]

    def _since(self, points: Points, within_ms: int | None) -> Ints:
        place = self.so_far(points)
        if points.moment.size == self.key.size:
            return place
        if within_ms not in self._earliest:
            self._earliest[within_ms] = not_before(self.key, within_ms)
        return place_since(points, place, self._earliest[within_ms])

    def with_any(self, listed: list[Points]) -> Ints | None:
        """The numbers of the moments with a point of any of the lists; None when that is all of them."""
        if any(points.moment.size == self.key.size for points in listed):
            return None
        present = self.present(listed[0])
        for points in listed[1:]:
            present = present | self.present(points)
        return None if present.all() else positions(present)
