"""What came of each child in a stretch of time: since the last round, in the day up to it, or since a list was made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from khemon.actions.rounds import round_at
from khemon.actions.watch.at import At
from khemon.actions.watch.child import ChildFacts
from khemon.figures.words import DAY, moment, short_date_words
from khemon.models import Patient
from khemon.store import Reader
from khemon.store.rows import HeldRow

#: What a ward list may be asked for beside everybody: what is new since the last round, or came in the day up to it.
SINCE, UP_TO = "since", "up_to"
Asked = str | dt.datetime | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time, its start not included, in words."""

    start: dt.datetime
    end: dt.datetime
    words: str


@dataclass(frozen=True, slots=True)
class WardNews:
    """What came of a child. analytes: those whose latest value is new. flags: warnings that began in that time."""

    results: int
    events: int
    held: int
    flags: int
    analytes: frozenset[str]
    words: str


def last_round(now: dt.datetime, at: At, hour: dt.time, days_before: int = 0) -> dt.datetime:
    """The last round by now, or the one so many days before it."""
    today = now.astimezone(at.zone).date()
    due = dt.datetime.combine(today, hour, at.zone)
    day = today if due.astimezone(dt.UTC) <= now else today - DAY
    return dt.datetime.combine(day - days_before * DAY, hour, at.zone).astimezone(dt.UTC)


def stretch_of(reader: Reader, at: At, asked: str | dt.datetime, ward: str | None) -> Stretch:
    """The stretch of time that is asked about, for a child of a ward."""
    if isinstance(asked, dt.datetime):
        return Stretch(asked, at.now, f"since {short_date_words(asked, at.zone, at.now)}")
    hour = round_at(reader, ward)
    last = last_round(at.now, at, hour)
    told = short_date_words(last, at.zone, at.now)
    if asked == UP_TO:
        return Stretch(last_round(at.now, at, hour, 1), last, f"in the 24 h up to {told}")
    return Stretch(last, at.now, f"since {told}")


def news_of(stretch: Stretch, facts: ChildFacts, held: Sequence[HeldRow]) -> WardNews | None:
    """What came of a child in a stretch of time; None when nothing did."""

    def within(time: dt.datetime | None) -> bool:
        return time is not None and stretch.start < time <= stretch.end

    came = [arrival for arrival in facts.arrivals if within(arrival.at)]
    results = sum(arrival.count for arrival in came if arrival.is_result)
    events = sum(arrival.count for arrival in came if not arrival.is_result)
    waiting = sum(within(moment(row.recorded_ms)) for row in held)
    flags = sum(episode.severity != "note" and within(episode.onset) for episode in facts.episodes)
    if not (came or waiting or flags):
        return None
    counted = ((results, "result"), (events, "event"), (waiting, "held row"), (flags, "new flag"))
    told = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counted if count)
    new = frozenset(analyte for analyte, recorded in facts.recorded if within(recorded))
    return WardNews(results, events, waiting, flags, new, f"{told} {stretch.words}")


def round_words(reader: Reader, at: At, patients: Sequence[Patient]) -> tuple[str, str]:
    """What the two stretches about the round are called; without an hour where the wards differ."""
    hours = {round_at(reader, ward) for ward in {patient.ward for patient in patients} or {None}}
    if len(hours) > 1:
        return "Since the last round", "24 h up to the round"
    told = short_date_words(last_round(at.now, at, hours.pop()), at.zone, at.now)
    return f"Since the round at {told}", f"24 h up to {told}"
