"""The rows of one child for an evaluation: those that are kept, and those recorded since."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from khemon.store.repository.children import Child
from khemon.store.repository.marks import NONE, Total
from khemon.store.repository.ready import Ready
from khemon.store.repository.sealing import RESULT_COLUMNS, RULED, result_totals
from khemon.store.repository.seals import damage, seals_of
from khemon.store.tables import result

IN_ORDER = (result.c.patient_no, result.c.collected_ms, result.c.analyte, result.c.result_id)
_SINCE = Ready(
    sa.select(*RESULT_COLUMNS)
    .where(
        result.c.patient_no == sa.bindparam("number"),
        result.c.result_id > sa.bindparam("last"),
        result.c.analyte < RULED,
    )
    .order_by(*IN_ORDER)
)


def child_of(connection: sa.Connection, number: int, read: Callable[[], Sequence[Sequence[Any]]]) -> Child | None:
    """What there is of one child, read as far as it was not kept; None where nothing may be kept.

    read: gives RESULT_COLUMNS of all its rows, when they are what should be there.
    """
    seals = seals_of(connection)
    if seals.kept is None or number in seals.left_out:
        return None
    child = seals.read.get(number) or seals.kept.get(number)
    child = None if child is None else _brought_up(connection, number, child)
    if child is None:
        columns = read()
        child = Child.of(seals.expected("result", [number]).get(number, NONE), columns)
    seals.read[number] = child
    return child


def _brought_up(connection: sa.Connection, number: int, child: Child) -> Child | None:
    """What is kept of a child, with what was recorded since; None where that is not what should be there."""
    expected = seals_of(connection).expected("result", [number]).get(number, NONE)
    if child.total == expected:
        return child
    own = seals_of(connection).brought.get(number)
    if own is not None and child.total.with_mark(own[0].mark) == expected:
        return child.with_rows(expected, [[value] for value in own[1]])
    columns: list[Sequence[Any]] = list(zip(*_SINCE.rows(connection, number=number, last=child.last_id), strict=True))
    new = sound_totals(columns)["result"].get(number, NONE)
    as_it_should_be = child.total.with_mark(new.mark, new.rows) == expected
    return child.with_rows(expected, columns) if as_it_should_be else None


def sound_totals(columns: list[Sequence[Any]]) -> dict[str, dict[int, Total]]:
    """Kind to patient to total of RESULT_COLUMNS. DamagedRows for what is no row."""
    try:
        return result_totals(columns)
    except (TypeError, ValueError, OverflowError):  # what stands there is not even of the kind of its column
        raise damage("results") from None
