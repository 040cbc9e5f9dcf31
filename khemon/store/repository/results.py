"""Results out of the store: columns for the engine, rows for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from khemon.models import QUALITIES, STATUSES, TIMINGS
from khemon.store.repository.bulk import ReadyOf, chunks, fetch_plain
from khemon.store.repository.decisions import set_out
from khemon.store.repository.ledger import Ledger
from khemon.store.repository.people import numbers_of
from khemon.store.repository.ready import Ready
from khemon.store.rows import ResultColumns, ResultRow
from khemon.store.tables import BATCH_SPAN, batch, batch_patient, patient, result
from khemon.units import ANALYTE_CODES, ANALYTES

ANALYTE_NAMES: tuple[str, ...] = tuple(ANALYTE_CODES)
#: Analytes with rules come first in the table of analytes.
RULED = sum(analyte.has_rules for analyte in ANALYTES.values())

COLUMNS = (
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
IN_ORDER = (result.c.patient_no, result.c.collected_ms, result.c.analyte, result.c.result_id)


class AtHand(NamedTuple):
    """All rows there are of some patients, as `COLUMNS`, sorted by the table's key; they need not be fetched."""

    numbers: Set[int]
    columns: Sequence[Sequence[Any]]


NOTHING = AtHand(frozenset(), ())


@lru_cache
def _columns(*, cut: bool, all_analytes: bool) -> ReadyOf:
    """The columns for the engine; `cut`: of results collected until `until_ms`."""
    statement = sa.select(*COLUMNS)
    if cut:
        statement = statement.where(result.c.collected_ms <= sa.bindparam("until_ms"))
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
    wanted = None if everyone else sorted(number for number in numbers.values() if number not in at_hand.numbers)
    columns = _fetched(connection, wanted, until_ms, all_analytes=all_analytes)
    if at_hand.numbers:
        pairs = zip(columns, at_hand.columns, strict=True)
        columns = [[*fetched, *held] if fetched else held for fetched, held in pairs]
    names, patient = _places(numbers, np.array(columns[0], dtype=np.int64))
    result_id = np.array(columns[8], dtype=np.int64)
    standing = _standing(result_id, columns[9], ledger, known_at_ms) & (patient >= 0)
    if left := set_out(connection, ledger, None if everyone else numbers.values(), known_at_ms):
        standing &= ~np.isin(result_id, list(left))
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
        specimen=_specimen_codes(columns[7])[keep],
        recorded=result_id,
        result_id=result_id,
        timing=np.asarray(columns[10], dtype=np.int8)[keep],
    )


