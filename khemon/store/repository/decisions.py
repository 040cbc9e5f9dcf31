"""What people decided about rows. A decision stands while the batch of its act does: undoing the act takes it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from khemon.store.digests import row_digest
from khemon.store.judging import SET_OUT
from khemon.store.repository.bulk import insert_rows, next_number
from khemon.store.repository.ledger import Ledger
from khemon.store.repository.sealing import note_rows
from khemon.store.repository.seals import seals_of
from khemon.store.rows import RowDecision
from khemon.store.tables import BATCH_SPAN, row_decision

_IN_ORDER = sa.select(row_decision).order_by(row_decision.c.decision_no)


def add(connection: sa.Connection, batch_no: int, decisions: Iterable[tuple[int, str, int | None, str]]) -> None:
    """Writes the decisions of one act: row, verdict, the place in the act's batch of the row it became, reason."""
    number = next_number(connection, row_decision.c.decision_no)
    rows: list[tuple[Any, ...]] = []
    for row_id, verdict, place, reason in decisions:
        became = None if place is None else batch_no * BATCH_SPAN + place
        values = (number + len(rows), row_id, batch_no, verdict, became, reason)
        rows.append((*values, row_digest(values)))
    insert_rows(connection, row_decision, rows)
    note_rows(seals_of(connection), "decision", rows)


def standing(
    connection: sa.Connection, ledger: Ledger, verdicts: Sequence[str] | None = None, known_at_ms: int | None = None
) -> dict[int, RowDecision]:
    """Id of a row to the last standing decision about it. StoreProblem when one is not what was written."""
    gone = ledger.not_standing(known_at_ms)
    found: dict[int, RowDecision] = {}
    for decided in _every(ledger):
        if decided.batch_no not in gone and (verdicts is None or decided.verdict in verdicts):
            found[decided.row_id] = decided
    return found


def set_out(ledger: Ledger, known_at_ms: int | None = None) -> dict[int, tuple[int, str]]:
    """Id of each row that a person set out or said anew to the first standing act that did, and its verdict."""
    if known_at_ms in ledger.set_out:
        return ledger.set_out[known_at_ms]
    gone = ledger.not_standing(known_at_ms)
    found = ledger.set_out.setdefault(known_at_ms, {})
    for decided in _every(ledger):
        if decided.verdict in SET_OUT and decided.batch_no not in gone:
            found.setdefault(decided.row_id, (decided.batch_no, decided.verdict))
    return found


def _every(ledger: Ledger) -> Iterator[RowDecision]:
    return (RowDecision(*row[:-1]) for row in ledger.decision_rows)


def damaged(connection: sa.Connection) -> list[int]:
    """Numbers of those that are not what was written."""
    return [row.decision_no for row in connection.execute(_IN_ORDER) if not _is_sound(tuple(row))]


def _is_sound(row: tuple[Any, ...]) -> bool:
    return bool(row_digest(row[:-1]) == row[-1])
