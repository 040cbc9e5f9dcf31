"""What an explanation of section 3.7 looks up: the samples, levels and dues behind an episode, for one patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from khemon.explain.evidence import Stretch
from khemon.explain.looking import Book, Point
from khemon.rules.aside import Pending
from khemon.rules.courses import Courses, days_of
from khemon.rules.due import WHY, Due
from khemon.rules.episodes import END_REASONS, Episodes
from khemon.rules.further_rules import (
    AsideRule,
    BandRule,
    CountsDueRule,
    CourseRule,
    DropRule,
    LevelsDueRule,
    MissingRule,
    QuestionRule,
    SettledRule,
    TrendRule,
)
from khemon.rules.knowing import Knowing
from khemon.rules.logic import TRUE
from khemon.rules.remembering import Memory
from khemon.rules.rulebook import RunRule
from khemon.rules.series import NO_TIME, NONE, Bools, Ints, Points, key_patient, key_time, keys
from khemon.rules.singles import RANDOM, TROUGH, Singles
from khemon.units import ANALYTE_CODES

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Question:
    """A question beside a result: the result, the one it is compared with, and the words."""

    point: Point
    before: Point | None
    words: str


class _ByRule(dict[str, Episodes]):
    """The episodes of each rule, taken when they are first asked for: most are not."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def __missing__(self, rule: str) -> Episodes:
        found = self._book.found
        own = self[rule] = found.take(found.rule == self._book.protocol.rule_names.index(rule))
        return own


