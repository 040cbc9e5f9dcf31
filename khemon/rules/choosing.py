"""Which results count, and what becomes of them: one point per patient, time and analyte, in order."""

from __future__ import annotations

import numpy as np

from khemon.models import CLOSING_EVENTS, EVENT_KINDS, EXCLUDING_QUALITIES, QUALITIES, STATUSES
from khemon.rules.moments import Moments
from khemon.rules.rulebook import Protocol
from khemon.rules.series import (
    NO_CLOSING,
    NO_TIME,
    NONE,
    Bools,
    Codes,
    Columns,
    Events,
    Ints,
    Points,
    Results,
    keys,
    positions,
)
from khemon.units import ANALYTE_CODES

PRELIMINARY, FINAL, CORRECTED, CANCELLED = (STATUSES.index(s) for s in STATUSES[:-1])
_EXCLUDED = np.array([quality in EXCLUDING_QUALITIES for quality in QUALITIES])
_CLOSING = [EVENT_KINDS.index(kind) for kind in CLOSING_EVENTS]


def closing_times(events: Events, patient_count: int) -> Ints:
    """Per patient the time of the first closing event, or the largest number when observation goes on."""
    closing = np.full(patient_count, NO_CLOSING, np.int64)
    if events.kind.size:
        chosen = np.isin(events.kind, _CLOSING)
        np.minimum.at(closing, events.patient[chosen], events.start[chosen])
    return closing


def cut(results: Results, rows: Ints, limit: Ints | int) -> tuple[Results, Ints]:
    """The results collected at or before their patient's limit, with the rows they come from."""
    kept = results.time <= (limit if isinstance(limit, int) else limit[results.patient])
    if kept.all():
        return results, rows
    chosen = positions(kept)
    return results.take(chosen), rows[chosen]


def _counting_versions(results: Results) -> Bools:
    """Which rows are the version of their result that counts: highest status; of corrected ones the last recorded."""
    has_specimen = results.specimen != NONE
    group = np.where(has_specimen, results.specimen, results.time)
    order = np.lexsort((results.recorded, results.status, group, has_specimen, results.analyte, results.patient))
    columns = (results.patient, results.analyte, has_specimen, group)
    starts = np.ones(order.size, np.bool_)
    starts[1:] = np.logical_or.reduce([column[order][1:] != column[order][:-1] for column in columns])
    number = np.cumsum(starts) - 1
    last = np.append(positions(starts)[1:], order.size) - 1
    best = order[last][number]
    rank = np.minimum(results.status, CANCELLED)
    counts = rank[order] == rank[best]
    counts &= (rank[order] != CORRECTED) | (order == best)
    kept = np.zeros(order.size, np.bool_)
    kept[order] = counts
    return kept


def standing(results: Results) -> Bools | None:
    """Which results are the counting version and not withdrawn; None when all are."""
    if (results.status == FINAL).all():
        return None
    return _counting_versions(results) & (results.status < CANCELLED)


def usable(results: Results, rows: Ints) -> tuple[Results, Ints]:
    """Results that rules may see: the counting version of each, not withdrawn, not set aside by quality."""
    stands = standing(results)
    if stands is None and not results.quality.any():
        return results, rows
    kept = ~_EXCLUDED[results.quality]
    if stands is not None:
        kept &= stands
    chosen = positions(kept)
    return results.take(chosen), rows[chosen]


def points(results: Results, rows: Ints, events: Events, protocol: Protocol) -> Points:
    """One point per patient, time and analyte: of several results at one time the least reassuring."""
    key = keys(results.patient, results.time)
    if not _in_order(key, results.analyte):
        order = _order(key, results)
        results, rows, key = results.take(order), rows[order], key[order]
        first = np.ones(key.size, np.bool_)
        first[1:] = (key[1:] != key[:-1]) | (results.analyte[1:] != results.analyte[:-1])
        chosen = positions(first)
        results, rows, key = results.take(chosen), rows[chosen], key[chosen]
    preliminary = results.status == PRELIMINARY
    supported = _supported(key, results.analyte, events, protocol)
    plain = not (preliminary.any() or (supported is not None and supported.any()))
    supported = np.zeros(key.size, np.bool_) if supported is None else supported
    is_exact = np.array_equal(results.low, results.high)
    high = results.low if is_exact else results.high
    columns = (key, results.day, results.analyte, results.low, high, preliminary, supported, plain, rows)
    return Points(Columns(*columns, Moments(key)))


def _in_order(key: Ints, analyte: Codes) -> bool:
    """Whether rows stand in the order of patient, time and analyte already, one row each."""
    later = key[1:] > key[:-1]
    same = key[1:] == key[:-1]
    return bool((later | (same & (analyte[1:] > analyte[:-1]))).all())


def _order(key: Ints, results: Results) -> Ints:
    """The order by patient, time, analyte and least reassuring first."""
    analyte = results.analyte
    higher_is_worse = analyte == ANALYTE_CODES["d_dimer"]
    worst = np.where(higher_is_worse, -results.low, results.high)
    then = np.where(higher_is_worse, -results.high, results.low)
    # On equal intervals the final result stands for the time, not the preliminary one.
    return np.lexsort((results.recorded, -results.status, then, worst, analyte, key))


def _supported(key: Ints, analytes: Codes, events: Events, protocol: Protocol) -> Bools | None:
    """Which points lie in the window of a product that lifts their analyte; None when no such product was given."""
    supported = None
    window = protocol.common.supported_for.ms
    for analyte, products in protocol.common.supporting_products.items() if events.kind.size else ():
        chosen = positions(np.isin(events.kind, [EVENT_KINDS.index(product) for product in products]))
        if not chosen.size:
            continue
        given = events.take(chosen)
        until = np.where(given.end == NO_TIME, given.start, given.end) + window
        at = positions(analytes == ANALYTE_CODES[analyte])
        marks = np.zeros(at.size + 1, np.int64)
        own = key[at]
        np.add.at(marks, np.searchsorted(own, keys(given.patient, given.start), "left"), 1)
        np.add.at(marks, np.searchsorted(own, keys(given.patient, until), "right"), -1)
        supported = np.zeros(key.size, np.bool_) if supported is None else supported
        supported[at] = np.cumsum(marks[:-1]) > 0
    return supported
