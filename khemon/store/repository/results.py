"""Results out of the store: columns for the engine, rows for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from khemon.models import QUALITIES, STATUSES, TIMINGS
from khemon.store.digests import row_digest
from khemon.store.repository.bulk import ReadyIn, ReadyOf, chunks, fetch_plain
from khemon.store.repository.children import specimen_codes
from khemon.store.repository.decisions import set_out
from khemon.store.repository.kept_rows import IN_ORDER, child_of, sound_totals
from khemon.store.repository.ledger import Ledger
from khemon.store.repository.people import numbers_of
from khemon.store.repository.ready import Ready
from khemon.store.repository.sealing import RESULT_COLUMNS, RULED
from khemon.store.repository.seals import damage, seals_of
from khemon.store.rows import ResultColumns, ResultRow
from khemon.store.tables import BATCH_SPAN, patient, result
from khemon.units import ANALYTE_CODES

ANALYTE_NAMES: tuple[str, ...] = tuple(ANALYTE_CODES)


class AtHand(NamedTuple):
    """All rows there are of some patients, as `COLUMNS`, sorted by the table's key; they need not be fetched."""

    numbers: Set[int]
    columns: Sequence[Sequence[Any]]


NOTHING = AtHand(frozenset(), ())


@lru_cache
def all_columns(*, all_analytes: bool = True) -> ReadyOf:
    """The columns for the engine."""
    statement = sa.select(*RESULT_COLUMNS)
    if not all_analytes:
        statement = statement.where(result.c.analyte < RULED)
    return ReadyOf(statement.order_by(*IN_ORDER), result.c.patient_no)


def result_columns(
    connection: sa.Connection,
    ledger: Ledger,
    numbers: dict[str, int],
    *,
    everyone: bool,
    known_at_ms: int | None = None,
    until_ms: int | None = None,
    all_analytes: bool = False,
    at_hand: AtHand = NOTHING,
) -> ResultColumns:
    """Standing versions for these patients; `everyone`: they are all there are. at_hand: what need not be fetched."""
    asked = None if everyone else sorted(number for number in numbers.values() if number not in at_hand.numbers)
    columns, kept = _as_kept(connection, asked, at_hand, all_analytes=all_analytes)
    names, patient = _places(numbers, np.array(columns[0], dtype=np.int64))
    result_id = np.array(columns[8], dtype=np.int64)
    standing = _standing(result_id, columns[9], ledger, known_at_ms) & (patient >= 0)
    if until_ms is not None:
        standing &= np.array(columns[1], dtype=np.int64) <= until_ms
    # All of them need not be copied.
    keep: slice | npt.NDArray[np.int64] = slice(None) if standing.all() else np.flatnonzero(standing)
    patient = patient[keep]
    if np.any(patient[1:] < patient[:-1]):  # numbers are given in order of arrival
        order = np.argsort(patient, kind="stable")
        patient, keep = patient[order], np.flatnonzero(standing)[order]
    result_id = result_id[keep]
    return ResultColumns(
        patient_ids=names,
        patient=patient,
        time=np.asarray(columns[1], dtype=np.int64)[keep],
        analyte=np.asarray(columns[2], dtype=np.int8)[keep],
        low=np.asarray(columns[3], dtype=np.float64)[keep],
        high=np.asarray(columns[4], dtype=np.float64)[keep],
        status=np.asarray(columns[5], dtype=np.int8)[keep],
        quality=np.asarray(columns[6], dtype=np.int8)[keep],
        specimen=specimen_codes(columns[7])[keep],
        recorded=result_id,
        result_id=result_id,
        timing=np.asarray(columns[10], dtype=np.int8)[keep],
        **kept,
    )


def _as_kept(
    connection: sa.Connection, asked: list[int] | None, at_hand: AtHand, *, all_analytes: bool
) -> tuple[Sequence[Sequence[Any]], dict[str, Any]]:
    """RESULT_COLUMNS of these patients, as far as they are not kept; and what else is kept of the only one."""
    read = partial(_fetched, connection, asked, at_hand, all_analytes=all_analytes)
    if asked is not None and len(asked) == 1 and not (at_hand.numbers or all_analytes):
        child = child_of(connection, asked[0], read)
        if child is not None:
            return child.columns, {"texts": child.texts, "memory": child.memory}
    return read(), {}


