"""Runs and rebounds in words."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from khemon.explain.evidence import Stretch, currents, informative
from khemon.explain.looking import Point
from khemon.explain.naming import Naming, capital, elapsed, label
from khemon.rules.calendar import day_numbers
from khemon.rules.logic import TRUE
from khemon.rules.rulebook import Comparison, ReboundRule, RunRule

#: How a value that fails a run's test is written.
_FAILS = {">=": "<", ">": "<="}


def days_between(naming: Naming, first: int, last: int) -> int:
    """Calendar days from one time to another."""
    start, stop = day_numbers(np.array([first, last]), naming.book.timezone)
    return int(stop) - int(start)


def run_text(naming: Naming, stretch: Stretch, rule: RunRule) -> str:
    """A run: how far it has come, or when it was confirmed, and how it ended."""
    [limb] = naming.book.limbs(rule)
    text = f"{capital(label(rule.analyte))} {rule.test}{limb.limit.words} since {naming.date(stretch.onset)}"
    if stretch.confirmed_at is not None:
        after = days_between(naming, stretch.onset, stretch.confirmed_at)
        text += f", confirmed on {naming.date(stretch.confirmed_at)} after {after} days"
        text += _ended_by(naming, stretch, limb)
    elif stretch.end_reason == "gap":
        text += _unproven(naming, stretch, rule, limb)
    elif stretch.closed_at is not None:
        text = _broken(naming, stretch, rule, limb)
    else:
        samples = naming.book.run_samples(stretch.patient, limb, stretch.onset, stretch.last_inside)
        day = days_between(naming, stretch.onset, samples[-1].time)
        counts = f"{len(samples)} result{'s' if len(samples) > 1 else ''}"
        text += f": day {day} of {rule.lasts.words}, {counts}"
        text += passed_over(naming, stretch, limb, samples[-1].time, stretch.last_inside)
    return text + naming.unadjusted(stretch.patient)


def _ended_by(naming: Naming, stretch: Stretch, limb: Comparison) -> str:
    """The value that ended a confirmed run."""
    if stretch.closed_at is None:
        return ""
    return f"; ended on {naming.date(stretch.closed_at)} by {_failing(naming, stretch, limb, stretch.closed_at)}"


def _failing(naming: Naming, stretch: Stretch, limb: Comparison, time: int) -> str:
    """'platelets 80 (<100)'."""
    [point] = naming.book.series(limb.analyte).between(stretch.patient, time, time)
    return f"{naming.labeled(point)} ({_FAILS[limb.test]}{limb.limit.words})"


def _unproven(naming: Naming, stretch: Stretch, rule: RunRule, limb: Comparison) -> str:
    """How far a run had come when nothing was seen for too long."""
    last = stretch.end
    assert last is not None
    following = naming.book.run_samples(stretch.patient, limb, last + 1, naming.book.prepared.as_of)[0]
    day = days_between(naming, stretch.onset, last)
    silent = days_between(naming, last, following.time)
    text = f" unproven: day {day} of {rule.lasts.words}, then no counted result for {silent} days"
    text += f" after {naming.date(last)} (at most {rule.gap.words})"
    return text + passed_over(naming, stretch, limb, last, following.time - 1)


def _broken(naming: Naming, stretch: Stretch, rule: RunRule, limb: Comparison) -> str:
    """The low value, the day it came on, and what came before the run without a low value in between."""
    end = stretch.end
    assert end is not None
    day = days_between(naming, stretch.onset, end)
    text = f"{capital(_failing(naming, stretch, limb, end))} on day {day} of {rule.lasts.words}"
    if stretch.since < stretch.onset:
        samples = naming.book.run_samples(stretch.patient, limb, stretch.since, stretch.last_inside)
        pairs = [(before.time, after.time) for before, after in pairwise(samples)]
        steps = [(days_between(naming, first, second), first) for first, second in pairs]
        gaps = [f"{days} days after {naming.date(first)}" for days, first in steps if days > rule.gap.count]
        text += f"; first good result on {naming.date(stretch.since)}, without a counted result for {', '.join(gaps)}"
    return text


def passed_over(naming: Naming, stretch: Stretch, limb: Comparison, after: int, until: int) -> str:
    """The latest result in (after, until] that neither helps nor harms a run, and why."""
    series = naming.book.series(limb.analyte)
    points = series.between(stretch.patient, after + 1, until)
    if not points:
        return ""
    point = points[-1]
    if series.verdict(point, limb) == TRUE:
        return f"; {naming.not_counted(stretch.patient, point)}"
    return f"; {naming.named(point, limb)} on {naming.moment(point.time)}: not counted"


def rebound_text(naming: Naming, stretch: Stretch) -> str:
    """A rebound: the first low count, the lowest, what confirmed it, where it stands."""
    rule = stretch.rule
    assert isinstance(rule, ReboundRule)
    count = naming.book.limbs(rule)[0]
    samples = informative(naming.book, stretch, count, stretch.onset, stretch.last_inside)
    first = samples[0][0]
    text = f"{capital(naming.named(first, count))} after a durable response {_response(naming, stretch, rule)}"
    lowest = min((sample for sample, _ in samples), key=lambda sample: sample.high)
    if lowest.high < first.high:
        text += f"; lowest {naming.value(lowest)} on {naming.date(lowest.time)}"
    if stretch.confirmed_at is not None:
        text += f"; confirmed on {naming.date(stretch.confirmed_at)} by {_confirmed_by(naming, stretch, rule, samples)}"
    if stretch.closed_at is not None:
        [point] = naming.book.series(rule.analyte).between(stretch.patient, stretch.closed_at, stretch.closed_at)
        word = "recovered" if stretch.end_reason == "recovered" else "isolated"
        text += f"; {word}: {naming.value(point)} on {naming.date(stretch.closed_at)}"
    elif not samples[-1][1]:
        text += f"; latest {naming.value(samples[-1][0])} on {naming.date(samples[-1][0].time)}"
    text += passed_over(naming, stretch, _good(count), samples[-1][0].time, stretch.last_inside)
    return text + naming.unadjusted(stretch.patient)


def _good(count: Comparison) -> Comparison:
    """The opposite of a limb that is low below its limit."""
    return Comparison(analyte=count.analyte, test=">=", limit=count.limit)


def _response(naming: Naming, stretch: Stretch, rule: ReboundRule) -> str:
    """The response that armed the watch: when it was confirmed here, or documented elsewhere."""
    confirmed = naming.book.response_before(stretch.patient, stretch.onset)
    if confirmed is not None:
        return f"confirmed on {naming.date(confirmed)}"
    told = [span.start for span in naming.book.spans(stretch.patient, rule.documented_by)]
    documented = max(start for start in told if start < stretch.onset)
    return f"documented on {naming.date(documented)}"


def _confirmed_by(naming: Naming, stretch: Stretch, rule: ReboundRule, samples: list[tuple[Point, bool]]) -> str:
    """What confirmed a rebound: a very low count, a second low one, or a low companion."""
    at = stretch.confirmed_at
    assert at is not None
    count, companion = naming.book.limbs(rule)
    here = next((point for point, _ in samples if point.time == at), None)
    very_low = Comparison(analyte=rule.analyte, limit=rule.confirmed_below)
    if here is not None and naming.book.series(rule.analyte).verdict(here, very_low) == TRUE:
        return naming.named(here, very_low)
    if here is not None:
        streak = _streak_before(samples, at)
        if streak and at - streak[0].time >= rule.confirmed_after.ms:
            return f"{naming.labeled(here)}, {elapsed(at - streak[0].time)} after another low count"
    beside = currents(naming.book, stretch.patient, (count, companion), at)
    return " with ".join(naming.named(p, limb) for p, limb in zip(beside, (count, companion), strict=True))


def _streak_before(samples: list[tuple[Point, bool]], time: int) -> list[Point]:
    """The row of low counts that stands just before a time."""
    streak: list[Point] = []
    for point, bad in samples:
        if point.time < time:
            streak = [*streak, point] if bad else []
    return streak
