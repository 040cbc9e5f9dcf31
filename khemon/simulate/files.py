"""The canonical files of a cohort."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from khemon.simulate.child import Cohort, EventRow, LabRow, PatientRow


def write_cohort(cohort: Cohort, folder: Path, prefix: str = "") -> list[Path]:
    """Writes patients.csv, labs.csv, events.csv and, where there is a second delivery, labs_later.csv.

    Returns their paths in the order in which they want to be imported. Makes the folder where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = [
        _write(folder / f"{prefix}patients.csv", PatientRow._fields, cohort.patients),
        _write(folder / f"{prefix}events.csv", EventRow._fields, cohort.events),
        _write(folder / f"{prefix}labs.csv", LabRow._fields, cohort.labs),
    ]
    if cohort.later_labs:
        written.append(_write(folder / f"{prefix}labs_later.csv", LabRow._fields, cohort.later_labs))
    return written


def _write(path: Path, header: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Path:
    """One UTF-8 file with comma and line feed on every platform."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path
