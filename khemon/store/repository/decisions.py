"""What people decided about rows. A decision stands while the batch of its act does: undoing the act takes it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from khemon.models import StoreProblem
from khemon.store.digests import row_digest
from khemon.store.judging import SET_OUT
from khemon.store.repository.bulk import ReadyOf, insert_rows, next_number
from khemon.store.repository.ledger import Ledger
from khemon.store.repository.ready import Ready
from khemon.store.rows import RowDecision
from khemon.store.tables import BATCH_SPAN, batch_patient, row_decision

_IN_ORDER = sa.select(row_decision).order_by(row_decision.c.decision_no)
_DECIDED = sa.select(row_decision).where(sa.or_(*(row_decision.c.verdict == verdict for verdict in SET_OUT)))
_SET_OUT = Ready(_DECIDED)
_OF_PATIENT = _DECIDED.join(batch_patient, batch_patient.c.batch_no == row_decision.c.batch_no)
_SET_OUT_OF = ReadyOf(_OF_PATIENT, batch_patient.c.patient_no)
#: Of more patients than these all decisions are read at once.
MOST_BY_NAME = 20


def add(connection: sa.Connection, batch_no: int, decisions: Iterable[tuple[int, str, int | None, str]]) -> None:
    """Writes the decisions of one act: row, verdict, the place in the act's batch of the row it became, reason."""
    number = next_number(connection, row_decision.c.decision_no)
    rows: list[tuple[Any, ...]] = []
    for row_id, verdict, place, reason in decisions:
        became = None if place is None else batch_no * BATCH_SPAN + place
        values = (number + len(rows), row_id, batch_no, verdict, became, reason)
        rows.append((*values, row_digest(values)))
    insert_rows(connection, row_decision, rows)


def standing(
    connection: sa.Connection, ledger: Ledger, verdicts: Sequence[str] | None = None, known_at_ms: int | None = None
) -> dict[int, RowDecision]:
    """Id of a row to the last standing decision about it. StoreProblem when one is not what was written."""
    gone = ledger.not_standing(known_at_ms)
    asked = _IN_ORDER if verdicts is None else _IN_ORDER.where(row_decision.c.verdict.in_(verdicts))
    found: dict[int, RowDecision] = {}
    for row in connection.execute(asked):
        decided = _sound(tuple(row))
        if decided.batch_no not in gone:
            found[decided.row_id] = decided
    return found


def set_out(
    connection: sa.Connection, ledger: Ledger, numbers: Iterable[int] | None, known_at_ms: int | None = None
) -> dict[int, tuple[int, str]]:
    """Id of each row of these patients that a person set out or said anew: the first standing act that did, and how.

    None, or more than a few patients: of all. An act speaks of each patient whose rows it decides about.
    """
    few = None if numbers is None else tuple(sorted(islice(numbers, MOST_BY_NAME + 1)))
    asked = None if few is None or len(few) > MOST_BY_NAME else few
    if (known := ledger.set_out.get((asked, known_at_ms))) is not None:
        return known
    gone = ledger.not_standing(known_at_ms)
    found = ledger.set_out.setdefault((asked, known_at_ms), {})
    for row in sorted(_SET_OUT.rows(connection) if asked is None else _SET_OUT_OF.rows(connection, asked)):
        decided = _sound(row)
        if decided.batch_no not in gone:
            found.setdefault(decided.row_id, (decided.batch_no, decided.verdict))
    return found


def damaged(connection: sa.Connection) -> list[int]:
    """Numbers of those that are not what was written."""
    return [row.decision_no for row in connection.execute(_IN_ORDER) if not _is_sound(tuple(row))]


def _is_sound(row: tuple[Any, ...]) -> bool:
    return bool(row_digest(row[:-1]) == row[-1])


def _sound(row: tuple[Any, ...]) -> RowDecision:
    if not _is_sound(row):
        found, remedy = "is not what was written: its digest differs", "run khemon check and restore a backup"
        raise StoreProblem(where=f"decision, number {row[0]}", found=found, remedy=remedy)
    return RowDecision(*row[:-1])
