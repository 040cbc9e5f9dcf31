"""The columnar batch: results and events of whole patients in, usable points in order out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from khemon.models import CLOSING_EVENTS, EVENT_KINDS, EXCLUDING_QUALITIES, QUALITIES, STATUSES
from khemon.rules.rulebook import Protocol
from khemon.units import ANALYTE_CODES

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Codes = NDArray[np.int8]

#: Stands for "no time" in columns of times.
NO_TIME = int(np.iinfo(np.int64).min)
#: Stands for "no row", "no specimen", "unknown birth day" in columns.
NONE = -1

PRELIMINARY, FINAL, CORRECTED, CANCELLED = (STATUSES.index(s) for s in STATUSES[:-1])
_EXCLUDED = np.array([quality in EXCLUDING_QUALITIES for quality in QUALITIES])
_CLOSING = [EVENT_KINDS.index(kind) for kind in CLOSING_EVENTS]
_PATIENT_SHIFT = np.int64(43)
_TIME_BIAS = np.int64(1 << 42)
_MILLION, _LARGEST = 1_000_000, 1 << 42
#: The earliest and the latest time a key can hold (about 139 years either side of 1970).
FIRST_TIME, LAST_TIME = -(1 << 42), (1 << 42) - 1
#: Whole patients of about this many rows are evaluated at a time: it fits the processor's cache.
BLOCK_ROWS = 1 << 16


@dataclass(frozen=True, slots=True)
class Results:
    """Results as arrays of one length; a row's id is its position.

    patient: dense index. time: collection, UTC ms. day: calendar day in the ward's zone. analyte: ANALYTE_CODES.
    low, high: the closed interval of the value in the canonical unit. status, quality: index into STATUSES and
    QUALITIES. specimen: code of the specimen (equal text, equal code), -1 without one. recorded: order of recording.
    timing: index into TIMINGS; unknown for all when absent.
    """

    patient: NDArray[np.int32]
    time: Ints
    day: NDArray[np.int32]
    analyte: Codes
    low: Floats
    high: Floats
    status: Codes
    quality: Codes
    specimen: Ints
    recorded: Ints
    timing: Codes | None = None

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """Every array, in the order of the fields."""
        found = (getattr(self, name) for name in self.__dataclass_fields__)
        return tuple(array for array in found if array is not None)

    def take(self, rows: slice | NDArray[Any]) -> Results:
        """The same columns, those rows only."""
        return Results(*(array[rows] for array in self.arrays()))


@dataclass(frozen=True, slots=True)
class Events:
    """Events as arrays of one length; `end` is NO_TIME when none was recorded; kind is an index into EVENT_KINDS.

    dose: the number of a drug's dose, NaN where none can be read; 0 says that the drug is held. dose_unit: code of its
    unit (equal text, equal code), -1 without one; absent: none has one.
    """

    patient: NDArray[np.int32]
    kind: Codes
    start: Ints
    end: Ints
    dose: Floats | None = None
    dose_unit: Ints | None = None

    def take(self, rows: slice | NDArray[Any]) -> Events:
        """The same columns, those rows only."""
        dose = None if self.dose is None else self.dose[rows]
        unit = None if self.dose_unit is None else self.dose_unit[rows]
        return Events(self.patient[rows], self.kind[rows], self.start[rows], self.end[rows], dose, unit)

    def of(self, *kinds: str) -> Events:
        """The events of some kinds."""
        return self.take(np.flatnonzero(np.isin(self.kind, [EVENT_KINDS.index(kind) for kind in kinds])))

    @classmethod
    def none(cls) -> Events:
        """No events."""
        return cls(np.zeros(0, np.int32), np.zeros(0, np.int8), np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class Patients:
    """One entry per patient index. birth_day: calendar day number, -2**31 when unknown.

    day0, followed_until: UTC ms, NO_TIME when unknown. target_low, target_high: the chosen sirolimus band, NaN when
    none was chosen. Columns that are absent are unknown for all.
    """

    birth_day: NDArray[np.int32]
    day0: Ints | None = None
    followed_until: Ints | None = None
    target_low: Floats | None = None
    target_high: Floats | None = None

    @classmethod
    def unknown(cls, count: int) -> Patients:
        """That many patients without a birth date."""
        return cls(np.full(count, np.iinfo(np.int32).min, np.int32))


@dataclass(frozen=True, slots=True)
class Points:
    """Usable results, one per patient, time and analyte, sorted so; `row` leads back to Results."""

    key: Ints
    patient: NDArray[np.int32]
    time: Ints
    day: NDArray[np.int32]
    analyte: Codes
    low: Floats
    high: Floats
    preliminary: Bools
    supported: Bools
    row: Ints

    def take(self, rows: NDArray[Any]) -> Points:
        """The same columns, those rows only."""
        return Points(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def of(self, analyte: str) -> Points:
        """The points of one analyte."""
        return self.take(np.flatnonzero(self.analyte == ANALYTE_CODES[analyte]))


def in_steps(values: Floats) -> Ints:
    """Values as whole half-millionths, in which sums and products of short decimals are exact.

    A bound that lies just inside an open end is one step inside it; endless ones are very large.
    """
    millionths = np.rint(np.minimum(values * _MILLION, _LARGEST)).astype(np.int64)
    exact = millionths / _MILLION
    return 2 * millionths + (values > exact).astype(np.int64) - (values < exact).astype(np.int64)


def keys(patient: NDArray[np.int32] | Ints, time: Ints) -> Ints:
    """One sortable number per (patient, time); times within 70 years of 1970."""
    return (patient.astype(np.int64) << _PATIENT_SHIFT) + (time + _TIME_BIAS)


def key_time(key: Ints) -> Ints:
    """The time inside keys."""
    return (key & ((np.int64(1) << _PATIENT_SHIFT) - 1)) - _TIME_BIAS


def key_patient(key: Ints) -> Ints:
    """The patient inside keys."""
    return key >> _PATIENT_SHIFT


def merged(parts: list[Ints]) -> Ints:
    """Every key of some sorted arrays once, sorted: a merge of runs, which is far cheaper than a sort."""
    whole = np.sort(np.concatenate(parts), kind="stable")
    if not whole.size:
        return whole
    kept: Ints = whole[np.append(True, whole[1:] != whole[:-1])]
    return kept


def closing_times(events: Events, patient_count: int) -> Ints:
    """Per patient the time of the first closing event, or the largest number when observation goes on."""
    closing = np.full(patient_count, np.iinfo(np.int64).max, np.int64)
    chosen = np.isin(events.kind, _CLOSING)
    np.minimum.at(closing, events.patient[chosen], events.start[chosen])
    return closing


def cut(results: Results, rows: Ints, limit: Ints) -> tuple[Results, Ints]:
    """The results collected at or before their patient's limit, with the rows they come from."""
    kept = results.time <= limit[results.patient]
    if kept.all():
        return results, rows
    chosen = np.flatnonzero(kept)
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
    last = np.append(np.flatnonzero(starts)[1:], order.size) - 1
    best = order[last][number]
    rank = np.minimum(results.status, CANCELLED)
    counts = rank[order] == rank[best]
    counts &= (rank[order] != CORRECTED) | (order == best)
    kept = np.zeros(order.size, np.bool_)
    kept[order] = counts
    return kept


