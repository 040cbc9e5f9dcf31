"""The measurement nearest to a day, and whether one that is not seen yet could still be nearer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.rules.keys import ended
from khemon.rules.series import NONE, Bools, Ints, key_patient, keys

#: Stands behind all keys where there is none, and is of no patient.
_NOBODY = -1
_FAR = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Nearest:
    """place: position of the measurement, -1 without one. settled: nothing that can still come changes the choice."""

    place: Ints
    settled: Bools


def nearest(by_day: Ints, patient: Ints, day: Ints, within: Ints | int, last: Ints) -> Nearest:
    """For each patient and day the nearest measurement of at most `within` calendar days; of two as near the earlier.

    by_day: sorted keys of patient and calendar day, those of one day in order of time. last: until which day the
    patient has been seen; of that day more may come.
    """
    target = keys(patient, day)
    padded = ended(by_day, _NOBODY)
    after = by_day.searchsorted(target, "left")
    ahead = np.where(key_patient(padded[after]) == patient, padded[after] - target, _FAR)
    before = after - 1
    is_own = key_patient(padded[before]) == patient
    behind = np.where(is_own, target - padded[before], _FAR)
    earlier = (behind <= ahead) & (behind <= within)
    # The first of that day: of two as near it is the earlier.
    first_behind = by_day.searchsorted(padded[before], "left")
    place = np.where(earlier, first_behind, np.where(ahead <= within, after, NONE))
    settled = np.where(earlier, last >= day + np.where(earlier, behind, 0), (place != NONE) | (last > day + within))
    return Nearest(place, settled)


def latest_before(by_day: Ints, patient: Ints, day: Ints, within: int) -> Ints:
    """For each patient and day the position of the latest measurement until that day, at most `within` days old."""
    target = keys(patient, day)
    padded = ended(by_day, _NOBODY)
    before = by_day.searchsorted(target, "right") - 1
    is_own = key_patient(padded[before]) == patient
    young = target - np.where(is_own, padded[before], target) <= within
    return np.where(is_own & young, before, NONE)
