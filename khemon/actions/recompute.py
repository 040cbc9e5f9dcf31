"""After every change: evaluate the patients it touched, store their episodes, and let their alerts follow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from khemon.actions.judging import (
    Case,
    bare_episodes,
    dose_of,
    episodes_of,
    patients_column,
    told_and_untold,
    unit_codes,
)
from khemon.actions.live import SYSTEM, keep_first_protocol, live_protocol
from khemon.alerts import LIVE, Move, Setting, muted, reconcile
from khemon.explain import Given
from khemon.models import CLOSING_EVENTS, Actor, Alert, Episode, Event, Refused
from khemon.rules import NO_TIME, Episodes, Events, Protocol, Results
from khemon.rules.calendar import day_numbers, from_ms, to_ms
from khemon.rules.rulebook import RunRule
from khemon.rules.series import Bools
from khemon.store import NO_VERSIONS, BareEpisodes, Reader, ResultColumns, Versions, Writer, batch_of

__all__ = ["SYSTEM", "Ward", "case_of", "episodes_at", "recompute", "setting_of", "ward_of"]
#: Patients that are evaluated together.
PATIENTS_AT_ONCE = 512
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Ward:
    """The settings an evaluation takes from a store."""

    protocol: Protocol
    timezone: str


def ward_of(reader: Reader) -> Ward:
    """The store's protocol and time zone; Refused when it has no time zone yet."""
    if not (timezone := reader.setting("timezone")):
        found = "this store has no time zone yet; a wrong one shifts every day count"
        raise Refused("time zone", found, "state it once with --timezone, for example --timezone Europe/Berlin")
    return Ward(live_protocol(reader), timezone)


class _FromStore:
    """Results behind rows of the evaluated columns, fetched for a patient when first asked for."""

    def __init__(self, reader: Reader, found: ResultColumns, told: Sequence[Event]) -> None:
        self.reader = reader
        self.result_id = found.result_id
        self.patient = found.patient
        self.analyte = found.analyte
        self.ids = found.patient_ids
        self.closings = [(event.patient_id, to_ms(event.start)) for event in told if event.kind in CLOSING_EVENTS]
        self.known: dict[int, Given] = {}
        self.texts: dict[int, tuple[Any, ...]] = {}
        self.recorded: dict[int, int] = {}
        self.told = told
        self.fetched: dict[int, set[int]] = {}
        #: What is known already of one child whose results were asked for before.
        self.kept = found.texts

    def given(self, row: int) -> Given:
        result_id = int(self.result_id[row])
        known = self.known.get(result_id)
        if known is None:
            text, unit, canonical = self.kept.get(result_id) or self._told(row, result_id)
            known = self.known[result_id] = Given(result_id, text, unit or "", canonical)
            if batch_of(result_id) not in self.recorded:
                self.recorded.update(self.reader.recorded_of(self.ids[int(self.patient[row])]))
        return known

    def _told(self, row: int, result_id: int) -> tuple[str, str | None, str]:
        told = self.reader.text_at_hand(result_id)
        if told is None:
            self._fetch(int(self.patient[row]), int(self.analyte[row]))
            told = self.reader.told(self.texts[result_id])
        return self.kept.add(result_id, told)

    def _fetch(self, patient: int, analyte: int) -> None:
        """Fetches a patient's results of an analyte once: the words about one arriving result need few of them."""
        known = self.fetched.setdefault(patient, set())
        if analyte in known:
            return
        known.add(analyte)
        self.texts.update(self.reader.texts_of(self.ids[patient], analyte))

    def recorded_ms(self, result_id: int) -> int:
        """When a result was recorded whose patient's results were asked for."""
        return self.recorded[batch_of(result_id)]


