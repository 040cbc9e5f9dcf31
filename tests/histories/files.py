"""Histories as canonical files, in units whose conversion is exact."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from tests.reference import Lab

from .history import History

#: Analyte (for D-dimer its basis) -> unit as written -> what a canonical value is multiplied by for it.
UNITS: dict[str, dict[str, str]] = {
    "platelets": {"10*9/L": "1", "10*3/uL": "1", "G/L": "1", "/uL": "1000", "万/uL": "0.1", "lakh/uL": "0.01"},
    "fibrinogen": {"g/L": "1", "mg/dL": "100", "mg/L": "1000"},
    "hemoglobin": {"g/L": "1", "g/dL": "0.1"},
    "FEU": {"mg/L{FEU}": "1", "ug/mL{FEU}": "1", "ng/mL{FEU}": "1000"},
    "DDU": {"mg/L{DDU}": "0.5", "ug/mL{DDU}": "0.5", "ng/mL{DDU}": "500"},
    "unknown": {"mg/L": "1", "ug/mL": "1", "ng/mL": "1000"},
}
LAB_HEADER = ("patient_id", "collected_at", "analyte", "value", "unit", "specimen_id", "status", "quality")


def write_csv(histories: Sequence[History], folder: Path) -> dict[tuple[str, int], int]:
    """Writes labs.csv, events.csv and patients.csv; gives (patient_id, row in the history) -> line in labs.csv."""
    lines: dict[tuple[str, int], int] = {}
    labs = [(history, lab) for history in histories for lab in history.labs]
    with (folder / "labs.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(LAB_HEADER)
        for line, (history, lab) in enumerate(labs, start=2):
            lines[history.child.patient_id, lab.row] = line
            writer.writerow(lab_line(history, lab))
    with (folder / "events.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("patient_id", "kind", "start", "end", "dose", "unit", "note"))
        for history in histories:
            for event in history.events:
                end = "" if event.end is None else event.end.isoformat()
                writer.writerow((history.child.patient_id, event.kind, event.start.isoformat(), end, "", "", ""))
    with (folder / "patients.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("patient_id", "birth_date", "diagnosis"))
        for child in (history.child for history in histories):
            writer.writerow((child.patient_id, child.birth_date or "", child.diagnosis or ""))
    return lines


def lab_line(history: History, lab: Lab) -> tuple[str, ...]:
    """One line of labs.csv; the unit is drawn from the seed and the row, so a history always reads the same."""
    units = UNITS[lab.basis or lab.analyte]
    unit = random.Random(f"{history.seed}/{lab.row}").choice(sorted(units))
    value = lab.comparator + plain(lab.value * Decimal(units[unit]))
    time = lab.collected_at.isoformat()
    return (history.child.patient_id, time, lab.analyte, value, unit, lab.specimen or "", lab.status, lab.quality)


def plain(value: Decimal) -> str:
    """The shortest text without exponent."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
