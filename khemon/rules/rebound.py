"""The rebound shape: a watch armed by a durable response, and what follows the first low count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.rules.keys import ended
from khemon.rules.logic import certainly
from khemon.rules.moments import padded
from khemon.rules.rulebook import ReboundRule
from khemon.rules.series import LAST_TIME, NO_TIME, NONE, Bools, Ints, key_patient, key_time, keys, positions
from khemon.rules.spans import preceding
from khemon.rules.streaks import Streaks

_NEVER = np.int64(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Rebounds:
    """Rebounds in order of patient and onset; times are UTC ms or NO_TIME; last_good and settled are as of the end."""

    patient: Ints
    onset: Ints
    confirmed_at: Ints
    end: Ints
    recovered: Bools
    last_good: Bools
    settled: Bools


class _Counts:
    """The informative counts, and from where on streaks after an arming say something, as sorted positions.

    repeated: the first count of each bad streak that is long enough after its first. settled: the count of each good
    streak from which on the good ones are enough and span enough days. low: every count that is certainly very low.
    """

    def __init__(self, streaks: Streaks, armed: Ints, rule: ReboundRule) -> None:
        self.streaks = streaks
        self.key = streaks.points.key
        after = preceding(self.key.take(streaks.first), armed) != NONE
        first, stop = streaks.first, streaks.stop
        bad, good = positions(after & ~streaks.is_good), positions(after & streaks.is_good)
        repeated = streaks.first_after(first.take(bad), stop.take(bad), rule.confirmed_after.ms)
        days, samples = rule.isolated_span.count, rule.isolated_samples.count
        settled = streaks.first_late(first.take(good), stop.take(good), days, samples)
        self.repeated = repeated[repeated != NONE]
        self.settled = settled[settled != NONE]
        low, high = streaks.points.low, streaks.points.high
        self.low = positions(certainly(low, high, "<", rule.confirmed_below.limit))

    def next_bad(self, position: Ints) -> Ints:
        """The first bad count at or after each position."""
        # Inside a bad streak it is the position itself (behind the last of all, too); else the first of the next one.
        is_bad = ~self.streaks.is_good
        inside = is_bad.take(self.streaks.number(position))
        return np.where(inside, position, _next(self.streaks.first[is_bad], position, self.key.size))

    def next_of(self, marks: Ints, position: Ints) -> Ints:
        """The first of the marks at or after each position; the number of counts without one."""
        return _next(marks, position, self.key.size)

    def is_settled(self, position: Ints) -> Bools:
        """Whether good counts have settled by each position, in its own streak."""
        latest = padded(NONE, self.settled).take(self.settled.searchsorted(position, "right"))
        settled: Bools = latest >= self.streaks.first.take(self.streaks.number(position))
        return settled

    def key_at(self, position: Ints, patient: Ints) -> Ints:
        """The key at a position of that patient, or the largest number beyond its last count."""
        key = ended(self.key, _NEVER).take(position)
        return np.where(key_patient(key) == patient, key, _NEVER)


def _next(sorted_positions: Ints, position: Ints, size: int) -> Ints:
    return ended(sorted_positions, size).take(sorted_positions.searchsorted(position, "left"))


def _first_key_from(sorted_keys: Ints, at: Ints) -> Ints:
    """For each key in `at` the first of sorted_keys not before it, same patient; the largest number without one."""
    position = sorted_keys.searchsorted(at, "left")
    padded = ended(sorted_keys, _NEVER)
    found = padded[position]
    return np.where((found != _NEVER) & (key_patient(found) == key_patient(at)), found, _NEVER)


def _confirmation(counts: _Counts, onset: Ints, companion_keys: Ints, rule: ReboundRule) -> Ints:
    """The key at which each rebound becomes confirmed, or the largest number."""
    onset_key = counts.key.take(onset)
    patient = key_patient(onset_key)
    streak_stop = counts.streaks.stop.take(counts.streaks.number(onset))
    repeat = counts.streaks.first_after(onset, streak_stop, rule.confirmed_after.ms)
    in_streak = np.where(repeat == NONE, _NEVER, counts.key.take(repeat, mode="clip"))
    later = counts.key_at(counts.next_of(counts.repeated, streak_stop), patient)
    low = counts.key_at(counts.next_of(counts.low, onset), patient)
    companion = _first_key_from(companion_keys, onset_key)
    return np.minimum(np.minimum(in_streak, later), np.minimum(low, companion))


def rebounds(streaks: Streaks, armed: Ints, confirmed: Ints, companion_keys: Ints, rule: ReboundRule) -> Rebounds:
    """All rebounds.

    streaks: of the informative counts. armed: key of the first arming of each patient that has one; there is at least
    one of either. confirmed: sorted keys of every confirmation of the response. companion_keys: sorted keys at which a
    streak lasts while count and companion are certainly low.
    """
    rounds: list[tuple[Ints, Ints, Ints, Bools]] = []
    counts = _Counts(streaks, armed, rule)
    arming = armed
    while arming.size:
        found = counts.next_bad(counts.key.searchsorted(arming, "right"))
        onset_key = counts.key_at(found, key_patient(arming))
        onset = found[onset_key != _NEVER]
        onset_key = counts.key.take(onset)
        confirmation = _confirmation(counts, onset, companion_keys, rule)
        recovery = _first_key_from(confirmed, onset_key)
        settling = counts.key_at(counts.next_of(counts.settled, onset), key_patient(onset_key))
        isolated_end = np.where(settling < confirmation, settling, _NEVER)
        end = np.minimum(recovery, isolated_end)
        confirmation = np.where(confirmation < end, confirmation, _NEVER)
        rounds.append((onset_key, confirmation, end, (recovery <= isolated_end) & (end != _NEVER)))
        arming = end[end != _NEVER]
    return _gathered(rounds, counts)


def _gathered(rounds: list[tuple[Ints, Ints, Ints, Bools]], counts: _Counts) -> Rebounds:
    onset, confirmation, end, recovered = (np.concatenate(column) for column in zip(*rounds, strict=True))
    order = np.argsort(onset, kind="stable")
    onset, confirmation, end, recovered = onset[order], confirmation[order], end[order], recovered[order]
    patient = key_patient(onset)
    ended = end != _NEVER
    until = np.where(ended, end, keys(patient.astype(np.int32), np.full(onset.size, LAST_TIME, np.int64)))
    latest = counts.key.searchsorted(until, "right") - 1
    streak = counts.streaks.number(latest)
    return Rebounds(
        patient,
        key_time(onset),
        np.where(confirmation == _NEVER, NO_TIME, key_time(confirmation)),
        np.where(ended, key_time(end), NO_TIME),
        recovered,
        counts.streaks.is_good.take(streak),
        counts.is_settled(latest),
    )
