"""Children told in days since day 0, as the endpoints take them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from khemon.endpoints import REASONS, STATES, Children, Coded, Findings, Happenings, endpoints_of
from khemon.models import EVENT_KINDS, QUALITIES, STATUSES, TIMINGS
from khemon.rules import NO_TIME, Events, Patients, Protocol, Results, load_protocol
from khemon.rules.calendar import day_numbers, to_ms
from khemon.units import ANALYTE_CODES

ZONE = "Europe/Berlin"
#: Day 0 of every child, at noon of the ward.
DAY0 = dt.datetime(2026, 1, 5, 12, tzinfo=ZoneInfo(ZONE))


def at(day: float) -> dt.datetime:
    """Noon of a day after day 0; a fraction moves the hour."""
    whole = int(np.floor(day))
    midnight = dt.datetime.combine(DAY0.date() + dt.timedelta(days=whole), dt.time(), DAY0.tzinfo)
    return midnight + dt.timedelta(hours=12) + dt.timedelta(hours=24 * (day - whole))


def interval(text: str) -> tuple[float, float]:
    """The closed interval of a value as reported."""
    number = float(text.lstrip("<>="))
    if text.startswith("<"):
        return 0.0, number if text.startswith("<=") else float(np.nextafter(number, -np.inf))
    if text.startswith(">"):
        return number if text.startswith(">=") else float(np.nextafter(number, np.inf)), np.inf
    return number, number


@dataclass(frozen=True)
class Lab:
    day: float
    value: str
    analyte: str = "platelets"
    status: str = "final"
    quality: str = ""
    timing: str = "unknown"


@dataclass(frozen=True)
class Happening:
    kind: str
    day: float
    end: float | None = None
    dose: float | None = None
    note: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Told:
    """A child. counts: platelets by day; the rest as lists."""

    counts: Sequence[tuple[float, object]] = ()
    labs: Sequence[Lab] = ()
    events: Sequence[Happening] = ()
    arm: str | None = "monotherapy"
    day0: float | None = 0
    stopped: float | None = None
    born: int | None = None
    band: tuple[float, float] | None = None

    @property
    def all_labs(self) -> list[Lab]:
        return [Lab(day, str(value)) for day, value in self.counts] + list(self.labs)


@dataclass
class _Columns:
    rows: list[tuple] = field(default_factory=list)

    def column(self, place: int, dtype: type) -> np.ndarray:
        return np.array([row[place] for row in self.rows], dtype)


def gathered(children: Sequence[Told]) -> Children:
    """The columns of some children."""
    labs, events = _Columns(), _Columns()
    for place, child in enumerate(children):
        for lab in child.all_labs:
            low, high = interval(lab.value)
            codes = (STATUSES.index(lab.status), QUALITIES.index(lab.quality), TIMINGS.index(lab.timing))
            labs.rows.append((place, to_ms(at(lab.day)), ANALYTE_CODES[lab.analyte], low, high, *codes))
        for event in child.events:
            end = NO_TIME if event.end is None else to_ms(at(event.end))
            dose = np.nan if event.dose is None else event.dose
            kind = EVENT_KINDS.index(event.kind)
            events.rows.append((place, kind, to_ms(at(event.day)), end, dose, event.note, event.unit))
    time = labs.column(1, np.int64)
    results = Results(
        labs.column(0, np.int32),
        time,
        day_numbers(time, ZONE),
        labs.column(2, np.int8),
        labs.column(3, np.float64),
        labs.column(4, np.float64),
        labs.column(5, np.int8),
        labs.column(6, np.int8),
        np.full(time.size, -1, np.int64),
        np.arange(time.size),
        labs.column(7, np.int8),
    )
    notes, units = (Coded.of(row[place] for row in events.rows) for place in (5, 6))
    kinds = (events.column(1, np.int8), events.column(2, np.int64), events.column(3, np.int64))
    happened = Events(events.column(0, np.int32), *kinds, events.column(4, np.float64), units.code)
    patients = Patients(
        np.array([np.iinfo(np.int32).min if c.born is None else _day(c.born) for c in children], np.int32),
        np.array([NO_TIME if c.day0 is None else to_ms(at(c.day0)) for c in children], np.int64),
        None,
        np.array([c.band[0] if c.band else np.nan for c in children]),
        np.array([c.band[1] if c.band else np.nan for c in children]),
    )
    stopped = np.array([NO_TIME if c.stopped is None else to_ms(at(c.stopped)) for c in children], np.int64)
    happenings = Happenings(happened, notes, units)
    return Children(results, happenings, patients, Coded.of(c.arm for c in children), stopped)


def _day(day: int) -> int:
    return (DAY0.date() + dt.timedelta(days=day) - dt.date(1970, 1, 1)).days


@cache
def protocol(name: str = "ward") -> Protocol:
    return load_protocol(name)


def found(*children: Told, as_of: float = 1_000, by: str = "ward") -> Findings:
    """Every endpoint of some children, as of a day."""
    return endpoints_of(gathered(children), protocol(by), ZONE, to_ms(at(as_of)))


def answer(child: Told, endpoint: str, as_of: float = 1_000, by: str = "ward") -> tuple[str, str]:
    """State and reason of one endpoint of one child."""
    return answers(found(child, as_of=as_of, by=by), endpoint)[0]


def answers(findings: Findings, endpoint: str) -> list[tuple[str, str]]:
    """State and reason of one endpoint of every child."""
    own = findings.answers[endpoint]
    return [(STATES[s], REASONS[r]) for s, r in zip(own.state.tolist(), own.reason.tolist(), strict=True)]


def weekly(first: float, last: float, value: object = 150, every: int = 7) -> list[tuple[float, object]]:
    """Counts of one value from a day to another."""
    return [(day, value) for day in np.arange(first, last + 0.01, every).tolist()]


#: Low before day 0 and at it.
LOW: list[tuple[float, object]] = [(-2, 20), (0, 15)]