def _fetched(
    connection: sa.Connection, wanted: list[int] | None, until_ms: int | None, *, all_analytes: bool
) -> list[Sequence[Any]]:
    """`COLUMNS` of the rows of these patients, or (None) of all."""
    cut = {} if until_ms is None else {"until_ms": until_ms}
    rows = _columns(cut=bool(cut), all_analytes=all_analytes).rows(connection, wanted, **cut)
    return list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)


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
    """Which rows belong to a standing batch and were there at that moment."""
    gone = ledger.not_standing(known_at_ms)
    keep = np.ones(len(row_id), dtype=np.bool_)
    if gone:
        keep &= ~np.isin(row_id // BATCH_SPAN, list(gone))
    not_yet = ledger.not_restored(known_at_ms)
    if not_yet:
        keep &= np.fromiter((by not in not_yet for by in restored_by), dtype=np.bool_, count=len(row_id))
    return keep


def _specimen_codes(specimens: Sequence[str | None]) -> npt.NDArray[np.int64]:
    """Equal texts get equal codes; -1 where there is none."""
    if not any(specimens):
        return np.full(len(specimens), -1, dtype=np.int64)
    codes: dict[str | None, int] = {None: -1}
    return np.fromiter(
        (codes.setdefault(text, len(codes) - 1) for text in specimens), dtype=np.int64, count=len(specimens)
    )


#: In the order of `ResultRow`, the first after the patient id.
_READ = (
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
    "status",
    "quality",
    "timing",
    "specimen",
    "comment",
    "resulted_ms",
    "reasons",
    "row",
    "field",
)


def _rows(connection: sa.Connection, ledger: Ledger, statement: sa.Select[Any]) -> Iterator[ResultRow]:
    """The rows of `_select`, narrowed by numbers only."""
    for values in fetch_plain(connection, statement):
        row_id, name, code = values[:3]
        status, quality, timing, specimen, comment, resulted_ms, reasons, row, field = values[-9:]
        facts = ledger.of_row(row_id)
        coded = (STATUSES[status], QUALITIES[quality], TIMINGS[timing])
        said = (specimen, comment, resulted_ms, json.loads(reasons) if reasons else [])
        undone = row_id // BATCH_SPAN in ledger.undone
        came = (facts.batch, row, field, facts.recorded_ms, undone)
        yield ResultRow._make((row_id, name, ANALYTE_NAMES[code], *values[3:-9], *coded, *said, *came))


def _select() -> sa.Select[Any]:
    columns = (result.c.result_id, patient.c.patient_id, *(result.c[name] for name in _READ))
    return sa.select(*columns).join(patient, patient.c.patient_no == result.c.patient_no)


_TEXTS = Ready(
    sa.select(
        result.c.result_id,
        result.c.text,
        result.c.unit,
        result.c.comparator + sa.func.coalesce(result.c.canonical_value, ""),
    ).where(result.c.patient_no == sa.bindparam("number"), result.c.analyte == sa.bindparam("analyte"))
)
_LAST = Ready(
    sa.select(sa.func.coalesce(sa.func.max(result.c.result_id), 0)).where(
        result.c.patient_no == sa.bindparam("number"), result.c.analyte < RULED
    )
)
_RECORDED = Ready(
    sa.select(batch.c.batch_no, batch.c.recorded_ms)
    .join(batch_patient, batch_patient.c.batch_no == batch.c.batch_no)
    .where(batch_patient.c.patient_no == sa.bindparam("number"))
)


def texts_of(connection: sa.Connection, number: int, analyte: int) -> list[tuple[int, str, str | None, str]]:
    """A patient's results of an analyte: id, text and unit as received, canonical text."""
    return _TEXTS.rows(connection, number=number, analyte=analyte)


def last_result(connection: sa.Connection, number: int) -> int:
    """The highest id of a patient's results of analytes with rules; 0 without one."""
    return int(_LAST.rows(connection, number=number)[0][0])


def recorded_of(connection: sa.Connection, number: int) -> dict[int, int]:
    """Number of each batch that speaks of a patient to when it was recorded."""
    return dict(_RECORDED.rows(connection, number=number))


def result_details(connection: sa.Connection, ledger: Ledger, result_ids: Iterable[int]) -> dict[int, ResultRow]:
    """Result id to its row."""
    found: dict[int, ResultRow] = {}
    for chunk in chunks(int(number) for number in result_ids):
        statement = _select().where(result.c.result_id.in_(chunk))
        found.update((row.result_id, row) for row in _rows(connection, ledger, statement))
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
            found += _rows(connection, ledger, _select().where(*mine).order_by(result.c.result_id))
    return [row for row in found if not row.undone]


def results_of(connection: sa.Connection, ledger: Ledger, patient_no: int, *, undone: bool) -> list[ResultRow]:
    """Every version of a patient's results in order of time, analyte and recording."""
    key = result.c.collected_ms, result.c.analyte, result.c.result_id
    statement = _select().where(result.c.patient_no == patient_no).order_by(*key)
    return [row for row in _rows(connection, ledger, statement) if undone or not row.undone]


def results_of_batch(connection: sa.Connection, ledger: Ledger, batch_no: int) -> list[ResultRow]:
    """The results a batch brought when it was imported, in file order."""
    low = batch_no * BATCH_SPAN
    statement = _select().where(result.c.result_id.between(low, low + BATCH_SPAN - 1), result.c.restored_by.is_(None))
    return list(_rows(connection, ledger, statement.order_by(result.c.result_id)))
