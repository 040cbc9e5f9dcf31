"""Where words have room on a timeline: text that covers text, or a mark, says nothing."""

from __future__ import annotations

import datetime as dt
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from khemon.figures.timeline.contents import Panel, TimelineData

#: The share of a narrow chart's width that one letter takes.
SHARE_PER_LETTER = 0.012
#: Two labels at the right edge stand at least so many pixels apart; words beside a mark keep so many lines free.
LINE_OF_TEXT, _LINES = 13, 1.5


def share(data: TimelineData, at: str) -> float:
    """A time as a share of the window."""
    first, last = dt.datetime.fromisoformat(data.start), dt.datetime.fromisoformat(data.end)
    return (dt.datetime.fromisoformat(at) - first) / (last - first)


def placed(spans: Sequence[tuple[float, float, str]]) -> list[str]:
    """Where the words of things in a row stand: inside, after, before, or nowhere where they would cover others.

    spans: start and end as shares of the window, and the words, from left to right.
    """
    found = []
    taken = 0.0
    following_starts = [start for start, _, _ in spans[1:]] + [1.0]
    for (start, end, words), following in zip(spans, following_starts, strict=False):
        room = len(words) * SHARE_PER_LETTER
        where = ""
        if end - start >= room:
            where = "inside"
        elif following - end >= room:
            where = "after"
        elif start - taken >= room:
            where = "before"
        found.append(where)
        taken = end + room if where == "after" else end
    return found


def words_beside(data: TimelineData, panel: Panel) -> list[str]:
    """What stands beside each mark of a panel; the reason of one set aside only where it covers no other mark."""
    if not any(mark.beside for mark in panel.marks):
        return [""] * len(panel.marks)
    at = [share(data, mark.at) for mark in panel.marks]
    height = [on_axis(mark.y, panel) for mark in panel.marks]
    near = (
        _LINES * LINE_OF_TEXT / panel.axis.height * (on_axis(panel.axis.top, panel) - on_axis(panel.axis.bottom, panel))
    )

    def has_room(number: int) -> bool:
        reach = len(panel.marks[number].beside) * SHARE_PER_LETTER / 2
        first, last = bisect_left(at, at[number] - reach), bisect_right(at, at[number] + reach)
        return all(other == number or abs(height[other] - height[number]) > near for other in range(first, last))

    return [
        mark.beside if mark.beside and (not mark.set_aside or has_room(number)) else ""
        for number, mark in enumerate(panel.marks)
    ]


def on_axis(value: float, panel: Panel) -> float:
    """Where the chart library puts a value: a logarithmic axis counts in powers of ten."""
    return math.log10(value) if panel.axis.log else value
