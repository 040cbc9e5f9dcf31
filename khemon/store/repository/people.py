"""Patients: numbers, who stands, and their fields as the standing rows say them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

import sqlalchemy as sa

from khemon.models import Patient
from khemon.store.judging import patient_verdict
from khemon.store.repository.bulk import ReadyOf, chunks, only
from khemon.store.repository.events import silenced
from khemon.store.repository.ledger import Ledger
from khemon.store.repository.marks import Total, mark_of, totals
from khemon.store.repository.ready import Ready
from khemon.store.repository.recorded import recorded_of
from khemon.store.repository.sealing import SAID_COLUMNS
from khemon.store.repository.seals import OF_ACTS, WARD, seals_of
from khemon.store.tables import BATCH_SPAN, batch_patient, patient, patient_version

_NUMBERS = sa.select(patient.c.patient_id, patient.c.patient_no)
_EVERY = Ready(_NUMBERS)
_NUMBER = Ready(_NUMBERS.where(patient.c.patient_id == sa.bindparam("name")))
_BATCHES = ReadyOf(sa.select(batch_patient.c.patient_no, batch_patient.c.batch_no), batch_patient.c.patient_no)
_SAID = ReadyOf(sa.select(*SAID_COLUMNS).order_by(patient_version.c.version_id), patient_version.c.patient_no)


def numbers_of(connection: sa.Connection, patient_ids: Sequence[str] | None) -> dict[str, int]:
    """Patient id to number, standing or not; unknown ids are left out. None: all."""
    if patient_ids is None:
        return _all_numbers(connection)
    known = seals_of(connection).numbers
    unknown = [name for name in dict.fromkeys(patient_ids) if name not in known]
    if unknown:
        known.update(_found(connection, unknown))
    return {name: known[name] for name in patient_ids if name in known}


def _found(connection: sa.Connection, patient_ids: list[str]) -> dict[str, int]:
    """The same for ids that this transaction did not ask about yet."""
    if len(patient_ids) == 1:
        if (number := seals_of(connection).number_of(patient_ids[0])) is not None:
            return {patient_ids[0]: number}
        found: dict[str, int] = dict(_NUMBER.rows(connection, name=patient_ids[0]))
    else:
        found = {}
        for chunk in chunks(patient_ids):
            rows = connection.execute(only(_NUMBERS, patient.c.patient_id, chunk))
            found.update((name, number) for name, number in rows)
    if len(found) < len(patient_ids):  # a child that is not found must not be there
        wanted = set(patient_ids)
        return {name: number for name, number in _all_numbers(connection).items() if name in wanted}
    own = {number: Total(1, mark_of(number, name)) for name, number in found.items()}
    seals_of(connection).compare("patient_row", own, own)
    return found


def _all_numbers(connection: sa.Connection) -> dict[str, int]:
    rows = _EVERY.rows(connection)
    marked = totals((WARD, mark_of(number, name)) for name, number in rows)
    seals_of(connection).compare("patient", marked, [WARD])
    return dict(rows)


def standing_numbers(
    connection: sa.Connection, ledger: Ledger, patient_ids: Sequence[str] | None, known_at_ms: int | None = None
) -> dict[str, int]:
    """Patient id to number of those that a standing batch speaks of."""
    numbers = numbers_of(connection, patient_ids)
    gone = ledger.not_standing(known_at_ms)
    if not gone:  # every patient has a batch, so all stand
        return numbers
    if patient_ids is not None and len(numbers) == 1 and known_at_ms is None:
        return {name: number for name, number in numbers.items() if recorded_of(connection, number).keys() - gone}
    asked = None if patient_ids is None else list(numbers.values())
    rows = _BATCHES.rows(connection, asked)
    known = ((n, mark_of(n, batch_no, _recorded(ledger, batch_no))) for n, batch_no in rows)
    seals_of(connection).compare("batch_patient", totals(known), asked)
    standing = {number for number, batch_no in rows if batch_no not in gone}
    return {name: number for name, number in numbers.items() if number in standing}


def _recorded(ledger: Ledger, batch_no: int) -> int:
    facts = ledger.batches.get(batch_no)
    return -1 if facts is None else facts.recorded_ms


def fields_of(
    connection: sa.Connection, ledger: Ledger, numbers: Sequence[int] | None, known_at_ms: int | None = None
) -> tuple[dict[int, dict[str, str]], dict[int, str]]:
    """Patient number to what the standing rows say, taken in order, and the fate each row (by id) has now.

    A row that a person rejected or corrected says nothing; its fate is the one it would have.
    """
    gone = ledger.not_standing(known_at_ms)
    silent = silenced(ledger, known_at_ms)
    said: dict[int, dict[str, str]] = {}
    decisions: dict[int, str] = {}
    rows = _SAID.rows(connection, numbers)
    seals = seals_of(connection)
    seals.compare("patient_said", totals((row[1], mark_of(*row)) for row in rows), numbers)
    for row_id, number, packed, forced, _ in rows:
        if row_id // BATCH_SPAN not in gone and number not in seals.left_out:
            fields = json.loads(packed)
            decisions[row_id] = patient_verdict(said.get(number), fields, supersede=bool(forced)).decision
            if decisions[row_id] == "accepted" and row_id not in silent:
                said.setdefault(number, {}).update(fields)
    return said, decisions


def patients(connection: sa.Connection, ledger: Ledger, patient_ids: Sequence[str] | None) -> list[Patient]:
    """Standing patients sorted by id."""
    numbers = standing_numbers(connection, ledger, patient_ids)
    if patient_ids is None or len(numbers) != 1 or ledger.cut() is not None:
        return _patients_read(connection, ledger, patient_ids, numbers)
    [number] = numbers.values()
    read = partial(_patients_read, connection, ledger, patient_ids, numbers)
    rests_on = [(number, "patient_row"), (number, "patient_said"), *OF_ACTS]
    return list(seals_of(connection).recall("patient", number, rests_on, read))


def _patients_read(
    connection: sa.Connection, ledger: Ledger, patient_ids: Sequence[str] | None, numbers: dict[str, int]
) -> list[Patient]:
    said, _ = fields_of(connection, ledger, None if patient_ids is None else list(numbers.values()))
    return [Patient(patient_id=name, **said.get(number, {})) for name, number in sorted(numbers.items())]
