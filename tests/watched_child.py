"""One child with alerts but without a store: results arrive, clocks move, people acknowledge, and the alerts follow."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from functools import cache
from zoneinfo import ZoneInfo

from khemon import alerts as alerting
from khemon.alerts import LIVE, Move, Setting
from khemon.explain import Given, explained
from khemon.models import CLOSING_EVENTS, Alert, Episode
from khemon.rules import Protocol, evaluate, load_protocol, prepare
from khemon.rules.calendar import to_ms
from tests.columns import columns, without_further
from tests.histories import History
from tests.reference import Child, Event, Lab
from tests.reference.shorthand import at, event, lab

#: Numbers of results in the order of recording, as in the store; not 0.
FIRST_RESULT = 101


@cache
def cached_protocol(name: str) -> Protocol:
    """The rules of 3.1 to 3.6; a child is watched by those of 3.7 in their own tests."""
    return without_further(load_protocol(name))


class WatchedChild:
    """Times are written as `3d12h` after a first morning; `now` moves on with whatever is told."""

    def __init__(self, zone: str = "UTC", birth: dt.date | None = None, diagnosis: str | None = "KHE") -> None:
        self.child = Child("P1", birth, diagnosis)
        self.zone = ZoneInfo(zone)
        self.now = at("0d")
        self.labs: dict[int, Lab] = {}
        self.events: list[Event] = []
        self.recorded: dict[int, dt.datetime] = {}
        self.alerts: list[Alert] = []
        self.moves: list[Move] = []
        self._seen_as: tuple[object, list[Episode]] = (None, [])

    @property
    def now(self) -> dt.datetime:
        """The clock, in UTC: two times of one zone would be compared by the clock on the wall."""
        return self._now

    @now.setter
    def now(self, time: dt.datetime) -> None:
        self._now = time.astimezone(dt.UTC)

    # ---- what happens -----------------------------------------------------------------------------------------

    def told(self, *results: str | Lab, now: str | None = None) -> list[int]:
        """Results arrive together, when the last was taken or later; the numbers they get."""
        new = [lab(each) if isinstance(each, str) else each for each in results]
        self.now = max(self.now, *(each.collected_at.astimezone(dt.UTC) for each in new)) if now is None else at(now)
        numbers = [self.record(each) for each in new]
        self.reconcile()
        return numbers

    def record(self, result: Lab) -> int:
        """Keeps a result without looking yet."""
        number = FIRST_RESULT + len(self.recorded)
        self.labs[number] = dataclasses.replace(result, row=number, recorded=number)
        self.recorded[number] = self.now
        return number

    def corrected(self, number: int, text: str, now: str | None = None) -> int:
        """A corrected version of a result arrives."""
        name = f"S{number}"
        self.labs[number] = dataclasses.replace(self.labs[number], specimen=self.labs[number].specimen or name)
        return self.told(lab(text, specimen=self.labs[number].specimen, status="corrected"), now=now)[0]

    def withdrawn(self, *numbers: int, now: str | None = None) -> None:
        """Results are taken back, as if they had never come."""
        for number in numbers:
            del self.labs[number]
        self.clock(now)

    def happened(self, told: str | Event, now: str | None = None) -> None:
        """An event is recorded, or recorded anew with its end."""
        new = event(told) if isinstance(told, str) else told
        self.events = [old for old in self.events if (old.kind, old.start) != (new.kind, new.start)] + [new]
        self.now = max(self.now, new.start) if now is None else at(now)
        self.reconcile()

    def clock(self, now: str | None = None) -> list[Move]:
        """Time passes; the moves that it makes."""
        self.now = self.now if now is None else at(now)
        return self.reconcile()

    def acknowledge(
        self, rule: str, now: str | None = None, *, until: str | dt.datetime | None = None, snooze: bool = False
    ) -> Alert:
        """Someone acknowledges (or snoozes) the live alert of a rule."""
        self.now = self.now if now is None else at(now)
        alert = self.live(rule)
        onset = alert.onset.astimezone(dt.UTC)
        own = [each for each in self.episodes() if each.rule == rule]
        episode = next(each for each in own if each.onset.astimezone(dt.UTC) == onset)
        move = alerting.acknowledged(
            alert,
            episode,
            snooze=snooze,
            actor="nurse",
            reason="seen by the team",
            until=at(until) if isinstance(until, str) else until,
            setting=self.setting(),
            last_result=max(self.recorded, default=0),
        )
        self._keep(move)
        return move.alert

    def opened(self) -> None:
        """Someone opens the child's page."""
        self.alerts = [each.model_copy(update={"seen_at": each.seen_at or self.now}) for each in self.alerts]

    # ---- what is known ----------------------------------------------------------------------------------------

    def setting(self) -> Setting:
        """What reconciling takes besides episodes and alerts."""

        def days(first: dt.datetime, last: dt.datetime) -> int:
            return (last.astimezone(self.zone).date() - first.astimezone(self.zone).date()).days

        closed = any(each.kind in CLOSING_EVENTS and each.start <= self.now for each in self.events)
        return Setting(self.now, cached_protocol("ward"), self.recorded.__getitem__, days, lambda _: closed)

    def episodes(self) -> list[Episode]:
        """All episodes as of now, by the engine, in words."""
        labs = tuple(self.labs.values())
        known = (labs, tuple(self.events), self.now)
        if self._seen_as[0] != known:
            self._seen_as = (known, self._evaluated(labs))
        return self._seen_as[1]

    def _evaluated(self, labs: tuple[Lab, ...]) -> list[Episode]:
        case = History(0, self.child, labs, tuple(self.events), self.zone.key, "ward", self.now)
        results, events, patients = columns([case], case.zone)
        protocol = cached_protocol("ward")
        found = evaluate(results, events, patients, protocol, case.zone, to_ms(self.now))
        prepared = prepare(results, events, 1, protocol, to_ms(self.now))
        return explained(found, prepared, patients, protocol, case.zone, ["P1"], [True], _Given(labs))

    def reconcile(self) -> list[Move]:
        """Lets the alerts follow; the moves made."""
        moves = alerting.reconcile(self.episodes(), self.alerts, self.setting())
        for move in moves:
            self._keep(move)
        return moves

    def from_scratch(self) -> list[Alert]:
        """The alerts there would be if nothing had been watched before now."""
        return [move.alert for move in alerting.reconcile(self.episodes(), [], self.setting())]

    def _keep(self, move: Move) -> None:
        if move.alert.alert_id == 0:
            move = move.model_copy(update={"alert": move.alert.model_copy(update={"alert_id": len(self.alerts) + 1})})
            self.alerts.append(move.alert)
        else:
            self.alerts[move.alert.alert_id - 1] = move.alert
        self.moves.append(move)

    # ---- asking -----------------------------------------------------------------------------------------------

    def of(self, rule: str) -> list[Alert]:
        """Every alert of a rule, live or not."""
        return [alert for alert in self.alerts if alert.rule == rule]

    def live(self, rule: str) -> Alert:
        """The one live alert of a rule."""
        [alert] = [alert for alert in self.of(rule) if alert.state in LIVE]
        return alert

    def state(self, rule: str) -> str | None:
        """Where the one alert of a rule stands; None without any."""
        found = self.of(rule)
        assert len(found) <= 1, found
        return str(found[0].state) if found else None

    def log(self, rule: str) -> list[str]:
        """The moves of a rule's alerts with their reasons, follow-ups without one left out."""
        own = [move for move in self.moves if move.alert.rule == rule and (move.move != "follow" or move.reason)]
        return [f"{move.move}: {move.reason}" if move.reason else move.move for move in own]

    def muted(self) -> dict[str, str]:
        """Which live alerts are muted by what: rule to rule."""
        found = alerting.muted(self.alerts, self.episodes(), cached_protocol("ward"), self.now)
        return {self.alerts[number - 1].rule: muter for number, muter in found.items()}


class _Given:
    """Results by row of the columns, as received."""

    def __init__(self, labs: Iterable[Lab]) -> None:
        self.labs = list(labs)

    def given(self, row: int) -> Given:
        found = self.labs[row]
        text = f"{found.comparator}{found.value}"
        return Given(found.row, text, "", text)
