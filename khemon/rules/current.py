"""What is known of an analyte at a moment: the latest point, and the current (recent, not neutral) value."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property

import numpy as np

from khemon.models import EVENT_KINDS
from khemon.rules.logic import UNKNOWN, verdicts
from khemon.rules.moments import padded
from khemon.rules.rulebook import Comparison
from khemon.rules.series import (
    LAST_TIME,
    NO_TIME,
    NONE,
    Bools,
    Codes,
    Events,
    Ints,
    Points,
    key_patient,
    keys,
    positions,
)


def good(points: Points, test: str, limit: float) -> Bools:
    """Where the value is certainly on the reassuring side of a limb's limit."""
    return points.high <= limit if test == ">" else points.low >= limit


def neutral(points: Points, limb: Comparison) -> Bools:
    """Where a supported or preliminary value is good for a limb, so that it is as if it were not there."""
    return (points.supported | points.preliminary) & good(points, limb.test, limb.limit.limit)


def latest(points: Points, at: Ints, inclusive: Bools | bool = True) -> Ints:
    """Position of the latest point at or before each key (strictly before where not inclusive); -1 without one."""
    place = points.key.searchsorted(at + np.asarray(inclusive, dtype=np.int64), "left")
    is_own = key_patient(points.padded_key.take(place)) == key_patient(at)
    return np.where(is_own, place - 1, NONE)


class Limb:
    """A comparison with the points it looks at: all of them, and those that count (are not neutral)."""

    def __init__(self, comparison: Comparison, points: Points, within_ms: int) -> None:
        self.comparison = comparison
        self.points = points
        self.within_ms = within_ms

    @cached_property
    def counted(self) -> Points:
        if self.points.plain:
            return self.points
        return self.points.take(positions(~neutral(self.points, self.comparison)))

    @cached_property
    def answers(self) -> Codes:
        """The verdict on each counted point."""
        counted, comparison = self.counted, self.comparison
        return verdicts(counted.low, counted.high, comparison.test, comparison.limit.limit)

    @cached_property
    def by_place(self) -> Codes:
        """The verdict on the counted point of each place; UNKNOWN for none."""
        return padded(UNKNOWN, self.answers)

    @cached_property
    def current(self) -> Ints:
        """The place of the current value at each moment of the block; 0 when missing."""
        return self.counted.latest(self.within_ms)

    @cached_property
    def verdict(self) -> Codes:
        """The comparison of the current value at each moment of the block."""
        return self.by_place.take(self.current)


class Limbs:
    """The limbs of the rules over one block: one per analyte, test and limit, judged once for all rules."""

    def __init__(self, points: Points, within_ms: int) -> None:
        self._points = points
        self._within_ms = within_ms
        self._limbs: dict[tuple[str, str, Decimal], Limb] = {}

    def of(self, comparison: Comparison) -> Limb:
        """The limb of a comparison."""
        asked = (comparison.analyte, comparison.test, comparison.limit.value)
        if asked not in self._limbs:
            self._limbs[asked] = Limb(comparison, self._points.of(comparison.analyte), self._within_ms)
        return self._limbs[asked]


def recent(points: Points, at: Ints, within_ms: int, inclusive: Bools) -> Ints:
    """As `latest`, but -1 when the point is older than `within_ms`."""
    position = latest(points, at, inclusive)
    is_young = points.padded_key.take(position + 1) >= at - within_ms
    return np.where(is_young, position, NONE)


def event_spans(events: Events, kind: str, closing: Ints, as_of: int) -> tuple[Ints, Ints, Bools]:
    """Keys where events of a kind start and stop, and which stops are ends known by as_of and before closing."""
    chosen = events.take(positions(events.kind == EVENT_KINDS.index(kind)))
    limit = np.minimum(closing[chosen.patient], as_of)
    ended = (chosen.end != NO_TIME) & (chosen.end <= limit)
    never = np.full(chosen.end.size, LAST_TIME, np.int64)
    stops = keys(chosen.patient, np.where(ended, chosen.end, never))
    return keys(chosen.patient, chosen.start), stops, ended


def covered(at: Ints, starts: Ints, stops: Ints) -> Bools:
    """Whether any span [start, stop) lies over each key; a span never leaves its patient."""
    if not starts.size:
        return np.zeros(at.size, np.bool_)
    begun = np.searchsorted(np.sort(starts), at, "right")
    return begun > np.searchsorted(np.sort(stops), at, "right")
