"""The same rows as Parquet: times as instants, numbers as numbers, repeated texts as codes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from khemon.simulate.child import Cohort, EventRow, LabRow, PatientRow

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

#: Columns that hold a time with offset; stored as milliseconds UTC.
_TIMES = {
    "collected_at", "resulted_at", "start", "end", "day0", "discontinued_at", "on_ward_from", "on_ward_until",
    "followed_until",
}  # fmt: skip
#: Columns of which each row has a text of its own.
_TEXTS = {"specimen_id", "name", "birth_date", "dose"}
_VALUE = re.compile(r"(?P<comparator>[<>]=?)?(?P<number>\d+(?:\.\d+)?)")


class ParquetFiles:
    """patients.parquet, events.parquet and labs.parquet, written part by part; one row group for each part.

    Columns are those of the canonical files; of labs `value` is a number with `comparator` beside it, empty if exact.
    """

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self.paths = [folder / f"{prefix}{name}.parquet" for name in ("patients", "events", "labs")]
        self._writers: list[pq.ParquetWriter | None] = [None, None, None]

    def __enter__(self) -> ParquetFiles:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers:
            if writer is not None:
                writer.close()

    def add(self, part: Cohort) -> None:
        """Write one part."""
        tables = (
            _table(PatientRow._fields, part.patients),
            _table(EventRow._fields, part.events),
            _table(LabRow._fields, part.labs),
        )
        for place, table in enumerate(tables):
            self._writer(place, table).write_table(table)

    def _writer(self, place: int, table: pa.Table) -> pq.ParquetWriter:
        import pyarrow.parquet as pq

        writer = self._writers[place]
        if writer is None:
            writer = self._writers[place] = pq.ParquetWriter(self.paths[place], table.schema)
        return writer


def _table(names: Sequence[str], rows: Sequence[tuple[str, ...]]) -> pa.Table:
    import pyarrow as pa

    columns: dict[str, Any] = {}
    listed = zip(*rows, strict=True) if rows else (() for _ in names)
    for name, texts in zip(names, listed, strict=True):
        columns |= _columns(name, texts)
    return pa.table(columns)


def _columns(name: str, texts: Sequence[str]) -> dict[str, Any]:
    """A column, or two of them: a value and its comparator."""
    import pyarrow as pa

    if name == "value":
        found = [_VALUE.fullmatch(text) for text in texts]
        comparators = [each["comparator"] or "" if each else "" for each in found]
        numbers = pa.array([float(each["number"]) if each else None for each in found], pa.float64())
        return {"comparator": pa.array(comparators, pa.string()).dictionary_encode(), name: numbers}
    told = pa.array([text or None for text in texts], pa.string())
    if name in _TIMES:
        return {name: told.cast(pa.timestamp("ms", "UTC"))}
    return {name: told if name in _TEXTS else told.dictionary_encode()}