def case_of(
    reader: Reader,
    patient_ids: Sequence[str] | None,
    timezone: str,
    known_at_ms: int | None = None,
    read: Versions = NO_VERSIONS,
) -> tuple[Case, _FromStore]:
    """What the store knows of some patients (of all without ids), as an evaluation takes it; read: what is at hand."""
    found = reader.results_for(patient_ids, known_at_ms=known_at_ms, read=read)
    told = reader.events_for(found.patient_ids, known_at_ms=known_at_ms)
    results = Results(
        found.patient,
        found.time,
        day_numbers(found.time, timezone),
        found.analyte,
        found.low,
        found.high,
        found.status,
        found.quality,
        found.specimen,
        found.recorded,
        found.timing,
    )
    position = {patient_id: number for number, patient_id in enumerate(found.patient_ids)}
    moved = np.array([position[patient_id] for patient_id in told.patient_ids], np.int32)
    end = np.array([NO_TIME if event.end is None else int(ms) for event, ms in zip(told.events, told.end, strict=True)])
    dose = np.array([dose_of(event.dose) for event in told.events], np.float64)
    moved = moved[told.patient] if moved.size else told.patient
    unit = unit_codes(event.unit for event in told.events)
    events = Events(moved, told.kind, told.start, end.astype(np.int64), dose, unit)
    registered = {patient.patient_id: patient for patient in reader.patients(patient_ids)}
    patients = patients_column(found.patient_ids, registered.get)
    case = Case(found.patient_ids, results, events, *patients, found.memory)
    return case, _FromStore(reader, found, told.events)


def episodes_at(
    reader: Reader,
    patient_ids: Sequence[str] | None,
    ward: Ward,
    as_of_ms: int,
    known_at_ms: int | None = None,
    alerts: Sequence[Alert] | None = None,
) -> tuple[dict[str, list[Episode]], _FromStore]:
    """Every patient's episodes as of a time, by patient id; with where their results come from.

    alerts: only the episodes that these follow, or for which others may be raised.
    """
    case, givens = case_of(reader, patient_ids, ward.timezone, known_at_ms)
    if alerts is None:
        found = episodes_of(case, ward.protocol, ward.timezone, as_of_ms, givens)
    else:
        wanted = _spoken_of(case, ward.protocol, alerts)
        found, _ = told_and_untold(case, ward.protocol, ward.timezone, as_of_ms, givens, wanted)
    return _by_patient(case.patient_ids, found), givens


def _by_patient(patient_ids: Sequence[str], found: Sequence[Episode]) -> dict[str, list[Episode]]:
    by_patient: dict[str, list[Episode]] = {patient_id: [] for patient_id in patient_ids}
    for episode in found:
        by_patient[episode.patient_id].append(episode)
    return by_patient


def _told_at(
    reader: Reader, patient_ids: Sequence[str] | None, ward: Ward, as_of_ms: int, alerts: Sequence[Alert]
) -> tuple[dict[str, list[Episode]], BareEpisodes, _FromStore]:
    """As `episodes_at` for what an alert may speak of; the others come bare, to be stored and judged no further."""
    case, givens = case_of(reader, patient_ids, ward.timezone)
    wanted = _spoken_of(case, ward.protocol, alerts)
    told, untold = told_and_untold(case, ward.protocol, ward.timezone, as_of_ms, givens, wanted)
    return _by_patient(case.patient_ids, told), bare_episodes(untold, case.patient_ids, ward.protocol), givens


def _spoken_of(case: Case, protocol: Protocol, alerts: Sequence[Alert]) -> Callable[[Episodes], Bools]:
    """Marks the episodes that an alert follows, is raised for or is muted by.

    One is raised for a warning that is open, and for a run that broke while no other has opened since. It carries what
    overlaps its episodes and what follows soon after: never what had ended before the first.
    """
    names = protocol.rule_names
    patient = {patient_id: number for number, patient_id in enumerate(case.patient_ids)}
    since = np.full(len(patient) * len(names), _NEVER)
    for alert in alerts:
        if alert.rule in names and alert.patient_id in patient:
            own = patient[alert.patient_id] * len(names) + names.index(alert.rule)
            since[own] = min(since[own], *map(to_ms, (alert.onset, *(onset for onset, _ in alert.carried))))
    runs = [code for code, name in enumerate(names) if isinstance(protocol.rules[name], RunRule)]
    muting = [code for code, name in enumerate(names) if name in protocol.muting]

    def marked(found: Episodes) -> Bools:
        own = found.patient.astype(np.int64) * len(names) + found.rule
        warns, followed = found.severity > 0, since[own] != _NEVER
        still = (found.end == NO_TIME) & (warns | followed | np.isin(found.rule, muting))
        last = np.append(own[1:] != own[:-1], True)[: own.size]
        broke = last & warns & np.isin(found.rule, runs)
        spoken: Bools = still | broke | (found.end >= since[own])
        return spoken

    return marked


