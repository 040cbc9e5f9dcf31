"""Looking up single points and events behind an episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from typing import Protocol as Interface

import numpy as np

from khemon.models import EVENT_KINDS
from khemon.rules.calendar import day_numbers
from khemon.rules.current import neutral
from khemon.rules.engine import Prepared
from khemon.rules.episodes import Episodes
from khemon.rules.further_rules import BandRule, DropRule, MissingRule, TrendRule
from khemon.rules.logic import TRUE, UNKNOWN, verdicts
from khemon.rules.remembering import Kept
from khemon.rules.rulebook import (
    AllOfRule,
    AnyOfRule,
    Comparison,
    PointRule,
    Protocol,
    ReboundRule,
    RuleBase,
    RunRule,
)
from khemon.rules.series import NO_TIME, Ints, Patients, Points


class Given(NamedTuple):
    """A result as a person knows it: our id, the text and unit as received, and the canonical text ("<0.5")."""

    result_id: int
    text: str
    unit: str
    canonical: str


class Givens(Interface):
    """Where the results behind rows come from: a file that was read, or the store."""

    def given(self, row: int) -> Given:
        """The result in that row of the evaluated columns."""


class Point(NamedTuple):
    """One usable point; `neutral` when a composite rule does not count it."""

    analyte: str
    time: int
    low: float
    high: float
    row: int
    supported: bool = False
    preliminary: bool = False
    neutral: bool = False


class Series:
    """The points of one analyte, found by patient and time; neutrality is judged for a limb."""

    def __init__(self, analyte: str, points: Points, limb: Comparison | None = None) -> None:
        self.analyte = analyte
        self.points = points
        self.neutral = neutral(points, limb) if limb else np.zeros(points.key.size, np.bool_)
        self._places: dict[int, tuple[int, Ints]] = {}
        self._met: dict[int, Point] = {}

    def _own(self, patient: int) -> tuple[int, Ints]:
        """Where a patient's points begin, and their times."""
        found = self._places.get(patient)
        if found is None:
            start, stop = np.searchsorted(self.points.patient, np.array((patient, patient + 1), np.int32)).tolist()
            found = self._places[patient] = start, self.points.time[start:stop]
        return found

    def at(self, position: int) -> Point:
        """The point at a position."""
        return self._met.get(position) or self._some(position, position + 1)[0]

    def _some(self, first: int, last: int) -> list[Point]:
        """The points from one position to before another; made together, which costs a third for each of many."""
        points, some = self.points, slice(first, last)
        columns = (points.time, points.low, points.high, points.row, points.supported, points.preliminary, self.neutral)
        rows = zip(*(column[some].tolist() for column in columns), strict=True)
        found = [Point(self.analyte, *row) for row in rows]
        self._met.update(zip(range(first, last), found, strict=True))
        return found

    def between(self, patient: int, first: int, last: int) -> list[Point]:
        """The points of a patient collected in [first, last], in order."""
        start, times = self._own(patient)
        low, high = start + int(times.searchsorted(first)), start + int(times.searchsorted(last, "right"))
        known = list(map(self._met.get, range(low, high)))
        return self._some(low, high) if None in known else known  # type: ignore[return-value]

    def doubtful(self, patient: int, limb: Comparison, first: int, last: int) -> list[Point]:
        """The points in [first, last] that are lifted, preliminary, or cannot be told from the limit, in order."""
        start, times = self._own(patient)
        low, high = start + int(times.searchsorted(first)), start + int(times.searchsorted(last, "right"))
        points, own = self.points, slice(low, high)
        unknown = verdicts(points.low[own], points.high[own], limb.test, limb.limit.limit) == UNKNOWN
        places = np.flatnonzero(points.supported[own] | points.preliminary[own] | unknown)
        return [self.at(low + place) for place in places.tolist()]

    def latest(self, patient: int, time: int, within_ms: int | None = None, counted: bool = False) -> Point | None:
        """The latest point at or before a time, not older than within_ms; only counted (not neutral) ones if asked."""
        start, times = self._own(patient)
        last = int(times.searchsorted(time, "right"))
        first = 0 if within_ms is None else int(times.searchsorted(time - within_ms))
        for place in range(last - 1, first - 1, -1):
            if not (counted and self.neutral[start + place]):
                return self.at(start + place)
        return None

    def verdict(self, point: Point, limb: Comparison) -> int:
        """TRUE, FALSE or UNKNOWN for a point."""
        return _verdict(point.low, point.high, limb.test, limb.limit.limit)


@lru_cache(maxsize=65_536)
def _verdict(low: float, high: float, test: str, limit: float) -> int:
    """TRUE, FALSE or UNKNOWN for one interval; values repeat."""
    return int(verdicts(np.array([low]), np.array([high]), test, limit)[0])


@dataclass(frozen=True, slots=True)
class Span:
    """An event of one kind; `end` is None when none was recorded, and may lie ahead of the moment of evaluation."""

    start: int
    end: int | None