def _fetched(
    connection: sa.Connection, asked: list[int] | None, at_hand: AtHand, *, all_analytes: bool
) -> list[Sequence[Any]]:
    """RESULT_COLUMNS of the rows of these patients, or (None) of all, with those at hand."""
    rows = all_columns(all_analytes=all_analytes).rows(connection, asked)
    columns = sound_columns(connection, rows, asked, all_analytes=all_analytes)
    if not at_hand.numbers:
        return columns
    pairs = zip(columns, at_hand.columns, strict=True)
    return [[*fetched, *held] if fetched else held for fetched, held in pairs]


def sound_columns(
    connection: sa.Connection, rows: list[tuple[Any, ...]], asked: list[int] | None, *, all_analytes: bool
) -> list[Sequence[Any]]:
    """The rows as columns, when they are what should be there; without those of patients who are set aside."""
    seals = seals_of(connection)
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    found = sound_totals(columns)
    for kind in ("result", "other_result") if all_analytes else ("result",):
        seals.compare(kind, found[kind], asked)
    if seals.left_out:
        columns = list(zip(*(row for row in rows if row[0] not in seals.left_out), strict=True))
    return columns or [()] * len(RESULT_COLUMNS)


def _places(numbers: dict[str, int], patient_no: npt.NDArray[np.int64]) -> tuple[list[str], npt.NDArray[np.int32]]:
    """Ids in order, and for each row the place of its patient among them; -1 for a patient that is not asked for."""
    names = sorted(numbers)
    place_of = np.full(max(numbers.values(), default=0) + 1, -1, dtype=np.int32)
    for place, name in enumerate(names):
        place_of[numbers[name]] = place
    inside = np.minimum(patient_no, len(place_of) - 1)
    return names, np.where(patient_no < len(place_of), place_of[inside], np.int32(-1)).astype(np.int32)


