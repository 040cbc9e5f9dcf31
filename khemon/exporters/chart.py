"""What is exported of a child: plain values, and the canonical files of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from khemon.exporters.tables import csv_bytes
from khemon.exporters.workbook import workbook_bytes
from khemon.models import Event, Patient
from khemon.units import UnitProblem, convert

LAB_COLUMNS = (
    "patient_id",
    "collected_at",
    "analyte",
    "value",
    "unit",
    "specimen_id",
    "status",
    "quality",
    "timing",
    "comment",
    "resulted_at",
)
EVENT_COLUMNS = tuple(Event.model_fields)
PATIENT_COLUMNS = tuple(Patient.model_fields)
WAITING_COLUMNS = ("patient_id", "collected_at", "analyte", "text", "unit", "decision", "reasons")
#: Columns whose numbers are numbers in a workbook; all else is text there, ids of digits too.
NUMBER_COLUMNS = frozenset({"value", "dose"})
ALERT_COLUMNS = ("alert", "patient_id", "rule", "state", "severity", "onset", "end", "text", "reason", "actor")


@dataclass(frozen=True, slots=True)
class Lab:
    """A result in its canonical unit, or (`value` None) a sample that gave none; times are ISO 8601."""

    key: str
    collected_at: str
    analyte: str
    comparator: str
    value: str | None
    unit: str | None
    text: str
    unit_as_received: str | None
    status: str
    quality: str
    timing: str
    specimen_id: str | None = None
    comment: str | None = None
    resulted_at: str | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything about one child. `waiting` and `alerts` are tables for reading, in the order of their columns."""

    patient: Patient
    labs: Sequence[Lab]
    events: Sequence[Event]
    waiting: Sequence[Sequence[str]]
    alerts: Sequence[Sequence[str]]
    exported_at: str
    synthetic: bool


Table = tuple[Sequence[str], Sequence[Sequence[str | None]]]


def tables(chart: Chart) -> dict[str, Table]:
    """Name to columns and rows; patients, events and labs are the canonical tables."""
    name = chart.patient.patient_id
    labs = [_lab(name, lab) for lab in chart.labs]
    events = [
        (name, event.kind, _time(event.start), _time(event.end), event.dose, event.unit, event.note)
        for event in chart.events
    ]
    patient = [tuple(_time(getattr(chart.patient, column)) for column in PATIENT_COLUMNS)]
    return {
        "patients": (PATIENT_COLUMNS, patient),
        "events": (EVENT_COLUMNS, events),
        "labs": (LAB_COLUMNS, labs),
        "waiting": (WAITING_COLUMNS, chart.waiting),
        "alerts": (ALERT_COLUMNS, chart.alerts),
    }


def canonical_files(chart: Chart) -> dict[str, tuple[bytes, int]]:
    """Name to content and number of rows; patients.csv, events.csv and labs.csv import again to the same episodes."""
    return {f"{name}.csv": (csv_bytes(columns, rows), len(rows)) for name, (columns, rows) in tables(chart).items()}


def workbook(chart: Chart) -> tuple[bytes, int]:
    """The same tables as the sheets of a workbook, and how many rows they have together."""
    found = tables(chart)
    return workbook_bytes(found, numbers=NUMBER_COLUMNS), sum(len(rows) for _, rows in found.values())


def _lab(name: str, lab: Lab) -> tuple[str | None, ...]:
    said = (lab.specimen_id, lab.status, lab.quality, lab.timing, lab.comment, lab.resulted_at)
    return name, lab.collected_at, lab.analyte, *_value(lab), *said


def _value(lab: Lab) -> tuple[str, str | None]:
    """Value and unit as received where they say by themselves what was understood, else in the canonical unit."""
    if lab.value is None:
        return lab.text, lab.unit
    text, unit = lab.text.strip(), lab.unit_as_received or ""
    try:
        number = Decimal(text.removeprefix(lab.comparator))
        understood = convert(lab.analyte, number, unit)
    except (InvalidOperation, UnitProblem):
        understood = None
    if understood is not None and (understood.value, understood.unit) == (Decimal(lab.value), lab.unit):
        return text, unit
    return f"{lab.comparator}{lab.value}", lab.unit


def _time(value: object) -> str | None:
    """A time or a date as ISO 8601; other values as they stand."""
    iso = getattr(value, "isoformat", None)
    return None if value is None else str(iso()) if iso is not None else str(value)
