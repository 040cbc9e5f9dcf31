"""What is new to a person, and what nobody has seen: results and events recorded since the page was last opened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from khemon.actions.permitted import permitted
from khemon.actions.viewing import PAGE
from khemon.actions.watch.alert_lines import is_resolved_unseen
from khemon.figures.samples import Sample
from khemon.figures.style import LANES
from khemon.figures.words import date_words, moment, short_date_words, unit_words
from khemon.models import Actor
from khemon.store import EventEntry, Reader, ResultRow, Store, Versions, batch_of
from khemon.units import ANALYTES

#: So many are told one by one.
_TOLD = 8
#: Stands for a visit where nobody ever opened the page.
NEVER = 0


@dataclass(frozen=True, slots=True)
class Visits:
    """When this person opened a child's page before, None: never; and when anybody did, NEVER or None: not asked.

    unseen: the critical alerts that had ended by then and that nobody had opened; the page opened now tells of them.
    """

    mine_ms: int | None
    anyone_ms: int | None
    unseen: tuple[int, ...] = ()


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
        ended = filter(is_resolved_unseen, reader.alerts(None, [patient_id]))
        return Visits(mine, max((row.last_ms for row in seen), default=NEVER), tuple(alert.alert_id for alert in ended))


class Recorded:
    """What was recorded of a child, results and events."""

    def __init__(self, reader: Reader, patient_id: str, versions: Versions, zone: ZoneInfo) -> None:
        self.zone = zone
        self.results = versions
        self._reader = reader
        at = reader.recorded_of(patient_id)
        self.events = [
            (event, max((at.get(batch_of(row), 0) for row in event.rows), default=0))
            for event in reader.event_entries(patient_id)
            if not event.out
        ]

    def both(self, since_ms: int | None, anyone_ms: int | None, now: dt.datetime) -> tuple[News, News]:
        """What is new to this person, and what nobody has seen."""
        return self.new(since_ms, now), self.unseen(anyone_ms, now)

    def new(self, since_ms: int | None, now: dt.datetime) -> News:
        """What was recorded after this person's last visit; nothing on the first one, when all of it is new."""
        if since_ms is None:
            return NO_NEWS
        since = f"since you last opened this page ({date_words(moment(since_ms), self.zone)})"
        return self._after(since_ms, now, f"new {since}; drawn larger")

    def unseen(self, since_ms: int | None, now: dt.datetime) -> News:
        """What was recorded after anybody's last visit, NEVER where nobody opened the page; nothing if not asked."""
        if since_ms is None:
            return NO_NEWS
        if since_ms == NEVER:
            anything = len(self.results) or self.events
            return News("Nobody has opened this page before.", (), frozenset()) if anything else NO_NEWS
        opened = date_words(moment(since_ms), self.zone)
        return self._after(since_ms, now, f"nobody has seen here: recorded after this page was last opened ({opened})")

    def _after(self, since_ms: int, now: dt.datetime, how: str) -> News:
        results = self.results.only(self.results.recorded_ms > since_ms)
        events = [event for event, recorded_ms in self.events if recorded_ms > since_ms]
        ids = results.result_id.tolist()
        told: list[tuple[int, int | EventEntry]] = list(zip(results.collected_ms.tolist(), ids, strict=True))
        told += [(event.start_ms, event) for event in events]
        if not told:
            return NO_NEWS
        counts = ((len(results), "result"), (len(events), "event"))
        how_many = " and ".join(f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count)
        newest = sorted(told, key=lambda each: each[0], reverse=True)[:_TOLD]
        rows = self._reader.result_details((each for _, each in newest if isinstance(each, int)), all_there=True)
        said = ((at_ms, rows[each] if isinstance(each, int) else each) for at_ms, each in newest)
        lines = [f"{_words(each)}, {short_date_words(moment(at_ms), self.zone, now)}" for at_ms, each in said]
        if len(told) > _TOLD:
            lines.append(f"and {len(told) - _TOLD} more")
        return News(f"{how_many} {how}", tuple(lines), frozenset(ids))


def _words(row: ResultRow | EventEntry) -> str:
    if isinstance(row, EventEntry):
        word = LANES.get(row.kind, ("", row.kind.replace("_", " ")))[1]
        return " ".join(part for part in (word, row.dose, row.unit) if part)
    value = f"{row.comparator}{row.canonical_value or row.text}"
    status = f" ({row.status.replace('_', ' ')})" if row.status != "final" else ""
    return f"{ANALYTES[row.analyte].label} {value} {unit_words(row.canonical_unit)}{status}".strip()


def with_new(samples: Sequence[Sample], new: News) -> list[Sample]:
    """The samples, those marked that are new to this person."""
    return [replace(sample, is_new=True) if sample.result_id in new.result_ids else sample for sample in samples]


def marked(new: News, unseen: News) -> dict[int, str]:
    """Result id to what its row in the table says: new to you, not seen by anyone."""
    return {**dict.fromkeys(new.result_ids, "new to you"), **dict.fromkeys(unseen.result_ids, "not seen by anyone")}
