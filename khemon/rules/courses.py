"""Courses of a drug: when it is given, when its course began, and the steps down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.rules.calendar import day_numbers, day_starts
from khemon.rules.keys import positions
from khemon.rules.series import NO_TIME, NONE, Bools, Events, Floats, Ints, key_patient, key_time, keys
from khemon.rules.shapes import last_where, starts_of
from khemon.rules.spans import Spans, following, never


@dataclass(frozen=True, slots=True)
class Courses:
    """given: the stretches over which a drug is given. began: per stretch the key at which its course began.

    steps: sorted keys of recorded stops, holds and taper steps, wherever they lie in time. changes: those at which it
    began or stopped, or a record begins whose dose is not certainly that of the one before.
    """

    given: Spans
    began: Ints
    steps: Ints
    changes: Ints


def courses(events: Events, drug: str, joins_within: int, timezone: str) -> Courses:
    """The courses of a drug. A record without an end goes on until the next record of the drug; dose 0 is a hold.

    Stretches with at most `joins_within` (calendar days) between them are one course. Records of one start are taken
    together, in whatever order they were entered: none of them is the next one.
    """
    records = events.of(drug)
    if not records.start.size:
        none = records.start
        return Courses(Spans(none, none), none, none, none)
    given_dose = np.full(records.start.size, np.nan) if records.dose is None else records.dose
    order = np.lexsort((given_dose, records.end, records.start, records.patient))
    records, dose = records.take(order), given_dose[order]
    start = keys(records.patient, records.start)
    opens = starts_of(records.patient)
    stop = np.where(records.end == NO_TIME, following(start, start), keys(records.patient, records.end))
    held = dose == 0
    given = Spans.of(start[~held], stop[~held]).without(Spans.of(start[held], stop[held]))
    anew = _anew(given, joins_within, timezone)
    began = given.start[last_where(anew)]
    no_lower, same = _compared(dose, records.dose_unit)
    lower = ~opens & ~held & ~no_lower & ~np.isin(start, began)
    stops = given.stop[given.stop < never(key_patient(given.stop))]
    changes = np.unique(np.concatenate([given.start, stops, start[opens | ~same]]))
    return Courses(given, began, np.unique(np.concatenate([stops, start[lower]])), changes)


def _compared(dose: Floats, unit: Ints | None) -> tuple[Bools, Bools]:
    """Which doses are certainly no lower than the one before, and which are the same: numbers of one stated unit.

    Any dose is no lower than a hold.
    """
    before = np.append(np.nan, dose[:-1])
    units = np.full(dose.size, NONE, np.int64) if unit is None else unit
    alike = np.append(False, (units[1:] == units[:-1]) & (units[1:] != NONE)) | (before == 0)
    return (dose >= before) & alike, (dose == before) & alike


def _anew(given: Spans, joins_within: int, timezone: str) -> Bools:
    """Which stretches begin a course: the first of a patient, and those after a long enough interruption."""
    anew = starts_of(key_patient(given.start))
    later = positions(~anew)
    off = day_numbers(key_time(given.stop[later - 1]), timezone).astype(np.int64)
    anew[later] = day_numbers(key_time(given.start[later]), timezone) - off > joins_within
    return anew


def on_day(patient: Ints, day: Ints, timezone: str) -> Ints:
    """The key at which a calendar day begins for a patient."""
    return keys(patient, day_starts(day, timezone))


def days_of(key: Ints, timezone: str) -> Ints:
    """The calendar days of keys."""
    return day_numbers(key_time(key), timezone).astype(np.int64)
