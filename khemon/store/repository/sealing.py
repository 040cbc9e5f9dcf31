"""Which rows are sealed, under which kind and scope: noted as they are written, and anew for a whole store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from khemon.store.repository.marks import Total, column_marks, mark_of, row_bits_mark, totals_by
from khemon.store.repository.seals import WARD, Seals
from khemon.store.tables import (
    account,
    account_state,
    alert,
    alert_move,
    audit,
    batch,
    batch_patient,
    batch_undo,
    event_version,
    fate,
    mapping_version,
    patient,
    patient_version,
    protocol_live,
    result,
    row_decision,
    seen,
    setting,
    settlement,
)
from khemon.units import ANALYTES

PAGE = 10_000
#: Analytes with rules come first in the table of analytes.
RULED = sum(each.has_rules for each in ANALYTES.values())
#: What an evaluation reads of a result, and how each column is marked.
RESULT_COLUMNS = (
    result.c.patient_no,
    result.c.collected_ms,
    result.c.analyte,
    result.c.low,
    result.c.high,
    result.c.status,
    result.c.quality,
    result.c.specimen,
    result.c.result_id,
    result.c.restored_by,
    result.c.timing,
)
_RESULT_KINDS = "iiiffiitioi"
RESULT_PLACES = [list(result.c).index(column) for column in RESULT_COLUMNS]
_read_of_result = itemgetter(*RESULT_PLACES)
#: What is read of an event, of what was said about a patient, and of a batch to judge its rows.
EVENT_COLUMNS = tuple(
    event_version.c[name]
    for name in ("version_id", "patient_no", "kind", "start_ms", "end_ms", "dose", "unit", "note", "forced", "decision")
)
SAID_COLUMNS = tuple(patient_version.c[name] for name in ("version_id", "patient_no", "fields", "forced", "decision"))
FACT_COLUMNS = tuple(batch.c[name] for name in ("batch_no", "batch", "source", "recorded_ms", "kind"))
#: Fates that people are shown.
SHOWN_FATES = frozenset({"review", "conflict", "no_value", "rejected"})
#: The part of an alert's body that is the digest of the rest.
BODY_DIGEST = 64


def result_totals(columns: Sequence[Sequence[Any]]) -> dict[str, dict[int, Total]]:
    """Kind to patient to total, of results as the columns above. Raises ValueError or TypeError for what is no row."""
    import numpy as np

    if not columns or not len(columns[0]):
        return {"result": {}, "other_result": {}}
    marks = column_marks(columns, _RESULT_KINDS)
    numbers, ruled = np.array(columns[0], np.int64), np.array(columns[2], np.int64) < RULED
    kinds = {"result": ruled, "other_result": ~ruled}
    return {kind: totals_by(numbers[mine], marks[mine]) for kind, mine in kinds.items()}


def note_results(seals: Seals, rows: Sequence[tuple[Any, ...]]) -> None:
    """Whole rows of `result`."""
    if len(rows) == 1:
        [row] = rows
        read = _read_of_result(row)
        mark = row_bits_mark(read, _RESULT_KINDS)
        is_ruled = read[2] < RULED
        seals.note("result" if is_ruled else "other_result", read[0], mark)
        if is_ruled:
            seals.brought[read[0]] = (Total(1, mark), read)
        return
    for start in range(0, len(rows), PAGE):
        columns = list(zip(*rows[start : start + PAGE], strict=True))
        for kind, found in result_totals([columns[place] for place in RESULT_PLACES]).items():
            seals.note_all(kind, found)


def note_results_read(seals: Seals, columns: Sequence[Sequence[Any]]) -> None:
    """RESULT_COLUMNS of rows that were added."""
    for kind, found in result_totals(columns).items():
        seals.note_all(kind, found)


def note_fates(seals: Seals, rows: Iterable[tuple[Any, ...]]) -> None:
    """Whole rows of `fate`; their own digest is their mark."""
    for row in rows:
        if row[4] in SHOWN_FATES:
            seals.note(row[4], row[1] or WARD, row[-1])


def note_events(seals: Seals, rows: Iterable[tuple[Any, ...]]) -> None:
    """Whole rows of `event_version`."""
    for row in rows:
        seals.note("event", row[1], mark_of(*row[:9], row[10]))


def note_said(seals: Seals, rows: Iterable[tuple[Any, ...]]) -> None:
    """Whole rows of `patient_version`."""
    for row in rows:
        seals.note("patient_said", row[1], mark_of(*row[:4], row[5]))


def note_patients(seals: Seals, rows: Iterable[tuple[Any, ...]]) -> None:
    """Whole rows of `patient`: of the ward, and each by itself."""
    for row in rows:
        seals.note("patient", WARD, mark_of(*row))
        seals.note("patient_row", row[0], mark_of(*row))


def note_batch(seals: Seals, row: Mapping[str, Any]) -> None:
    """A row of `batch`: what is read of all of them, and each by itself, whole."""
    seals.note("batch", WARD, mark_of(*(row[column.name] for column in FACT_COLUMNS)))
    seals.note_first("batch_row", row["batch_no"], batch_mark(row))


def batch_mark(row: Mapping[str, Any]) -> int:
    """The mark of a whole row of `batch`."""
    return mark_of(*(row[column.name] for column in batch.c))


def note_batch_patient(seals: Seals, number: int, batch_no: int, recorded_ms: int) -> None:
    """That a batch, recorded then, speaks of a patient."""
    seals.note("batch_patient", number, mark_of(number, batch_no, recorded_ms))


def note_undo(seals: Seals, row: Mapping[str, Any]) -> None:
    """A row of `batch_undo`."""
    seals.note("batch_undo", WARD, mark_of(row["batch_no"], row["recorded_ms"]))
    seals.note("undo_row", row["undo_no"], mark_of(*(row[column.name] for column in batch_undo.c)))


def note_rows(seals: Seals, kind: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Whole rows of a small table of the ward."""
    for row in rows:
        seals.note(kind, WARD, mark_of(*row))


