"""Which stretch of time a timeline shows."""

from __future__ import annotations

import datetime as dt

from khemon.figures.words import DAY

#: The choices on the patient page; None: everything.
WINDOWS: dict[str, dt.timedelta | None] = {"14 d": 14 * DAY, "30 d": 30 * DAY, "90 d": 90 * DAY, "all": None}
DEFAULT_WINDOW = "30 d"
_SHORTEST = 2 * DAY
#: Room right of the newest mark, as a share of the window.
_MARGIN = 50


def window_of(
    choice: str | None, first: dt.datetime | None, last: dt.datetime | None, now: dt.datetime, *, closed: bool
) -> tuple[dt.datetime, dt.datetime]:
    """Start and end of the window: up to now, or up to the last entry once observation is closed."""
    end = last if closed and last is not None else now
    length = WINDOWS.get(choice or DEFAULT_WINDOW, WINDOWS[DEFAULT_WINDOW])
    start = end - length if length is not None else min(first or end, end - _SHORTEST)
    return start, end + (end - start) / _MARGIN
