"""Levels against the band chosen for a patient: each level of a time is judged, troughs for certain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.models import SEVERITIES
from khemon.rules.further_rules import BandRule
from khemon.rules.logic import FALSE, TRUE, UNKNOWN, certainly
from khemon.rules.series import Bools, Codes, Floats, Ints, Patients, key_patient
from khemon.rules.singles import RANDOM, TROUGH, Singles
from khemon.rules.spans import Spans

_CODE = {word: np.int8(code) for code, word in enumerate(SEVERITIES)}
#: In which order answers at one time outweigh each other: certain, then undecided.
_WEIGHT = np.array([0, 2, 1])


@dataclass(frozen=True, slots=True)
class Band:
    """The judged moments in order: keys, answers, severities; and which levels (positions) took part."""

    key: Ints
    answer: Codes
    severity: Codes
    judged: Bools


def chosen(patients: Patients, patient: Ints, rule: BandRule) -> tuple[Floats, Floats]:
    """The band of each patient, or the rule's own where none was chosen."""
    low, high = np.full(patient.size, rule.unchosen.low.limit), np.full(patient.size, rule.unchosen.high.limit)
    if patients.target_low is None or patients.target_high is None:
        return low, high
    own_low, own_high = patients.target_low[patient], patients.target_high[patient]
    known = ~np.isnan(own_low)
    return np.where(known, own_low, low), np.where(known, own_high, high)


def outside(levels: Singles, patients: Patients, given: Spans | None, stops: Ints, rule: BandRule) -> Band:
    """Where levels lie outside. given: only levels inside these stretches are judged; each stop of them is inside."""
    patient = key_patient(levels.key)
    low, high = chosen(patients, patient, rule)
    answer = _side(levels, low, high, rule.side)
    trough = levels.timing == TROUGH
    judged = levels.timing != RANDOM
    if rule.untimed_beyond is not None:
        far = np.maximum(high, rule.untimed_beyond.limit)
        beyond = _side(levels, low, far, rule.side)
        judged &= trough | (answer == FALSE) | (beyond != FALSE)
    answer = np.where(trough | (answer == FALSE), answer, UNKNOWN).astype(np.int8)
    if given is not None:
        judged &= given.over(levels.key)
    severity = _severities(levels, trough, rule)
    key = np.concatenate([levels.key[judged], stops])
    told = np.concatenate([answer[judged], np.full(stops.size, FALSE)])
    grave = np.concatenate([severity[judged], np.zeros(stops.size, np.int8)])
    grave[told == FALSE] = 0
    order = np.lexsort((grave, _WEIGHT[told], key))
    last = np.append(key[order][1:] != key[order][:-1], True) if key.size else np.zeros(0, np.bool_)
    most = np.maximum.reduceat(grave[order], np.flatnonzero(np.append(True, last[:-1]))) if key.size else grave
    return Band(key[order][last], told[order][last], most, judged)


def _side(levels: Singles, low: Floats, high: Floats, side: str) -> Codes:
    """TRUE, FALSE or UNKNOWN for each level: below its low end, or above its high end."""
    if side == "below":
        answer = np.where(levels.high < low, TRUE, np.where(levels.low >= low, FALSE, UNKNOWN))
    else:
        answer = np.where(levels.low > high, TRUE, np.where(levels.high <= high, FALSE, UNKNOWN))
    return answer.astype(np.int8)


def _severities(levels: Singles, trough: Bools, rule: BandRule) -> Codes:
    severity = np.where(trough, _CODE[rule.severity], _CODE[rule.severity_untimed])
    if rule.graver is not None:
        assert rule.severity_untimed_raised is not None
        high = certainly(levels.low, levels.high, ">=", rule.graver.limit.limit)
        severity[high & trough] = _CODE[rule.graver.severity]
        severity[high & ~trough] = _CODE[rule.severity_untimed_raised]
    return severity
