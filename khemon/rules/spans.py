"""Stretches of time as keys: [start, stop), what they cover together, both at once, or one without the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.rules.current import covered
from khemon.rules.moments import padded
from khemon.rules.series import LAST_TIME, NONE, Bools, Ints, key_patient, keys, merged

_LAST = np.array([LAST_TIME], np.int64)


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches [start, stop) as keys of one patient each; a stop without a known time is that patient's last key."""

    start: Ints
    stop: Ints

    @classmethod
    def of(cls, start: Ints, stop: Ints) -> Spans:
        """Disjoint stretches in order that cover what those given cover; empty ones vanish, adjoining ones join."""
        if not start.size:
            return cls(start, stop)
        chosen = start < stop
        start, stop = start[chosen], stop[chosen]
        at = merged([np.sort(start), np.sort(stop)])
        return _where(at, covered(at, start, stop))

    @property
    def size(self) -> int:
        """How many."""
        return int(self.start.size)

    def over(self, at: Ints) -> Bools:
        """Whether a stretch lies over each key."""
        return covered(at, self.start, self.stop)

    def within(self, other: Spans) -> Spans:
        """Where both are."""
        at = merged([np.sort(keys_) for keys_ in (self.start, self.stop, other.start, other.stop)])
        return _where(at, self.over(at) & other.over(at))

    def without(self, other: Spans) -> Spans:
        """Where this one is and the other is not."""
        at = merged([np.sort(keys_) for keys_ in (self.start, self.stop, other.start, other.stop)])
        return _where(at, self.over(at) & ~other.over(at))


def _where(at: Ints, holds: Bools) -> Spans:
    """The stretches between sorted keys over which something holds from each key to the next."""
    before = padded(False, holds[:-1])
    return Spans(at[holds & ~before], at[~holds & before])


def never(patient: Ints) -> Ints:
    """The last key of each patient."""
    return keys(patient, _LAST)


def following(at: Ints, sorted_keys: Ints) -> Ints:
    """For each key the first of sorted_keys of the same patient after it, or the patient's last key."""
    last = never(key_patient(at))
    if not sorted_keys.size:
        return last
    position = sorted_keys.searchsorted(at, "right")
    found = sorted_keys[np.minimum(position, sorted_keys.size - 1)]
    inside = (position < sorted_keys.size) & (key_patient(found) == key_patient(at))
    return np.where(inside, found, last)


def preceding(at: Ints, sorted_keys: Ints) -> Ints:
    """For each key the position of the last of sorted_keys of the same patient at or before it; -1 without one."""
    if not sorted_keys.size:
        return np.full(at.size, NONE)
    # Before the first of all the position is NONE already.
    position = sorted_keys.searchsorted(at, "right") - 1
    return np.where(key_patient(sorted_keys[position]) == key_patient(at), position, NONE)
