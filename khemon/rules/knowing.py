"""What the rules of section 3.7 go by: falls, what was set aside, courses, levels, what was due, what is asked."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from khemon.rules import aside, bands, due, questions
from khemon.rules.aside import Pending
from khemon.rules.courses import Courses, courses, on_day
from khemon.rules.due import Due, Watched
from khemon.rules.episodes import Episodes
from khemon.rules.further_rules import (
    AsideRule,
    BandRule,
    CountsDueRule,
    DropRule,
    Exactly,
    LevelsDueRule,
    Part,
    QuestionRule,
    SettledRule,
    TrendRule,
)
from khemon.rules.keys import ended, positions
from khemon.rules.logic import TRUE, UNKNOWN, verdicts
from khemon.rules.moments import padded
from khemon.rules.questions import Asked, Row
from khemon.rules.remembering import Memory
from khemon.rules.rulebook import Protocol, RunRule
from khemon.rules.series import (
    LAST_TIME,
    NO_TIME,
    NONE,
    Bools,
    Codes,
    Ints,
    Patients,
    Points,
    key_patient,
    keys,
    merged,
)
from khemon.rules.shapes import last_where, starts_of
from khemon.rules.singles import RANDOM, TROUGH, Singles
from khemon.rules.spans import Spans, following, never, preceding
from khemon.rules.trend import Falls, drops, falls

if TYPE_CHECKING:
    from khemon.rules.engine import Prepared


class Knowing:
    """What section 3.7 goes by over one block; `found` holds the episodes of the rules before, closings not applied."""

    def __init__(
        self, block: Prepared, patients: Patients, protocol: Protocol, timezone: str, found: dict[str, Episodes]
    ) -> None:
        self.block = block
        self.patients = patients
        self.protocol = protocol
        self.timezone = timezone
        self.found = found
        self.code = {name: code for code, name in enumerate(protocol.rule_names)}
        self.memory = Memory(block, None)
        self._rows: dict[str, Row] = {}
        self._courses: dict[tuple[str, int], Courses] = {}

    def points(self, analyte: str) -> Points:
        """The usable points of an analyte."""
        return self.block.of(analyte)

    def courses(self, drug: str, joins_within: int = 0) -> Courses:
        """The courses of a drug."""
        asked = (drug, joins_within)
        if asked not in self._courses:
            self._courses[asked] = courses(self.block.events, drug, joins_within, self.timezone)
        return self._courses[asked]

    @cached_property
    def last(self) -> Ints:
        """Per patient the last moment that is judged."""
        return np.minimum(self.block.closing, self.block.as_of)

    def run_rule(self, name: str) -> RunRule:
        """The run rule of that name."""
        rule = self.protocol.rules[name]
        assert isinstance(rule, RunRule)
        return rule

    def informative(self, rule: RunRule) -> tuple[Points, Bools, Bools]:
        """The points of a run's analyte; which are informative, and which are good."""
        points = self.points(rule.analyte)
        answers = verdicts(points.low, points.high, rule.test, rule.limit.limit)
        set_aside = (points.supported | points.preliminary) & (answers == TRUE)
        return points, (answers != UNKNOWN) & ~set_aside, answers == TRUE

    def falls(self, rule: TrendRule) -> tuple[Points, Falls]:
        """The informative counts, and the falls over them."""
        analyte = self.run_rule(rule.run).analyte
        chosen, found = self.memory.recall((rule.name, "falls"), self._falls, rule, analyte)
        return self.points(analyte).take(chosen), found

    def _falls(self, rule: TrendRule) -> tuple[Ints, Falls]:
        """The positions of the informative counts, and the falls over them."""
        run = self.run_rule(rule.run)
        points, informative, good = self.informative(run)
        chosen = positions(informative)
        return chosen, falls(points.take(chosen), good[chosen], run.limit.limit, rule)

    def pending(self, rule: AsideRule) -> list[Pending]:
        """What was set aside and waits, by analyte of the rule."""
        return [
            aside.pending(self.block.aside.of_analyte(name), self.points(name).key, self.protocol, rule, self._was_open)
            for name in rule.analytes
        ]

    def _was_open(self, rule: str, at: Ints) -> Bools:
        """Whether an episode of another rule is open at keys."""
        others = self.found[rule]
        start = keys(others.patient, others.onset)
        stop = np.where(others.end == NO_TIME, never(key_patient(start)), keys(others.patient, others.end))
        return Spans(start, stop).over(at)

    def settled(self, rule: SettledRule) -> Spans:
        """Where a run was seen to last without a gap, and its latest count is not old."""
        points, informative, good = self.informative(self.run_rule(rule.run))
        chosen = positions(informative)
        counts, good = points.take(chosen), good[chosen]
        start, day = starts_of(counts.patient), counts.day.astype(np.int64)
        counted = good & (last_where(~good) >= last_where(start))
        gap = padded(False, np.diff(day) > rule.gap.count)
        opens = counted & (start | padded(True, ~counted)[:-1] | gap)
        first = last_where(opens)
        seen = positions(counted & (day - day[first] >= rule.observed.count))
        patient = counts.patient[seen].astype(np.int64)
        old = on_day(patient, day[seen] + rule.latest_within.count + 1, self.timezone)
        return Spans.of(counts.key[seen], np.minimum(old, following(counts.key[seen], counts.key)))

    def given(self, drug: str) -> Spans:
        return self.courses(drug).given

    def levels(self, analyte: str) -> Singles:
        """Every usable level of an analyte."""
        return self.block.singles.of_analyte(analyte)

    def drops(self, rule: DropRule) -> tuple[Codes, Ints]:
        """At each point of an analyte whether it lies far below one shortly before; the position of that one."""
        return drops(self.points(rule.analyte), self.levels(rule.analyte), rule)

    def band(self, rule: BandRule) -> bands.Band:
        """The judged levels of a rule."""
        given, stops = None, np.zeros(0, np.int64)
        if rule.drug is not None:
            given = self.given(rule.drug)
            patient = key_patient(given.stop)
            stops = given.stop[given.stop <= keys(patient, self.last[patient])]
        return bands.outside(self.levels(rule.analyte), self.patients, given, stops, rule)

    def due(self, rule: CountsDueRule | LevelsDueRule) -> Due:
        """When what a rule expects was due and not seen."""
        if isinstance(rule, LevelsDueRule):
            levels = self.levels(rule.analyte)
            seen = np.unique(levels.key[levels.timing != RANDOM])
            return due.levels_due(seen, self.courses(rule.drug, rule.joins_within.count), rule, self.timezone)
        run = self.run_rule(rule.run)
        points, informative, good = self.informative(run)
        told = self.block.events.of("response_documented")
        documented = np.sort(keys(told.patient, told.start))
        low = points.key[informative & ~good]
        documented_spans = Spans.of(documented, following(documented, low))
        known = documented_spans.over(points.key)
        watched = Watched(informative, good, self._response(rule.run).over(points.key) | known, known)
        steps = [self._steps(drug, rule) for drug in rule.step_drugs]
        day0 = self.day0
        day0 = day0[day0 < never(key_patient(day0))]
        anchor = self._anchors(points.key, day0, low, documented)
        return due.counts_due(points, watched, anchor, day0, merged(steps), run.gap.count, rule, self.timezone)

    def _steps(self, drug: str, rule: CountsDueRule) -> Ints:
        steps = self.courses(drug, rule.joins_within.count).steps
        return np.sort(steps[steps <= keys(key_patient(steps), self.last[key_patient(steps)])])

    def _response(self, name: str) -> Spans:
        """The stretches over which a confirmed run lasts."""
        runs = self.found[name]
        runs = runs.take(runs.confirmed_at != NO_TIME)
        start = keys(runs.patient, runs.confirmed_at)
        stop = np.where(runs.end == NO_TIME, never(key_patient(start)), keys(runs.patient, runs.end))
        return Spans.of(start, stop)

    @cached_property
    def day0(self) -> Ints:
        """Per patient the key of day 0 as far as it is known by now, or the patient's last key."""
        count = self.patients.birth_day.size
        time = np.full(count, LAST_TIME, np.int64)
        if self.patients.day0 is not None:
            time = np.where(self.patients.day0 == NO_TIME, time, self.patients.day0)
        told = self.block.events.of("day0")
        np.minimum.at(time, told.patient, told.start)
        return keys(np.arange(count), np.where(time <= self.last, time, LAST_TIME))

    def _anchors(self, at: Ints, *began: Ints) -> Ints:
        """For each key from which key the grid counts: the first of the kinds of beginnings that was known there."""
        anchor = never(key_patient(at))
        for sorted_keys in reversed(began):
            first = sorted_keys[starts_of(key_patient(sorted_keys))]
            place = preceding(at, first)
            anchor = np.where(place == NONE, anchor, ended(first, 0)[place])
        return anchor

    def row(self, analyte: str, *, troughs_only: bool = False) -> Row:
        """The results of an analyte in order, one per time; troughs only if asked."""
        if not troughs_only:
            if analyte not in self._rows:
                points = self.points(analyte)
                self._rows[analyte] = Row(points.key, points.low, points.high)
            return self._rows[analyte]
        levels = self.levels(analyte)
        levels = levels.take(positions(levels.timing == TROUGH))
        return Row(levels.key, levels.low, levels.high)

    def asked(self, rule: QuestionRule) -> list[tuple[str, Row, Asked]]:
        """Every question of a rule: the analyte, its results, and which of them are asked about."""
        asked = map(self.asked_by, rule.parts)
        return [found for found in asked if found is not None]

    def asked_by(self, part: Part) -> tuple[str, Row, Asked] | None:
        """The same of a part of a rule; None where there is nothing to compare."""
        analyte, what = part.analyte, part.what
        if isinstance(what, str):
            row = self.row(analyte)
            return analyte, row, questions.beyond_soft(row, analyte, what)
        row = self.row(analyte, troughs_only=part.troughs_only)
        if row.key.size <= 1:
            return None
        if isinstance(what, Exactly):
            return analyte, row, questions.factors(row, what)
        changed = self.courses(analyte).changes if part.troughs_only else np.zeros(0, np.int64)
        return analyte, row, questions.jumps(row, what, self.block.events, changed)
