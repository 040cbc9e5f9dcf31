"""Laboratory grades of a child's results: of the latest value and of the worst one, with what each rests on."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from khemon.figures.samples import Sample
from khemon.figures.words import moment, number_words, short_date_words, unit_words
from khemon.grades import Criteria, Grade, Range, grade_of, load_criteria, range_of
from khemon.grades import Sample as Graded
from khemon.models import EXCLUDING_QUALITIES, STATUSES, Patient
from khemon.references import UsualRange, usual_range
from khemon.rules.calendar import to_ms
from khemon.store import ResultRow
from khemon.units import ANALYTES, unit_of

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
    patient: Patient,
    versions: Sequence[ResultRow],
    samples: Sequence[Sample],
    set_out: Collection[int],
    now: dt.datetime,
    zone: ZoneInfo,
) -> GradeTable:
    """The grades of every analyte the criteria have a term for, from the results that stand.

    versions: every version by time; samples: the standing results of analytes with rules; set_out: ids of results that
    a person corrected or took out. Limits of normal are those usual at the age on the day of the sample: a laboratory's
    own are not on record.
    """
    criteria = _criteria()
    standing = {sample.result_id for sample in samples if sample.counted}
    ruled = {name for name, analyte in ANALYTES.items() if analyte.has_rules}
    own: dict[str, list[ResultRow]] = defaultdict(list)
    for row in _without_replaced(versions, ruled):
        usable = row.result_id in standing if row.analyte in ruled else row.quality not in EXCLUDING_QUALITIES
        usable &= row.result_id not in set_out and row.value is not None and row.collected_ms <= to_ms(now)
        if usable and row.analyte in criteria.terms:
            own[row.analyte].append(row)
    lines = (_line(criteria, patient, own[analyte], now, zone) for analyte in criteria.terms if own.get(analyte))
    return GradeTable(criteria.title, tuple(lines))


def _without_replaced(versions: Sequence[ResultRow], ruled: set[str]) -> Iterator[ResultRow]:
    """The versions that stand; those of analytes with rules are chosen elsewhere and all pass here.

    Among the versions of one result the highest status counts, of several corrections the last recorded.
    """
    best: dict[tuple[str, str], tuple[int, int]] = {}
    ranked = []
    for row in versions:
        if row.analyte in ruled:
            yield row
            continue
        key = (row.analyte, row.specimen_id or str(row.collected_ms))
        rank = (min(STATUSES.index(row.status), _WITHDRAWN), row.recorded_ms if row.status == "corrected" else 0)
        best[key] = max(best.get(key, rank), rank)
        ranked.append((key, rank, row))
    yield from (row for key, rank, row in ranked if rank == best[key] and rank[0] < _WITHDRAWN)


def _line(
    criteria: Criteria, patient: Patient, rows: Sequence[ResultRow], now: dt.datetime, zone: ZoneInfo
) -> GradeLine:
    term = criteria.terms[rows[0].analyte]
    ends = [row.low if term.worse == "lower" else -row.high for row in rows]
    latest_at = rows[-1].collected_ms
    together = [(end, row) for end, row in zip(ends, rows, strict=True) if row.collected_ms == latest_at]
    latest = min(together, key=lambda pair: pair[0])[1]
    worst = rows[min(range(len(rows)), key=ends.__getitem__)]
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
