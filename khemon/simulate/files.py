"""The canonical files of a cohort."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from khemon.simulate.child import Cohort, EventRow, LabRow, PatientRow
from khemon.simulate.parquet import ParquetFiles


def write_cohort(cohort: Cohort, folder: Path, prefix: str = "") -> list[Path]:
    """Writes patients.csv, labs.csv, events.csv and, where there is a second delivery, labs_later.csv.

    Returns their paths in the order in which they want to be imported. Makes the folder where it is missing.
    """
    written = write_parts([cohort], folder, prefix)
    if cohort.later_labs:
        path = folder / f"{prefix}labs_later.csv"
        with _Csv(path, LabRow._fields) as out:
            out.add(cohort.later_labs)
        written.append(path)
    return written


def write_parts(parts: Iterable[Cohort], folder: Path, prefix: str = "", *, parquet: bool = False) -> list[Path]:
    """Writes patients.csv, events.csv and labs.csv of a cohort in parts, one part in memory at a time.

    parquet: also patients.parquet, events.parquet and labs.parquet. Returns the paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = {"patients": PatientRow._fields, "events": EventRow._fields, "labs": LabRow._fields}
    paths = [folder / f"{prefix}{name}.csv" for name in names]
    with ExitStack() as open_files:
        patients, events, labs = (
            open_files.enter_context(_Csv(path, header)) for path, header in zip(paths, names.values(), strict=True)
        )
        typed = open_files.enter_context(ParquetFiles(folder, prefix)) if parquet else None
        for part in parts:
            patients.add(part.patients)
            events.add(part.events)
            labs.add(part.labs)
            if typed is not None:
                typed.add(part)
    return [*paths, *(typed.paths if typed is not None else [])]


class _Csv:
    """One UTF-8 file with comma and line feed on every platform."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self._out = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._out, lineterminator="\n")
        self._writer.writerow(header)

    def __enter__(self) -> _Csv:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()

    def add(self, rows: Iterable[tuple[str, ...]]) -> None:
        self._writer.writerows(rows)
