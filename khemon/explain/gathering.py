"""What an episode rests on, as it is gathered: results, events, entries of the register."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from khemon.explain.evidence import currents
from khemon.explain.knowing import Looked
from khemon.explain.looking import Book, Point
from khemon.models import EVENT_KINDS
from khemon.rules.logic import FALSE
from khemon.rules.rulebook import AllOfRule, Comparison, RunRule
from khemon.rules.series import FIRST_TIME, NO_TIME

#: A sample of a run: where it stands among the points of its analyte, the point, whether it is good.
Sample = tuple[int, Point, bool]


class Gathered:
    """The results, events and entries of the register behind one episode; from these alone it can be told again."""

    def __init__(self, looked: Looked, patient: int, also: Callable[[str, int, int], None]) -> None:
        self.looked = looked
        self.book: Book = looked.book
        self.patient = patient
        #: Gathers what another episode of the patient rests on: rule, onset, up to which time it matters.
        self.also = also
        self.points: dict[int, Point] = {}
        self.events: set[int] = set()
        self.entries: set[str] = set()

    def add(self, *points: Point | None) -> None:
        """These results, each with the product that may have lifted it."""
        for point in points:
            if point is not None and point.row not in self.points:
                self.points[point.row] = point
                if point.supported:
                    self._product(point)

    def _product(self, point: Point) -> None:
        kinds = self.book.protocol.common.supporting_products[point.analyte]
        given = [place for place in self._places(kinds) if self.book.prepared.events.start[place] <= point.time]
        self.events.add(max(given, key=self._stop))

    def _stop(self, place: int) -> tuple[int, int]:
        events = self.book.prepared.events
        start, end = int(events.start[place]), int(events.end[place])
        return (start if end == NO_TIME else end), place

    def _places(self, kinds: Iterable[str]) -> list[int]:
        """Where the events of some kinds of the patient stand."""
        events = self.book.prepared.events
        start, stop = np.searchsorted(events.patient, (self.patient, self.patient + 1))
        codes = [EVENT_KINDS.index(kind) for kind in kinds]
        return (int(start) + np.flatnonzero(np.isin(events.kind[start:stop], codes))).tolist()

    def happened(self, kinds: Iterable[str], first: int, last: int) -> None:
        """The events of some kinds that touch [first, last]; those without an end go on."""
        events = self.book.prepared.events
        for place in self._places(kinds):
            start, end = int(events.start[place]), int(events.end[place])
            if start <= last and (end == NO_TIME or end >= first):
                self.events.add(place)

    def records(self, drug: str, last: int) -> None:
        """Every record of a drug up to a time."""
        self.happened([drug], FIRST_TIME, last)

    def first(self, kind: str, *, since: int = FIRST_TIME) -> None:
        """The first event of a kind from a time on."""
        events = self.book.prepared.events
        places = [place for place in self._places([kind]) if events.start[place] >= since]
        self.events |= {min(places, key=lambda place: int(events.start[place]))} if places else set()

    def now(self, analytes: Iterable[str], time: int) -> None:
        """The latest result of each analyte at a time, whatever it counts for."""
        self.add(*(self.book.series(name).latest(self.patient, time) for name in analytes))

    def row(self, rule: RunRule, first: int, last: int) -> list[Sample]:
        """The informative samples of a run's analyte in [first, last]."""
        _, informative, good = self.looked.informative(rule)
        low, high = self._places_in(rule, first, last)
        series = self.book.series(rule.analyte)
        chosen = low + np.flatnonzero(informative[low:high])
        return [(place, series.at(place), bool(good[place])) for place in chosen.tolist()]

    def _places_in(self, rule: RunRule, first: int, last: int) -> tuple[int, int]:
        """Where the points of a run's analyte in [first, last] begin and end."""
        points, _, _ = self.looked.informative(rule)
        ends = (self.looked.key(self.patient, first), self.looked.key(self.patient, last) + 1)
        low, high = np.searchsorted(points.key, ends)
        return int(low), int(high)

    def last_bad(self, rule: RunRule, before: int) -> Point | None:
        """The last bad informative sample before a time."""
        _, informative, good = self.looked.informative(rule)
        low, high = self._places_in(rule, FIRST_TIME, before - 1)
        bad = low + np.flatnonzero(informative[low:high] & ~good[low:high])
        return self.book.series(rule.analyte).at(int(bad[-1])) if bad.size else None

    def agreeing(self, limbs: tuple[Comparison, ...], first: int, last: int) -> None:
        """So that an AND reads at each result gathered in [first, last] what it read then: all values current there."""
        seen: set[int] = set()
        analytes = {limb.analyte for limb in limbs}
        while True:
            own = (point for point in self.points.values() if point.analyte in analytes)
            times = {point.time for point in own if first <= point.time <= last} - seen
            if not times:
                return
            for time in times:
                self.add(*currents(self.book, self.patient, limbs, time))
            seen |= times

    def denying(self, rule: AllOfRule, time: int) -> None:
        """What made an AND false at its last evaluation at or before a time that did."""
        while True:
            series = [self.book.series(limb.analyte, limb) for limb in rule.limbs]
            latest = [each.latest(self.patient, time, counted=True) for each in series]
            times = [point.time for point in latest if point is not None]
            if not times:
                return
            time = max(times)
            for limb, point in ((limb, point) for limb, point in zip(rule.limbs, latest, strict=True) if point):
                young = time - point.time <= self.book.protocol.common.current_within.ms
                if young and self.book.series(limb.analyte, limb).verdict(point, limb) == FALSE:
                    self.add(point)
                    return
            time -= 1

    def standing(self, rules: Iterable[str], time: int) -> None:
        """What says that an episode of one of some other rules is open at a time, or that none is."""
        for rule in rules:
            onset = self.looked.open_at(rule, self.patient, time)
            if onset is not None:
                self.also(rule, onset, time)
                return
        for rule in rules:
            asked = self.book.protocol.rules[rule]
            if isinstance(asked, AllOfRule):
                self.denying(asked, time)

    def until(self, other: Gathered, time: int) -> None:
        """What another has gathered, up to a time."""
        self.points |= {row: point for row, point in other.points.items() if point.time <= time}
        self.events |= {place for place in other.events if self.book.prepared.events.start[place] <= time}

    def apart(self, analytes: Iterable[str], onset: int) -> None:
        """Where results from before an onset were gathered: the latest before it, which is what it is apart by."""
        named = set(analytes)
        if any(point.time < onset and point.analyte in named for point in self.points.values()):
            self.now(named, onset - 1)
