"""What a person states about a held row, read as the same row of a canonical file would be: no second parser."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from khemon.importers import EventRow, Observation, PatientRow, Reading, ReadOptions, read
from khemon.importers.layout import EVENT_COLUMNS, PATIENT_COLUMNS
from khemon.models import ImportProblem, Refused
from khemon.rules.calendar import from_ms
from khemon.store import NEW_PATIENT, KeptRow
from khemon.units import ANALYTES

#: What may be stated of a row of each kind, as its canonical file names it.
FIELDS: dict[str, tuple[str, ...]] = {
    "labs": ("patient_id", "collected_at", "analyte", "value", "unit", "status", "quality", "timing"),
    "events": EVENT_COLUMNS,
    "patients": PATIENT_COLUMNS,
}
_MEASURE = ("analyte", "value", "unit")
#: What the measure of an observation is made of.
_MEASURED = (
    "text",
    "comparator",
    "value",
    "unit",
    "canonical_value",
    "canonical_unit",
    "basis",
    "low",
    "high",
)
_PLAIN = {"collected_text": "", "text": "", "comparator": "", "basis": "", "status": "final", "quality": ""}

Row = Observation | EventRow | PatientRow


def as_understood(kept: KeptRow, place: int) -> Row:
    """The row as the importer understood it, accepted; `place` is its row in the act."""
    said = dict(kept.said)
    reasons = [
        reason
        for reason in kept.reasons
        if not reason.startswith(("other_value:", "moved_away:")) and reason != NEW_PATIENT
    ]
    if kept.kind == "labs":
        return Observation(row=place, field=kept.field, reasons=reasons, **{**_blank(), **_PLAIN, **said})
    if kept.kind == "events":
        return EventRow(row=place, reasons=reasons, **{"start_ms": None, **said})
    return PatientRow(row=place, patient_id=said["patient_id"], fields=dict(said.get("fields", {})), reasons=reasons)


def _blank() -> dict[str, Any]:
    return dict.fromkeys(("patient_id", "collected_ms", "analyte"))


def corrected(
    kept: KeptRow, place: int, changes: Mapping[str, str], zone: str, now_ms: int, *, beyond_limits: bool
) -> Row:
    """The row with these changes, read like a row of an import; Refused when an import would not accept it."""
    unknown = [name for name in changes if name not in FIELDS[kept.kind]]
    if unknown:
        raise Refused(f"field {unknown[0]}", "is none of this row", f"use one of: {', '.join(FIELDS[kept.kind])}")
    cells = (_lab_cells if kept.kind == "labs" else _other_cells)(kept, changes)
    row = _read(cells, kept, zone, now_ms)
    _check(row, beyond_limits=beyond_limits)
    row.row, row.decision = place, "accepted"
    if isinstance(row, Observation):
        _keep_rest(row, kept, changes)
    return row


def _lab_cells(kept: KeptRow, changes: Mapping[str, str]) -> dict[str, str]:
    """The cells of the row in labs.csv: the reading as it stands, with what is stated in its place."""
    said = kept.said
    cells = {name: str(said.get(name) or "") for name in ("patient_id", "analyte", "status", "quality", "timing")}
    cells["collected_at"] = _iso(said.get("collected_ms"))
    if any(name in changes for name in _MEASURE):
        cells["value"] = f"{said.get('comparator', '')}{said.get('value') or ''}"
        cells["unit"] = _unit_with_basis(said)
    else:
        cells["value"] = f"{said.get('comparator', '')}{said.get('canonical_value') or ''}"
        cells["unit"] = str(said.get("canonical_unit") or "")
    if said.get("resulted_ms") is not None:
        cells["resulted_at"] = _iso(said["resulted_ms"])
    return cells | {name: text.strip() for name, text in changes.items()}


def _unit_with_basis(said: Mapping[str, Any]) -> str:
    """The unit as received, with the D-dimer basis that the file or its mapping stated beside it."""
    unit, basis = str(said.get("unit") or ""), str(said.get("basis") or "")
    return f"{unit}{{{basis}}}" if basis in ("FEU", "DDU") and basis not in unit.upper() else unit


def _other_cells(kept: KeptRow, changes: Mapping[str, str]) -> dict[str, str]:
    said = kept.said
    if kept.kind == "events":
        cells = {name: str(said.get(name) or "") for name in FIELDS["events"]}
        cells |= {"start": _iso(said.get("start_ms")), "end": _iso(said.get("end_ms"))}
    else:
        cells = {"patient_id": str(said.get("patient_id") or ""), **said.get("fields", {})}
    return cells | {name: text.strip() for name, text in changes.items()}


def _iso(ms: int | None) -> str:
    return "" if ms is None else from_ms(ms, "UTC").isoformat()


def _read(cells: Mapping[str, str], kept: KeptRow, zone: str, now_ms: int) -> Row:
    """The one row of a canonical file with these cells."""
    written = io.StringIO()
    needed = {"labs": FIELDS["labs"][:5], "events": FIELDS["events"], "patients": ("patient_id",)}[kept.kind]
    whole = dict.fromkeys(needed, "") | {name: text for name, text in cells.items() if text or name in needed}
    csv.writer(written).writerows([list(whole), list(whole.values())])
    try:
        reading: Reading = read(written.getvalue().encode(), "stated.csv", ReadOptions(timezone=zone, now_ms=now_ms))
    except (ImportProblem, UnicodeEncodeError) as problem:
        found = getattr(problem, "found", "it holds signs that are no text")
        raise Refused("what was stated", found, "write it in plain text") from problem
    rows: list[Row] = [*reading.observations, *reading.events, *reading.patients]
    if len(rows) != 1:
        raise Refused("what was stated", "it does not read as one row", "write it in plain text")
    return rows[0]


def _check(row: Row, *, beyond_limits: bool) -> None:
    """Refused unless an import would accept the row; beyond a hard limit only if a person says that it is so."""
    doubts = [reason for reason in row.reasons if not reason.startswith("soft_limit")]
    limits = [reason for reason in doubts if reason.startswith("hard_limit")]
    if row.decision == "accepted":
        return
    if limits and row.decision == "review" and limits == [one for one in doubts if _holds(one)] and beyond_limits:
        return
    remedy = "correct the value or the unit, or state that it is so beyond the limit" if limits else "correct it"
    found = "; ".join(reason.partition(": ")[2] or reason for reason in doubts) or f"it would be {row.decision}"
    raise Refused("what was stated", found, remedy)


def _holds(reason: str) -> bool:
    """Whether a reason holds a row; the others are notes."""
    return not reason.startswith(("flag", "resulted_at", "unknown_timing"))


def _keep_rest(row: Observation, kept: KeptRow, changes: Mapping[str, str]) -> None:
    """Keeps what was not stated anew as it was received: text, specimen, comment, the time as written."""
    said = kept.said
    row.field = kept.field
    row.specimen_id, row.comment = said.get("specimen_id"), said.get("comment")
    if "collected_at" not in changes:
        row.collected_text = said.get("collected_text", "")
    if not any(name in changes for name in _MEASURE):
        for name in _MEASURED:
            setattr(row, name, said.get(name, {"text": "", "comparator": "", "basis": ""}.get(name)))
    elif "value" not in changes:
        row.text = said.get("text", "")
    assert row.analyte in ANALYTES
