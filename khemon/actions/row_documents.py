"""One row of a file as `import --json` prints it."""

from __future__ import annotations

from typing import Any

from khemon.importers import EventRow, Observation, PatientRow
from khemon.rules.calendar import from_ms


def time_text(ms: int | None, zone: str) -> str | None:
    """A time in a zone as ISO 8601; None for none."""
    return None if ms is None else from_ms(ms, zone).isoformat()


def result_row(row: Observation, zone: str) -> dict[str, Any]:
    """A result."""
    return {
        "row": row.row,
        "field": row.field,
        "patient_id": row.patient_id,
        "collected_at": time_text(row.collected_ms, zone),
        "analyte": row.analyte,
        "text": row.text,
        "comparator": row.comparator,
        "value": row.value,
        "unit": row.unit,
        "canonical_value": row.canonical_value,
        "canonical_unit": row.canonical_unit,
        "decision": row.decision,
        "reasons": list(row.reasons),
    }


def _blank_row(row: int, patient_id: str | None, collected_at: str | None, text: str) -> dict[str, Any]:
    empty = dict.fromkeys(("comparator", "value", "unit", "canonical_value", "canonical_unit"))
    head = {"row": row, "field": None, "patient_id": patient_id, "collected_at": collected_at, "analyte": None}
    return {**head, "text": text, **empty}


def event_row(row: EventRow, zone: str) -> dict[str, Any]:
    """An event."""
    blank = _blank_row(row.row, row.patient_id, time_text(row.start_ms, zone), row.kind or "")
    return {**blank, "decision": row.decision, "reasons": list(row.reasons)}


def patient_row(row: PatientRow) -> dict[str, Any]:
    """A child."""
    blank = _blank_row(row.row, row.patient_id, None, "")
    return {**blank, "decision": row.decision, "reasons": list(row.reasons)}


def fate_row(fate: Any, zone: str) -> dict[str, Any]:  # noqa: ANN401
    """A row as the store kept it."""
    names = ("row", "field", "patient_id", "analyte", "text", "comparator", "value", "unit")
    row = {name: getattr(fate, name) for name in names}
    row |= {"canonical_value": fate.canonical_value, "canonical_unit": fate.canonical_unit}
    return row | {
        "collected_at": time_text(fate.collected_ms, zone),
        "decision": fate.decision,
        "reasons": fate.reasons,
    }
