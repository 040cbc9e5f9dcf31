"""`evaluate`: files in, episodes out, nothing stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from khemon.actions.doubts import hold_misfits
from khemon.actions.judging import Case, dose_of, episodes_of, patients_column, unit_codes
from khemon.actions.without_number import settle_without_number
from khemon.explain import Given
from khemon.importers import EventRow, Observation, Reading, ReadOptions, read
from khemon.models import EVENT_KINDS, QUALITIES, STATUSES, TIMINGS, Episode, Grounds, ImportProblem, Patient
from khemon.rules import NO_TIME, Events, Protocol, Results, latest_time
from khemon.rules.calendar import day_numbers, from_ms
from khemon.units import ANALYTE_CODES


@dataclass(frozen=True, slots=True)
class Source:
    """A file as given: its name and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate --json` prints, and whether every row was used."""

    document: dict[str, Any]
    complete: bool


class FileProblem(ImportProblem):
    """A problem of one of several files, with the name of that one."""

    def __init__(self, file: str, problem: ImportProblem) -> None:
        super().__init__(problem.where, problem.found, problem.remedy)
        self.file = file


class _FromFile:
    """The results of a file by row of the evaluated columns."""

    def __init__(self, observations: Sequence[Observation]) -> None:
        self.observations = observations

    def given(self, row: int) -> Given:
        found = self.observations[row]
        canonical = f"{found.comparator}{found.canonical_value}"
        return Given(found.row, found.text, found.unit or "", canonical)


def evaluate_files(
    labs: Source,
    events: Source | None,
    patients: Source | None,
    protocol: Protocol,
    timezone: str | None,
    as_of_ms: int | None,
    now_ms: int,
) -> Evaluation:
    """The document of `evaluate --json`. FileProblem for a file that cannot be read."""
    zone = timezone or "UTC"
    options = ReadOptions(timezone=zone, now_ms=max(now_ms, as_of_ms or now_ms))
    readings = readings_of(labs, events, patients, options)
    not_used = rows_not_used(readings)
    case, givens = case_of_readings([reading for _, reading in readings], zone)
    moment = _moment(case, readings) if as_of_ms is None else as_of_ms
    found = episodes_of(case, protocol, zone, moment, givens, grounded=True)
    document: dict[str, Any] = {
        "protocol": {"name": protocol.name, "version": protocol.version},
        "as_of": from_ms(moment, zone).isoformat() if moment else None,
        "timezone": zone,
        "timezone_stated": timezone is not None,
        "patients": _by_patient(case.patient_ids, found),
        "not_used": not_used,
    }
    return Evaluation(document, not not_used)


def readings_of(
    labs: Source, events: Source | None, patients: Source | None, options: ReadOptions
) -> list[tuple[Source, Reading]]:
    """Each file that was given with what was read of it. FileProblem for one that cannot be read."""
    readings = [(source, _read(source, kind, options)) for source, kind in _wanted(labs, events, patients)]
    known = registered([reading for _, reading in readings])
    for _, reading in readings:
        hold_misfits(reading, known, options.timezone)
        settle_without_number(reading, None, None)
    return readings


def rows_not_used(readings: Sequence[tuple[Source, Reading]]) -> list[dict[str, Any]]:
    """Every row that is not evaluated, with its file and the reasons."""
    return [item for source, reading in readings for item in _not_used(source.name, reading)]


def _moment(case: Case, readings: Sequence[tuple[Source, Reading]]) -> int:
    """The latest time of what is used, else of what is read; the beginning of time where a file states none."""
    latest = latest_time(case.results, case.events)
    if latest:
        return latest
    rows = [row for _, reading in readings for row in (*reading.observations, *reading.events)]
    times = [getattr(row, name, None) for row in rows for name in ("collected_ms", "start_ms", "end_ms")]
    return max((time for time in times if time is not None), default=0)


def _wanted(labs: Source, events: Source | None, patients: Source | None) -> list[tuple[Source, str]]:
    given = ((labs, "labs"), (events, "events"), (patients, "patients"))
    return [(source, kind) for source, kind in given if source is not None]


def _read(source: Source, kind: str, options: ReadOptions) -> Reading:
    try:
        reading = read(source.content, source.name, options)
    except ImportProblem as problem:
        raise FileProblem(source.name, problem) from problem
    if reading.kind != kind:
        other = ImportProblem("file", f"this is a file of {reading.kind}", f"give a file of {kind} here")
        raise FileProblem(source.name, other)
    return reading


def _rows(reading: Reading) -> list[Any]:
    return [*reading.observations, *reading.events, *reading.patients]


def _not_used(name: str, reading: Reading) -> list[dict[str, Any]]:
    return [
        {"file": name, "row": row.row, "decision": row.decision, "reasons": list(row.reasons)}
        for row in _rows(reading)
        if row.decision != "accepted"
    ]


def accepted_events(readings: Sequence[Reading]) -> list[EventRow]:
    """The events that are evaluated, in the order of the columns of the case."""
    return [e for r in readings for e in r.events if e.decision == "accepted"]


def registered(readings: Sequence[Reading]) -> dict[str, Patient]:
    """What the files say of each patient: its last accepted line."""
    return {
        row.patient_id: _patient(row.patient_id, row.fields)
        for reading in readings
        for row in reading.patients
        if row.decision == "accepted" and row.patient_id
    }


def case_of_readings(readings: Sequence[Reading], zone: str) -> tuple[Case, _FromFile]:
    """Everything an evaluation takes of what was read, and the results behind its rows."""
    observations = [o for r in readings for o in r.observations if o.decision == "accepted"]
    events = accepted_events(readings)
    ids = sorted({row.patient_id for r in readings for row in _rows(r) if row.patient_id})
    index = {patient_id: number for number, patient_id in enumerate(ids)}
    patients, diagnosed, targets = patients_column(ids, registered(readings).get)
    columns = Events(
        np.array([index[event.patient_id] for event in events], np.int32),
        np.array([EVENT_KINDS.index(event.kind) for event in events], np.int8),
        np.array([event.start_ms for event in events], np.int64),
        np.array([NO_TIME if event.end_ms is None else event.end_ms for event in events], np.int64),
        np.array([dose_of(event.dose) for event in events], np.float64),
        unit_codes(event.unit for event in events),
    )
    case = Case(ids, _results(observations, index, zone), columns, patients, diagnosed, targets)
    return case, _FromFile(observations)


def _patient(patient_id: str, fields: Mapping[str, str]) -> Patient:
    """What the rules and the endpoints take from a line of patients."""
    names = ("day0", "followed_until", "discontinued_at")
    times = {name: dt.datetime.fromisoformat(fields[name]) for name in names if name in fields}
    return Patient(
        patient_id=patient_id,
        birth_date=dt.date.fromisoformat(fields["birth_date"]) if "birth_date" in fields else None,
        diagnosis=fields.get("diagnosis"),
        sex=fields.get("sex"),
        lesion_class=fields.get("lesion_class"),
        ward=fields.get("ward"),
        arm=fields.get("arm"),
        sirolimus_target=fields.get("sirolimus_target"),
        day0=times.get("day0"),
        followed_until=times.get("followed_until"),
        discontinued_at=times.get("discontinued_at"),
    )


def _results(observations: Sequence[Observation], index: dict[str, int], zone: str) -> Results:
    specimens: dict[str, int] = {}
    times = np.array([o.collected_ms for o in observations], np.int64)
    return Results(
        np.array([index[o.patient_id or ""] for o in observations], np.int32),
        times,
        day_numbers(times, zone),
        np.array([ANALYTE_CODES[o.analyte or ""] for o in observations], np.int8),
        np.array([o.low for o in observations], np.float64),
        np.array([o.high for o in observations], np.float64),
        np.array([STATUSES.index(o.status) for o in observations], np.int8),
        np.array([QUALITIES.index(o.quality) for o in observations], np.int8),
        np.array(
            [-1 if not o.specimen_id else specimens.setdefault(o.specimen_id, len(specimens)) for o in observations],
            np.int64,
        ),
        np.arange(len(observations), dtype=np.int64),
        np.array([TIMINGS.index(o.timing) for o in observations], np.int8),
    )


def _by_patient(patient_ids: Sequence[str], found: Sequence[Episode]) -> list[dict[str, Any]]:
    episodes: dict[str, list[dict[str, Any]]] = {patient_id: [] for patient_id in patient_ids}
    for episode in found:
        episodes[episode.patient_id].append(episode_document(episode))
    return [{"patient_id": patient_id, "episodes": own} for patient_id, own in episodes.items()]


def episode_document(episode: Episode) -> dict[str, Any]:
    """An episode as the contract prints it; beside it what it rests on, where that was asked for."""
    return {
        "rule": episode.rule,
        "status": episode.status,
        "severity": episode.severity,
        "onset": episode.onset.isoformat(),
        "confirmed_at": episode.confirmed_at.isoformat() if episode.confirmed_at else None,
        "end": episode.end.isoformat() if episode.end else None,
        "end_reason": episode.end_reason,
        "text": episode.text,
        "evidence": [
            {
                "row": item.result_id,
                "analyte": item.analyte,
                "collected_at": item.collected_at.isoformat(),
                "value": item.value,
                "unit": item.unit,
                "role": item.role,
            }
            for item in episode.evidence
        ],
        "missing": list(episode.missing),
        "source": episode.source,
        **({} if episode.grounds is None else {"grounds": _grounds_document(episode.grounds)}),
    }


def _grounds_document(grounds: Grounds) -> dict[str, Any]:
    """All that an episode rests on: a file of these rows, events and entries alone gives the same episode."""
    return {
        "rows": [result.result_id for result in grounds.results],
        "events": [
            {"kind": e.kind, "start": e.start.isoformat(), "end": e.end.isoformat() if e.end else None}
            for e in grounds.events
        ],
        "patient": list(grounds.entries),
        "not_counted": list(grounds.not_counted),
    }
