"""The child of a timeline without a store: what is known by a moment, judged by rules and alerts as the store's is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from khemon.actions.judging import Case as Judged
from khemon.actions.judging import episodes_of
from khemon.actions.timelines.form import Timeline
from khemon.actions.timelines.rows import Happening
from khemon.alerts import LIVE, Move, Setting, acknowledged, muted, reconcile
from khemon.explain import Given
from khemon.explain.cases import columns_of
from khemon.models import CLOSING_EVENTS, Alert, Episode, Refused
from khemon.rules.calendar import from_ms
from khemon.rules.case_rows import CaseEvent, Lab, elapsed_ms
from khemon.rules.cases import Case
from khemon.units import ANALYTES, decimal_text


@dataclass(slots=True)
class _Known:
    """A result as it was told: its number, when it was recorded, and by what."""

    number: int
    recorded_ms: int
    by: str
    lab: Lab


@dataclass(slots=True)
class _Givens:
    known: list[_Known]

    def given(self, row: int) -> Given:
        found = self.known[row]
        canonical = f"{found.lab.comparator}{decimal_text(found.lab.quantity.value)}"
        unit = found.lab.unit or ANALYTES[found.lab.analyte].canonical_unit
        return Given(found.number, found.lab.value, unit, canonical)


@dataclass
class WatchedTimeline:
    """One child whose alerts follow what it is told and the clock."""

    timeline: Timeline
    now_ms: int = 0
    results: list[_Known] = field(default_factory=list)
    events: list[tuple[str, CaseEvent]] = field(default_factory=list)
    found: list[Alert] = field(default_factory=list)
    made: list[Move] = field(default_factory=list)
    recorded: dict[int, int] = field(default_factory=dict)
    _judged: tuple[int, list[Episode]] | None = None

    def happen(self, happening: Happening) -> None:
        """Khemon is told; the alerts follow at once."""
        self.now_ms, self._judged = self.timeline.at_ms(happening.at), None
        if happening.act is not None:
            self._act(*happening.act, happening)
        elif happening.taken_back is not None:
            self.results = [known for known in self.results if known.by != happening.taken_back]
            self.events = [(by, event) for by, event in self.events if by != happening.taken_back]
        elif happening.is_event:
            end = None if happening.until is None else self.timeline.elapsed(happening.until)
            start = self.timeline.elapsed(happening.start or happening.at)
            told = CaseEvent(kind=happening.what, start=start, end=end, dose=happening.dose)
            self.events.append((happening.at, told))
        else:
            for lab in happening.labs(self.timeline.elapsed):
                number = len(self.recorded) + 1
                self.recorded[number] = self.now_ms
                self.results.append(_Known(number, self.now_ms, happening.at, lab))
        self._judged = None
        self.clock(self.now_ms)

    def clock(self, now_ms: int) -> None:
        """It is now; the alerts follow."""
        self.now_ms = now_ms
        episodes = self.episodes()
        for move in reconcile(episodes, self.found, self._setting()):
            self._keep(move)
        by = muted(self.found, episodes, self.timeline.rules, from_ms(now_ms))
        live = [alert.state in LIVE for alert in self.found]
        self.found = [
            alert.model_copy(update={"muted_by": by.get(alert.alert_id)}) if lives else alert
            for alert, lives in zip(self.found, live, strict=True)
        ]

    def alerts(self) -> list[Alert]:
        """Every alert so far, as it stands."""
        return self.found

    def reasons(self) -> list[tuple[int, str]]:
        """Every move with a reason so far: alert and reason, in order."""
        return [(move.alert.alert_id, move.reason) for move in self.made if move.reason]

    def recorded_at(self, result_id: int) -> dt.datetime:
        """When a result was told."""
        return from_ms(self.recorded[result_id], self.timeline.timezone)

    def episodes(self) -> list[Episode]:
        """Every episode as of now, in words."""
        if self._judged is None or self._judged[0] != self.now_ms:
            self._judged = (self.now_ms, self._evaluated())
        return self._judged[1]

    def _evaluated(self) -> list[Episode]:
        case = _case(self.timeline, self.results, self._latest_events())
        judged = Judged(["child"], *columns_of(case), [self.timeline.diagnosis is not None], [case.target])
        timeline = self.timeline
        return episodes_of(judged, timeline.rules, timeline.timezone, self.now_ms, _Givens(self.results))

    def _latest_events(self) -> tuple[CaseEvent, ...]:
        """An event told again, with the same kind and start, is the same event."""
        return tuple({(event.kind, event.start): event for _, event in self.events}.values())

    def _setting(self) -> Setting:
        zone = ZoneInfo(self.timeline.timezone)

        def days(first: dt.datetime, last: dt.datetime) -> int:
            return (last.astimezone(zone).date() - first.astimezone(zone).date()).days

        start_ms = self.timeline.at_ms("0 00:00")
        closings = [elapsed_ms(event.start) for event in self._latest_events() if event.kind in CLOSING_EVENTS]
        closed = any(start_ms + elapsed <= self.now_ms for elapsed in closings)
        now = from_ms(self.now_ms, self.timeline.timezone)
        return Setting(now, self.timeline.rules, self.recorded_at, days, lambda _: closed)

    def _act(self, verb: str, rule: str, happening: Happening) -> None:
        live = [alert for alert in self.found if alert.rule == rule and alert.state in LIVE]
        if not live:
            raise Refused(f"{happening.at}: {happening.what}", "there is no live alert of this rule", "mend the file")
        onset = live[0].onset.astimezone(dt.UTC)
        episode = next(e for e in self.episodes() if e.rule == rule and e.onset.astimezone(dt.UTC) == onset)
        until = None if happening.until is None else from_ms(self.timeline.at_ms(happening.until))
        self._keep(
            acknowledged(
                live[0],
                episode,
                snooze=verb == "snooze",
                actor="nurse",
                reason=happening.because,
                until=until,
                setting=self._setting(),
            )
        )

    def _keep(self, move: Move) -> None:
        if move.alert.alert_id == 0:
            numbered = move.alert.model_copy(update={"alert_id": len(self.found) + 1})
            move = move.model_copy(update={"alert": numbered})
            self.found.append(numbered)
        else:
            self.found[move.alert.alert_id - 1] = move.alert
        self.made.append(move)


def _case(timeline: Timeline, results: list[_Known], events: tuple[CaseEvent, ...]) -> Case:
    """What is known, as a case: the columns of both are made in one place."""
    day0, followed = (None if m is None else timeline.elapsed(m) for m in (timeline.day0, timeline.followed_until))
    return Case.model_construct(
        rule="timeline",
        kind="calendar",
        expect=(),
        name=timeline.title,
        labs=tuple(known.lab for known in results),
        events=events,
        birth=None if timeline.birth is None else (timeline.start - timeline.birth).days,
        diagnosis=timeline.diagnosis,
        day0=day0,
        followed_until=followed,
        target=timeline.target or "",
        protocol=timeline.protocol,
        timezone=timeline.timezone,
        start=dt.datetime.combine(timeline.start, dt.time()),
    )
