"""What is different on the ward since a list was shown, told without touching the list that someone reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from khemon.actions.permitted import permitted
from khemon.actions.watch.line import WardLine
from khemon.actions.watch.ward import WardBoard, ward_board
from khemon.figures.words import short_date_words
from khemon.models import Actor, Severity
from khemon.store import Store


@dataclass(frozen=True, slots=True)
class Moved:
    """A child whose state differs from the one on the list: how it stands now, and how it stood."""

    name: str
    severity: Severity | None
    now: str
    before: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What came since a list was shown. children: those with new results. other: something else is different."""

    since: str
    results: int
    children: tuple[str, ...]
    moved: tuple[Moved, ...]
    other: bool


@permitted("look")
def ward_changes(store: Store, actor: Actor, shown: WardBoard, at: dt.datetime, now: dt.datetime) -> Changes:
    """What is different now from a list shown as of an earlier moment."""
    board = ward_board(store, actor, now, at)
    lines = {line.key: line for line in (*board.on_ward, *board.follow_up)}
    before = {line.key: line for line in (*shown.on_ward, *shown.follow_up)}
    came = {key: news.results for key, news in board.news.items() if news.results}
    moved = [_moved(before.get(key), lines.get(key)) for key in dict.fromkeys([*lines, *before])]
    told = tuple(each for each in moved if each is not None)
    differs = board.revision != shown.revision and not came and not told
    since = short_date_words(at, board.setting.zone, now)
    return Changes(since, sum(came.values()), tuple(called(lines[key]) for key in came), told, differs)


def _moved(before: WardLine | None, after: WardLine | None) -> Moved | None:
    if after is None:
        return None if before is None else Moved(called(before), None, "no longer on this list", before.tier_words)
    if before is None:
        return Moved(called(after), after.tier_severity, after.tier_words, "not on this list")
    if (before.tier, before.tier_words) == (after.tier, after.tier_words):
        return None
    return Moved(called(after), after.tier_severity, after.tier_words, before.tier_words)


def called(line: WardLine) -> str:
    """What a child is called in a sentence: the name, the id without one."""
    return line.name or line.patient_id
