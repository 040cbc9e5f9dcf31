"""The children whose endpoints are told: their results, events and register entries as columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from khemon.models import EVENT_KINDS
from khemon.rules import NO_TIME, Events, Patients, Results
from khemon.rules.calendar import day_numbers
from khemon.rules.choosing import closing_times
from khemon.rules.series import NO_CLOSING, NONE, Bools, Ints, positions

#: Places of patients.
Index = NDArray[np.int32] | Ints

#: Stands for "no such day" in columns of days that are compared with earlier ones.
NEVER = int(np.iinfo(np.int32).max)


@dataclass(frozen=True, slots=True)
class Coded:
    """Texts as codes: equal texts have equal codes, no text is -1."""

    code: Ints
    texts: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[str | None]) -> Coded:
        """Codes in order of first appearance."""
        known: dict[str, int] = {}
        code = [known.setdefault(text, len(known)) if text else NONE for text in texts]
        return cls(np.array(code, np.int64), tuple(known))

    def marks(self, chosen: Iterable[bool]) -> Bools:
        """For each entry whether its text is one of the chosen; `chosen` says so text by text."""
        table = np.array([*chosen, False], np.bool_)
        found: Bools = table[self.code]
        return found

    def take(self, rows: Ints) -> Coded:
        """Those entries only."""
        return replace(self, code=self.code[rows])


@dataclass(frozen=True, slots=True)
class Happenings:
    """Events with what is written about them: note (lower case) and unit of the dose."""

    events: Events
    note: Coded
    unit: Coded

    def take(self, rows: Ints) -> Happenings:
        """Those events only."""
        return Happenings(self.events.take(rows), self.note.take(rows), self.unit.take(rows))

    def of(self, *kinds: str) -> Happenings:
        """The events of some kinds, in order of patient and start."""
        chosen = positions(np.isin(self.events.kind, [EVENT_KINDS.index(kind) for kind in kinds]))
        order = np.lexsort((self.events.start[chosen], self.events.patient[chosen]))
        return self.take(chosen[order])


@dataclass(frozen=True, slots=True)
class Children:
    """Everything the endpoints take; one entry per patient index in `patients`, `arm` and `discontinued_at`.

    arm: as registered or told. discontinued_at: as registered, UTC ms, NO_TIME without one.
    """

    results: Results
    happenings: Happenings
    patients: Patients
    arm: Coded
    discontinued_at: Ints

    @property
    def count(self) -> int:
        """How many."""
        return int(self.patients.birth_day.size)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known as of a moment: events begun by then and before observation closed, day 0, the last day seen.

    day0: UTC ms, NO_TIME without one; day0_day: its calendar day. day0_told: 0 registered, 1 an event, 2 the first
    dose of sirolimus. closing: UTC ms or NO_CLOSING. last: the calendar day until which a patient can be seen; a day
    beyond all where observation has closed, for then nothing more comes. until: the time until which it was seen.
    """

    happenings: Happenings
    day0: Ints
    day0_day: Ints
    day0_told: Ints
    closing: Ints
    closing_day: Ints
    last: Ints
    until: Ints
    timezone: str
    as_of: int

    @property
    def started(self) -> Bools:
        """Who has a day 0 by now."""
        found: Bools = self.day0 != NO_TIME
        return found

    def day_of(self, times: Ints) -> Ints:
        """Calendar days of times on the ward's calendar."""
        return day_numbers(times, self.timezone).astype(np.int64)

    def since(self, patient: Index, times: Ints) -> Ints:
        """Calendar days from each patient's day 0 to a time."""
        return self.day_of(times) - self.day0_day[patient]


def known(children: Children, timezone: str, as_of: int, sirolimus: str) -> Known:
    """What is known of the children as of a time."""
    told = children.happenings
    told = told.take(positions(told.events.start <= as_of))
    closing = closing_times(told.events, children.count)
    told = told.take(positions(told.events.start <= closing[told.events.patient]))
    day0, source = _day0(children, told, as_of, sirolimus)
    started = day0 != NO_TIME
    day0_day = np.where(started, day_numbers(np.where(started, day0, 0), timezone), 0).astype(np.int64)
    closed = closing != NO_CLOSING
    closing_day = np.full(children.count, NEVER, np.int64)
    closing_day[closed] = day_numbers(closing[closed], timezone)
    today = int(day_numbers(np.array([as_of]), timezone)[0])
    last = np.where(closed, NEVER, today)
    until = np.where(closed, closing, as_of)
    return Known(told, day0, day0_day, source, closing, closing_day, last, until, timezone, as_of)


def _day0(children: Children, told: Happenings, as_of: int, sirolimus: str) -> tuple[Ints, Ints]:
    """Per patient day 0 and where it comes from; a treatment begun stands in where nothing states it."""
    registered = children.patients.day0
    day0 = np.full(children.count, NEVER_MS) if registered is None else registered.copy()
    day0[(day0 == NO_TIME) | (day0 > as_of)] = NEVER_MS
    source = np.zeros(children.count, np.int64)
    for place, kind in enumerate(("day0", sirolimus), 1):
        first = _first(told, kind, children.count)
        # An event may state an earlier day 0 than the register; the first dose of a drug is only a stand-in.
        better = first < day0 if kind == "day0" else (day0 == NEVER_MS) & (first < NEVER_MS)
        day0[better], source[better] = first[better], place
    return np.where(day0 == NEVER_MS, NO_TIME, day0), source


NEVER_MS = int(np.iinfo(np.int64).max)


def _first(told: Happenings, kind: str, count: int) -> Ints:
    own = told.of(kind).events
    first = np.full(count, NEVER_MS)
    np.minimum.at(first, own.patient, own.start)
    return first


def first_day(patient: Index, day: Ints, count: int) -> Ints:
    """Per patient the earliest of some days, NEVER without one."""
    found = np.full(count, NEVER, np.int64)
    np.minimum.at(found, patient, day)
    return found


def last_day(patient: Index, day: Ints, count: int) -> Ints:
    """Per patient the latest of some days, -NEVER without one."""
    found = np.full(count, -NEVER, np.int64)
    np.maximum.at(found, patient, day)
    return found
