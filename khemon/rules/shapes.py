"""The closed set of shapes a rule can have: each turns points into stretches (onset, confirmation, end)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from khemon.rules.logic import FALSE, TRUE, UNKNOWN
from khemon.rules.series import NONE, Bools, Codes, Ints


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches over a sorted sequence of evaluations, as positions in it; -1 where there is none.

    `last` is the last position that belongs to the stretch (before its end, or the last one seen).
    """

    first: Ints
    confirmed: Ints
    end: Ints
    last: Ints


def starts_of(patient: NDArray[np.int32] | Ints) -> Bools:
    """Where a new patient begins in a sorted sequence."""
    start = np.ones(patient.size, np.bool_)
    start[1:] = patient[1:] != patient[:-1]
    return start


def next_where(mask: Bools) -> Ints:
    """For each position the first position at or after it where mask holds; the length where none does."""
    size = mask.size
    found = np.where(mask, np.arange(size), size)
    return np.minimum.accumulate(found[::-1])[::-1] if size else found


def last_where(mask: Bools) -> Ints:
    """For each position the last position at or before it where mask holds; -1 where none does."""
    return np.maximum.accumulate(np.where(mask, np.arange(mask.size), NONE)) if mask.size else np.zeros(0, np.int64)


def patient_ends(start: Bools) -> Ints:
    """For each position the position just after its patient's last one."""
    size = start.size
    if not size:
        return np.zeros(0, np.int64)
    after: Ints = np.append(np.flatnonzero(start)[1:], size)[np.cumsum(start) - 1]
    return after


def holding(answers: Codes, patient: NDArray[np.int32] | Ints) -> Stretches:
    """Maximal stretches without FALSE: open at the first TRUE or UNKNOWN, confirmed at the first TRUE, end at FALSE."""
    start = starts_of(patient)
    holds = answers != FALSE
    before = np.zeros(answers.size, np.bool_)
    before[1:] = holds[:-1]
    first = np.flatnonzero(holds & (start | ~before))
    after = np.minimum(next_where(~holds), patient_ends(start))
    stop = after[first]
    ends_here = stop < patient_ends(start)[first]
    confirmed = next_where(answers == TRUE)[first]
    return Stretches(first, np.where(confirmed < stop, confirmed, NONE), np.where(ends_here, stop, NONE), stop - 1)


def leading(
    answers: Codes, can_open: Bools, resolving: Bools, patient: NDArray[np.int32] | Ints
) -> tuple[Stretches, Bools]:
    """Stretches of an AND with a leading analyte.

    answers: the AND at each evaluation. can_open: UNKNOWN may open there. resolving: ends a confirmed stretch there.
    Also returns which stretches ended while still possible (excluded).
    """
    start = starts_of(patient)
    stop_of_patient = patient_ends(start)
    is_true = answers == TRUE
    # Between two resolving evaluations of a patient, everything from the first TRUE on is one confirmed stretch.
    boundary = start.copy()
    boundary[1:] |= resolving[:-1]
    segment_first = last_where(boundary)
    first_true = next_where(is_true)[segment_first]
    segment_stop = np.minimum(next_where(resolving), stop_of_patient)
    in_confirmed = (first_true < segment_stop) & (np.arange(answers.size) >= first_true)
    # Before it, stretches of possible are bounded by FALSE.
    floor = boundary.copy()
    floor[1:] |= (answers == FALSE)[:-1]
    opens = (is_true | ((answers == UNKNOWN) & can_open)) & ~in_confirmed
    opens |= in_confirmed & (np.arange(answers.size) == first_true)
    piece_first = last_where(floor)
    opened_before = last_where(opens)
    previous = np.full(answers.size, NONE, np.int64)
    previous[1:] = opened_before[:-1]
    first = np.flatnonzero(opens & (previous < piece_first))
    true_at = next_where(is_true)[first]
    false_at = np.minimum(next_where(answers == FALSE), stop_of_patient)[first]
    is_confirmed = true_at < false_at
    confirmed = np.where(is_confirmed, true_at, NONE)
    resolved_at = np.minimum(next_where(resolving), stop_of_patient)[np.where(is_confirmed, true_at, first)]
    stop = np.where(is_confirmed, resolved_at, false_at)
    ends_here = stop < stop_of_patient[first]
    return Stretches(first, confirmed, np.where(ends_here, stop, NONE), stop - 1), ends_here & ~is_confirmed


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


def runs(
    good: Bools, day: NDArray[np.int32], patient: NDArray[np.int32] | Ints, lasts: int, samples: int, gap: int
) -> Runs:
    """Runs of good samples: `lasts` and `gap` in calendar days, `samples` the least number in a confirmed run."""
    size = good.size
    start = starts_of(patient)
    stop_of_patient = patient_ends(start)
    # Someone never low has no response: only what follows a bad sample counts.
    counted = good & (last_where(~good) >= last_where(start))
    stretch_start, piece_start = _run_starts(counted, start, day, gap)
    first = np.flatnonzero(piece_start)
    if not first.size:
        none = np.zeros(0, np.int64)
        return Runs(none, none, none, none, np.zeros(0, np.bool_), none)
    stretch_of = last_where(stretch_start)[first]
    stretch_stop = np.minimum(next_where(~counted), stop_of_patient)[first]
    piece_stop = np.minimum(np.append(first[1:], size), stretch_stop)
    # The first sample of the piece that is late enough: days never decrease inside a patient.
    since = first[np.maximum(np.cumsum(piece_start) - 1, 0)]
    late = counted & (day - day[since] >= lasts) & (np.arange(size) - since >= samples - 1)
    confirmed = next_where(late)[first]
    is_confirmed = confirmed < piece_stop
    kept = ~_inside_confirmed(stretch_of, is_confirmed)
    whole = is_confirmed | (piece_stop == stretch_stop)
    stop = np.where(whole, stretch_stop, piece_stop)
    ends_bad = whole & (stop < stop_of_patient[first])
    return Runs(
        first[kept],
        np.where(is_confirmed, confirmed, NONE)[kept],
        (stop - 1)[kept],
        np.where(ends_bad, stop, NONE)[kept],
        ~whole[kept],
        stretch_of[kept],
    )


def _run_starts(counted: Bools, start: Bools, day: NDArray[np.int32], gap: int) -> tuple[Bools, Bools]:
    """Where a stretch of counted samples starts, and where a piece of it does (also after a gap)."""
    before = np.zeros(counted.size, np.bool_)
    before[1:] = counted[:-1]
    stretch_start = counted & (start | ~before)
    long_gap = np.zeros(counted.size, np.bool_)
    long_gap[1:] = (day[1:].astype(np.int64) - day[:-1]) > gap
    return stretch_start, counted & (stretch_start | long_gap)


def _inside_confirmed(stretch_of: Ints, is_confirmed: Bools) -> Bools:
    """Which pieces follow a confirmed one of their stretch: a confirmed run goes on over later gaps."""
    stretch = np.cumsum(starts_of(stretch_of)) - 1
    order = np.arange(stretch_of.size)
    earliest = np.full(int(stretch[-1]) + 1, stretch_of.size)
    np.minimum.at(earliest, stretch[is_confirmed], order[is_confirmed])
    after: Bools = order > earliest[stretch]
    return after
