"""What became of the rows of a file: kept whole and printed again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from khemon.store.digests import row_digest
from khemon.store.repository.ledger import Ledger
from khemon.store.repository.results import result_details, results_of_batch
from khemon.store.repository.seals import damage
from khemon.store.rows import BatchRow, FateRow, ResultRow
from khemon.store.tables import BATCH_SPAN, event_version, fate, patient, patient_version

#: Fields of an observation that are kept with its fate; those `import --json` prints are among them.
OBSERVATION_FIELDS = (
    "patient_id",
    "collected_ms",
    "collected_text",
    "analyte",
    "text",
    "comparator",
    "value",
    "unit",
    "canonical_value",
    "canonical_unit",
    "basis",
    "low",
    "high",
    "status",
    "quality",
    "timing",
    "specimen_id",
    "comment",
    "resulted_ms",
)
EVENT_FIELDS = ("patient_id", "kind", "start_ms", "end_ms", "dose", "unit", "note")

PRINTED = (
    "patient_id",
    "collected_ms",
    "analyte",
    "text",
    "comparator",
    "value",
    "unit",
    "canonical_value",
    "canonical_unit",
)
_EMPTY: dict[str, Any] = dict.fromkeys(PRINTED) | {"text": "", "comparator": ""}


#: Made once: making an encoder takes longer than it takes to encode a row.
_DENSE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def packed(value: dict[str, Any]) -> str:
    """JSON of a row's fields without the empty ones; an infinite bound stays readable as `Infinity`."""
    filled = {name: item for name, item in value.items() if item is not None and item != ""}
    return _DENSE.encode(filled)


def fates_of(connection: sa.Connection, ledger: Ledger, batch: BatchRow) -> list[FateRow]:
    """Every row of a batch as the import reported it, in file order."""
    low = batch.batch_no * BATCH_SPAN
    statement = sa.select(fate).where(fate.c.fate_id.between(low, low + BATCH_SPAN - 1)).order_by(fate.c.fate_id)
    kept = list(connection.execute(statement).mappings())
    said = contents(connection, ledger, kept)
    numbered = [(row["fate_id"], _fate(row, batch.kind, said[row["fate_id"]])) for row in kept]
    if batch.kind == "labs":
        numbered += ((row.result_id, _accepted(row)) for row in results_of_batch(connection, ledger, batch.batch_no))
    else:
        table = event_version if batch.kind == "events" else patient_version
        mine = table.c.version_id.between(low, low + BATCH_SPAN - 1)
        numbered += ((row["version_id"], _usable(row, text)) for row, text in usable_rows(connection, table, mine))
    return [row for _, row in sorted(numbered, key=lambda item: item[0])]


def contents(connection: sa.Connection, ledger: Ledger, rows: Sequence[sa.RowMapping]) -> dict[int, dict[str, Any]]:
    """Id of a kept row to everything it says; for a duplicate to the letter that is what the stored row says."""
    same = result_details(
        connection, ledger, (row["same_as"] for row in rows if row["content"] is None), all_there=True
    )
    return {
        row["fate_id"]: same[row["same_as"]]._asdict() if row["content"] is None else json.loads(row["content"])
        for row in rows
    }


def printed_fields(said: dict[str, Any], kind: str) -> dict[str, Any]:
    """What is printed of a kept row of a batch of this kind; `text` is the whole row where it is no result."""
    if kind != "labs":
        said = {"patient_id": said.get("patient_id"), "text": packed(said)}
    return {name: said.get(name, _EMPTY[name]) for name in PRINTED}


def _fate(row: sa.RowMapping, kind: str, said: dict[str, Any]) -> FateRow:
    printed = printed_fields(said, kind)
    return FateRow(
        row=row["row"], field=row["field"], **printed, decision=row["decision"], reasons=json.loads(row["reasons"])
    )


def _accepted(row: ResultRow) -> FateRow:
    printed = {name: getattr(row, name) for name in PRINTED}
    return FateRow(row=row.row, field=row.field, **printed, decision="accepted", reasons=row.reasons)


def usable_rows(
    connection: sa.Connection, table: sa.Table, *criteria: sa.ColumnElement[bool]
) -> Iterator[tuple[sa.RowMapping, str]]:
    """Rows of `event_version` or `patient_version` with their patient's id, and what they say as JSON."""
    joined = table.join(patient, patient.c.patient_no == table.c.patient_no)
    statement = sa.select(table, patient.c.patient_id).select_from(joined).where(*criteria)
    for row in connection.execute(statement.order_by(table.c.version_id)).mappings():
        *values, digest = (row[column.name] for column in table.c)
        if row_digest(tuple(values)) != digest:
            raise damage(f"row {row['version_id']} of a file")
        if table is event_version:
            yield row, packed({name: row[name] for name in EVENT_FIELDS})
        else:
            yield row, packed({"patient_id": row["patient_id"], "fields": json.loads(row["fields"])})


def _usable(row: sa.RowMapping, text: str) -> FateRow:
    values = _EMPTY | {"patient_id": row["patient_id"], "text": text}
    reasons = json.loads(row["reasons"] or "[]")
    return FateRow(row=row["row"], field=None, **values, decision=row["decision"], reasons=reasons)