def standing(results: Results) -> Bools | None:
    """Which results are the counting version and not withdrawn; None when all are."""
    if not results.status.size or (results.status == FINAL).all():
        return None
    return _counting_versions(results) & (results.status < CANCELLED)


def usable(results: Results, rows: Ints) -> tuple[Results, Ints]:
    """Results that rules may see: the counting version of each, not withdrawn, not set aside by quality."""
    kept = ~_EXCLUDED[results.quality]
    stands = standing(results)
    if stands is not None:
        kept &= stands
    if kept.all():
        return results, rows
    chosen = np.flatnonzero(kept)
    return results.take(chosen), rows[chosen]


def points(results: Results, rows: Ints, events: Events, protocol: Protocol) -> Points:
    """One point per patient, time and analyte: of several results at one time the least reassuring."""
    key = keys(results.patient, results.time)
    order = _order(key, results)
    if order is not None:
        results, rows, key = results.take(order), rows[order], key[order]
    first = np.ones(key.size, np.bool_)
    first[1:] = (key[1:] != key[:-1]) | (results.analyte[1:] != results.analyte[:-1])
    if not first.all():
        chosen = np.flatnonzero(first)
        results, rows, key = results.take(chosen), rows[chosen], key[chosen]
    found = Points(
        key,
        results.patient,
        results.time,
        results.day,
        results.analyte,
        results.low,
        results.high,
        results.status == PRELIMINARY,
        np.zeros(key.size, np.bool_),
        rows,
    )
    return replace(found, supported=_supported(found, events, protocol))


def _order(key: Ints, results: Results) -> Ints | None:
    """The order by patient, time, analyte and least reassuring first; None when the rows stand in it already."""
    analyte = results.analyte
    same_key = key[1:] == key[:-1]
    if ((key[1:] > key[:-1]) | (same_key & (analyte[1:] > analyte[:-1]))).all():
        return None
    higher_is_worse = analyte == ANALYTE_CODES["d_dimer"]
    worst = np.where(higher_is_worse, -results.low, results.high)
    then = np.where(higher_is_worse, -results.high, results.low)
    # On equal intervals the final result stands for the time, not the preliminary one.
    return np.lexsort((results.recorded, -results.status, then, worst, analyte, key))


def _supported(found: Points, events: Events, protocol: Protocol) -> Bools:
    """Which points lie in the window of a product that lifts their analyte."""
    supported = np.zeros(found.key.size, np.bool_)
    window = protocol.common.supported_for.ms
    for analyte, products in protocol.common.supporting_products.items():
        chosen = np.flatnonzero(np.isin(events.kind, [EVENT_KINDS.index(product) for product in products]))
        if not chosen.size:
            continue
        given = events.take(chosen)
        until = np.where(given.end == NO_TIME, given.start, given.end) + window
        at = np.flatnonzero(found.analyte == ANALYTE_CODES[analyte])
        marks = np.zeros(at.size + 1, np.int64)
        key = found.key[at]
        np.add.at(marks, np.searchsorted(key, keys(given.patient, given.start), "left"), 1)
        np.add.at(marks, np.searchsorted(key, keys(given.patient, until), "right"), -1)
        supported[at] = np.cumsum(marks[:-1]) > 0
    return supported