class Looked:
    """Lookups over one evaluation; what is worked out for all patients is worked out once."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.knowing = Knowing(book.prepared, book.patients, book.protocol, book.timezone, _ByRule(book))
        self.knowing.memory = Memory.of(book.prepared, book.protocol, book.timezone, book.memory)
        self._known: dict[tuple[str, str], Any] = {}

    def _once(self, rule: str, what: str, work_out: Callable[[], _Found]) -> _Found:
        if (rule, what) not in self._known:
            self._known[rule, what] = work_out()
        found: _Found = self._known[rule, what]
        return found

    def key(self, patient: int, time: int) -> int:
        """The key of a patient and a time."""
        return int(keys(np.array([patient]), np.array([time], np.int64))[0])

    def informative(self, rule: RunRule) -> tuple[Points, Bools, Bools]:
        """The points of a run's analyte; which are informative, and which are good."""
        return self._once(rule.name, "informative", lambda: self.knowing.informative(rule))

    def open_at(self, rule: str, patient: int, time: int) -> int | None:
        """The onset of the episode of a rule that is open at a time, or just then ended with the observation."""
        found = self.knowing.found[rule]
        closed = np.array([reason == "observation_ended" for reason in END_REASONS])[found.end_reason]
        lasts = (found.end == NO_TIME) | (found.end > time) | (closed & (found.end == time))
        at = np.flatnonzero((found.patient == patient) & (found.onset <= time) & lasts)
        return int(found.onset[at[-1]]) if at.size else None

    def confirmed_before(self, rule: str, patient: int, time: int) -> int | None:
        """The onset of the latest episode of a rule that was confirmed by a time."""
        found = self.knowing.found[rule]
        known = (found.confirmed_at != NO_TIME) & (found.confirmed_at <= time)
        at = np.flatnonzero((found.patient == patient) & known)
        return int(found.onset[at[-1]]) if at.size else None

    # What follows reads one patient; positions are those of the block.

    def fall(self, rule: TrendRule, stretch: Stretch) -> tuple[list[Point], bool, bool]:
        """The count at which a fall opened after those it is measured by, and which limbs held there."""
        counts, found = self._once(rule.name, "falls", lambda: self.knowing.falls(rule))
        at = int(np.searchsorted(counts.key, self.key(stretch.patient, stretch.onset)))
        series = self.book.series(rule.analyte)
        first = max(0, at - max(rule.of_previous.count, rule.line_samples.count - 1))
        own = [place for place in range(first, at + 1) if counts.patient[place] == stretch.patient]
        points = [series.between(stretch.patient, int(counts.time[p]), int(counts.time[p]))[0] for p in own]
        return points, bool(found.below_median[at]), bool(found.along_line[at])

    def counts(self, rule: TrendRule, patient: int, first: int, last: int) -> list[Point]:
        """The informative counts of a patient in [first, last]."""
        counts, _ = self._once(rule.name, "falls", lambda: self.knowing.falls(rule))
        low, high = np.searchsorted(counts.key, (self.key(patient, first), self.key(patient, last) + 1))
        times = counts.time[low:high].tolist()
        return [self.book.series(rule.analyte).between(patient, time, time)[0] for time in times]

    def drop(self, rule: DropRule, patient: int, time: int) -> tuple[bool, list[Point]]:
        """Whether a result of that time is certainly a fall, and the results of the earlier time it is measured by."""
        points = self.knowing.points(rule.analyte)
        answer, told = self._once(rule.name, "drops", lambda: self.knowing.drops(rule))
        at = int(np.searchsorted(points.key, self.key(patient, time)))
        assert told[at] != NONE, "inside an episode of it every result has an earlier one"
        return bool(answer[at] == TRUE), self.levels_at(rule.analyte, patient, int(points.time[told[at]]))

    def set_aside(self, rule: AsideRule, stretch: Stretch, last: int) -> dict[str, list[tuple[Point, int]]]:
        """By analyte the results of the row that waits at a time, each with its quality."""
        found: dict[str, list[tuple[Point, int]]] = {}
        pendings: list[Pending] = self._once(rule.name, "pending", lambda: self.knowing.pending(rule))
        at = np.array([self.key(stretch.patient, last)], np.int64)
        for analyte, pending in zip(rule.analytes, pendings, strict=True):
            position = int(pending.at(at)[0])
            if position >= 0:
                row = pending.key[: position + 1][pending.until[: position + 1] == pending.until[position]]
                found[analyte] = self._spoiled(analyte, int(row[0]), int(row[-1]))
        return found

    def _spoiled(self, analyte: str, first: int, last: int) -> list[tuple[Point, int]]:
        aside = self.book.prepared.aside.of_analyte(analyte)
        low, high = np.searchsorted(aside.key, (first, last + 1))
        return [(_single(aside, place, analyte), int(aside.quality[place])) for place in range(int(low), int(high))]

    def spoiled(self, analyte: str, patient: int, first: int, last: int) -> list[tuple[Point, int]]:
        """The results of an analyte set aside in [first, last], each with its quality."""
        return self._spoiled(analyte, self.key(patient, first), self.key(patient, last))

    def spoiled_within(self, rule: AsideRule, stretch: Stretch) -> list[Point]:
        """Every result of the rule set aside in an episode, with no usable one of the same time."""
        found = []
        for analyte in rule.analytes:
            usable = self.knowing.points(analyte).key
            for point, _ in self.spoiled(analyte, stretch.patient, stretch.onset, stretch.last_inside):
                found += [] if self.key(stretch.patient, point.time) in usable else [point]
        return found

    def companions(self, rule: MissingRule, stretch: Stretch) -> tuple[Point, dict[str, Point | None]]:
        """The latest count inside, and by companion its latest result since shortly before that count."""
        last = stretch.last_inside
        lead = self.book.series(rule.analyte).latest(stretch.patient, last)
        assert lead is not None, "it opened at one"
        since = last - lead.time + rule.within.ms
        return lead, {name: self.book.series(name).latest(stretch.patient, last, since) for name in rule.companions}

    def levels(self, rule: BandRule | LevelsDueRule, patient: int, first: int, last: int) -> list[tuple[Point, bool]]:
        """The levels of a patient in [first, last] that are not random ones, each with whether it is a trough."""
        levels = self.knowing.levels(rule.analyte)
        low, high = np.searchsorted(levels.key, (self.key(patient, first), self.key(patient, last) + 1))
        places = [place for place in range(int(low), int(high)) if levels.timing[place] != RANDOM]
        return [(_single(levels, place, rule.analyte), bool(levels.timing[place] == TROUGH)) for place in places]

    def levels_at(self, analyte: str, patient: int, time: int) -> list[Point]:
        """Every level of an analyte at a time; none where only one result of a time is read."""
        levels = self.knowing.levels(analyte)
        low, high = np.searchsorted(levels.key, (self.key(patient, time), self.key(patient, time) + 1))
        return [_single(levels, place, analyte) for place in range(int(low), int(high))]

    def due(self, rule: CountsDueRule | LevelsDueRule, stretch: Stretch) -> tuple[int, str]:
        """When what is overdue was last seen (or the watch began), and why it was due."""
        found, places = self._once(rule.name, "due", lambda: _by_beginning(self.knowing.due(rule)))
        key = self.key(stretch.patient, stretch.onset)
        place = places.get(key)
        # Where the drug was off when a level fell due, it is overdue from the restart on: the row that covers it.
        if place is None:
            place = int(np.flatnonzero((found.overdue <= key) & (found.until > key))[0])
        return int(key_time(found.since[place : place + 1])[0]), WHY[int(found.why[place])]

    def course(self, drug: str, joins_within: int, patient: int, time: int) -> tuple[int, int]:
        """When the course that runs at a time began, and on which day of it that time lies."""
        courses: Courses = self.knowing.courses(drug, joins_within)
        at = int(np.searchsorted(courses.given.start, self.key(patient, time), "right")) - 1
        began = courses.began[at : at + 1]
        day = days_of(keys(np.array([patient]), np.array([time], np.int64)), self.book.timezone)
        return int(key_time(began)[0]), int(day[0] - days_of(began, self.book.timezone)[0])

    def first_given(self, rule: CourseRule, patient: int) -> int:
        """When a drug was first given."""
        given = self.knowing.given(rule.drug)
        return int(key_time(given.start[key_patient(given.start) == patient])[0])

    def run_samples(self, rule: SettledRule, stretch: Stretch) -> list[Point]:
        """The counts of the row that a run was seen to last by, at the last moment of an episode."""
        run = self.knowing.run_rule(rule.run)
        points, informative, good = self.knowing.informative(run)
        own = informative & (points.patient == stretch.patient) & (points.time <= stretch.last_inside)
        series = self.book.series(run.analyte)
        row: list[Point] = []
        day = 0
        for place in np.flatnonzero(own).tolist():
            apart = int(points.day[place]) - day
            row = [] if not good[place] or apart > rule.gap.count else row
            row += [series.at(place)] if good[place] else []
            day = int(points.day[place])
        return row

    def questions(self, rule: QuestionRule, stretch: Stretch) -> Iterator[Question]:
        """The questions asked inside an episode."""
        first, last = self.key(stretch.patient, stretch.onset), self.key(stretch.patient, stretch.last_inside)
        for analyte, row, asked in self._once(rule.name, "asked", lambda: self.knowing.asked(rule)):
            low, high = np.searchsorted(row.key[asked.at], (first, last + 1))
            for place in range(int(low), int(high)):
                point = self._at(analyte, row.key[asked.at[place]])
                compared = int(asked.compared[place])
                before = None if compared == NONE else self._at(analyte, row.key[compared])
                yield Question(point, before, asked.words)

    def _at(self, analyte: str, key: Ints) -> Point:
        points = self.knowing.points(analyte)
        return self.book.series(analyte).at(int(np.searchsorted(points.key, key)))

    def last_judged(self, rule: BandRule, patient: int, time: int) -> int:
        """When a level of the patient was last judged by a time at which an episode is open."""
        band = self._once(rule.name, "band", lambda: self.knowing.band(rule))
        at = int(np.searchsorted(band.key, self.key(patient, time), "right")) - 1
        return int(key_time(band.key[at : at + 1])[0])

    def certain(self, rule: BandRule, stretch: Stretch, time: int) -> bool:
        """Whether the levels of a time lie outside for certain."""
        band = self._once(rule.name, "band", lambda: self.knowing.band(rule))
        return bool((band.answer[band.key == self.key(stretch.patient, time)] == TRUE).any())


def _by_beginning(found: Due) -> tuple[Due, dict[int, int]]:
    """What is due, and the place of each stretch overdue by the key at which it begins."""
    inside = np.flatnonzero(found.overdue < found.until)
    return found, dict(zip(found.overdue[inside].tolist(), inside.tolist(), strict=True))


def _single(singles: Singles, place: int, analyte: str) -> Point:
    assert singles.analyte[place] == ANALYTE_CODES[analyte]
    time = int(key_time(singles.key[place : place + 1])[0])
    low, high, row = float(singles.low[place]), float(singles.high[place]), int(singles.row[place])
    return Point(analyte, time, low, high, row)
