"""One line of the ward list: what is kept of a child, told as of a moment, and until when the words stay the same."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from khemon.actions.watch.alert_lines import as_of, unseen_words
from khemon.actions.watch.answers import headline, not_rechecked, pattern_told, reason_of
from khemon.actions.watch.at import At
from khemon.actions.watch.cells import ROUND, Cell, cell_of
from khemon.actions.watch.child import SPARK_LENGTH, ChildFacts, pattern_rule, run_rule, told_by_weeks
from khemon.actions.watch.due import Due, due_changes, due_words
from khemon.actions.watch.flags import Flag
from khemon.actions.watch.heldrows import held_words
from khemon.actions.watch.products import GivenWords, given_words
from khemon.actions.watch.urgency import by_urgency, tier_of, worst_of
from khemon.figures.board import SparkData, spark_data
from khemon.figures.clock import ClockData, clock_data
from khemon.figures.lines import ActionLine, action_lines
from khemon.figures.timeline import longest_gap
from khemon.figures.words import DAY, HOUR, age_words, ago_changes, ago_words, date_words, day_words, plain_dates
from khemon.models import Alert, AlertState, Episode, Patient, Severity
from khemon.rules import Protocol
from khemon.store.rows import HeldRow

#: What a strip shows: the course of the last days, not of the whole response.
STRIP_LENGTH = 14 * DAY
_TICK = dt.timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class AlertCount:
    """Alerts of a patient: to review, of which severity at worst, and those that people have decided on."""

    open: int
    worst: Severity | None
    decided: int


@dataclass(frozen=True, slots=True)
class WardLine:
    """One child. key: our own number, the only thing that stands in an address.

    due: what was not seen when expected. stale: an open flag whose input is too old to be called current.
    """

    key: int
    patient_id: str
    name: str
    age: str
    sex: str
    tier: int
    tier_words: str
    tier_why: str
    tier_severity: Severity | None
    severity: Severity | None
    cells: dict[str, Cell]
    sparks: dict[str, SparkData]
    clock: ClockData
    kmp: Flag
    due: tuple[Due, ...]
    stale: bool
    given: GivenWords | None
    last_fibrinogen: str
    alerts: AlertCount
    held: tuple[str, ...]
    unseen: tuple[str, ...]
    last_at: str


@dataclass(frozen=True)
class Drawing:
    """What is the same in the strips of every child: the lines of each analyte, and where a line is broken."""

    protocol: Protocol

    @cached_property
    def lines(self) -> dict[str, tuple[ActionLine, ...]]:
        """The published limits of each analyte."""
        own = ((analyte, action_lines(self.protocol, analyte)) for analyte in ROUND)
        return {analyte: tuple(line for line in lines if not line.own) for analyte, lines in own}

    @cached_property
    def gap(self) -> dt.timedelta:
        """The stretch without a sample over which no line is drawn."""
        return longest_gap(self.protocol)


def strips(at: At, facts: ChildFacts, drawing: Drawing) -> dict[str, SparkData]:
    """The strip of each analyte up to the end of the running hour."""
    edge = hour_after(at.now)
    return {
        analyte: spark_data(facts.samples, drawing.lines[analyte], edge, STRIP_LENGTH, drawing.gap, analyte)
        for analyte in ROUND
    }


def line_of(
    at: At,
    patient: Patient,
    key: int,
    facts: ChildFacts,
    alerts: Sequence[Alert],
    held: Sequence[HeldRow],
    sparks: dict[str, SparkData],
) -> tuple[WardLine, dt.datetime]:
    """The line of a child, and the moment before which no word of it changes while nothing arrives."""
    episodes, samples, now = facts.episodes, facts.samples, at.now
    state = _state(at, episodes, measured=any(sample.counted for sample in samples))
    standing = [as_of(alert, {patient.patient_id: episodes}, at) for alert in alerts]
    last = max((sample.at for sample in samples), default=None)
    kmp = pattern_told(at, pattern_rule(at.protocol), facts.limbs, episodes, rule_in_full=False)
    line = WardLine(
        key=key,
        patient_id=patient.patient_id,
        name=patient.name or "",
        age=age_words(patient.birth_date, now.astimezone(at.zone).date()),
        sex=patient.sex or "",
        tier=state.tier,
        tier_words=state.words,
        tier_why=state.why,
        tier_severity=state.severity,
        severity=worst_of([episode.severity for episode in episodes]),
        cells={analyte: _cell(at, analyte, facts) for analyte in ROUND},
        sparks=sparks,
        clock=_clock(at, facts),
        kmp=replace(kmp, why=plain_dates(kmp.why)),
        due=state.due,
        stale=state.stale,
        given=given_words(at, facts.given),
        last_fibrinogen=_last_seen(at, facts, "fibrinogen"),
        alerts=alert_count(standing),
        held=tuple(held_words(row, at.zone, now) for row in held),
        unseen=unseen_words(standing, at.zone, now),
        last_at="" if last is None else date_words(last, at.zone),
    )
    return line, min(_changes(at, facts, alerts))


def _clock(at: At, facts: ChildFacts) -> ClockData:
    """The response clock of the last run; an ended one says when, and weeks stand only where all counts are at hand."""
    run = facts.run
    clock = clock_data(run, facts.counts, run_rule(at.protocol), at.now, at.zone)
    if run is None:
        return clock
    words = clock.words
    if run.end is not None and run.confirmed_at is None:
        words += f", {day_words(run.end.astimezone(at.zone).date())}"
    if told_by_weeks(run, at.now):
        return replace(clock, words=words)
    return replace(clock, words=words, weeks=(), facts=())


def hour_after(now: dt.datetime) -> dt.datetime:
    """The end of the running hour: the right edge of every strip, so that they move once an hour."""
    return now.replace(minute=0, second=0, microsecond=0) + HOUR


@dataclass(frozen=True, slots=True)
class _State:
    """How urgent a child is, in words, and what was not seen when expected."""

    tier: int
    words: str
    why: str
    severity: Severity | None
    due: tuple[Due, ...]
    stale: bool


def _state(at: At, episodes: Sequence[Episode], *, measured: bool) -> _State:
    urgent = [episode for episode in by_urgency(episodes) if episode.severity != "note"]
    stale = any(not_rechecked(at, episode) for episode in urgent)
    due = due_words(at, episodes)
    tier, reasons = tier_of(episodes, stale)
    # What is due says itself since when.
    told = [episode for episode in reasons if episode.rule not in {one.rule for one in due}]
    words = headline(at, told, in_full=False) or _calm_words(due, stale, measured=measured)
    why = plain_dates("; ".join(reason_of(at, episode) for episode in told))
    severity = worst_of([episode.severity for episode in reasons]) or ("warning" if stale else None)
    return _State(tier, words, why, severity, due, stale)


def _calm_words(due: Sequence[Due], stale: bool, *, measured: bool) -> str:
    """The state of a child without an urgent flag; of one without any result nothing can be said."""
    if any(one.severity != "note" for one in due):
        return "not seen when expected"
    if not measured:
        return "cannot tell: no result"
    return "not rechecked" if stale else "no urgent flag"


def _cell(at: At, analyte: str, facts: ChildFacts) -> Cell:
    """The cell of an analyte, with what was set aside since its value."""
    cell = cell_of(at, analyte, facts.samples, facts.episodes)
    own = [sample for sample in facts.samples if sample.analyte == analyte]
    last = max((sample.at for sample in own if sample.counted and sample.leads), default=None)
    aside = [sample for sample in own if not sample.counted and (last is None or sample.at > last)]
    if not aside:
        return cell
    why = ", ".join(dict.fromkeys(remark.removeprefix("set aside: ") for each in aside for remark in each.remarks[:1]))
    return replace(cell, remarks=(*cell.remarks, f"{len(aside)} not counted since: {why}"))


def _last_seen(at: At, facts: ChildFacts, analyte: str) -> str:
    own = [sample.at for sample in facts.samples if sample.analyte == analyte and sample.counted]
    return ago_words(max(own), at.now) if own else "never measured"


def alert_count(alerts: Sequence[Alert]) -> AlertCount:
    """How many of a child's alerts wait, and how many are decided on."""
    to_review = [alert for alert in alerts if alert.state is AlertState.OPEN and alert.muted_by is None]
    decided = Counter(alert.state for alert in alerts)
    quiet = decided[AlertState.ACKNOWLEDGED] + decided[AlertState.SNOOZED]
    return AlertCount(len(to_review), worst_of([alert.severity for alert in to_review]), quiet)


