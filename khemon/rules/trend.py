"""Falls: a row of counts that sinks, and a value far below one of the same analyte shortly before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.rules.calendar import MS_PER_DAY
from khemon.rules.further_rules import DropRule, TrendRule
from khemon.rules.keys import ended
from khemon.rules.logic import FALSE, TRUE, UNKNOWN
from khemon.rules.series import NONE, Bools, Codes, Ints, Points, in_steps, keys, positions
from khemon.rules.shapes import last_where, next_where, patient_ends, starts_of
from khemon.rules.singles import Singles


@dataclass(frozen=True, slots=True)
class Falls:
    """Falls over informative counts, as positions; `end` is -1 while it goes on. By position which limb holds."""

    first: Ints
    end: Ints
    below_median: Bools
    along_line: Bools


def falls(points: Points, good: Bools, limit: float, rule: TrendRule) -> Falls:
    """Where counts fall. points, good: informative counts in order, and which are good; limit: what they fall towards.

    A fall opens during a run, at the count that ends it, or while never low; it goes on while either limb holds.
    """
    start = starts_of(points.patient)
    first = last_where(start)
    below_median, along_line = _below_median(points, first, rule), _along_line(points, first, limit, rule)
    holds = below_median | along_line
    bad_before = np.zeros(good.size, np.bool_)
    bad_before[1:] = (last_where(~good) >= first)[:-1] & ~start[1:]
    good_before = np.zeros(good.size, np.bool_)
    good_before[1:] = good[:-1] & ~start[1:]
    watched = good | (good_before & bad_before)
    opens = holds & watched & (points.high < rule.below.limit)
    opened, end = _once_in(points, opens, holds, start, rule.once_in.count)
    return Falls(opened, end, below_median, along_line)


def _rows(first: Ints, back: list[int]) -> Ints:
    """One column per position whose patient has so many positions before it, one row per way back: where to look."""
    position = np.arange(first.size)
    at = positions(position - first >= back[-1])
    rows: Ints = at - np.array(back, np.int64)[:, np.newaxis]
    return rows


def _below_median(points: Points, first: Ints, rule: TrendRule) -> Bools:
    """Certainly at most a part of the median of the counts before, and certainly below the last of them."""
    rows = _rows(first, list(range(1, rule.of_previous.count + 1)))
    found = np.zeros(points.key.size, np.bool_)
    at, before = rows[0] + 1, points.low[rows]
    median, high = np.sort(before, axis=0)[rule.of_previous.count // 2], points.high[at]
    part, whole = rule.falls_to.value.as_integer_ratio()
    found[at] = (in_steps(high) * whole <= in_steps(median) * part) & (high < before[0])
    return found


def _along_line(points: Points, first: Ints, limit: float, rule: TrendRule) -> Bools:
    """The least-squares line through the logarithms of the last counts reaches the limit soon; exact counts only."""
    rows = _rows(first, list(range(rule.line_samples.count)))
    found = np.zeros(points.key.size, np.bool_)
    value, days = points.low[rows], points.day[rows[0]] - points.day[rows[-1]]
    known = (value > 0).all(axis=0) & (days >= rule.line_spans.count)
    if points.low is not points.high:
        known &= (value == points.high[rows]).all(axis=0)
    chosen = positions(known)
    rows, at = rows[:, chosen], rows[0, chosen]
    # Milliseconds are whole numbers as floats too, so a difference is exact, whatever else the block holds.
    now = points.time.astype(np.float64)
    ago = (now[rows] - now[at]) / MS_PER_DAY
    logs = np.log(value[:, chosen])
    centered = ago - ago.mean(axis=0)
    slope = (centered * (logs - logs.mean(axis=0))).sum(axis=0) / (centered * centered).sum(axis=0)
    reached = logs[0] + slope * rule.line_reaches_within.count <= np.log(limit)
    found[at] = (slope < 0) & reached
    return found


def _once_in(points: Points, opens: Bools, holds: Bools, start: Bools, days: int) -> tuple[Ints, Ints]:
    """Positions at which falls open and end (-1: not yet): none opens within so many days of the one before."""
    size = opens.size
    next_open = ended(next_where(opens), size)
    next_over = ended(next_where(~holds), size)
    stop = patient_ends(start)
    # With days in keys of patients one search serves all.
    by_day = keys(points.patient, points.day.astype(np.int64))
    none = np.zeros(0, np.int64)
    found = [(none, none)]
    starts = positions(start)
    at = next_open[starts]
    at = at[at < stop[starts]]
    while at.size:
        over = np.minimum(next_over[at], stop[at])
        ends = over < stop[at]
        found.append((at, np.where(ends, over, NONE)))
        later = np.maximum(over, by_day.searchsorted(by_day[at] + days, "left"))
        following = next_open[np.minimum(later, size)]
        at = following[following < stop[at]]
    first = np.concatenate([first for first, _ in found])
    order = np.argsort(first)
    return first[order], np.concatenate([end for _, end in found])[order]


def drops(points: Points, singles: Singles, rule: DropRule) -> tuple[Codes, Ints]:
    """At each point whether it lies so much below one shortly before; and the position of that one, -1 without one.

    singles: every result of the analyte. Which of several results of one earlier time was right cannot be told: there
    the value lies somewhere from the lowest to the highest.
    """
    size = points.key.size
    first = positions(starts_of(singles.key))
    least, most = in_steps(np.minimum.reduceat(singles.low, first)), in_steps(np.maximum.reduceat(singles.high, first))
    start_of = last_where(starts_of(points.patient))
    low, high = in_steps(points.low), in_steps(points.high)
    amount = int(in_steps(np.array([rule.by.limit]))[0])
    answer, told = np.full(size, FALSE), np.full(size, NONE, np.int64)
    position = np.arange(size)
    for back in range(1, size):
        earlier = position - back
        near = (earlier >= start_of) & (points.time - points.time[np.maximum(earlier, 0)] <= rule.within.ms)
        if not near.any():
            break
        earlier = np.where(near, earlier, position)
        certain, possible = near & (least[earlier] - high >= amount), near & (most[earlier] - low >= amount)
        before = np.maximum(told, 0)
        better = np.where(answer == TRUE, certain & (least[earlier] > least[before]), most[earlier] > most[before])
        told = np.where(certain & (answer != TRUE) | possible & ((told == NONE) | better), earlier, told)
        answer = np.where(certain | (answer == TRUE), TRUE, np.where(possible, UNKNOWN, answer)).astype(np.int8)
    return answer, told
