"""The closed set of shapes a rule can have: each turns points into stretches (onset, confirmation, end)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from khemon.rules.logic import FALSE, TRUE, UNKNOWN
from khemon.rules.moments import padded
from khemon.rules.series import NONE, Bools, Codes, Ints, keys
from khemon.rules.series import starts_of as starts_of


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches over a sorted sequence of evaluations, as positions in it; -1 where there is none.

    `last` is the last position that belongs to the stretch (before its end, or the last one seen).
    """

    first: Ints
    confirmed: Ints
    end: Ints
    last: Ints


def edges(code: Codes, start: Bools) -> Ints:
    """The positions at which a code changes or a patient begins: what lies between two of them is all alike."""
    edge = start.copy()
    edge[1:] |= code[1:] != code[:-1]
    return np.flatnonzero(edge)


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
    return held(answers, starts_of(patient))


def held(answers: Codes, start: Bools) -> Stretches:
    """As `holding`, with where each patient begins. Judged piece by piece of equal answers: they are far fewer."""
    piece = edges(answers, start)
    answer, opens = answers.take(piece), start.take(piece)
    holds = answer != FALSE
    begins = holds.copy()
    begins[1:] &= opens[1:] | ~holds[:-1]
    first = np.flatnonzero(begins)
    # A stretch goes on to the next piece that is FALSE or another patient's.
    closes = np.append(opens | ~holds, True)
    stop = next_where(closes).take(first + 1)
    confirmed = np.append(next_where(answer == TRUE), piece.size).take(first)
    place = np.append(piece, answers.size)
    ends_here = ~np.append(opens, True).take(stop)
    at_stop = place.take(stop)
    return Stretches(
        place.take(first),
        np.where(confirmed < stop, place.take(confirmed), NONE),
        np.where(ends_here, at_stop, NONE),
        at_stop - 1,
    )


def leading(answers: Codes, can_open: Bools, resolving: Bools, start: Bools) -> tuple[Stretches, Bools]:
    """Stretches of an AND with a leading analyte.

    answers: the AND at each evaluation. can_open: UNKNOWN may open there. resolving: ends a confirmed stretch there;
    a limb is certainly false there, so the AND is FALSE. start: where a patient begins. Also returns which stretches
    ended while still possible (excluded). Judged piece by piece of evaluations that are alike.
    """
    may_open = can_open & (answers == UNKNOWN)
    piece = edges(answers | _bit(may_open, 2) | _bit(resolving, 1 + 2), start)
    found, excluded = _leading(answers.take(piece), may_open.take(piece), resolving.take(piece), start.take(piece))
    place = np.append(piece, answers.size)
    stop = place.take(found.last + 1)
    return Stretches(
        place.take(found.first),
        np.where(found.confirmed == NONE, NONE, place[found.confirmed]),
        np.where(found.end == NONE, NONE, stop),
        stop - 1,
    ), excluded


def _bit(mask: Bools, number: int) -> Codes:
    """The mask as that bit of a code (answers take bits 0 and 1)."""
    return mask.view(np.int8) << np.int8(number)


def _leading(answers: Codes, may_open: Bools, resolving: Bools, start: Bools) -> tuple[Stretches, Bools]:
    stop_of_patient = patient_ends(start)
    is_true, is_false = answers == TRUE, answers == FALSE
    position = np.arange(answers.size)
    # Between two resolving evaluations of a patient, everything from the first TRUE on is one confirmed stretch.
    boundary = start.copy()
    boundary[1:] |= resolving[:-1]
    next_true = next_where(is_true)
    first_true = next_true[last_where(boundary)]
    segment_stop = np.minimum(next_where(resolving), stop_of_patient)
    in_confirmed = (first_true < segment_stop) & (position >= first_true)
    # Before it, stretches of possible are bounded by FALSE.
    floor = boundary.copy()
    floor[1:] |= is_false[:-1]
    opens = (is_true | may_open) & ~in_confirmed
    opens |= in_confirmed & (position == first_true)
    opened_before = last_where(opens)
    previous = np.full(answers.size, NONE, np.int64)
    previous[1:] = opened_before[:-1]
    first = np.flatnonzero(opens & (previous < last_where(floor)))
    true_at = next_true[first]
    false_at = np.minimum(next_where(is_false), stop_of_patient)[first]
    is_confirmed = true_at < false_at
    confirmed = np.where(is_confirmed, true_at, NONE)
    stop = np.where(is_confirmed, segment_stop[np.where(is_confirmed, true_at, first)], false_at)
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
    """Runs of good samples: `lasts` and `gap` in calendar days, `samples` the least number in a confirmed run.

    Good samples in a row are a stretch; long gaps cut it into pieces; a piece is a run unless an earlier one of its
    stretch was confirmed.
    """
    starts = starts_of(patient)
    stretch_first, stretch_stop = _good_stretches(good, starts)
    cuts = 1 + np.flatnonzero(day[1:] - day[:-1] > gap)
    # A cut lies inside a stretch when it comes after the first and before the stop of the latest one begun.
    begun = np.searchsorted(stretch_first, cuts, "left")
    cuts = cuts[cuts < padded(0, stretch_stop).take(begun)]
    first = np.sort(np.concatenate([stretch_first, cuts]))
    if not first.size:
        none = np.zeros(0, np.int64)
        return Runs(none, none, none, none, np.zeros(0, np.bool_), none)
    stretch = np.searchsorted(stretch_first, first, "right") - 1
    stop_of_stretch, stretch_of = stretch_stop.take(stretch), stretch_first.take(stretch)
    piece_stop = np.minimum(np.append(first[1:], good.size), stop_of_stretch)
    # The first sample of the piece that is late enough: days never decrease inside a patient.
    by_day = keys(patient, day)
    late = np.searchsorted(by_day, by_day.take(first) + lasts, "left")
    confirmed = np.maximum(np.maximum(late, first + samples - 1), first)
    is_confirmed = confirmed < piece_stop
    kept = np.flatnonzero(~_inside_confirmed(stretch_of, is_confirmed))
    whole = is_confirmed | (piece_stop == stop_of_stretch)
    stop = np.where(whole, stop_of_stretch, piece_stop)
    # What stops a whole stretch is a bad sample, unless the patient's samples are over.
    ends_bad = whole & ~np.append(starts, True).take(stop)
    return Runs(
        first.take(kept),
        np.where(is_confirmed, confirmed, NONE).take(kept),
        (stop - 1).take(kept),
        np.where(ends_bad, stop, NONE).take(kept),
        ~whole.take(kept),
        stretch_of.take(kept),
    )


def _good_stretches(good: Bools, start: Bools) -> tuple[Ints, Ints]:
    """The first position of each stretch of good samples after a bad one of the patient, and the one after its last.

    Someone never low has no response: what comes before the first bad sample is no stretch.
    """
    piece = edges(good.view(np.int8), start)
    at = np.flatnonzero(good.take(piece) & ~start.take(piece))
    return piece.take(at), np.append(piece, good.size).take(at + 1)


def _inside_confirmed(stretch_of: Ints, is_confirmed: Bools) -> Bools:
    """Which pieces follow a confirmed one of their stretch: a confirmed run goes on over later gaps."""
    stretch = np.cumsum(starts_of(stretch_of)) - 1
    order = np.arange(stretch_of.size)
    earliest = np.full(int(stretch[-1]) + 1, stretch_of.size)
    np.minimum.at(earliest, stretch[is_confirmed], order[is_confirmed])
    after: Bools = order > earliest[stretch]
    return after
