"""Where words have room on a timeline: text that covers text, or a mark, says nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

from khemon.figures.timeline.contents import Panel, TimelineData

#: The share of a narrow chart's width that one letter takes.
SHARE_PER_LETTER = 0.012


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
    """What stands beside each mark of a panel; the reason of one set aside only where no other mark is near."""
    if not any(mark.beside for mark in panel.marks):
        return [""] * len(panel.marks)
    times = sorted({mark.at for mark in panel.marks})
    shares = [share(data, at) for at in times]
    between = [after - before for before, after in pairwise(shares)]
    free = {at: min(gap) for at, gap in zip(times, zip([1.0, *between], [*between, 1.0], strict=True), strict=True)}
    return [
        mark.beside if not mark.set_aside or len(mark.beside) * SHARE_PER_LETTER / 2 < free[mark.at] else ""
        for mark in panel.marks
    ]
