"""The rebound shape: a watch armed by a durable response, and what follows the first low count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.rules.logic import certainly
from khemon.rules.rulebook import ReboundRule
from khemon.rules.series import LAST_TIME, NO_TIME, Bools, Ints, Points, key_patient, key_time, keys, starts_of
from khemon.rules.shapes import last_where, next_where, patient_ends

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


@dataclass(frozen=True, slots=True)
class _Counts:
    """The informative counts of all patients with what each position knows about its neighborhood."""

    key: Ints
    good: Bools
    settled: Bools
    next_bad: Ints
    next_low: Ints
    next_repeat: Ints
    next_good: Ints
    next_settled: Ints
    stop: Ints

    def key_at(self, position: Ints, patient: Ints) -> Ints:
        """The key at a position of that patient, or the largest number beyond its last count."""
        inside = position < self.key.size
        key = np.where(inside, self.key[np.minimum(position, self.key.size - 1)], _NEVER)
        return np.where(inside & (key_patient(key) == patient), key, _NEVER)


def _counts(platelets: Points, good: Bools, rule: ReboundRule) -> _Counts:
    start = starts_of(platelets.patient)
    position = np.arange(good.size)
    changed = start.copy()
    changed[1:] |= good[1:] != good[:-1]
    first_alike = last_where(changed)
    since_ms = platelets.time - platelets.time[first_alike]
    days = platelets.day - platelets.day[first_alike]
    enough = position - first_alike >= rule.isolated_samples.count - 1
    settled = good & enough & (days >= rule.isolated_span.count)
    low = certainly(platelets.low, platelets.high, "<", rule.confirmed_below.limit)
    return _Counts(
        platelets.key,
        good,
        settled,
        next_where(~good),
        next_where(low),
        next_where(~good & (since_ms >= rule.confirmed_after.ms)),
        next_where(good),
        next_where(settled),
        patient_ends(start),
    )


def _first_key_from(sorted_keys: Ints, at: Ints, side: str) -> Ints:
    """For each key in `at` the first of sorted_keys not before it ("left") or after it ("right"), same patient."""
    position = np.searchsorted(sorted_keys, at, "left" if side == "left" else "right")
    padded = np.append(sorted_keys, _NEVER)
    found = padded[position]
    return np.where((found != _NEVER) & (key_patient(found) == key_patient(at)), found, _NEVER)


def _confirmation(counts: _Counts, onset: Ints, companion_keys: Ints, rule: ReboundRule) -> Ints:
    """The key at which each rebound becomes confirmed, or the largest number."""
    onset_key = counts.key[onset]
    patient = key_patient(onset_key)
    streak_stop = np.minimum(counts.next_good[onset], counts.stop[onset])
    repeat = np.searchsorted(counts.key, onset_key + rule.confirmed_after.ms, "left")
    in_streak = np.where(repeat < streak_stop, counts.key_at(repeat, patient), _NEVER)
    padded = np.append(counts.next_repeat, counts.key.size)
    later = counts.key_at(padded[streak_stop], patient)
    low = counts.key_at(counts.next_low[onset], patient)
    companion = _first_key_from(companion_keys, onset_key, "left")
    return np.minimum(np.minimum(in_streak, later), np.minimum(low, companion))


def rebounds(
    platelets: Points, good: Bools, armed: Ints, confirmed: Ints, companion_keys: Ints, rule: ReboundRule
) -> Rebounds:
    """All rebounds.

    platelets, good: informative counts in order and which are good. armed: key of the first arming of each patient
    that has one. confirmed: sorted keys of every confirmation of the response. companion_keys: sorted keys at which
    a streak lasts while count and companion are certainly low.
    """
    rounds: list[tuple[Ints, Ints, Ints, Bools]] = []
    counts = _counts(platelets, good, rule)
    padded_next_bad = np.append(counts.next_bad, good.size)
    arming = armed
    while arming.size:
        found = padded_next_bad[np.searchsorted(counts.key, arming, "right")]
        onset_key = counts.key_at(found, key_patient(arming)) if good.size else np.full(arming.size, _NEVER)
        onset = found[onset_key != _NEVER]
        if not onset.size:
            break
        onset_key = counts.key[onset]
        confirmation = _confirmation(counts, onset, companion_keys, rule)
        recovery = _first_key_from(confirmed, onset_key, "right")
        settling = counts.key_at(counts.next_settled[onset], key_patient(onset_key))
        isolated_end = np.where(settling < confirmation, settling, _NEVER)
        end = np.minimum(recovery, isolated_end)
        confirmation = np.where(confirmation < end, confirmation, _NEVER)
        rounds.append((onset_key, confirmation, end, (recovery <= isolated_end) & (end != _NEVER)))
        arming = end[end != _NEVER]
    return _gathered(rounds, counts)


def _gathered(rounds: list[tuple[Ints, Ints, Ints, Bools]], counts: _Counts) -> Rebounds:
    if not rounds:
        none = np.zeros(0, np.int64)
        nothing = np.zeros(0, np.bool_)
        return Rebounds(none, none, none, none, nothing, nothing, nothing)
    onset, confirmation, end, recovered = (np.concatenate(column) for column in zip(*rounds, strict=True))
    order = np.argsort(onset, kind="stable")
    onset, confirmation, end, recovered = onset[order], confirmation[order], end[order], recovered[order]
    patient = key_patient(onset)
    ended = end != _NEVER
    until = np.where(ended, end, keys(patient.astype(np.int32), np.full(onset.size, LAST_TIME, np.int64)))
    latest = np.searchsorted(counts.key, until, "right") - 1
    return Rebounds(
        patient,
        key_time(onset),
        np.where(confirmation == _NEVER, NO_TIME, key_time(confirmation)),
        np.where(ended, key_time(end), NO_TIME),
        recovered,
        counts.good[latest],
        counts.settled[latest],
    )
