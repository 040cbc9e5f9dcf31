"""The ward list: one line per child on the ward by urgency; below it those in follow-up, and who is archived."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from khemon.actions.permitted import permitted
from khemon.actions.watch.at import At
from khemon.actions.watch.damaged import despite_damage
from khemon.actions.watch.heldrows import held_words
from khemon.actions.watch.keeping import Child, Keeper, keeper_in
from khemon.actions.watch.line import AlertCount, WardLine
from khemon.actions.watch.setting import Setting, setting_of
from khemon.actions.watch.ward_news import Asked, Stretch, WardNews, news_of, round_words, stretch_of
from khemon.figures.words import date_words
from khemon.models import CLOSING_EVENTS, Actor, Event, Patient
from khemon.store import Reader, Store
from khemon.store.rows import HeldRow

__all__ = ["AlertCount", "Listed", "WardBoard", "WardLine", "closings", "place_of", "ward_board"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A child who is neither on the ward nor in follow-up."""

    key: int
    patient_id: str
    name: str
    until: str


@dataclass(frozen=True, slots=True)
class WardBoard:
    """What the ward page shows."""

    setting: Setting
    revision: int
    as_of: str
    on_ward: tuple[WardLine, ...]
    follow_up: tuple[WardLine, ...]
    archived: tuple[Listed, ...]
    held_elsewhere: tuple[str, ...]
    damaged: tuple[str, ...]
    #: Key of a child to what came of it in the stretch of time that was asked about.
    news: dict[int, WardNews]
    #: What the stretches since the last round and up to it are called, and the wards that have a round.
    round_words: tuple[str, str]
    wards: tuple[str, ...]


@permitted("look")
def ward_board(store: Store, actor: Actor, now: dt.datetime, asked: Asked = None) -> WardBoard:
    """The lists as of now (aware). A child whose rows are damaged is named in `damaged` and stands in no list.

    asked: SINCE or UP_TO the last round, or a moment: what came of each child since then stands in `news`.
    """
    # Days are counted on in UTC: on a local clock a day has 23 or 25 hours twice a year.
    keeper, at = keeper_in(store.kept), now.astimezone(dt.UTC)
    with keeper.lock:
        return despite_damage(store, lambda reader: _board(reader, keeper, at, asked))


def _board(reader: Reader, keeper: Keeper, now: dt.datetime, asked: Asked) -> WardBoard:
    setting = setting_of(reader)
    numbers = {name: number for name, number in reader.patient_numbers().items() if number not in reader.left_out}
    keeper.begin(reader, setting, numbers)
    groups: dict[str, list[str]] = defaultdict(list)
    for name in numbers:
        groups[_place(keeper.children[name], now)].append(name)
    held = keeper.held_rows(reader, numbers)
    at = At(setting.protocol, setting.zone, now)
    watched = keeper.lines(reader, at, [*groups["ward"], *groups["follow_up"]], numbers, held)
    on_ward = len(groups["ward"])
    return WardBoard(
        setting,
        reader.revision(),
        date_words(now, setting.zone),
        _by_urgency(watched[:on_ward]),
        _by_urgency(watched[on_ward:]),
        tuple(_listed(keeper.children[name], numbers[name], setting.zone) for name in sorted(groups["archived"])),
        tuple(
            held_words(row, setting.zone, now)
            for name, rows in held.items()
            if name not in groups["ward"] and name not in groups["follow_up"]
            for row in rows
        ),
        tuple(reader.left_out_ids()),
        _news(reader, keeper, at, [*groups["ward"], *groups["follow_up"]], numbers, held, asked),
        round_words(reader, at, [keeper.children[name].patient for name in groups["ward"]]),
        tuple(sorted({ward for name in numbers if (ward := keeper.children[name].patient.ward)})),
    )


def _news(
    reader: Reader,
    keeper: Keeper,
    at: At,
    names: Sequence[str],
    numbers: dict[str, int],
    held: dict[str, tuple[HeldRow, ...]],
    asked: Asked,
) -> dict[int, WardNews]:
    """Key of a child to what came of it, of those for whom something did."""
    if asked is None:
        return {}
    stretches: dict[str | None, Stretch] = {}
    found = {}
    for name in names:
        child = keeper.children[name]
        if child.patient.ward not in stretches:
            stretches[child.patient.ward] = stretch_of(reader, at, asked, child.patient.ward)
        assert child.facts is not None
        news = news_of(stretches[child.patient.ward], child.facts, held.get(name, ()))
        if news is not None:
            found[numbers[name]] = news
    return found


def _by_urgency(lines: Iterable[WardLine]) -> tuple[WardLine, ...]:
    """The most urgent first: by tier, there by how grave what put the child into it is now, then all that is open."""
    worst = {"critical": 0, "warning": 1, "note": 2, None: 2}

    def urgency(line: WardLine) -> tuple[int, int, int, int, str]:
        graver = worst[line.tier_severity], worst[line.severity]
        return line.tier, *graver, -line.alerts.open, line.patient_id

    return tuple(sorted(lines, key=urgency))


def _place(child: Child, now: dt.datetime) -> str:
    closed = child.closed if child.closed is not None and child.closed <= now else None
    return place_of(child.patient, closed, now)


def closings(events: Sequence[Event], now: dt.datetime) -> dict[str, dt.datetime]:
    """Patient id to when observation closed."""
    found: dict[str, dt.datetime] = {}
    for event in events:
        if event.kind in CLOSING_EVENTS and event.start <= now:
            found[event.patient_id] = min(event.start, found.get(event.patient_id, event.start))
    return found


def place_of(patient: Patient, closed: dt.datetime | None, now: dt.datetime) -> str:
    """ward, follow_up or archived. A child nobody said anything about stands on the ward: better there than nowhere."""
    if closed is not None:
        return "archived"
    said = (patient.on_ward_from, patient.on_ward_until, patient.followed_until)
    if not any(said):
        return "ward"
    if (
        patient.on_ward_from
        and patient.on_ward_from <= now
        and (patient.on_ward_until is None or patient.on_ward_until > now)
    ):
        return "ward"
    return "archived" if patient.followed_until is not None and patient.followed_until <= now else "follow_up"


def _listed(child: Child, key: int, zone: ZoneInfo) -> Listed:
    patient, until = child.patient, child.closed or child.patient.followed_until
    return Listed(key, patient.patient_id, patient.name or "", date_words(until, zone) if until else "")
