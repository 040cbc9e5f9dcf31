"""A large synthetic cohort as Parquet, in partitions by patient; and the way from there to what endpoints take."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from khemon.endpoints import Children, Coded, Happenings
from khemon.models import EVENT_KINDS, QUALITIES, STATUSES, TIMINGS
from khemon.rules import NO_TIME, Events, Patients, Results
from khemon.rules.calendar import EPOCH, day_numbers
from khemon.simulate import ParquetFiles, simulate_parts
from khemon.units import ANALYTE_CODES

END, ZONE = dt.datetime(2026, 11, 21, 8, 30, tzinfo=dt.UTC), "Europe/Berlin"
NAMES = ("patients", "events", "labs")
#: Columns of labs that endpoints take; all results are final, so specimens choose no version.
LAB_COLUMNS = ["patient_id", "collected_at", "analyte", "comparator", "value", "status", "quality", "timing"]


def write(folder: Path, patients: int, simulated: int, partitions: int) -> int:
    """Files of that many children, the first `simulated` of them drawn, the others the same under other ids.

    Returns the number of results. Whole copies stand in each partition.
    """
    drawn = folder / "drawn"
    drawn.mkdir(parents=True)
    with ParquetFiles(drawn) as files:
        for part in simulate_parts(1, END, simulated, timezone=ZONE):
            files.add(part)
    copies = np.array_split(np.arange(patients // simulated), partitions)
    rows = 0
    for place, own in enumerate(copies):
        target = folder / f"{place}"
        target.mkdir()
        for name in NAMES:
            table = pq.read_table(drawn / f"{name}.parquet").unify_dictionaries()
            rows += table.num_rows * own.size if name == "labs" else 0
            _copied(table, target / f"{name}.parquet", own)
    return rows


def _copied(table: pa.Table, path: Path, copies: np.ndarray) -> None:
    ids = table.column("patient_id").combine_chunks()
    known = ids.dictionary.to_pylist() if pa.types.is_dictionary(ids.type) else None
    with pq.ParquetWriter(path, table.schema) as out:
        for copy in copies.tolist():
            assert known is not None
            renamed = pa.array([f"{name}-{copy}" for name in known], pa.string())
            column = pa.DictionaryArray.from_arrays(ids.indices, renamed)
            out.write_table(table.set_column(table.schema.get_field_index("patient_id"), "patient_id", column))


def _codes(column: pa.ChunkedArray, names: dict[str, int], absent: int) -> np.ndarray:
    """The code of each text of a dictionary column; `absent` where there is none."""
    whole = column.unify_dictionaries().combine_chunks()
    table = np.array([*(names[name] for name in whole.dictionary.to_pylist()), absent], np.int8)
    return table[whole.indices.fill_null(-1).to_numpy()]


def _ms(column: pa.ChunkedArray) -> np.ndarray:
    return column.cast(pa.int64()).fill_null(NO_TIME).to_numpy()


def _results(path: Path, index: pa.Array, threads: bool) -> Results:
    table = pq.read_table(path, columns=LAB_COLUMNS, use_threads=threads)
    time = _ms(table.column("collected_at"))
    value = table.column("value").to_numpy()
    sign = _codes(table.column("comparator"), {"": 0, "<": -1, "<=": -1, ">": 1, ">=": 1}, 0)
    low, high = np.where(sign < 0, 0.0, value), np.where(sign > 0, np.inf, value)
    high[sign < 0] = np.nextafter(high[sign < 0], -np.inf)
    low[sign > 0] = np.nextafter(low[sign > 0], np.inf)
    status = _codes(table.column("status"), {name: code for code, name in enumerate(STATUSES)}, 1)
    quality = _codes(table.column("quality"), {name: code for code, name in enumerate(QUALITIES)}, 0)
    timing = _codes(table.column("timing"), {name: code for code, name in enumerate(TIMINGS)}, 0)
    size, analyte = time.size, _codes(table.column("analyte"), ANALYTE_CODES, -1)
    patient = _places(table.column("patient_id"), index)
    specimen = np.full(size, -1, np.int64)
    days = day_numbers(time, ZONE)
    return Results(patient, time, days, analyte, low, high, status, quality, specimen, np.arange(size), timing)


def _places(column: pa.ChunkedArray, index: pa.Array) -> np.ndarray:
    whole = column.unify_dictionaries().combine_chunks()
    place = pa.compute.index_in(whole.dictionary, index).to_numpy().astype(np.int32)
    return place[whole.indices.to_numpy()]


def _happenings(path: Path, index: pa.Array, threads: bool) -> Happenings:
    table = pq.read_table(path, use_threads=threads)
    doses = pa.compute.cast(table.column("dose"), pa.float64()).fill_null(np.nan).to_numpy()
    note, unit = (_coded(table.column(name)) for name in ("note", "unit"))
    kinds = _codes(table.column("kind"), {name: code for code, name in enumerate(EVENT_KINDS)}, -1)
    times = (_ms(table.column(name)) for name in ("start", "end"))
    events = Events(_places(table.column("patient_id"), index), kinds, *times, doses, unit.code)
    return Happenings(events, note, unit)


def _coded(column: pa.ChunkedArray) -> Coded:
    whole = column.unify_dictionaries().combine_chunks()
    code = whole.indices.fill_null(-1).to_numpy().astype(np.int64)
    return Coded(code, tuple(name.casefold() for name in whole.dictionary.to_pylist()))


def children_of(folder: Path, threads: bool = True) -> Children:
    """The children of one partition, read by one thread or by as many as there are cores."""
    table = pq.read_table(folder / "patients.parquet", use_threads=threads)
    index = pa.compute.cast(table.column("patient_id"), pa.string()).combine_chunks()
    born = [(dt.date.fromisoformat(text) - EPOCH.date()).days for text in table.column("birth_date").to_pylist()]
    patients = Patients(np.array(born, np.int32), _ms(table.column("day0")), _ms(table.column("followed_until")))
    results = _results(folder / "labs.parquet", index, threads)
    happenings = _happenings(folder / "events.parquet", index, threads)
    return Children(results, happenings, patients, _coded(table.column("arm")), _ms(table.column("discontinued_at")))
