"""What is new to a person, and what nobody has seen: results and events recorded since the page was last opened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from khemon.actions.permitted import permitted
from khemon.actions.viewing import PAGE
from khemon.figures.style import LANES
from khemon.figures.words import date_words, moment, short_date_words, unit_words
from khemon.models import Actor
from khemon.store import Reader, ResultRow, Store, batch_of
from khemon.units import ANALYTES

#: So many are told one by one.
_TOLD = 8


@dataclass(frozen=True, slots=True)
class Visits:
    """When this person opened a child's page before, and when anybody did, UTC ms; None: never."""

    mine_ms: int | None
    anyone_ms: int | None


@dataclass(frozen=True, slots=True)
class News:
    """Results and events recorded after a visit: a heading that counts them, and the latest of them one by one."""

    heading: str
    lines: tuple[str, ...]
    result_ids: frozenset[int]


NO_NEWS = News("", (), frozenset())


@permitted("look")
def last_visits(store: Store, actor: Actor, patient_id: str) -> Visits:
    """When the page of a child was opened before."""
    with store.reading() as reader:
        seen = reader.seen_by(PAGE, patient_id)
        mine = max((row.last_ms for row in seen if row.actor == actor.name), default=None)
        return Visits(mine, max((row.last_ms for row in seen), default=None))


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something that was recorded: when it happened, when it was recorded, and what it says."""

    at_ms: int
    recorded_ms: int
    words: str
    result_id: int | None = None


class Recorded:
    """What was recorded of a child, results and events."""

    def __init__(self, reader: Reader, patient_id: str, versions: Sequence[ResultRow], zone: ZoneInfo) -> None:
        self.zone = zone
        self.entries = [_Entry(row.collected_ms, row.recorded_ms, _result(row), row.result_id) for row in versions]
        recorded = reader.recorded_of(patient_id)
        for event in reader.event_entries(patient_id):
            if not event.out:
                at = max((recorded.get(batch_of(row), 0) for row in event.rows), default=0)
                word = LANES.get(event.kind, ("", event.kind.replace("_", " ")))[1]
                dose = " ".join(part for part in (event.dose, event.unit) if part)
                self.entries.append(_Entry(event.start_ms, at, f"{word} {dose}".strip()))

    def new(self, since_ms: int | None, now: dt.datetime) -> News:
        """What was recorded after this person's last visit; nothing on the first one, when all of it is new."""
        if since_ms is None:
            return NO_NEWS
        since = f"since you last opened this page ({date_words(moment(since_ms), self.zone)})"
        return self._after(since_ms, now, f"new {since}; drawn larger")

    def unseen(self, since_ms: int | None, now: dt.datetime) -> News:
        """What was recorded after anybody's last visit."""
        if since_ms is None:
            return News("Nobody has opened this page before.", (), frozenset()) if self.entries else NO_NEWS
        opened = date_words(moment(since_ms), self.zone)
        return self._after(since_ms, now, f"nobody has seen here: recorded after this page was last opened ({opened})")

    def _after(self, since_ms: int, now: dt.datetime, how: str) -> News:
        own = sorted((entry for entry in self.entries if entry.recorded_ms > since_ms), key=lambda entry: -entry.at_ms)
        if not own:
            return NO_NEWS
        results = [entry.result_id for entry in own if entry.result_id is not None]
        counts = ((len(results), "result"), (len(own) - len(results), "event"))
        told = " and ".join(f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count)
        lines = [f"{entry.words}, {short_date_words(moment(entry.at_ms), self.zone, now)}" for entry in own[:_TOLD]]
        if own[_TOLD:]:
            lines.append(f"and {len(own) - _TOLD} more")
        return News(f"{told} {how}", tuple(lines), frozenset(results))


def _result(row: ResultRow) -> str:
    value = f"{row.comparator}{row.canonical_value or row.text}"
    status = f" ({row.status.replace('_', ' ')})" if row.status != "final" else ""
    return f"{ANALYTES[row.analyte].label} {value} {unit_words(row.canonical_unit)}{status}".strip()


def marked(new: News, unseen: News) -> dict[int, str]:
    """Result id to what its row in the table says: new to you, not seen by anyone."""
    return {**dict.fromkeys(new.result_ids, "new to you"), **dict.fromkeys(unseen.result_ids, "not seen by anyone")}
