"""Which batches there are and which of them stand, now or as recorded by a moment."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import sqlalchemy as sa

from khemon.models import StoreProblem
from khemon.store.digests import row_digest
from khemon.store.repository.marks import mark_of, totals
from khemon.store.repository.ready import Ready
from khemon.store.repository.sealing import FACT_COLUMNS, batch_mark
from khemon.store.repository.seals import WARD, damage, seals_of
from khemon.store.rows import BatchRow
from khemon.store.tables import BATCH_SPAN, batch, batch_undo, raw_file, row_decision

_FACTS = Ready(sa.select(*FACT_COLUMNS))
_UNDONE = Ready(sa.select(batch_undo.c.batch_no, batch_undo.c.recorded_ms))
_DECISIONS = Ready(sa.select(row_decision).order_by(row_decision.c.decision_no))


class Facts(NamedTuple):
    """What is needed of a batch to judge or print its rows."""

    batch: str
    source: str | None
    recorded_ms: int
    kind: str


class Decided(NamedTuple):
    """A person's decision about a row, as far as reading needs it: the batch of the act, and the verdict."""

    batch_no: int
    verdict: str


class Ledger:
    """Names, sources and standing of all batches, read once and when first asked for.

    cut_ms: nothing recorded after it stands, whatever later moment is asked about; None: nothing is cut off.
    """

    def __init__(self, connection: sa.Connection, cut_ms: int | None = None) -> None:
        self._connection = connection
        self._cut_ms = cut_ms
        #: By the moment asked about: each row that a person set out, the act that did, and its verdict.
        self.set_out: dict[int | None, dict[int, tuple[int, str]]] = {}

    @cached_property
    def batches(self) -> dict[int, Facts]:
        """Batch number to its facts."""
        rows = _FACTS.rows(self._connection)
        seals_of(self._connection).compare("batch", totals((WARD, mark_of(*row)) for row in rows), [WARD])
        return {row[0]: Facts(*row[1:]) for row in rows}

    @cached_property
    def undone(self) -> dict[int, int]:
        """Number of an undone batch to the time of its undoing."""
        # A copy: whoever takes one more back adds it here before that is committed.
        return dict(seals_of(self._connection).recall("undone", WARD, [(WARD, "batch_undo")], self._undone_read))

    def _undone_read(self) -> dict[int, int]:
        rows = _UNDONE.rows(self._connection)
        seals_of(self._connection).compare("batch_undo", totals((WARD, mark_of(*row)) for row in rows), [WARD])
        return dict(rows)

    def one_more(self) -> None:
        """Forgets the batches: an import added one. What was taken back and decided is as it was."""
        self.__dict__.pop("batches", None)
        self.set_out.clear()

    def cut(self, known_at_ms: int | None = None) -> int | None:
        """The moment by which a row must have been recorded to be seen; None: any row may be."""
        moments = [moment for moment in (known_at_ms, self._cut_ms) if moment is not None]
        return min(moments, default=None)

    def not_standing(self, known_at_ms: int | None = None) -> set[int]:
        """Numbers of batches whose rows are not to be seen: undone, or not yet recorded at that moment."""
        known_at_ms = self.cut(known_at_ms)
        if known_at_ms is None:
            return set(self.undone)
        gone = {number for number, at in self.undone.items() if at <= known_at_ms}
        return gone | {number for number, facts in self.batches.items() if facts.recorded_ms > known_at_ms}

    def not_restored(self, known_at_ms: int | None = None) -> set[int]:
        """Numbers of batches whose undoing was not yet recorded at that moment: what it restored was not yet there."""
        known_at_ms = self.cut(known_at_ms)
        return set() if known_at_ms is None else {number for number, at in self.undone.items() if at > known_at_ms}

    def decided(self, known_at_ms: int | None = None) -> dict[int, Decided]:
        """Id of a row that a person decided about to the last decision that stands."""
        taken = [(row[1], row[2], row[3]) for row in self.decision_rows]
        return self.last_standing(taken, known_at_ms)

    @cached_property
    def decision_rows(self) -> list[tuple[Any, ...]]:
        """Every decision as it stands in the store, in order. StoreProblem when one is not what was written."""
        return list(seals_of(self._connection).recall("decisions", WARD, [(WARD, "decision")], self._decisions_read))

    def _decisions_read(self) -> list[tuple[Any, ...]]:
        rows = _DECISIONS.rows(self._connection)
        for row in rows:
            if row_digest(row[:-1]) != row[-1]:
                found, remedy = "is not what was written: its digest differs", "run khemon check and restore a backup"
                raise StoreProblem(where=f"decision, number {row[0]}", found=found, remedy=remedy)
        seals_of(self._connection).compare("decision", totals((WARD, mark_of(*row)) for row in rows), [WARD])
        return rows

    def last_standing(self, rows: Iterable[tuple[int, int, str]], known_at_ms: int | None = None) -> dict[int, Decided]:
        """The same of these decisions (row, batch of the act, verdict), taken in order."""
        taken = list(rows)
        gone = self.not_standing(known_at_ms) if taken else set()
        return {row_id: Decided(batch_no, verdict) for row_id, batch_no, verdict in taken if batch_no not in gone}

    def of_row(self, row_id: int) -> Facts:
        """The facts of the batch a row belongs to."""
        facts = self.batches.get(row_id // BATCH_SPAN)
        if facts is None:
            raise damage(f"row {row_id}")
        return facts


def _select() -> sa.Select[Any]:
    undo = batch_undo.c.recorded_ms.label("undone_ms"), batch_undo.c.actor.label("undone_by")
    columns = [column for column in batch.c if column.name != "actor_kind"]
    joined = batch.outerjoin(batch_undo, batch.c.batch_no == batch_undo.c.batch_no)
    return sa.select(*columns, *undo).select_from(joined).order_by(batch.c.batch_no)


_SELECT = _select()
_SAME_BYTES = Ready(_SELECT.where(batch.c.sha256 == sa.bindparam("sha256")))
_NAMES = tuple(column.name for column in _SELECT.selected_columns)


def _row(row: Sequence[Any]) -> BatchRow:
    values = dict(zip(_NAMES, row, strict=True))
    return BatchRow(**values | {"counts": json.loads(values["counts"]), "details": json.loads(values["details"])})


def batch_rows(connection: sa.Connection, *criteria: sa.ColumnElement[bool]) -> list[BatchRow]:
    """Batches in order of recording. DamagedRows when one is not what was written."""
    _compare(connection, criteria)
    return [_row(row) for row in connection.execute(_SELECT.where(*criteria))]


def _compare(connection: sa.Connection, criteria: Sequence[sa.ColumnElement[bool]]) -> None:
    rows = connection.execute(sa.select(batch).where(*criteria)).mappings()
    own = totals((row["batch_no"], batch_mark(dict(row))) for row in rows)
    seals_of(connection).compare("batch_row", own, own if criteria else None, "imports")


def standing_batch(
    connection: sa.Connection, sha256: str, source: str | None, mapping_digest: str, *, supersede: bool = False
) -> BatchRow | None:
    """The batch that already holds these bytes, read in this way; None when there is none or it was undone.

    supersede: one that holds conflicts does not count, for these rows are to supersede what they contradict.
    """
    same = (_row(row) for row in _SAME_BYTES.rows(connection, sha256=sha256))
    read_so = (row for row in same if (row.source, row.mapping_digest) == (source, mapping_digest) and not row.undone)
    return next((row for row in read_so if not (supersede and row.counts.get("conflict"))), None)


def raw_bytes(connection: sa.Connection, sha256: str) -> bytes | None:
    """The file as it arrived."""
    packed = connection.execute(sa.select(raw_file.c.compressed).where(raw_file.c.sha256 == sha256)).scalar()
    return None if packed is None else zlib.decompress(packed)
