"""The closed set of shapes a rule can have: each turns points into stretches (onset, confirmation, end)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from khemon.rules.keys import ended
from khemon.rules.logic import FALSE, TRUE, UNKNOWN
from khemon.rules.series import NONE, Bools, Codes, Ints, positions
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


def edges(code: Codes | Bools, start: Bools) -> Ints:
    """The positions at which a code changes or a patient begins: what lies between two of them is all alike."""
    edge = start.copy()
    edge[1:] |= code[1:] != code[:-1]
    return positions(edge)


def _between(mask: Bools) -> tuple[Ints, Ints]:
    """-1, the positions where mask holds, the length; and how far each of them lies behind the one before."""
    at = positions(mask)
    bounds = np.empty(at.size + 2, np.int64)
    bounds[0], bounds[1:-1], bounds[-1] = NONE, at, mask.size
    return bounds, bounds[1:] - bounds[:-1]


def next_where(mask: Bools) -> Ints:
    """For each position the first position at or after it where mask holds; the length where none does."""
    bounds, behind = _between(mask)
    return bounds[1:].repeat(behind)[: mask.size]


def last_where(mask: Bools) -> Ints:
    """For each position the last position at or before it where mask holds; -1 where none does."""
    bounds, behind = _between(mask)
    behind[0] -= 1
    return bounds[:-1].repeat(behind)


def patient_ends(start: Bools) -> Ints:
    """For each position the position just after its patient's last one."""
    after: Ints = ended(positions(start)[1:], start.size)[np.cumsum(start) - 1]
    return after


def holding(answers: Codes, patient: NDArray[np.int32] | Ints) -> Stretches:
    """Maximal stretches without FALSE: open at the first TRUE or UNKNOWN, confirmed at the first TRUE, end at FALSE."""
    return held(answers, starts_of(patient))


def held(answers: Codes, start: Bools) -> Stretches:
    """As `holding`, with where each patient begins. Judged piece by piece of equal answers: they are far fewer."""
    piece = edges(answers, start)
    answer, opens = answers.take(piece), start.take(piece)
    if not (answer == UNKNOWN).any():
        return _certain(piece, answer, opens, answers.size)
    holds = answer != FALSE
    begins = holds.copy()
    begins[1:] &= opens[1:] | ~holds[:-1]
    first = positions(begins)
    # A stretch goes on to the next piece that is FALSE or another patient's.
    closes = ended(opens | ~holds, True)
    stop = next_where(closes).take(first + 1)
    confirmed = ended(next_where(answer == TRUE), piece.size).take(first)
    place = ended(piece, answers.size)
    ends_here = ~ended(opens, True).take(stop)
    at_stop = place.take(stop)
    return Stretches(
        place.take(first),
        np.where(confirmed < stop, place.take(confirmed), NONE),
        np.where(ends_here, at_stop, NONE),
        at_stop - 1,
    )


def _certain(piece: Ints, answer: Codes, opens: Bools, size: int) -> Stretches:
    """The stretches when every answer is TRUE or FALSE: each piece that is TRUE is one, confirmed at once."""
    held = positions(answer == TRUE)
    first, stop = piece.take(held), ended(piece, size).take(held + 1)
    return Stretches(first, first, np.where(ended(opens, True).take(held + 1), NONE, stop), stop - 1)


def leading(answers: Codes, can_open: Bools, resolving: Bools, start: Bools) -> tuple[Stretches, Bools]:
    """Stretches of an AND with a leading analyte.

    answers: the AND at each evaluation. can_open: UNKNOWN may open there. resolving: ends a confirmed stretch there;
    a limb is certainly false there, so the AND is FALSE. start: where a patient begins. Also returns which stretches
    ended while still possible (excluded). Judged piece by piece of evaluations that are alike.
    """
    may_open = can_open & (answers == UNKNOWN)
    # Answers take bits 0 and 1; one more tells both marks, the one of UNKNOWN and the one of FALSE.
    marks = (may_open | resolving).view(np.int8) << np.int8(2)
    piece = edges(answers | marks, start)
    found, excluded = _leading(answers.take(piece), may_open.take(piece), resolving.take(piece), start.take(piece))
    place = ended(piece, answers.size)
    stop = place.take(found.last + 1)
    return Stretches(
        place.take(found.first),
        np.where(found.confirmed == NONE, NONE, place[found.confirmed]),
        np.where(found.end == NONE, NONE, stop),
        stop - 1,
    ), excluded


def _leading(answers: Codes, may_open: Bools, resolving: Bools, start: Bools) -> tuple[Stretches, Bools]:
    stop_of_patient = patient_ends(start)
    is_true, is_false = answers == TRUE, answers == FALSE
    position = np.arange(answers.size)
    # Between two resolving evaluations of a patient, everything behind the first TRUE belongs to its stretch.
    boundary = start.copy()
    boundary[1:] |= resolving[:-1]
    next_true = next_where(is_true)
    first_true = next_true[last_where(boundary)]
    segment_stop = np.minimum(next_where(resolving), stop_of_patient)
    in_confirmed = (first_true < segment_stop) & (position > first_true)
    # Before it, stretches of possible are bounded by FALSE.
    floor = boundary.copy()
    floor[1:] |= is_false[:-1]
    opens = (is_true | may_open) & ~in_confirmed
    opened_before = last_where(opens)
    previous = np.full(answers.size, NONE, np.int64)
    previous[1:] = opened_before[:-1]
    first = positions(opens & (previous < last_where(floor)))
    true_at = next_true[first]
    false_at = np.minimum(next_where(is_false), stop_of_patient)[first]
    is_confirmed = true_at < false_at
    confirmed = np.where(is_confirmed, true_at, NONE)
    stop = np.where(is_confirmed, segment_stop[np.where(is_confirmed, true_at, first)], false_at)
    ends_here = stop < stop_of_patient[first]
    return Stretches(first, confirmed, np.where(ends_here, stop, NONE), stop - 1), ends_here & ~is_confirmed
