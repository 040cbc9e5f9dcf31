"""Study weeks: an axis that counts weeks from day 0."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from khemon.figures.words import MONTHS, day_words

_DAYS_PER_WEEK = 7
#: So many marks at most; with more, every second, fourth, … week is marked.
_MOST_TICKS = 14


@dataclass(frozen=True, slots=True)
class DayZero:
    """Day 0, and where it comes from."""

    at: dt.datetime
    told_by: str

    def words(self, zone: ZoneInfo) -> str:
        """What the weeks are counted from."""
        return f"Weeks are counted from day 0, {day_words(self.at.astimezone(zone).date())} ({self.told_by})."


def week_ticks(
    day0: DayZero, window: tuple[dt.datetime, dt.datetime], zone: ZoneInfo
) -> tuple[tuple[str, str, str], ...]:
    """Where the weeks begin inside the window on the ward's clock, how they are called, and their first day."""
    first, last = (edge.astimezone(zone).date() for edge in window)
    origin = day0.at.astimezone(zone).date()
    numbers = range(-((origin - first).days // _DAYS_PER_WEEK), (last - origin).days // _DAYS_PER_WEEK + 1)
    step = 1
    while len(numbers) > _MOST_TICKS * step:
        step *= 2
    days = ((number, origin + dt.timedelta(weeks=number)) for number in numbers if number % step == 0)
    return tuple(
        (f"{day.isoformat()}T00:00:00", f"wk {number}" if number else "day 0", f"{day.day} {MONTHS[day.month - 1]}")
        for number, day in days
        if day >= first
    )
