"""The children of files or of the store, as the endpoints take them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from khemon.actions.evaluation import (
    Source,
    accepted_events,
    case_of_readings,
    readings_of,
    registered,
    rows_not_used,
)
from khemon.actions.judging import Case
from khemon.actions.recompute import case_of, ward_of
from khemon.endpoints import Children, Coded, Happenings
from khemon.importers import ReadOptions
from khemon.models import Patient
from khemon.rules import NO_TIME, Protocol, latest_time
from khemon.rules.calendar import to_ms
from khemon.store import Reader


class Written(NamedTuple):
    """What is written about an event beside its time and dose."""

    patient: int
    kind: str
    start_ms: int
    note: str | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class Gathered:
    """Children with what a person knows them by. latest: the last time in the input, UTC ms.

    not_used: rows of files, or of the store's batches, that are not evaluated. known_at: the cut by recording, if any.
    """

    children: Children
    patient_ids: Sequence[str]
    registered: Mapping[str, Patient]
    protocol: Protocol
    timezone: str
    timezone_stated: bool
    latest: int
    not_used: list[dict[str, Any]]
    known_at: int | None = None


def of_files(
    labs: Source,
    events: Source | None,
    patients: Source | None,
    protocol: Protocol,
    timezone: str | None,
    now_ms: int,
) -> Gathered:
    """The children of canonical files. FileProblem for a file that cannot be read."""
    zone = timezone or "UTC"
    readings = readings_of(labs, events, patients, ReadOptions(timezone=zone, now_ms=now_ms))
    read = [reading for _, reading in readings]
    case, _ = case_of_readings(read, zone)
    index = {patient_id: place for place, patient_id in enumerate(case.patient_ids)}
    written = [
        Written(index[event.patient_id or ""], event.kind, event.start_ms or 0, event.note, event.unit)
        for event in accepted_events(read)
    ]
    known = registered(read)
    latest = latest_time(case.results, case.events)
    children = _children(case, written, known)
    return Gathered(
        children, case.patient_ids, known, protocol, zone, timezone is not None, latest, rows_not_used(readings)
    )


def of_store(reader: Reader, known_at_ms: int | None = None, protocol: Protocol | None = None) -> Gathered:
    """All children of a store, judged by its own protocol unless another is given."""
    ward = ward_of(reader)
    case, given = case_of(reader, None, ward.timezone, known_at_ms)
    index = {patient_id: place for place, patient_id in enumerate(case.patient_ids)}
    written = [
        Written(index[event.patient_id], event.kind, to_ms(event.start), event.note, event.unit) for event in given.told
    ]
    known = {patient.patient_id: patient for patient in reader.patients()}
    files = {batch.batch: batch.file for batch in reader.batches()}
    held = [
        {"file": files.get(row.batch, ""), "row": row.row, "decision": row.decision, "reasons": list(row.reasons)}
        for row in reader.held()
        if known_at_ms is None or row.recorded_ms <= known_at_ms
    ]
    return Gathered(
        _children(case, written, known),
        case.patient_ids,
        known,
        protocol or ward.protocol,
        ward.timezone,
        True,
        latest_time(case.results, case.events),
        held,
        known_at_ms,
    )


def _children(case: Case, written: Sequence[Written], known: Mapping[str, Patient]) -> Children:
    """The columns of a case with what is written about its events, and the register entries endpoints need."""
    units = Coded.of(_folded(one.unit) for one in written)
    events = replace(case.events, dose_unit=units.code)
    happenings = Happenings(events, Coded.of(_folded(one.note) for one in written), units)
    people = [known.get(patient_id) for patient_id in case.patient_ids]
    stopped = [NO_TIME if p is None or p.discontinued_at is None else to_ms(p.discontinued_at) for p in people]
    arms = _arms(people, written)
    return Children(case.results, happenings, case.patients, Coded.of(arms), np.array(stopped, np.int64))


def _arms(people: Sequence[Patient | None], written: Iterable[Written]) -> list[str | None]:
    """The arm of each child as registered, else as its first `arm` event tells it."""
    told: dict[int, tuple[int, str]] = {}
    for one in written:
        if one.kind == "arm" and one.note and (one.patient not in told or one.start_ms < told[one.patient][0]):
            told[one.patient] = (one.start_ms, one.note.strip())
    registered_arms = [(person.arm or "").strip() if person else "" for person in people]
    return [arm or told.get(place, (0, ""))[1] or None for place, arm in enumerate(registered_arms)]


def _folded(text: str | None) -> str:
    return " ".join((text or "").casefold().split())
