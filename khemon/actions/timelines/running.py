"""Running a timeline: the alerts of every day, and where they differ from what it expects."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol as Shape

from khemon.actions.timelines.form import Timeline
from khemon.actions.timelines.rows import Expected, Happening, Told
from khemon.actions.timelines.watched import WatchedTimeline
from khemon.alerts import LIVE, recorded_after_it_ended
from khemon.models import SEVERITIES, Alert, AlertState, Episode, Refused
from khemon.rules import Protocol
from khemon.rules.calendar import MS_PER_UNIT


class TimelineWard(Shape):
    """Whoever watches the child of a timeline: without a store, or with one."""

    def happen(self, happening: Happening) -> None:
        """It is told what happens at its time."""

    def clock(self, now_ms: int) -> None:
        """It is now."""

    def alerts(self) -> Sequence[Alert]:
        """Every alert so far, by number."""

    def reasons(self) -> Sequence[tuple[int, str]]:
        """Every move with a reason so far: alert and reason, in order."""

    def episodes(self) -> Sequence[Episode]:
        """Every episode as of now, in words."""

    def recorded_at(self, result_id: int) -> dt.datetime:
        """When a result was recorded."""


@dataclass(frozen=True, slots=True)
class SeenDay:
    """What the ward has on a day at the time of looking; alerts that ended count on the day they ended.

    sentences: rule to the sentences of its alerts and notes. calls: how often an alert came before the ward so far.
    """

    day: int
    alerts: tuple[tuple[Told, str], ...]
    sentences: dict[str, str]
    notes: tuple[str, ...]
    ended: tuple[str, ...]
    calls: int


def seen_days(timeline: Timeline, ward: TimelineWard | None = None) -> Iterator[SeenDay]:
    """The days of a timeline in order. Between them the clock is looked at before whatever happens.

    What time alone opens lasts until something happens or follow-up ends, so a minute clock sees the same calls.
    """
    watch = _Watch(ward or WatchedTimeline(timeline), timeline.rules)
    waiting = list(timeline.happens)
    for day in range(timeline.last_day + 1):
        look_ms = timeline.look_ms(day)
        while waiting and timeline.at_ms(waiting[0].at) <= look_ms:
            happening = waiting.pop(0)
            watch.clock(timeline.at_ms(happening.at) - MS_PER_UNIT["min"])
            watch.happen(happening)
        watch.clock(look_ms)
        yield watch.look(day)


class _Watch:
    """A ward that is looked at once a day, and how often an alert came before it."""

    def __init__(self, ward: TimelineWard, protocol: Protocol) -> None:
        self.ward = ward
        self.protocol = protocol
        self.calls = 0
        self.shown: set[int] = set()
        self.states: dict[int, AlertState] = {}
        self.reasons_told = 0

    def happen(self, happening: Happening) -> None:
        self.ward.happen(happening)
        self._count()

    def clock(self, now_ms: int) -> None:
        self.ward.clock(now_ms)
        self._count()

    def _count(self) -> None:
        open_now = {a.alert_id for a in self.ward.alerts() if a.state is AlertState.OPEN and a.muted_by is None}
        self.calls += len(open_now - self.shown)
        self.shown = open_now

    def look(self, day: int) -> SeenDay:
        reasons = self.ward.reasons()
        new, self.reasons_told = reasons[self.reasons_told :], len(reasons)
        alerts, episodes = self.ward.alerts(), self.ward.episodes()
        told = [alert for alert in alerts if alert.state in LIVE or alert.state is not self._before(alert, new)]
        self.states = {alert.alert_id: alert.state for alert in alerts}
        notes = [each for each in episodes if each.end is None and each.severity == SEVERITIES[0]]
        sentences = {each.rule: each.text for each in notes} | {alert.rule: alert.text for alert in told}
        late = recorded_after_it_ended(episodes, alerts, self.protocol, self.ward.recorded_at)
        return SeenDay(
            day,
            tuple((_told(alert), "; ".join(why for number, why in new if number == alert.alert_id)) for alert in told),
            sentences,
            tuple(sorted({each.rule for each in notes})),
            tuple(sorted(each.rule for each in late)),
            self.calls,
        )

    def _before(self, alert: Alert, new: Sequence[tuple[int, str]]) -> AlertState | None:
        """Its state at the last look, none when it moved since: it may have opened and ended again."""
        return None if any(number == alert.alert_id for number, _ in new) else self.states.get(alert.alert_id)


def _told(alert: Alert) -> Told:
    return Told(
        state=str(alert.state),
        rule=alert.rule,
        status=alert.status,
        severity=alert.severity,
        muted_by=alert.muted_by if alert.state in LIVE else None,
    )


def differences(timeline: Timeline, ward: TimelineWard | None = None) -> list[str]:
    """Where the alerts differ from what the timeline expects, each as a line with its day; none when they agree."""
    expected = {day: each for each in timeline.expect for day in each.numbers}
    lines: list[str] = []
    calls = 0
    try:
        for seen in seen_days(timeline, ward):
            calls = seen.calls
            lines += [f"day {seen.day}: {line}" for line in _of_day(expected[seen.day], seen)]
    except Refused as problem:
        return [*lines, str(problem)]
    if calls != timeline.calls:
        lines.append(f"calls: expected {timeline.calls}, found {calls}")
    return lines


def _of_day(expected: Expected, seen: SeenDay) -> Iterator[str]:
    left = list(seen.alerts)
    for told in expected.alerts:
        own = next((pair for pair in left if pair[0].plain == told.plain), None)
        if own is None:
            yield f"expected, not found: {told.plain}"
            continue
        left.remove(own)
        if told.because is not None and told.because not in own[1]:
            yield f"{told.plain}: expected because {told.because!r}, found {own[1] or 'no reason'!r}"
    for told, why in left:
        yield f"found, not expected: {told.plain}{f' ({why})' if why else ''}: {seen.sentences.get(told.rule)}"
    for rule, words in expected.says.items():
        if words not in seen.sentences.get(rule, ""):
            yield f"{rule} says: expected {words!r}, found {seen.sentences.get(rule)!r}"
    if expected.notes is not None and sorted(expected.notes) != list(seen.notes):
        yield f"notes: expected {sorted(expected.notes)}, found {list(seen.notes)}"
    if expected.ended is not None and sorted(expected.ended) != list(seen.ended):
        yield f"recorded after it ended: expected {sorted(expected.ended)}, found {list(seen.ended)}"
