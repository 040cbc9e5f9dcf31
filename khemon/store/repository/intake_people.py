"""Events and patients on their way in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol

from khemon.store.digests import canonical_json, row_digest
from khemon.store.judging import EventFields, EventHistory, Verdict, patient_verdict
from khemon.store.repository.events import event_histories
from khemon.store.repository.fates import EVENT_FIELDS, packed
from khemon.store.repository.intake import Intake, Row
from khemon.store.repository.people import fields_of


class EventRow(Row, Protocol):
    """One event found in a file."""

    kind: str
    start_ms: int | None
    end_ms: int | None
    dose: str | None
    unit: str | None
    note: str | None


class PatientRow(Row, Protocol):
    """One patient found in a file; an empty field says nothing."""

    fields: dict[str, str]


def take_events(intake: Intake, rows: Sequence[EventRow]) -> None:
    """Gives every event row its final decision and collects what is to be written."""
    standing = intake.look_up(row.patient_id for row in rows)
    histories, _ = event_histories(intake.connection, intake.ledger, list(standing.values()))
    if intake.act is not None:
        for known in histories.values():
            known.set_out(intake.act.instead_of)
    for position, row in enumerate(rows):
        number = intake.patient_of(row)
        if row.decision != "accepted":
            intake.settle(position, row, number, packed({name: getattr(row, name) for name in EVENT_FIELDS}))
            continue
        assert number is not None and row.start_ms is not None
        history = histories.setdefault((intake.meta.source, number, row.kind, row.start_ms), EventHistory())
        fields = EventFields(row.end_ms, row.dose, row.unit, row.note)
        row_id = intake.first_id + position
        _apply(row, history.take(row_id, intake.batch_no, fields, intake.forced))
        values = (row_id, number, row.kind, row.start_ms, *fields, *_end(intake, row))
        intake.events.append((*values, row_digest(values)))


def take_patients(intake: Intake, rows: Sequence[PatientRow]) -> None:
    """Gives every patient row its final decision and collects what is to be written."""
    standing = intake.look_up(row.patient_id for row in rows)
    said, _ = fields_of(intake.connection, intake.ledger, list(standing.values()))
    for position, row in enumerate(rows):
        number = intake.patient_of(row)
        if row.decision != "accepted":
            intake.settle(position, row, number, packed({"patient_id": row.patient_id, "fields": row.fields}))
            continue
        assert number is not None
        filled = {name: text for name, text in row.fields.items() if text}
        _apply(row, patient_verdict(said.get(number), filled, supersede=bool(intake.forced)))
        if row.decision == "accepted":
            said.setdefault(number, {}).update(filled)
        values = (intake.first_id + position, number, canonical_json(filled), *_end(intake, row))
        intake.patients.append((*values, row_digest(values)))


def _apply(row: Row, verdict: Verdict) -> None:
    row.decision = verdict.decision
    if verdict.reason is not None:
        row.reasons.append(verdict.reason)


def _end(intake: Intake, row: Row) -> tuple[int, int, str, str | None]:
    """The columns that both tables end with: forced, row, decision, reasons."""
    reasons = json.dumps(row.reasons, ensure_ascii=False) if row.reasons else None
    return (intake.forced, row.row, row.decision, reasons)
