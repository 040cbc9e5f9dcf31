"""What is due: counts at intervals that follow the illness, levels on a grid of weeks; and since when it is overdue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.rules.calendar import DAYS_PER_UNIT
from khemon.rules.courses import Courses, days_of, on_day
from khemon.rules.further_rules import CountsDueRule, Grid, LevelsDueRule
from khemon.rules.keys import positions
from khemon.rules.logic import certainly
from khemon.rules.series import NONE, Bools, Codes, Ints, Points, key_patient
from khemon.rules.shapes import last_where, starts_of
from khemon.rules.spans import Spans, following, never, preceding

#: Why a count is due, by code: close watch, every other day, never low, on the way to a response, the grid, a step.
WHY = ("close", "every", "never_low", "unconfirmed", "grid", "step")
_CODE = {word: np.int8(code) for code, word in enumerate(WHY)}


@dataclass(frozen=True, slots=True)
class Due:
    """One entry per stretch between what was seen and what is seen next; keys.

    since: when it was last seen, or when the watch began. overdue: from when it is overdue. until: when it is seen
    again, or the patient's last key. why: index into WHY.
    """

    since: Ints
    overdue: Ints
    until: Ints
    why: Codes

    @property
    def spans(self) -> Spans:
        """The stretches overdue."""
        return Spans.of(self.overdue, self.until)


@dataclass(frozen=True, slots=True)
class Watched:
    """What the schedule of counts follows, by position among the platelet points of a block.

    informative, good: of each point. confirmed: whether a durable response stands at each point, documented: whether
    one was documented by then.
    """

    informative: Bools
    good: Bools
    confirmed: Bools
    documented: Bools


def counts_due(
    points: Points, seen: Watched, anchor: Ints, day0: Ints, steps: Ints, gap: int, rule: CountsDueRule, timezone: str
) -> Due:
    """When counts were due and not seen. anchor: per count the key the grid counts from. day0: keys of day 0.

    steps: sorted keys of steps down. gap: the longest gap of an unconfirmed run, in days.
    """
    bad = seen.informative & ~seen.good
    low_before = last_where(bad) >= last_where(starts_of(points.patient))
    # Watched from the first low count or day 0 on: from then a lifted count asks for the next one soon.
    watched = low_before | (preceding(points.key, day0) != NONE)
    lifted = points.supported & watched
    chosen = positions(seen.informative | lifted)
    key = points.key[chosen]
    settled = _settled(points, seen, rule)
    on_grid = np.where(low_before, settled & seen.confirmed, seen.documented)
    state = _State(watched, settled, on_grid, lifted)
    deadline, why = _deadlines(points, state, anchor, gap, rule, timezone)
    deadline, why = _day0_between(points.key, deadline, why, chosen, ~(watched | settled | on_grid), day0, rule)
    first = _before_any(day0, key)
    since = np.concatenate([key, first])
    overdue = np.concatenate([deadline[chosen], first + rule.every.ms + rule.grace.ms])
    reason = np.concatenate([why[chosen], np.full(first.size, _CODE["every"])])
    until = following(since, key)
    stepped = _after_steps(since, until, steps, rule, timezone)
    sooner = stepped < overdue
    return Due(since, np.where(sooner, stepped, overdue), until, np.where(sooner, _CODE["step"], reason))


def _before_any(day0: Ints, key: Ints) -> Ints:
    """The keys of day 0 without any count before."""
    found: Ints = day0[preceding(day0, key) == NONE]
    return found


@dataclass(frozen=True, slots=True)
class _State:
    """What decides the interval at each point: watched, enough good counts in a row, on the grid, a lifted count."""

    watched: Bools
    settled: Bools
    on_grid: Bools
    lifted: Bools


def _deadlines(
    points: Points, state: _State, anchor: Ints, gap: int, rule: CountsDueRule, timezone: str
) -> tuple[Ints, Codes]:
    """For each point from when the next count is overdue, and why."""
    patient, day = points.patient.astype(np.int64), points.day.astype(np.int64)
    very_low = certainly(points.low, points.high, "<", rule.close_below.limit)
    close, on_grid = state.lifted | very_low, state.on_grid
    late = min(rule.unconfirmed.count, gap)
    why = np.full(day.size, _CODE["unconfirmed"])
    # What is written last outweighs what was written before.
    for name, holds in (("every", ~state.settled), ("never_low", ~state.watched), ("grid", on_grid), ("close", close)):
        why[holds] = _CODE[name]
    by_day = np.where(why == _CODE["never_low"], rule.never_low.count, late)
    overdue = on_day(patient, day + by_day + 1, timezone)
    overdue = np.where(why == _CODE["close"], points.key + rule.close.ms, overdue)
    overdue = np.where(why == _CODE["every"], points.key + rule.every.ms + rule.grace.ms, overdue)
    grid = positions(on_grid & ~close)
    overdue[grid] = after_visits(points.key[grid], anchor[grid], rule.grid, timezone)
    return overdue, why


def _day0_between(
    key: Ints, deadline: Ints, why: Codes, chosen: Ints, waiting: Bools, day0: Ints, rule: CountsDueRule
) -> tuple[Ints, Codes]:
    """The deadlines where day 0 comes between a count and the next: of whoever was never low, counted from day 0."""
    at = chosen[waiting[chosen]]
    until = following(key[at], key[chosen])
    begun = following(key[at], day0)
    asked = begun + rule.every.ms + rule.grace.ms
    sooner = (begun < until) & (asked < deadline[at])
    deadline, why = deadline.copy(), why.copy()
    deadline[at[sooner]], why[at[sooner]] = asked[sooner], _CODE["every"]
    return deadline, why


def _settled(points: Points, seen: Watched, rule: CountsDueRule) -> Bools:
    """At which informative points the good counts in a row are enough and span enough days."""
    chosen = positions(seen.informative)
    good, day = seen.good[chosen], points.day[chosen].astype(np.int64)
    changed = starts_of(points.patient[chosen])
    changed[1:] |= good[1:] != good[:-1]
    first = last_where(changed)
    enough = np.arange(chosen.size) - first >= rule.settled_samples.count - 1
    settled = np.zeros(points.key.size, np.bool_)
    settled[chosen] = good & enough & (day - day[first] >= rule.settled_spans.count)
    return settled


def _after_steps(since: Ints, until: Ints, steps: Ints, rule: CountsDueRule, timezone: str) -> Ints:
    """From when the count expected after a step down is overdue: after the latest step before, or the next one."""
    overdue = never(key_patient(since))
    if not steps.size:
        return overdue
    before = preceding(since, steps)
    position = steps.searchsorted(since, "right")
    after = steps[np.minimum(position, steps.size - 1)]
    inside = (after > since) & (after < until)
    days = days_of(since, timezone)
    for found, step in ((before != NONE, steps[np.maximum(before, 0)]), (inside, after)):
        step_day = days_of(step, timezone)
        counted_from = np.maximum(days, step_day)
        due = counted_from + rule.step_every.count
        asked = found & (due <= step_day + rule.step_lasts.count)
        day = on_day(key_patient(since), due + 1, timezone)
        overdue = np.where(asked, np.minimum(overdue, day), overdue)
    return overdue


def _visits(grid: Grid, days: int) -> tuple[Ints, Ints]:
    """The first and the last day of the window of each visit, counted from the start, up to the first beyond `days`."""
    week = DAYS_PER_UNIT[grid.unit]
    at = [weeks * week for weeks in grid.weeks]
    while grid.then_every is not None and at[-1] <= days + grid.wide.count:
        at.append(at[-1] + grid.then_every.count * week)
    day = np.array(at, np.int64)
    give = np.where(day <= grid.narrow_until.count * week, grid.narrow.count, grid.wide.count)
    return day - give, day + give


def after_visits(since: Ints, anchor: Ints, grid: Grid, timezone: str) -> Ints:
    """The key from which the first visit whose window opens after `since` is overdue; the last key without one.

    A `since` at the anchor itself counts as nothing seen yet.
    """
    overdue = never(key_patient(since))
    if not since.size:
        return overdue
    start = days_of(anchor, timezone)
    day = days_of(since, timezone) - start
    opens, closes = _visits(grid, int(day.max()))
    visit = opens.searchsorted(day, "right")
    asked = positions(visit < opens.size)
    last = closes[visit[asked]] + start[asked] + 1
    overdue[asked] = on_day(key_patient(since[asked]), last, timezone)
    return overdue


def levels_due(levels: Ints, drug: Courses, rule: LevelsDueRule, timezone: str) -> Due:
    """When levels were due and not seen while a drug is given. levels: sorted keys of those seen."""
    began = np.unique(drug.began)
    course = preceding(levels, began)
    kept = positions(course != NONE)
    since = np.concatenate([began, levels[kept]])
    anchor = np.concatenate([began, began[course[kept]]])
    until = following(since, np.unique(np.concatenate([levels, began])))
    overdue = after_visits(since, anchor, rule.grid, timezone)
    return Due(since, overdue, until, np.full(since.size, _CODE["grid"]))
