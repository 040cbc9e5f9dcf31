"""Which stretch of time a timeline shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from khemon.figures.timeline import DayZero
from khemon.figures.words import DAY
from khemon.models import Event, Patient

STUDY_WEEKS = "study weeks"
NO_DAY0 = "No day 0 and no sirolimus is on record, so study weeks cannot be counted; everything is shown by date."
#: The choices on the patient page; None: everything.
WINDOWS: dict[str, dt.timedelta | None] = {
    "14 d": 14 * DAY,
    "30 d": 30 * DAY,
    "90 d": 90 * DAY,
    "all": None,
    STUDY_WEEKS: None,
}
DEFAULT_WINDOW = "30 d"
#: How the axes are drawn that span powers of ten.
LOG, LINEAR = "log", "linear"
SCALES = (LOG, LINEAR)
#: What is shown before day 0.
_BEFORE_DAY0 = 7 * DAY
_SHORTEST = 2 * DAY
#: Room right of the newest mark, as a share of the window.
_MARGIN = 50


def window_of(
    choice: str | None,
    first: dt.datetime | None,
    last: dt.datetime | None,
    now: dt.datetime,
    *,
    closed: bool,
    day0: dt.datetime | None = None,
) -> tuple[dt.datetime, dt.datetime]:
    """Start and end of the window: up to now, or up to the last entry once observation is closed.

    Study weeks begin a week before day 0; without one they are everything.
    """
    end = last if closed and last is not None else now
    length = WINDOWS.get(choice or DEFAULT_WINDOW, WINDOWS[DEFAULT_WINDOW])
    if choice == STUDY_WEEKS and day0 is not None:
        first = day0 - _BEFORE_DAY0
    start = end - length if length is not None else min(first or end, end - _SHORTEST)
    return start, end + (end - start) / _MARGIN


def day0_of(patient: Patient, events: Sequence[Event], now: dt.datetime) -> DayZero | None:
    """Day 0 as endpoints take it, None without one: registered or, if earlier, an event; else the first sirolimus."""
    known = sorted((event for event in events if event.start <= now), key=lambda event: event.start)
    found = [DayZero(event.start, "entered as an event") for event in known if event.kind == "day0"][:1]
    if patient.day0 is not None and patient.day0 <= now:
        found.append(DayZero(patient.day0, "registered"))
    found = found or [DayZero(event.start, "first dose of sirolimus") for event in known if event.kind == "sirolimus"]
    return min(found, key=lambda day0: day0.at, default=None)
