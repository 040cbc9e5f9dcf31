"""Patients: numbers, who stands, and their fields as the standing rows say them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa

from khemon.models import Patient
from khemon.store.judging import patient_verdict
from khemon.store.repository.bulk import chunks, fetch_plain, only
from khemon.store.repository.ledger import Ledger
from khemon.store.tables import BATCH_SPAN, batch_patient, patient, patient_version


def numbers_of(connection: sa.Connection, patient_ids: Sequence[str] | None) -> dict[str, int]:
    """Patient id to number, standing or not; unknown ids are left out. None: all."""
    statement = sa.select(patient.c.patient_id, patient.c.patient_no)
    if patient_ids is None:
        return dict(fetch_plain(connection, statement))
    found: dict[str, int] = {}
    for chunk in chunks(dict.fromkeys(patient_ids)):
        rows = connection.execute(only(statement, patient.c.patient_id, chunk))
        found.update((name, number) for name, number in rows)
    return found


def standing_numbers(
    connection: sa.Connection, ledger: Ledger, patient_ids: Sequence[str] | None, known_at_ms: int | None = None
) -> dict[str, int]:
    """Patient id to number of those that a standing batch speaks of."""
    numbers = numbers_of(connection, patient_ids)
    gone = ledger.not_standing(known_at_ms)
    if not gone:  # every patient has a batch, so all stand
        return numbers
    standing: set[int] = set()
    statement = sa.select(batch_patient.c.patient_no, batch_patient.c.batch_no)
    for chunk in chunks(numbers.values()) if patient_ids is not None else [None]:
        rows = fetch_plain(connection, only(statement, batch_patient.c.patient_no, chunk))
        standing.update(number for number, batch_no in rows if batch_no not in gone)
    return {name: number for name, number in numbers.items() if number in standing}


def fields_of(
    connection: sa.Connection, ledger: Ledger, numbers: Sequence[int] | None
) -> tuple[dict[int, dict[str, str]], dict[int, str]]:
    """Patient number to what the standing rows say, taken in order, and the fate each row (by id) has now."""
    columns = (patient_version.c[name] for name in ("version_id", "patient_no", "fields", "forced"))
    statement = sa.select(*columns).order_by(patient_version.c.version_id)
    gone = ledger.not_standing()
    said: dict[int, dict[str, str]] = {}
    decisions: dict[int, str] = {}
    for chunk in chunks(numbers) if numbers is not None else [None]:
        for row_id, number, packed, forced in fetch_plain(
            connection, only(statement, patient_version.c.patient_no, chunk)
        ):
            if row_id // BATCH_SPAN not in gone:
                fields = json.loads(packed)
                decisions[row_id] = patient_verdict(said.get(number), fields, supersede=bool(forced)).decision
                if decisions[row_id] == "accepted":
                    said.setdefault(number, {}).update(fields)
    return said, decisions


def patients(connection: sa.Connection, ledger: Ledger, patient_ids: Sequence[str] | None) -> list[Patient]:
    """Standing patients sorted by id."""
    numbers = standing_numbers(connection, ledger, patient_ids)
    said, _ = fields_of(connection, ledger, None if patient_ids is None else list(numbers.values()))
    return [Patient(patient_id=name, **said.get(number, {})) for name, number in sorted(numbers.items())]