def alert_mark(alert_id: int, patient_no: int, state: str, body: str) -> int:
    """The mark of an alert; its body has a digest of its own, which stands first in it."""
    return mark_of(alert_id, patient_no, state, body[:BODY_DIGEST])


def audit_mark(head: str) -> int:
    """The mark of the last entry of the audit chain, by its hash; 0 for none."""
    return int.from_bytes(bytes.fromhex(head)[:8], "big", signed=True)


def seen_scope(kind: str, object_id: str, patient_no: int | None) -> int:
    """The scope under which it is kept who opened something: a patient's or an alert's number."""
    return (patient_no or WARD) if kind != "alert" else int(object_id)


def note_everything(seals: Seals, connection: sa.Connection) -> None:
    """Every row of the store, page by page."""
    _note_rows_of_files(seals, connection)
    numbers: dict[str, int] = {}
    for row in _rows(connection, sa.select(patient)):
        note_patients(seals, [row])
        numbers[row[1]] = row[0]
    recorded = {}
    for mapped in connection.execute(sa.select(batch)).mappings():
        note_batch(seals, dict(mapped))
        recorded[mapped["batch_no"]] = mapped["recorded_ms"]
    for number, batch_no in _rows(connection, sa.select(batch_patient)):
        note_batch_patient(seals, number, batch_no, recorded.get(batch_no, 0))
    for mapped in connection.execute(sa.select(batch_undo)).mappings():
        note_undo(seals, dict(mapped))
    small = (("setting", setting), ("settlement", settlement), ("protocol", protocol_live), ("decision", row_decision))
    for kind, table in (*small, ("mapping", mapping_version)):
        note_rows(seals, kind, _rows(connection, sa.select(table)))
    for row in _rows(connection, sa.select(alert.c.alert_id, alert.c.patient_no, alert.c.state, alert.c.body)):
        seals.note("alert", row[1], alert_mark(*row))
    for row in _rows(connection, sa.select(alert_move)):
        seals.note("alert_move", row[0], mark_of(*row))
    note_rows(seals, "account", _rows(connection, sa.select(account)))
    for row in _rows(connection, sa.select(account_state)):
        seals.note("account_state", row[1], mark_of(*row))
    for row in _rows(connection, sa.select(seen)):
        seals.note(f"seen_{row[0]}", seen_scope(row[0], row[1], numbers.get(row[1])), mark_of(*row))
    last = sa.select(audit.c.sequence, audit.c.hash).order_by(audit.c.sequence.desc()).limit(1)
    for sequence, head in _rows(connection, last):
        seals.note("audit", WARD, audit_mark(head), sequence)


def _note_rows_of_files(seals: Seals, connection: sa.Connection) -> None:
    for table, noted in (
        (result, note_results),
        (fate, note_fates),
        (event_version, note_events),
        (patient_version, note_said),
    ):
        found = connection.execute(sa.select(table).execution_options(yield_per=PAGE))
        for part in found.partitions(PAGE):
            noted(seals, [tuple(row) for row in part])


def _rows(connection: sa.Connection, statement: sa.Select[Any]) -> Iterable[tuple[Any, ...]]:
    return (tuple(row) for row in connection.execute(statement.execution_options(yield_per=PAGE)))


def make(connection: sa.Connection) -> None:
    """Seals every row of a store that has no seals yet."""
    seals = Seals(connection)
    note_everything(seals, connection)
    seals.write()
