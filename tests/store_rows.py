"""Rows and files for tests of the store, as an importer would hand them over."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

from khemon.importers.staging import EventRow, Observation, PatientRow
from khemon.models import Actor
from khemon.store import ImportMeta, ImportOutcome, Reader, Store

NURSE = Actor(name="nurse", kind="local")
HOUR = 3_600_000
_FILES = itertools.count(1)


def lab(number_text, *, patient="P1", at=HOUR, analyte="platelets", **other) -> Observation:
    """An accepted observation with this number as text; `row` is given by `file_of`."""
    text = str(number_text)
    number = text.lstrip("<>=")
    comparator = text[: len(text) - len(number)]
    low = 0.0 if comparator.startswith("<") else float(number)
    high = float("inf") if comparator.startswith(">") else float(number)
    whole = Observation(
        row=0,
        field=None,
        patient_id=patient,
        collected_ms=at,
        analyte=analyte,
        text=text,
        comparator=comparator,
        value=number,
        unit="10*9/L",
        canonical_value=number,
        canonical_unit="10*9/L",
        low=low,
        high=high,
        collected_text=str(at),
    )
    return replace(whole, **{"reasons": []} | other)


def event(kind="plasma", *, patient="P1", at=HOUR, **other) -> EventRow:
    return EventRow(row=0, patient_id=patient, kind=kind, start_ms=at, **other)


def child(patient="P1", **fields) -> PatientRow:
    return PatientRow(row=0, patient_id=patient, fields=fields)


def file_of(rows, *, name="labs.csv", source=None, recorded_ms=HOUR, content=None) -> tuple[ImportMeta, dict]:
    """What `record_import` takes for rows of one kind; they get their line numbers, and bytes never seen before."""
    for line, row in enumerate(rows, start=2):
        row.row = line
    kinds = {
        Observation: ("labs", "observations"),
        EventRow: ("events", "events"),
        PatientRow: ("patients", "patients"),
    }
    kind, argument = kinds[type(rows[0]) if rows else Observation]
    content = f"file {next(_FILES)}".encode() if content is None else content
    meta = ImportMeta(name, content, source, "", kind, "csv", recorded_ms, NURSE)
    return meta, {argument: rows}


def bring(store: Store, rows, *, on_conflict="hold", **file) -> ImportOutcome:
    """Imports rows as one file in a transaction of its own."""
    meta, arguments = file_of(rows, **file)
    with store.writing() as writer:
        return writer.record_import(meta, **arguments, on_conflict=on_conflict)


def undo(store: Store, batch, *, at_ms=2 * HOUR):
    with store.writing() as writer:
        return writer.record_undo(batch, at_ms=at_ms, actor=NURSE)


def fates(rows) -> list[str]:
    return [row.decision for row in rows]


def standing(reader: Reader) -> str:
    """Everything the rules and the ward see, without the numbers that depend on how it came about."""
    results = [
        (row.patient_id, row.collected_ms, row.analyte, row.text, row.status, row.quality, row.specimen_id)
        for name in reader.patient_ids()
        for row in reader.results_of(name)
    ]
    held = [(row.patient_id, row.collected_ms, row.text, row.decision) for row in reader.held()]
    gaps = [(row.patient_id, row.text) for name in reader.patient_ids() for row in reader.gaps_of(name)]
    events = [each.model_dump(mode="json") for each in reader.events_for().events]
    patients = [each.model_dump(mode="json") for each in reader.patients()]
    return json.dumps([sorted(map(str, results)), sorted(map(str, held)), gaps, events, patients])
