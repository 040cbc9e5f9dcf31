"""Every version of one child's results as columns, and the whole rows of those that somebody is shown.

The columns are compared with what should be there, each whole row with its own digest: so a look at some weeks of a
long history costs what is looked at, and nothing that is shown or judged was not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from khemon.store.repository.ledger import Ledger
from khemon.store.repository.ready import Ready
from khemon.store.repository.results import (
    NOTHING,
    AtHand,
    all_columns,
    read_rows,
    sound_columns,
    told,
)
from khemon.store.repository.sealing import RULED
from khemon.store.repository.seals import damage, seals_of
from khemon.store.rows import ResultRow
from khemon.store.tables import BATCH_SPAN, patient, result

Numbers = npt.NDArray[np.int64]

_KEY = result.c.collected_ms, result.c.analyte, result.c.result_id
_SINCE = Ready(
    sa.select(result, patient.c.patient_id)
    .join(patient, patient.c.patient_no == result.c.patient_no)
    .where(result.c.patient_no == sa.bindparam("number"), result.c.collected_ms >= sa.bindparam("since_ms"))
    .order_by(*_KEY)
)
_OTHERS = Ready(
    sa.select(result, patient.c.patient_id)
    .join(patient, patient.c.patient_no == result.c.patient_no)
    .where(result.c.patient_no == sa.bindparam("number"), result.c.analyte >= RULED)
    .order_by(*_KEY)
)
_ONE = Ready(sa.select(result).where(result.c.result_id == sa.bindparam("result_id")))


@dataclass(frozen=True, slots=True)
class Versions:
    """Every version of a child's results, sorted by time, analyte and recording; `analyte` as a code.

    at_hand: what an evaluation of this child need not fetch again; nothing is left out of it.
    """

    result_id: Numbers
    collected_ms: Numbers
    analyte: Numbers
    recorded_ms: Numbers
    at_hand: AtHand

    def __len__(self) -> int:
        return len(self.result_id)

    def only(self, which: npt.NDArray[np.bool_]) -> Versions:
        """Those that are marked."""
        own = (self.result_id[which], self.collected_ms[which], self.analyte[which], self.recorded_ms[which])
        return Versions(*own, self.at_hand)


_NONE = np.zeros(0, np.int64)
#: Of a child that is not there.
NO_VERSIONS = Versions(_NONE, _NONE, _NONE, _NONE, NOTHING)


def versions_of(connection: sa.Connection, ledger: Ledger, number: int) -> Versions:
    """Every version of a patient's results that no undoing took away. DamagedRows where they are not those written."""
    rows = all_columns().rows(connection, [number])
    columns = sound_columns(connection, rows, [number], all_analytes=True)
    ids, analyte = (np.array(columns[place], np.int64) for place in (8, 2))
    batches, place = np.unique(ids // BATCH_SPAN, return_inverse=True)
    recorded = np.array([ledger.of_row(batch_no * BATCH_SPAN).recorded_ms for batch_no in batches.tolist()], np.int64)
    found = Versions(ids, np.array(columns[1], np.int64), analyte, recorded[place], _at_hand(number, columns, analyte))
    gone, not_yet = ledger.not_standing(), ledger.not_restored()
    if not gone and not not_yet:
        return found
    restored = np.array([by in not_yet for by in columns[9]], np.bool_)
    return found.only(~np.isin(ids // BATCH_SPAN, list(gone)) & ~restored)


def _at_hand(number: int, columns: Sequence[Sequence[Any]], analyte: Numbers) -> AtHand:
    """The rows that rules read."""
    ruled = analyte < RULED
    if ruled.all():
        return AtHand(frozenset({number}), columns)
    places = np.flatnonzero(ruled).tolist()
    return AtHand(frozenset({number}), [[column[place] for place in places] for column in columns])


def rows_since(
    connection: sa.Connection, ledger: Ledger, number: int, since_ms: int, known: Versions
) -> list[ResultRow]:
    """The whole rows of the versions collected from a time on, in order. DamagedRows where one is not there."""
    own = known.only(known.collected_ms >= since_ms)
    return _those(connection, ledger, number, _SINCE.rows(connection, number=number, since_ms=since_ms), own)


def other_rows(connection: sa.Connection, ledger: Ledger, number: int, known: Versions) -> list[ResultRow]:
    """The same of those of analytes without rules."""
    own = known.only(known.analyte >= RULED)
    return _those(connection, ledger, number, _OTHERS.rows(connection, number=number), own) if len(own) else []


def _those(
    connection: sa.Connection, ledger: Ledger, number: int, found: Iterable[tuple[Any, ...]], known: Versions
) -> list[ResultRow]:
    """The rows that are among the versions; all of these are there."""
    wanted = known.result_id.tolist()
    among = set(wanted)
    rows = [row for row in read_rows(connection, ledger, found) if row.result_id in among]
    if [row.result_id for row in rows] != wanted:
        seals_of(connection).refuse("result", {number})
    return rows


def text_of(connection: sa.Connection, number: int | None, result_id: int) -> tuple[str, str | None, str]:
    """Text and unit as received, canonical text of a patient's result that must be there."""
    row = _ONE.first(connection, result_id=result_id)
    if row is None or row[0] != number:
        raise damage(f"patient number {number}", [] if number is None else [number])
    return told(row)
