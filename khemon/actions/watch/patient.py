"""One child: identity, state in one sentence with why, timeline, response clock, flags, results and events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from khemon.actions.permitted import permitted
from khemon.actions.watch.alerts import AlertLine, alert_lines
from khemon.actions.watch.cells import Cell
from khemon.actions.watch.explained import Explained
from khemon.actions.watch.flags import Flag
from khemon.actions.watch.gradelines import GradeTable, grade_table
from khemon.actions.watch.heldrows import gap_words, held_words
from khemon.actions.watch.judged import Identity, Judged, drawn_rules
from khemon.actions.watch.known import Known
from khemon.actions.watch.news import News, Recorded, marked, with_new
from khemon.actions.watch.setting import Setting, setting_of
from khemon.actions.watch.shown import rows_shown
from khemon.actions.watch.tables import EventLine, ResultLine, result_lines
from khemon.alerts import recorded_after_it_ended
from khemon.figures.clock import ClockData
from khemon.figures.timeline import TimelineData
from khemon.figures.words import date_words, moment
from khemon.models import Actor, Alert, Patient, Refused, Severity
from khemon.rules.calendar import to_ms
from khemon.store import HeldRow, Reader, ResultRow, Store, Versions

__all__ = ["Identity", "PatientView", "ended_flags", "identity_of", "patient_id_of", "patient_of", "patient_view"]

#: Verdicts that the table of results names beside the row.
_SET_OUT = ("voided", "edited")


@dataclass(frozen=True, slots=True)
class PatientView:
    """What the patient page shows."""

    setting: Setting
    revision: int
    as_of: str
    identity: Identity
    severity: Severity | None
    sentence: str
    answers: tuple[tuple[str, Flag], ...]
    cells: tuple[Cell, ...]
    timeline: TimelineData
    clocks: tuple[tuple[str, ClockData], ...]
    open: tuple[Explained, ...]
    ended: int
    alerts: tuple[AlertLine, ...]
    held: tuple[str, ...]
    gaps: tuple[str, ...]
    results: tuple[ResultLine, ...]
    all_results: int
    events: tuple[EventLine, ...]
    new_results: int
    new: News
    unseen: News
    grades: GradeTable


def patient_id_of(reader: Reader, key: str | int | None) -> str:
    """The patient behind the key in an address. Refused when there is none."""
    for patient_id, number in reader.patient_numbers().items():
        if str(number) == str(key):
            return patient_id
    raise Refused("patient", "no patient has this key", "open the patient from the ward list")


def _registered(reader: Reader, key: str | int | None) -> tuple[Patient, str]:
    """The patient behind the key as registered, and its id. Refused when there is none."""
    patient = reader.patient(patient_id_of(reader, key))
    assert patient is not None
    return patient, patient.patient_id


def _in_window(
    reader: Reader, known: Known, patient_id: str, versions: Versions, since_ms: int, news: Mapping[int, str]
) -> list[ResultRow]:
    """The results of the chosen window, and all that is new, by time, analyte and recording; `known` knows them."""
    older = versions.only((versions.collected_ms < since_ms) & np.isin(versions.result_id, list(news)))
    ids = older.result_id.tolist()
    older_rows = reader.result_details(ids, all_there=True)
    rows = [*(older_rows[number] for number in ids), *reader.results_since(patient_id, since_ms, versions)]
    known.read(rows)
    return rows


@permitted("look")
def patient_view(
    store: Store,
    actor: Actor,
    key: str | int | None,
    now: dt.datetime,
    window: str | None = None,
    since_ms: int | None = None,
    *,
    anyone_ms: int | None = None,
    scale: str | None = None,
) -> PatientView:
    """Everything about one patient as of now. Refused for an unknown key.

    window: one of WINDOWS. scale: one of SCALES. since_ms: results recorded after it are marked as new; anyone_ms: the
    same for everybody, NEVER where nobody opened the page before.
    """
    with store.reading() as reader:
        setting = setting_of(reader)
        patient, patient_id = _registered(reader, key)
        versions = reader.versions_of(patient_id)
        known = Known(reader, [patient], setting.protocol, setting.zone, now, versions)
        new, unseen = Recorded(reader, patient_id, versions, setting.zone).both(since_ms, anyone_ms, now)
        news, standing = marked(new, unseen), known.standing(patient_id)
        since = to_ms(Judged(setting, known, patient, (), (), now).edges(window)[0])
        rows = _in_window(reader, known, patient_id, versions, since, news)
        episodes, ended = known.drawn(drawn_rules(setting.protocol))
        samples = with_new(known.sampled(rows_shown(known, standing, since, news)), new)
        view = Judged(setting, known, patient, episodes, samples, now)
        held, gaps, decided = reader.held_of(patient_id), reader.gaps_of(patient_id), reader.decisions(_SET_OUT)
        return PatientView(
            setting=setting,
            revision=reader.patient_revision(patient_id),
            as_of=date_words(now, setting.zone),
            identity=view.identity(int(str(key))),
            alerts=alert_lines(reader, setting, now, [patient_id]),
            **_kept(held, gaps, setting, now),
            results=result_lines(rows, samples, setting.zone, decided, [*held, *gaps], news),
            all_results=len(versions),
            ended=ended,
            new_results=len(new.result_ids),
            new=new,
            unseen=unseen,
            grades=grade_table(known, patient, standing, reader.results_without_rules(patient_id, versions), decided),
            **view.judged(window, scale),
        )


def _kept(held: Sequence[HeldRow], gaps: Sequence[HeldRow], setting: Setting, now: dt.datetime) -> dict[str, Any]:
    """What is held and what gave no value, by field of the view."""
    return {
        "held": tuple(held_words(row, setting.zone, now, in_full=True) for row in held),
        "gaps": tuple(gap_words(row, setting.zone, now) for row in gaps),
    }


@permitted("look")
def ended_flags(store: Store, actor: Actor, key: str | int | None, now: dt.datetime) -> tuple[Explained, ...]:
    """What every flag said that has ended, the newest first. Refused for an unknown key."""
    with store.reading() as reader:
        setting = setting_of(reader)
        patient, patient_id = _registered(reader, key)
        known = Known(reader, [patient], setting.protocol, setting.zone, now)
        view = Judged(setting, known, patient, known.episodes(in_full=True)[patient_id], (), now)
        return _ended(view, reader.alerts(None, [patient_id]), reader.results_of(patient_id))


def _ended(view: Judged, alerts: Sequence[Alert], versions: Sequence[ResultRow]) -> tuple[Explained, ...]:
    """Episodes that ended, the newest first; those that no alert told of because they were recorded late say so."""
    recorded = {row.result_id: moment(row.recorded_ms) for row in versions}
    ended = recorded_after_it_ended(view.episodes, alerts, view.setting.protocol, recorded.__getitem__)
    late = {(episode.rule, episode.onset) for episode in ended}
    found = []
    for episode in reversed(view.episodes):
        if episode.end is not None:
            line = view.explain(episode)
            said = "; recorded after it ended" if (episode.rule, episode.onset) in late else ""
            found.append(replace(line, until=line.until + said))
    return tuple(found)


@permitted("look")
def identity_of(store: Store, actor: Actor, key: str | int | None, now: dt.datetime) -> tuple[Setting, Identity]:
    """Who stands behind the key in an address, for the top of a page; Refused for an unknown key."""
    with store.reading() as reader:
        setting = setting_of(reader)
        patient, _ = _registered(reader, key)
        known = Known(reader, [patient], setting.protocol, setting.zone, now)
        return setting, Judged(setting, known, patient, (), (), now).identity(int(str(key)))


@permitted("look")
def patient_of(store: Store, actor: Actor, key: str | int | None) -> str:
    """The id of the patient behind the key in an address. Refused when there is none."""
    with store.reading() as reader:
        return patient_id_of(reader, key)
