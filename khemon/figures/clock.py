"""The response clock: the weeks of a run, each met, broken or unproven, with the counts behind it. Pure."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from typing import Protocol as Interface
from zoneinfo import ZoneInfo

from khemon.figures.words import date_words, day_words
from khemon.models import Episode
from khemon.rules.rulebook import RunRule

WeekState = Literal["met", "broken", "unproven", "running", "ahead"]
_DAYS_PER_WEEK = 7


class Count(Interface):
    """A count as a clock tells it: when, in which words, and what to know when reading it."""

    @property
    def at(self) -> dt.datetime:
        """When it was taken."""

    @property
    def words(self) -> str:
        """The value with its comparator."""

    @property
    def remarks(self) -> Sequence[str]:
        """Why it is not counted."""


@dataclass(frozen=True, slots=True)
class _Day:
    """A count inside a run: on which day of it, and whether it is good; None: not counted."""

    count: Count
    date: dt.date
    number: int
    good: bool | None


@dataclass(frozen=True, slots=True)
class Week:
    """One week of the run: number from 1, how it stands, its days, and the counts in it (or why there are none)."""

    number: int
    state: WeekState
    days: str
    counts: str


@dataclass(frozen=True, slots=True)
class ClockData:
    """The strip and what stands beside it. words: day 12 of 28. facts: since when, gaps, what is not counted."""

    words: str
    status: str
    weeks: tuple[Week, ...]
    facts: tuple[str, ...]


def clock_data(
    run: Episode | None, counts: Sequence[tuple[Count, bool | None]], rule: RunRule, now: dt.datetime, zone: ZoneInfo
) -> ClockData:
    """How far the latest run has come.

    counts: those of the analyte with their reading: True good, False bad, None not counted. Days are calendar days.
    """
    if run is None:
        return ClockData("no response yet", "none", (), (f"no run of {rule.title.lower()} on record",))
    days = rule.lasts.count
    first = run.onset.astimezone(zone).date()
    last = (run.end or now).astimezone(zone).date()
    elapsed = (last - first).days
    own = ((count, good) for count, good in counts if run.onset <= count.at <= (run.end or now))
    dated = ((count, count.at.astimezone(zone).date(), good) for count, good in own)
    inside = [_Day(count, date, (date - first).days, good) for count, date, good in dated]
    numbers = range(1, -(-days // _DAYS_PER_WEEK) + 1)
    weeks = tuple(_week(number, first, elapsed, inside, run, zone) for number in numbers)
    words = _unseen(run, inside, rule, now, zone) or _words(run, elapsed, days, zone)
    return ClockData(words, run.status, weeks, tuple(_facts(run, inside, rule, zone)))


def _unseen(run: Episode, inside: Sequence[_Day], rule: RunRule, now: dt.datetime, zone: ZoneInfo) -> str:
    """For a run that waits longer for a count than it may: how far it was proven. Unseen days are not credited."""
    good = [day.date for day in inside if day.good]
    if run.end is not None or run.confirmed_at is not None or not good:
        return ""
    unseen = (now.astimezone(zone).date() - good[-1]).days
    if unseen <= rule.gap.count:
        return ""
    proven = (good[-1] - run.onset.astimezone(zone).date()).days
    return f"day {proven} of {rule.lasts.count}, no count for {unseen} d"


def _words(run: Episode, elapsed: int, days: int, zone: ZoneInfo) -> str:
    """day 12 of 28 while it runs; else how it ended, with the day."""
    if run.confirmed_at is not None:
        confirmed = f"confirmed {day_words(run.confirmed_at.astimezone(zone).date())}"
        if run.end is None:
            return f"day {elapsed}, {confirmed}"
        return f"ended {day_words(run.end.astimezone(zone).date())}, {confirmed}"
    if run.end is None:
        return f"day {elapsed} of {days}"
    return f"{run.status} on day {elapsed} of {days}"


def _week(
    number: int,
    first: dt.date,
    elapsed: int,
    inside: Sequence[_Day],
    run: Episode,
    zone: ZoneInfo,
) -> Week:
    begins, ends = _DAYS_PER_WEEK * (number - 1), _DAYS_PER_WEEK * number
    # The count on the last day of the last week belongs to it: it is the one that proves the run.
    own = [day for day in inside if begins <= day.number <= ends]
    days = f"{day_words(first + dt.timedelta(days=begins))} to {day_words(first + dt.timedelta(days=ends))}"
    told = "; ".join(
        f"{day.count.words} on {date_words(day.count.at, zone)}{'' if day.good is not None else ' (not counted)'}"
        for day in own
    )
    state: WeekState
    if any(day.good is False for day in own):
        state = "broken"
    elif run.end is None and elapsed <= begins and number > 1:
        state = "ahead"
    elif run.end is None and elapsed < ends:
        state = "running"
    else:
        # A week is met by a good count inside it and one at its end or later: unseen days are not credited.
        later = any(day.good for day in inside if day.number >= ends)
        state = "met" if later and any(day.good for day in own) else "unproven"
    return Week(number, state, days, told or "no count in this week")


def _facts(run: Episode, inside: Sequence[_Day], rule: RunRule, zone: ZoneInfo) -> list[str]:
    good = [day for day in inside if day.good]
    limit = f"{'≥' if rule.test == '>=' else rule.test} {rule.limit.words}"
    facts = [f"since {date_words(run.onset, zone)}: {len(good)} {'count' if len(good) == 1 else 'counts'} {limit}"]
    # The limit holds for the stretch that proves the run; once it is confirmed, counts become rarer by plan.
    days = [day.date for day in good if run.confirmed_at is None or day.count.at <= run.confirmed_at]
    gap = max(((b - a).days for a, b in itertools.pairwise(days)), default=0)
    if gap > _DAYS_PER_WEEK:
        facts.append(f"longest stretch without a count {gap} d (limit {rule.gap.words} d)")
    left_out = [day.count for day in inside if day.good is None]
    if left_out:
        facts.append(f"{len(left_out)} not counted: {'; '.join(_left_out(count, zone) for count in left_out)}")
    return facts


def _left_out(count: Count, zone: ZoneInfo) -> str:
    why = f", {', '.join(count.remarks)}" if count.remarks else ""
    return f"{count.words} on {date_words(count.at, zone)}{why}"
