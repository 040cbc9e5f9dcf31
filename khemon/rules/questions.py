"""Questions beside results: outside soft limits, a jump from the previous one, a factor that another unit gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from khemon.models import LASTING_EVENTS
from khemon.rules.further_rules import Exactly, Jump
from khemon.rules.keys import ended
from khemon.rules.series import (
    LAST_TIME,
    NO_TIME,
    NONE,
    Bools,
    Events,
    Floats,
    Ints,
    in_steps,
    key_patient,
    keys,
    positions,
)
from khemon.rules.shapes import last_where, starts_of
from khemon.units import ANALYTES


@dataclass(frozen=True)
class Row:
    """Results of one analyte in order, one after the other: keys, bounds. What several questions need is kept."""

    key: Ints
    low: Floats
    high: Floats
    _near: dict[int, Bools] = field(default_factory=dict, repr=False)

    @cached_property
    def low_steps(self) -> Ints:
        return in_steps(self.low)

    @cached_property
    def high_steps(self) -> Ints:
        return self.low_steps if self.high is self.low else in_steps(self.high)

    @cached_property
    def before(self) -> Ints:
        """The position before each; its own where there is none."""
        return np.maximum(np.arange(self.key.size) - 1, 0)

    @cached_property
    def changes(self) -> tuple[Ints, Ints]:
        """The larger and the smaller of each value and the one before, in steps."""
        low, before = self.low_steps, self.low_steps.take(self.before)
        return np.maximum(low, before), np.minimum(low, before)

    def near(self, within_ms: int) -> Bools:
        """Whether the one before is of the same patient, alone at its time, and not longer ago."""
        if within_ms not in self._near:
            self._near[within_ms] = self.follows & (self.key - self.key.take(self.before) <= within_ms)
        return self._near[within_ms]

    @cached_property
    def _first(self) -> Ints:
        """The position of each one's patient's first."""
        return last_where(starts_of(key_patient(self.key)))

    def lies_behind(self, back: int) -> Bools:
        """Whether the one so many positions before is of the same patient; from the first that has one on."""
        same: Bools = self._first[back:] == self._first[:-back]
        return same

    @cached_property
    def times_smaller(self) -> Floats:
        """About how often the smaller of each value and the one before goes into the larger."""
        larger, smaller = self.changes
        return larger / np.maximum(smaller, 1)

    @cached_property
    def follows(self) -> Bools:
        """Whether the one before is of the same patient, and both stand alone at their times.

        Several results of one time are not a jump, and which of them was meant cannot be told.
        """
        first = starts_of(self.key)
        alone = first & ended(first[1:], True)
        follows: Bools = ~starts_of(key_patient(self.key)) & alone & alone.take(self.before)
        return follows


@dataclass(frozen=True, slots=True)
class Asked:
    """Positions of a row that a question stands beside, and those they are compared with (-1: none)."""

    at: Ints
    compared: Ints
    words: str


def beyond_soft(row: Row, analyte: str, words: str) -> Asked:
    """Results certainly outside the soft limits of the analyte table."""
    soft = ANALYTES[analyte].soft
    assert soft is not None
    low, high = (float(limit) for limit in soft)
    at = positions((row.high < low) | (row.low > high))
    return Asked(at, np.full(at.size, NONE), words)


def jumps(row: Row, jump: Jump, events: Events, doses: Ints) -> Asked:
    """Results that certainly jumped from one shortly before, where nothing in that time would explain it.

    Without a time within which, they are compared with the previous one. doses: sorted keys at which the drug began or
    stopped, or its dose was (or may have been) changed.
    """
    at, before = _since_previous(row, jump) if jump.within is None else _shortly_before(row, jump, jump.within.ms)
    if not at.size or not (events.kind.size or doses.size):
        return Asked(at, before, jump.asks)
    first = row.key[before] if jump.within is None else row.key[at] - jump.within.ms
    explained = _touched(first, row.key[at], events.of(*jump.unless))
    begun = doses.searchsorted(np.stack([first, row.key[at]]), "right")
    explained |= begun[1] > begun[0]
    return Asked(at[~explained], before[~explained], jump.asks)


def _since_previous(row: Row, jump: Jump) -> tuple[Ints, Ints]:
    """Positions of results that jumped from the previous one, and of that one."""
    at = positions(row.follows)
    at = at[_jumped(row, at, row.before[at], jump)]
    return at, row.before[at]


def _shortly_before(row: Row, jump: Jump, within_ms: int) -> tuple[Ints, Ints]:
    """Positions of results that jumped from one so shortly before, and of the latest such one.

    Of those that jumped from the same one only the first: the next ones are no news.
    """
    size = row.key.size
    compared, crossed = np.full(size, NONE, np.int64), np.zeros(size, np.bool_)
    for back in range(1, size):
        now = positions((row.key[back:] - row.key[:-back] <= within_ms) & row.lies_behind(back)) + back
        if not now.size:
            break
        now = now[_jumped(row, now, now - back, jump)]
        news = now[~crossed[now - back] & (compared[now] == NONE)]
        compared[news] = news - back
        crossed[now - back] = True
    at = positions(compared != NONE)
    return at, compared[at]


def _jumped(row: Row, now: Ints, before: Ints, jump: Jump) -> Bools:
    """Whether results certainly jumped from others."""
    low = high = row.low_steps.take(now)
    low_before = high_before = row.low_steps.take(before)
    if row.high_steps is not row.low_steps:
        high, high_before = row.high_steps.take(now), row.high_steps.take(before)
    found = np.zeros(now.size, np.bool_)
    if jump.falls_to is not None:
        part, whole = jump.falls_to.value.as_integer_ratio()
        found |= high * whole < low_before * part
    if jump.rises_to is not None:
        part, whole = jump.rises_to.value.as_integer_ratio()
        found |= low * whole > high_before * part
    if jump.factor is not None:
        part, whole = jump.factor.value.as_integer_ratio()
        found |= (low * whole > high_before * part) | (high * part < low_before * whole)
    if jump.rises_by is not None:
        found |= low - high_before > _amount(jump.rises_by.limit)
    if jump.changes_by is not None:
        amount = _amount(jump.changes_by.limit)
        found |= (low - high_before > amount) | (low_before - high > amount)
    if jump.from_above is not None:
        found &= row.low[before] > jump.from_above.limit
    return found


def _amount(limit: float) -> int:
    return int(in_steps(np.array([limit]))[0])


def _touched(first: Ints, last: Ints, events: Events) -> Bools:
    """Whether an event was under way, or began, between two keys (both ends included)."""
    start = keys(events.patient, events.start)
    never = np.where(events.kind < len(LASTING_EVENTS), LAST_TIME, events.start)
    end = keys(events.patient, np.where(events.end == NO_TIME, never, events.end))
    # Those begun by the last key less those over before the first.
    begun = np.searchsorted(np.sort(start), last, "right")
    over = np.searchsorted(np.sort(end), first, "left")
    touched: Bools = begun > over
    return touched


def factors(row: Row, rule: Exactly) -> Asked:
    """Exact results that differ from the previous one by a factor, up or down: exactly, or nearly."""
    found = row.near(rule.within.ms)
    if row.high is not row.low:
        exact = row.low == row.high
        found = found & exact & exact.take(row.before)
    factor, give = rule.factor.limit, 0.0 if rule.give is None else rule.give.limit
    # Few come near; only those are judged in whole numbers.
    at = positions(found & (np.abs(row.times_smaller - factor) <= factor * give + 1))
    if at.size:
        larger, smaller = (changes.take(at) for changes in row.changes)
        part, whole = rule.factor.value.as_integer_ratio()
        give_part, give_whole = (0, 1) if rule.give is None else rule.give.value.as_integer_ratio()
        apart = np.abs(larger * whole - smaller * part) * give_whole
        at = at[(smaller > 0) & (apart <= smaller * part * give_part)]
    return Asked(at, row.before[at], rule.asks)
