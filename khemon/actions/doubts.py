"""Rows of a file whose patient is in doubt in view of who is known: they are held before anything of them is stored."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

import numpy as np

from khemon.importers import EventRow, Observation, PatientRow, Reading
from khemon.importers.births import possible_days
from khemon.importers.in_columns import OWN, InColumns
from khemon.importers.staging import REVIEW, worse
from khemon.models import Patient
from khemon.rules.calendar import to_ms
from khemon.store import NEARLY_KNOWN, UNLISTED, Reader

Row = Observation | EventRow | PatientRow
BEFORE_BIRTH = "before_birth: it lies before the birth date that the register states for this patient"
OTHER_BIRTH = "identity_in_doubt: the birth date beside the result is not the one of the patient with this id"
_REWRITTEN = re.compile(r"(\d+)\.0+")


def hold_doubtful(reader: Reader, reading: Reading, zone: str, *, closed: bool) -> None:
    """Hold what lies before a patient's birth, ids that are nearly known, and unknown ids where the list is closed."""
    names = _names(reading)
    known = {patient.patient_id: patient for patient in reader.patients(names)}
    if unknown := [name for name in names if name not in known]:
        for reason, doubtful in _in_doubt(names, unknown, reader.patient_ids(), closed=closed):
            _hold(reading, reason, doubtful.__contains__)
    hold_misfits(reading, known, zone)


def hold_misfits(reading: Reading, known: Mapping[str, Patient], zone: str) -> None:
    """Hold results whose birth date is not the register's, and those from before birth, as the ward counts days.

    A treatment may begin before birth.
    """
    days = {name: patient.birth_date for name, patient in known.items() if patient.birth_date}
    if days:
        born = {name: _first_ms(day, zone) for name, day in days.items()}
        _hold(reading, BEFORE_BIRTH, born.__contains__, born)
    _hold_other_births(reading, days)


def _hold_other_births(reading: Reading, days: Mapping[str, dt.date]) -> None:
    """Hold the results of an id with another birth date than the register has, or with two in one file."""
    # Birth dates stand in files that are read row by row only.
    rows = () if isinstance(reading.observations, InColumns) else reading.observations
    stated = {(row.patient_id, row.born_text) for row in rows if row.born_text and row.patient_id}
    told = {(name, text): possible_days(text) for name, text in stated}
    may_be: dict[str, frozenset[dt.date]] = {name: frozenset({day}) for name, day in days.items()}
    for (name, _), possible in told.items():
        if possible and name not in days:
            may_be[name] = may_be.get(name, possible) & possible
    misfits = {key for key, possible in told.items() if possible and not possible & may_be[key[0]]}
    for row in rows if misfits else ():
        if (row.patient_id, row.born_text) in misfits:
            row.decision = worse(row.decision, REVIEW)
            row.reasons.append(OTHER_BIRTH)


def _names(reading: Reading) -> list[str]:
    """The ids of a file, each once, in the order in which they come."""
    rows = reading.observations
    if isinstance(rows, InColumns):
        return list(
            dict.fromkeys([*rows.patients, *(each.patient_id for each in rows.own.values() if each.patient_id)])
        )
    return list(dict.fromkeys(each.patient_id for each in _rows(reading) if each.patient_id))


def _rows(reading: Reading) -> Iterator[Row]:
    yield from reading.observations
    yield from reading.events
    yield from reading.patients


def _in_doubt(
    names: Sequence[str], unknown: Sequence[str], known: Iterable[str], *, closed: bool
) -> Iterator[tuple[str, frozenset[str]]]:
    """Why some of the ids that nobody has yet may be somebody else's, and which.

    Where a file has both of two such ids, its laboratory tells them apart, and so does khemon.
    """
    alike = {folded_id(name) for name in set(known).difference(names)}
    nearly = frozenset(name for name in unknown if folded_id(name) in alike)
    yield NEARLY_KNOWN, nearly
    if closed:
        yield UNLISTED, frozenset(unknown) - nearly


def folded_id(patient_id: str) -> str:
    """An id without what spreadsheets and typing change: zeros ahead, `.0` behind a number, capitals, blanks."""
    plain = "".join(unicodedata.normalize("NFKC", patient_id).casefold().split())
    whole = _REWRITTEN.fullmatch(plain)
    return (whole[1] if whole else plain).lstrip("0") or "0"


def _first_ms(day: dt.date, zone: str) -> int:
    return to_ms(dt.datetime.combine(day, dt.time(), ZoneInfo(zone)))


def _hold(
    reading: Reading, reason: str, concerns: Callable[[str], bool], before: Mapping[str, int] | None = None
) -> None:
    """Hold the rows of some patients, with `before` only those of an earlier time."""
    rows = reading.observations
    chosen: Iterable[Row] = (
        (rows[place] for place in _places(rows, concerns, before)) if isinstance(rows, InColumns) else _rows(reading)
    )
    for row in list(chosen):
        name, at = row.patient_id, getattr(row, "collected_ms", None)
        if name is not None and concerns(name) and (before is None or (at is not None and at < before[name])):
            row.decision = worse(row.decision, REVIEW)
            row.reasons.append(reason)


def _places(rows: InColumns, concerns: Callable[[str], bool], before: Mapping[str, int] | None) -> list[int]:
    """The rows of some patients, with `before` those of an earlier time, and all that say something of their own."""
    asked = np.array([concerns(name) for name in rows.patients] + [False])
    who, what = np.array(rows.who, np.int64), np.array(rows.what, np.int64)
    found = asked[who]
    if before is not None:
        limit = np.array([before.get(name, 0) for name in rows.patients] + [0], np.int64)
        found &= np.array([*rows.times_ms, 0], np.int64)[np.array(rows.when, np.int64)] < limit[who]
    found &= what != OWN
    return sorted({*np.flatnonzero(found).tolist(), *rows.own})
