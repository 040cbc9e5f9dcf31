"""Laboratory grades of a child's results: of the latest value and of the worst one, with what each rests on."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from khemon.actions.watch.known import Known
from khemon.figures.words import moment, number_words, short_date_words, unit_words
from khemon.grades import Criteria, Grade, Range, Term, grade_of, load_criteria, range_of
from khemon.grades import Sample as Graded
from khemon.models import EXCLUDING_QUALITIES, STATUSES, Patient
from khemon.references import UsualRange, usual_range
from khemon.rules.calendar import to_ms
from khemon.rules.series import Ints
from khemon.store import ResultRow
from khemon.units import ANALYTE_CODES, ANALYTES, unit_of

_WITHDRAWN = STATUSES.index("cancelled")


@dataclass(frozen=True, slots=True)
class GradeLine:
    """One analyte: its term, the latest value and the worst one with their grades and reasons, the limit of normal."""

    analyte: str
    term: str
    latest: str
    latest_grade: str
    latest_why: str
    worst: str
    worst_grade: str
    normal: str


@dataclass(frozen=True, slots=True)
class GradeTable:
    """The lines and what they were graded by."""

    criteria: str
    lines: tuple[GradeLine, ...]


@cache
def _criteria() -> Criteria:
    return load_criteria()


def grade_table(
    known: Known,
    patient: Patient,
    standing: Ints,
    others: Sequence[ResultRow],
    set_out: Collection[int],
) -> GradeTable:
    """The grades of every analyte the criteria have a term for, from the results that stand.

    standing: rows of the results that stand, of analytes with rules, by time; others: every version of those without;
    set_out: ids of results that a person corrected or took out. Limits of normal are those usual at the age on the day
    of the sample: a laboratory's own are not on record.
    """
    criteria = _criteria()
    own: dict[str, list[ResultRow]] = defaultdict(list)
    for row in _without_replaced(others):
        usable = row.quality not in EXCLUDING_QUALITIES and row.result_id not in set_out
        if usable and row.analyte in criteria.terms and row.value is not None and row.collected_ms <= to_ms(known.now):
            own[row.analyte].append(row)
    ends = {name: _ends(rows, criteria.terms[name]) for name, rows in own.items()}
    ends |= _ends_with_rules(known, criteria, standing, set_out)
    told = ((criteria, patient, *ends[name], known.now, known.zone) for name in criteria.terms if name in ends)
    return GradeTable(criteria.title, tuple(_line(*each) for each in told))


def _ends(rows: Sequence[ResultRow], term: Term) -> tuple[ResultRow, ResultRow]:
    """The latest of some results by time, of several the worst, and the worst of them all."""
    ends = [row.low if term.worse == "lower" else -row.high for row in rows]
    latest_at = rows[-1].collected_ms
    together = [(end, row) for end, row in zip(ends, rows, strict=True) if row.collected_ms == latest_at]
    return min(together, key=lambda pair: pair[0])[1], rows[min(range(len(rows)), key=ends.__getitem__)]


def _ends_with_rules(
    known: Known, criteria: Criteria, standing: Ints, set_out: Collection[int]
) -> dict[str, tuple[ResultRow, ResultRow]]:
    """By analyte the same of results that rules read, chosen by their columns; only those found are read whole."""
    rows = standing[known.counts(standing)]
    rows = rows[~np.isin(known.result_ids(rows), list(set_out))]
    found: dict[str, tuple[Ints, Ints]] = {}
    for name, term in criteria.terms.items():
        own = rows[known.results.analyte[rows] == ANALYTE_CODES[name]]
        if own.size:
            ends = known.results.low[own] if term.worse == "lower" else -known.results.high[own]
            time = known.results.time[own]
            found[name] = own[np.lexsort((ends, -time))], own[np.argsort(ends, kind="stable")]
    known.details(np.array([order[0] for orders in found.values() for order in orders], np.int64))
    told = {name: tuple(_first_with_value(known, order) for order in orders) for name, orders in found.items()}
    return {name: (latest, worst) for name, (latest, worst) in told.items() if latest is not None and worst is not None}


def _first_with_value(known: Known, order: Ints) -> ResultRow | None:
    """The first of these rows whose result is a number; None where none is."""
    each = (known.details(order[place : place + 1])[0] for place in range(order.size))
    return next((row for row in each if row.value is not None), None)


def _without_replaced(versions: Sequence[ResultRow]) -> Iterator[ResultRow]:
    """The versions that stand: of one result the highest status counts, of several corrections the last recorded."""
    best: dict[tuple[str, str], tuple[int, int]] = {}
    ranked = []
    for row in versions:
        key = (row.analyte, row.specimen_id or str(row.collected_ms))
        rank = (min(STATUSES.index(row.status), _WITHDRAWN), row.recorded_ms if row.status == "corrected" else 0)
        best[key] = max(best.get(key, rank), rank)
        ranked.append((key, rank, row))
    yield from (row for key, rank, row in ranked if rank == best[key] and rank[0] < _WITHDRAWN)


def _line(
    criteria: Criteria, patient: Patient, latest: ResultRow, worst: ResultRow, now: dt.datetime, zone: ZoneInfo
) -> GradeLine:
    term = criteria.terms[latest.analyte]
    grade, usual = _graded(criteria, patient, latest, zone)
    worst_grade, _ = _graded(criteria, patient, worst, zone)
    return GradeLine(
        analyte=ANALYTES[latest.analyte].label,
        term=term.term,
        latest=_told(latest, now, zone),
        latest_grade=_words(grade),
        latest_why=grade.reason,
        worst=_told(worst, now, zone),
        worst_grade=_words(worst_grade),
        normal=_normal(usual, latest.analyte, term.references),
    )


def _graded(criteria: Criteria, patient: Patient, row: ResultRow, zone: ZoneInfo) -> tuple[Grade, UsualRange | None]:
    """The grade of a result, and what was taken for its limits of normal."""
    assert row.value is not None
    unit = row.unit or ""
    usual = None
    if patient.birth_date is not None:
        age = (moment(row.collected_ms).astimezone(zone).date() - patient.birth_date).days
        usual = usual_range(row.analyte, age, patient.sex)
    factor = unit_of(row.analyte, unit).factor

    def limit(number: Decimal | None) -> Range | None:
        return None if number is None else range_of("", number / factor)

    lln, uln = (limit(usual.low), limit(usual.high)) if usual else (None, None)
    value = range_of(row.comparator, Decimal(row.value))
    return grade_of(criteria, Graded(analyte=row.analyte, unit=unit, value=value, lln=lln, uln=uln)), usual


def _words(grade: Grade) -> str:
    return "cannot be graded" if grade.grade is None else f"grade {grade.grade}"


def _told(row: ResultRow, now: dt.datetime, zone: ZoneInfo) -> str:
    status = ", preliminary" if row.status == "preliminary" else ""
    when = short_date_words(moment(row.collected_ms), zone, now)
    return f"{row.text} {unit_words(row.unit)}, {when}{status}"


def _normal(usual: UsualRange | None, analyte: str, references: Sequence[str]) -> str:
    """The limit of normal that was used, with its source; what is missing where the term needs one."""
    unit = unit_words(ANALYTES[analyte].canonical_unit)
    ends = (("lln", "lower", usual.low if usual else None), ("uln", "upper", usual.high if usual else None))
    told = [
        f"{name} limit {number_words(number)} {unit}" if number is not None else f"{name} limit not known"
        for of, name, number in ends
        if of in references
    ]
    source = f" ({usual.source})" if usual and told else ""
    return f"{'; '.join(told)}{source}" if told else "not needed"