def _changes(at: At, facts: ChildFacts, alerts: Sequence[Alert]) -> Iterator[dt.datetime]:
    """Every moment after now at which a word of the line may change."""
    yield from (facts.until, at.midnight, hour_after(at.now))
    if facts.run is not None and facts.run.end is not None and told_by_weeks(facts.run, at.now):
        yield facts.run.end.astimezone(dt.UTC) + SPARK_LENGTH + _TICK
    yield from (alert.until for alert in alerts if alert.until is not None and alert.until > at.now)
    yield from due_changes(at, facts.episodes)
    latest = {sample.analyte: sample.at for sample in facts.samples if sample.counted}
    spoken = {seen.at for limb in facts.limbs for seen in (limb.counted, limb.latest) if seen is not None}
    spoken |= {*latest.values()} | ({facts.given.start, facts.given.end} if facts.given else set())
    common = at.protocol.common
    limits = [dt.timedelta(milliseconds=each.ms) for each in (common.not_rechecked_after, common.current_within)]
    inputs = {episode.last_input_at for episode in facts.episodes if episode.last_input_at is not None}
    yield from (ago_changes(time, at.now) for time in spoken)
    yield from (given.end for given in (facts.given,) if given is not None and given.end > at.now)
    for time in {each.astimezone(dt.UTC) for each in spoken | inputs}:
        yield from (time + limit + _TICK for limit in limits if time + limit + _TICK > at.now)