class Book:
    """Everything an explanation looks things up in: points by analyte, events by patient, the protocol."""

    def __init__(
        self,
        prepared: Prepared,
        patients: Patients,
        protocol: Protocol,
        timezone: str,
        diagnosed: Sequence[bool],
        found: Episodes,
        targets: Sequence[str] | None = None,
    ) -> None:
        self.prepared = prepared
        self.patients = patients
        self.protocol = protocol
        self.timezone = timezone
        self.diagnosed = diagnosed
        self.targets = targets
        self.found = found
        self.memory: Kept = None
        self._series: dict[tuple[str, str, float], Series] = {}
        self._points: dict[str, Points] = {}
        self._limits: dict[str, list[float]] = {}
        self._events: dict[int, dict[str, list[Span]]] = {}
        self._limbs: dict[str, tuple[Comparison, ...]] = {}
        kinds = {kind for group in protocol.common.supporting_products.values() for kind in group}
        self._lifting = kinds | {kind for kind in EVENT_KINDS if kind.endswith("_transfusion")}

    def series(self, analyte: str, limb: Comparison | None = None) -> Series:
        """The points of an analyte, with neutrality for a limb when given."""
        key = (analyte, limb.test, limb.limit.limit) if limb else (analyte, "", 0.0)
        if key not in self._series:
            if analyte not in self._points:
                self._points[analyte] = self.prepared.of(analyte)
            self._series[key] = Series(analyte, self._points[analyte], limb)
        return self._series[key]

    def limbs(self, rule: RuleBase) -> tuple[Comparison, ...]:
        """The comparisons a rule of the protocol makes, made once."""
        if rule.name not in self._limbs:
            self._limbs[rule.name] = limbs_of(rule)
        return self._limbs[rule.name]

    def analytes(self, rule: RuleBase) -> tuple[str, ...]:
        """The analytes whose bands tell that an episode got worse."""
        own = (rule.analyte,) if isinstance(rule, TrendRule | DropRule | BandRule) else ()
        return tuple(dict.fromkeys([*own, *(limb.analyte for limb in self.limbs(rule))]))

    def band_limits(self, analyte: str) -> list[float]:
        """The limits of an analyte's bands, the lowest first."""
        if analyte not in self._limits:
            self._limits[analyte] = sorted(band.limit for band in self.protocol.common.bands.get(analyte, ()))
        return self._limits[analyte]

    def spans(self, patient: int, kind: str) -> list[Span]:
        """The events of a kind of a patient in order of start."""
        if patient not in self._events:
            self._events[patient] = self._events_of(patient)
        return self._events[patient].get(kind, [])

    def _events_of(self, patient: int) -> dict[str, list[Span]]:
        """The events of a patient by kind, in order of start."""
        events = self.prepared.events
        bounds = np.array((patient, patient + 1), events.patient.dtype)
        start, stop = np.searchsorted(events.patient, bounds).tolist()
        found: dict[str, list[Span]] = {}
        for index in range(start, stop):
            end = int(events.end[index])
            span = Span(int(events.start[index]), None if end == NO_TIME else end)
            found.setdefault(EVENT_KINDS[events.kind[index]], []).append(span)
        return {kind: sorted(spans, key=lambda span: span.start) for kind, spans in found.items()}

    def has_transfusions(self, patient: int) -> bool:
        """Whether any transfusion or other product that lifts a value is recorded."""
        return any(self.spans(patient, kind) for kind in self._lifting)

    def age_days(self, patient: int, time: int) -> int | None:
        """The age in calendar days at a time; None without a birth date."""
        born = int(self.patients.birth_day[patient])
        if born == np.iinfo(np.int32).min:
            return None
        return int(day_numbers(np.array([time]), self.timezone)[0]) - born

    def run_samples(self, patient: int, limb: Comparison, first: int, last: int) -> list[Point]:
        """The samples of a run in [first, last]: certainly good and counted."""
        series = self.series(limb.analyte)
        points = series.between(patient, first, last)
        counted = [point for point in points if not (point.supported or point.preliminary)]
        return [point for point in counted if series.verdict(point, limb) == TRUE]

    def last_evaluation(self, patient: int, rule: RuleBase, time: int) -> int:
        """The latest time at or before `time` of a counted result or event the rule looks at; `time` without one."""
        found = []
        for limb in self.limbs(rule):
            series = self.series(limb.analyte, limb if isinstance(rule, AllOfRule) else None)
            point = series.latest(patient, time, counted=True)
            found += [point.time] if point else []
        for kind in rule.events if isinstance(rule, AnyOfRule) else ():
            for span in self.spans(patient, kind):
                found += [bound for bound in (span.start, span.end) if bound is not None and bound <= time]
        return max(found, default=time)

    def response_before(self, patient: int, time: int) -> int | None:
        """When the durable response that armed the watch was confirmed, the latest before `time`."""
        code = next((c for c, n in enumerate(self.protocol.rule_names) if n == self._response_rule()), -1)
        own = slice(*np.searchsorted(self.found.patient, np.array((patient, patient + 1), self.found.patient.dtype)))
        times = self.found.confirmed_at[own][self.found.rule[own] == code]
        times = times[(times != NO_TIME) & (times < time)]
        return int(times.max()) if times.size else None

    def _response_rule(self) -> str:
        return next((rule.response for rule in self.protocol.rules.values() if isinstance(rule, ReboundRule)), "")


def limbs_of(rule: RuleBase) -> tuple[Comparison, ...]:
    """The comparisons a rule makes, its own first."""
    if isinstance(rule, AnyOfRule):
        return rule.comparisons
    if isinstance(rule, AllOfRule):
        return rule.limbs
    if isinstance(rule, ReboundRule):
        return (
            Comparison(analyte=rule.analyte, limit=rule.limit),
            Comparison(analyte=rule.companion, limit=rule.companion_limit),
        )
    if isinstance(rule, PointRule | RunRule | MissingRule):
        return (Comparison(analyte=rule.analyte, test=rule.test, limit=rule.limit),)
    return ()