def setting_of(ward: Ward, givens: _FromStore, now_ms: int, new_protocol: str | None = None) -> Setting:
    """What the alerts need to know besides the episodes. new_protocol: that another one is in use from now on."""
    zone = ZoneInfo(ward.timezone)

    def recorded_at(result_id: int) -> dt.datetime:
        return from_ms(givens.recorded_ms(result_id), ward.timezone)

    def days_between(first: dt.datetime, last: dt.datetime) -> int:
        return (last.astimezone(zone).date() - first.astimezone(zone).date()).days

    closed = {patient_id for patient_id, at_ms in givens.closings if at_ms <= now_ms}
    now = from_ms(now_ms, ward.timezone)
    return Setting(now, ward.protocol, recorded_at, days_between, closed.__contains__, new_protocol)


def recompute(
    writer: Writer, patient_ids: Iterable[str] | None, now_ms: int, actor: Actor, new_protocol: str | None = None
) -> list[Move]:
    """The moves of alerts after evaluating these patients (all without ids) as of now; all stored, logged, audited.

    new_protocol: the words for a change of the protocol, which then is what the alerts move by.
    """
    ward = ward_of(writer)
    keep_first_protocol(writer, now_ms)
    if patient_ids is None:
        return _recompute(writer, ward, None, now_ms, actor, new_protocol)
    wanted = sorted(patient_ids)
    # Some hundred patients at once: memory stays small, however many a file speaks of.
    blocks = (wanted[start : start + PATIENTS_AT_ONCE] for start in range(0, len(wanted), PATIENTS_AT_ONCE))
    return [move for some in blocks for move in _recompute(writer, ward, some, now_ms, actor, new_protocol)]


def _recompute(
    writer: Writer, ward: Ward, wanted: list[str] | None, now_ms: int, actor: Actor, new_protocol: str | None
) -> list[Move]:
    """The same for some patients, or (None) for all."""
    alerts = writer.alerts(patient_ids=wanted)
    by_patient, bare, givens = _told_at(writer, wanted, ward, now_ms, alerts)
    # A child of whom every import was taken back has no episodes left; its alerts go with their ground.
    by_patient |= {gone: [] for gone in {*(wanted or ()), *(alert.patient_id for alert in alerts)} - set(by_patient)}
    writer.save_episodes(by_patient, [episode for own in by_patient.values() for episode in own], bare)
    stored: dict[str, list[Alert]] = {}
    for alert in alerts:
        stored.setdefault(alert.patient_id, []).append(alert)
    setting = setting_of(ward, givens, now_ms, new_protocol)
    moves: list[Move] = []
    changed = set()
    with writer.together():
        for patient_id, episodes in by_patient.items():
            wanted_moves = reconcile(episodes, stored.get(patient_id, []), setting)
            made = [_stored(writer, move, now_ms, actor) for move in wanted_moves]
            moves += made
            if made or patient_id in stored:
                standing = {
                    alert.alert_id: alert for alert in (*stored.get(patient_id, ()), *(move.alert for move in made))
                }
                changed |= _mute(writer, patient_id, standing.values(), episodes, setting)
            changed |= {patient_id} if made else set()
    if changed:
        writer.bump_revisions(sorted(changed))
    return moves


def _stored(writer: Writer, move: Move, now_ms: int, actor: Actor) -> Move:
    alert = writer.save_alert(move.alert)
    told = {name: getattr(alert, name) for name in ("severity", "status", "times_met")}
    writer.add_alert_move(
        alert.alert_id,
        at_ms=now_ms,
        actor=actor,
        move=move.move,
        from_state=move.from_state,
        to_state=alert.state,
        reason=move.reason,
        details=told | {"onset": alert.onset.isoformat()},
    )
    if move.move != "follow" or move.reason:
        writer.audit(
            actor,
            f"alert_{move.move}",
            f"alert {alert.alert_id}",
            {"rule": alert.rule, "reason": move.reason, "severity": alert.severity, "text": alert.text},
            now_ms,
        )
    return move.model_copy(update={"alert": alert})


def _mute(
    writer: Writer, patient_id: str, standing: Iterable[Alert], episodes: Sequence[Episode], setting: Setting
) -> set[str]:
    """Store which live alerts of a patient are muted and by what; the patient's id when that changed."""
    alerts = sorted((alert for alert in standing if alert.state in LIVE), key=lambda alert: alert.alert_id)
    now_muted = muted(alerts, episodes, setting.protocol, setting.now)
    changed = [alert for alert in alerts if alert.muted_by != now_muted.get(alert.alert_id)]
    for alert in changed:
        writer.save_alert(alert.model_copy(update={"muted_by": now_muted.get(alert.alert_id)}))
    return {patient_id} if changed else set()
