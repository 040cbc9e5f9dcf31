"""Streaks: rows of informative samples of a patient that are all good or all bad; and the run shape over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.rules.keys import ended
from khemon.rules.moments import padded
from khemon.rules.series import NONE, Bools, Ints, Points, positions, starts_of
from khemon.rules.shapes import edges


@dataclass(frozen=True, slots=True)
class Streaks:
    """The streaks of the informative samples of one analyte, as positions among them.

    first, stop: of each streak its first sample and the position after its last. is_good: of each streak. opens:
    whether its first sample is the patient's first.
    """

    points: Points
    first: Ints
    stop: Ints
    is_good: Bools
    opens: Bools

    @classmethod
    def of(cls, points: Points, good: Bools) -> Streaks:
        """The streaks of informative samples, given which of them are good."""
        first = edges(good, points.start)
        return cls(points, first, ended(first[1:], good.size), good.take(first), points.start.take(first))

    def number(self, position: Ints) -> Ints:
        """The number of the streak of each position."""
        return self.first.searchsorted(position, "right") - 1

    def first_late(self, since: Ints, stop: Ints, days: int, samples: int) -> Ints:
        """The first position, before each stop, so many calendar days after `since` and at least the n-th from it.

        NONE where there is none. Days never decrease inside a patient; a stop lies in the same one, or just behind.
        """
        day = self.points.day
        found = np.full(since.size, NONE, np.int64)
        spans = day.take(stop - 1) - day.take(since) >= days
        asked = positions(spans & (stop - since >= samples))
        since = since.take(asked)
        by_day = self.points.by_day
        late = by_day.searchsorted(by_day.take(since) + days, "left")
        found[asked] = np.maximum(np.maximum(late, since + samples - 1), since)
        return found

    def first_after(self, since: Ints, stop: Ints, ms: int) -> Ints:
        """The first position, before each stop, at least so long after `since`; NONE where there is none."""
        key = self.points.key
        found = np.full(since.size, NONE, np.int64)
        asked = positions(key.take(stop - 1) - key.take(since) >= ms)
        found[asked] = key.searchsorted(key.take(since.take(asked)) + ms, "left")
        return found


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs over a patient-sorted sequence of informative samples, as positions in it; -1 where there is none.

    stretch_first: the first good sample since the last bad one, gaps included. end: the bad sample that closed it.
    gap: the run was closed by a gap (its end is `last`).
    """

    first: Ints
    confirmed: Ints
    last: Ints
    end: Ints
    gap: Bools
    stretch_first: Ints


def runs(streaks: Streaks, lasts: int, samples: int, gap: int) -> Runs:
    """Runs of good samples: `lasts` and `gap` in calendar days, `samples` the least number in a confirmed run.

    A stretch is a good streak after a bad one. Long gaps cut it into pieces; a piece is a run unless an earlier one of
    its stretch was confirmed.
    """
    # Someone never low has no response: what comes before the first bad sample is no stretch.
    at = positions(streaks.is_good & ~streaks.opens)
    stretch_first, stretch_stop = streaks.first.take(at), streaks.stop.take(at)
    # A stretch stops at a bad sample, unless the patient's samples are over.
    ends_bad = ~ended(streaks.opens, True).take(at + 1)
    first = np.sort(np.concatenate([stretch_first, _cuts(streaks.points, stretch_first, stretch_stop, gap)]))
    if not first.size:
        none = np.zeros(0, np.int64)
        return Runs(none, none, none, none, np.zeros(0, np.bool_), none)
    stretch = stretch_first.searchsorted(first, "right") - 1
    stop_of_stretch, stretch_of = stretch_stop.take(stretch), stretch_first.take(stretch)
    piece_stop = np.minimum(ended(first[1:], stretch_stop[-1]), stop_of_stretch)
    confirmed = streaks.first_late(first, piece_stop, lasts, samples)
    is_confirmed = confirmed != NONE
    kept = positions(~_inside_confirmed(stretch, is_confirmed))
    whole = is_confirmed | (piece_stop == stop_of_stretch)
    stop = np.where(whole, stop_of_stretch, piece_stop)
    return Runs(
        first.take(kept),
        confirmed.take(kept),
        (stop - 1).take(kept),
        np.where(whole & ends_bad.take(stretch), stop, NONE).take(kept),
        ~whole.take(kept),
        stretch_of.take(kept),
    )


def _cuts(points: Points, stretch_first: Ints, stretch_stop: Ints, gap: int) -> Ints:
    """The positions inside stretches more than so many calendar days after the sample before."""
    far = 1 + positions(points.day[1:] - points.day[:-1] > gap)
    # Inside means after the first of the latest stretch begun before, and before its stop.
    begun = stretch_first.searchsorted(far, "left")
    return far[far < padded(0, stretch_stop).take(begun)]


def _inside_confirmed(stretch: Ints, is_confirmed: Bools) -> Bools:
    """Which pieces follow a confirmed one of their stretch: a confirmed run goes on over later gaps."""
    first = starts_of(stretch)
    before: Ints = np.cumsum(is_confirmed) - is_confirmed
    at_first = before.take(positions(first))
    after: Bools = before > at_first.take(np.cumsum(first) - 1)
    return after