def _standing(
    row_id: npt.NDArray[np.int64], restored_by: Sequence[int | None], ledger: Ledger, known_at_ms: int | None
) -> npt.NDArray[np.bool_]:
    """Which rows belong to a standing batch, were there at that moment, and were not set out by a person."""
    gone = ledger.not_standing(known_at_ms)
    keep = np.ones(len(row_id), dtype=np.bool_)
    if gone:
        keep &= ~np.isin(row_id // BATCH_SPAN, list(gone))
    not_yet = ledger.not_restored(known_at_ms)
    if not_yet:
        keep &= np.fromiter((by not in not_yet for by in restored_by), dtype=np.bool_, count=len(row_id))
    if left := set_out(ledger, known_at_ms):
        keep &= ~np.isin(row_id, list(left))
    return keep


#: Where each column stands in a whole row, the digest last.
_AT = {column.name: place for place, column in enumerate(result.c)}
RESULT_ID = _AT["result_id"]
#: In the order of `ResultRow`, the first after the patient id, the last before `status`.
_READ = tuple(
    _AT[name]
    for name in (
        "analyte",
        "collected_ms",
        "collected_text",
        "text",
        "comparator",
        "value",
        "unit",
        "canonical_value",
        "canonical_unit",
        "basis",
        "low",
        "high",
    )
)
_read = itemgetter(*_READ)
_read_last = itemgetter(
    *(
        _AT[name]
        for name in ("status", "quality", "timing", "reasons", "specimen", "comment", "resulted_ms", "row", "field")
    )
)
_WHOLE = sa.select(result)
_NAMED = sa.select(result, patient.c.patient_id).join(patient, patient.c.patient_no == result.c.patient_no)
_NUMBERED = ReadyIn(_NAMED, result.c.result_id)


def _is_sound(row: tuple[Any, ...]) -> bool:
    return bool(row_digest(row[:-1]) == row[-1])


def _rows(connection: sa.Connection, ledger: Ledger, statement: sa.Select[Any]) -> list[ResultRow]:
    """The rows of `_NAMED`, narrowed by numbers only. DamagedRows for one that is not what was written."""
    return list(read_rows(connection, ledger, fetch_plain(connection, statement)))


def read_rows(connection: sa.Connection, ledger: Ledger, found: Iterable[tuple[Any, ...]]) -> Iterator[ResultRow]:
    """Whole rows with the patient id behind them. DamagedRows for one that is not what was written."""
    seals = seals_of(connection)
    gone, not_yet = ledger.not_standing(), ledger.not_restored()
    for values in found:
        row, name = values[:-1], values[-1]
        if not _is_sound(row):
            seals.refuse("result", {row[0]})
            continue
        row_id = row[_AT["result_id"]]
        facts = ledger.of_row(row_id)
        first, *read = _read(row)
        status, quality, timing, told, specimen, comment, resulted_ms, place, field = _read_last(row)
        coded = (STATUSES[status], QUALITIES[quality], TIMINGS[timing])
        said = (specimen, comment, resulted_ms, json.loads(told) if told else [])
        undone = row_id // BATCH_SPAN in gone or row[_AT["restored_by"]] in not_yet
        came = (facts.batch, place, field, facts.recorded_ms, undone)
        yield ResultRow._make((row_id, name, ANALYTE_NAMES[first], *read, *coded, *said, *came))


_TEXTS = Ready(_WHOLE.where(result.c.patient_no == sa.bindparam("number"), result.c.analyte == sa.bindparam("analyte")))
_LAST = Ready(
    sa.select(sa.func.coalesce(sa.func.max(result.c.result_id), 0)).where(
        result.c.patient_no == sa.bindparam("number"), result.c.analyte < RULED
    )
)


def texts_of(connection: sa.Connection, number: int, analyte: int) -> dict[int, tuple[Any, ...]]:
    """Id of each of a patient's results of an analyte to its whole row, which `told` reads."""
    return {row[_AT["result_id"]]: row for row in _TEXTS.rows(connection, number=number, analyte=analyte)}


def told(row: tuple[Any, ...]) -> tuple[str, str | None, str]:
    """Text and unit as received, canonical text of a whole row. DamagedRows when it is not what was written."""
    if not _is_sound(row):
        raise damage(f"patient number {row[0]}", [row[0]])
    return plainly_told(row)


def plainly_told(row: tuple[Any, ...]) -> tuple[str, str | None, str]:
    """The same of a row of this transaction, which needs no comparing."""
    canonical = row[_AT["canonical_value"]]
    return row[_AT["text"]], row[_AT["unit"]], row[_AT["comparator"]] + ("" if canonical is None else canonical)


def last_result(connection: sa.Connection, number: int) -> int:
    """The highest id of a patient's results of analytes with rules; 0 without one."""
    return int(_LAST.rows(connection, number=number)[0][0])


def result_details(
    connection: sa.Connection, ledger: Ledger, result_ids: Iterable[int], *, all_there: bool = False
) -> dict[int, ResultRow]:
    """Result id to its row; `all_there`: DamagedRows when one is not, because something stored names it."""
    wanted = [int(number) for number in result_ids]
    rows = read_rows(connection, ledger, _NUMBERED.rows(connection, wanted))
    found = {row.result_id: row for row in rows}
    if all_there and not found.keys() >= set(wanted):
        raise damage("results")
    return found


def results_at(
    connection: sa.Connection, ledger: Ledger, patient_ids: Iterable[str], times: Iterable[int]
) -> list[ResultRow]:
    """Standing versions of results of these patients collected at one of these times."""
    numbers = list(numbers_of(connection, sorted(patient_ids)).values())
    found: list[ResultRow] = []
    for chunk in chunks(sorted(times)):
        for some in chunks(numbers):
            mine = result.c.patient_no.in_(some), result.c.collected_ms.in_(chunk)
            found += _rows(connection, ledger, _NAMED.where(*mine).order_by(result.c.result_id))
    return [row for row in found if not row.undone]


def results_of(connection: sa.Connection, ledger: Ledger, patient_no: int, *, undone: bool) -> list[ResultRow]:
    """Every version of a patient's results in order of time, analyte and recording."""
    key = result.c.collected_ms, result.c.analyte, result.c.result_id
    statement = _NAMED.where(result.c.patient_no == patient_no).order_by(*key)
    rows = list(_rows(connection, ledger, statement))
    seals = seals_of(connection)
    there = (seals.expected(kind, [patient_no]).get(patient_no) for kind in ("result", "other_result"))
    if sum(total.rows for total in there if total is not None) != len(rows):
        seals.refuse("result", {patient_no})
    return [row for row in rows if undone or not row.undone]


def results_of_batch(connection: sa.Connection, ledger: Ledger, batch_no: int) -> list[ResultRow]:
    """The results a batch brought when it was imported, in file order."""
    low = batch_no * BATCH_SPAN
    statement = _NAMED.where(result.c.result_id.between(low, low + BATCH_SPAN - 1), result.c.restored_by.is_(None))
    return list(_rows(connection, ledger, statement.order_by(result.c.result_id)))
