"""The ward list: one line per child on the ward by urgency; below it those in follow-up, and who is archived."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from khemon.actions.permitted import permitted
from khemon.actions.watch.alerts import is_resolved_unseen
from khemon.actions.watch.answers import headline, not_rechecked, pattern_answer, reason_of
from khemon.actions.watch.cells import PAIR, ROUND, Cell, cell_of
from khemon.actions.watch.damaged import despite_damage
from khemon.actions.watch.flags import Flag
from khemon.actions.watch.heldrows import held_words
from khemon.actions.watch.known import Known
from khemon.actions.watch.readings import run_counts
from khemon.actions.watch.setting import Setting, setting_of
from khemon.actions.watch.urgency import by_urgency, tier_of, worst_of
from khemon.alerts import standing_at
from khemon.figures.board import SparkData, spark_data
from khemon.figures.clock import ClockData, clock_data
from khemon.figures.lines import action_lines
from khemon.figures.samples import Sample
from khemon.figures.timeline import longest_gap
from khemon.figures.words import DAY, age_words, date_words
from khemon.models import CLOSING_EVENTS, Actor, Alert, AlertState, Episode, Event, Patient, Severity
from khemon.rules.rulebook import AllOfRule, RunRule
from khemon.store import Reader, Store
from khemon.store.rows import HeldRow

SPARK_LENGTH = 28 * DAY


@dataclass(frozen=True, slots=True)
class AlertCount:
    """Alerts of a patient: to review, of which severity at worst, and those that people have decided on."""

    open: int
    worst: Severity | None
    decided: int


@dataclass(frozen=True, slots=True)
class WardLine:
    """One child. key: our own number, the only thing that stands in an address."""

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
    spark: SparkData
    clock: ClockData
    kmp: Flag
    alerts: AlertCount
    held: tuple[str, ...]
    unseen: tuple[str, ...]
    last_at: str


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


@permitted("look")
def ward_board(store: Store, actor: Actor, now: dt.datetime) -> WardBoard:
    """The lists as of now (aware). A child whose rows are damaged is named in `damaged` and stands in no list."""
    return despite_damage(store, lambda reader: _board(reader, now))


def _board(reader: Reader, now: dt.datetime) -> WardBoard:
    setting = setting_of(reader)
    numbers = reader.patient_numbers()
    closed = closings(reader.events_for().events, now)
    groups: dict[str, list[Patient]] = defaultdict(list)
    for patient in reader.patients():
        if numbers[patient.patient_id] not in reader.left_out:
            groups[place_of(patient, closed.get(patient.patient_id), now)].append(patient)
    watched = groups["ward"] + groups["follow_up"]
    known = Known(reader, watched, setting.protocol, setting.zone, now)
    lines = _Lines(known, reader.alerts(), reader.held(), numbers)
    return WardBoard(
        setting,
        reader.revision(),
        date_words(now, setting.zone),
        lines.of(groups["ward"]),
        lines.of(groups["follow_up"]),
        tuple(_listed(patient, numbers, closed, setting.zone) for patient in groups["archived"]),
        lines.held_of_nobody(),
        tuple(reader.left_out_ids()),
    )


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


def _listed(patient: Patient, numbers: dict[str, int], closed: dict[str, dt.datetime], zone: ZoneInfo) -> Listed:
    until = closed.get(patient.patient_id) or patient.followed_until
    name = patient.name or ""
    return Listed(numbers[patient.patient_id], patient.patient_id, name, date_words(until, zone) if until else "")


class _Lines:
    """The lines of one board."""

    def __init__(self, known: Known, alerts: Sequence[Alert], held: Sequence[HeldRow], numbers: dict[str, int]) -> None:
        self.known, self.numbers = known, numbers
        self.episodes = known.episodes(in_full=False)
        self.alerts: dict[str, list[Alert]] = defaultdict(list)
        for alert in alerts:
            self.alerts[alert.patient_id].append(standing_at(alert, known.now))
        self.held: dict[str, list[HeldRow]] = defaultdict(list)
        for row in held:
            self.held[row.patient_id or ""].append(row)

    def of(self, patients: Sequence[Patient]) -> tuple[WardLine, ...]:
        """The lines of these patients, the most urgent first."""
        lines = [self._line(patient) for patient in patients]
        worst = {"critical": 0, "warning": 1, "note": 2, None: 2}
        return tuple(
            sorted(lines, key=lambda line: (line.tier, worst[line.severity], -line.alerts.open, line.patient_id))
        )

    def held_of_nobody(self) -> tuple[str, ...]:
        """Held rows without a patient, or of one who is on no list."""
        others = [row for name, rows in self.held.items() if name not in self.known.patients for row in rows]
        return tuple(held_words(row, self.known.zone, self.known.now) for row in others)

    def _line(self, patient: Patient) -> WardLine:
        known, name = self.known, patient.patient_id
        episodes = self.episodes[name]
        stale = any(not_rechecked(known, episode) for episode in by_urgency(episodes) if episode.severity != "note")
        tier, reasons = tier_of(episodes, stale)
        words = headline(known, reasons, in_full=False) or ("not rechecked" if stale else "no urgent flag")
        kmp, run = known.protocol.rules["kmp"], known.protocol.rules["durable_platelet_response"]
        assert isinstance(kmp, AllOfRule) and isinstance(run, RunRule)
        runs = [episode for episode in episodes if episode.rule == run.name]
        samples = self._samples(name, runs)
        last = max((sample.at for sample in samples), default=None)
        return WardLine(
            key=self.numbers[name],
            patient_id=name,
            name=patient.name or "",
            age=age_words(patient.birth_date, known.now.astimezone(known.zone).date()),
            sex=patient.sex or "",
            tier=tier,
            tier_words=words,
            tier_why="; ".join(reason_of(known, episode) for episode in reasons),
            tier_severity=worst_of([episode.severity for episode in reasons]) or ("warning" if stale else None),
            severity=worst_of([episode.severity for episode in episodes if episode.end is None]),
            cells={analyte: cell_of(known, analyte, samples, episodes) for analyte in ROUND},
            spark=spark_data(
                samples,
                [line for line in action_lines(known.protocol, "platelets") if not line.own],
                known.now,
                SPARK_LENGTH,
                longest_gap(known.protocol),
            ),
            clock=clock_data(
                runs[-1] if runs else None, run_counts(known, name, run, samples), run, known.now, known.zone
            ),
            kmp=pattern_answer(known, name, kmp, episodes, rule_in_full=False),
            alerts=self._alert_count(name),
            held=tuple(held_words(row, known.zone, known.now) for row in self.held[name]),
            unseen=tuple(self._unseen(name)),
            last_at="" if last is None else date_words(last, known.zone),
        )

    def _samples(self, name: str, runs: Sequence[Episode]) -> list[Sample]:
        """The samples of the last weeks; of a run that goes on all, however long ago it began."""
        running = [episode.onset for episode in runs if episode.end is None and episode.confirmed_at is None]
        return self.known.samples(name, min([self.known.now - SPARK_LENGTH, *running]), PAIR)

    def _alert_count(self, name: str) -> AlertCount:
        own = self.alerts[name]
        to_review = [alert for alert in own if alert.state is AlertState.OPEN and alert.muted_by is None]
        decided = Counter(alert.state for alert in own)
        quiet = decided[AlertState.ACKNOWLEDGED] + decided[AlertState.SNOOZED]
        return AlertCount(len(to_review), worst_of([alert.severity for alert in to_review]), quiet)

    def _unseen(self, name: str) -> list[str]:
        return [f"{alert.text}" for alert in self.alerts[name] if is_resolved_unseen(alert)]
