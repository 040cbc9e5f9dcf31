"""The rules of section 3.7 over one block: each shape turned into episodes, with what an explanation needs of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from khemon.models import SEVERITIES
from khemon.rules import aside
from khemon.rules.courses import days_of, on_day
from khemon.rules.current import latest
from khemon.rules.episodes import END, STATUS, Episodes, made, nothing
from khemon.rules.further_rules import (
    AsideRule,
    BandRule,
    CountsDueRule,
    CourseRule,
    DropRule,
    FurtherRule,
    Jump,
    LevelsDueRule,
    MissingRule,
    Part,
    QuestionRule,
    SettledRule,
    TrendRule,
)
from khemon.rules.keys import ended, positions
from khemon.rules.knowing import Knowing
from khemon.rules.logic import FALSE, certainly, verdicts
from khemon.rules.series import (
    NO_TIME,
    NONE,
    Codes,
    Ints,
    key_patient,
    key_time,
    keys,
    merged,
)
from khemon.rules.shapes import Stretches, holding, last_where, starts_of
from khemon.rules.spans import Spans, following, never

if TYPE_CHECKING:
    pass

_CODE = {word: np.int8(code) for code, word in enumerate(SEVERITIES)}
_NOTE = _CODE["note"]


class Further(Knowing):
    """The episodes of section 3.7 over one block."""

    def episodes_of(self, rule: FurtherRule) -> Episodes:
        """The episodes of a rule, severities judged; those open at the closing are not ended yet."""
        if (remembered := self._remembered(rule)) is not None:
            return remembered
        how: dict[type, Callable[..., Episodes]] = {
            AsideRule: self._aside,
            SettledRule: self._settled,
            CourseRule: self._course,
            BandRule: self._band,
            CountsDueRule: self._due,
            LevelsDueRule: self._due,
            QuestionRule: self._question,
        }
        return how[type(rule)](rule) if self._concerns(rule) else nothing(self.code[rule.name])

    def _concerns(self, rule: FurtherRule) -> bool:
        """Whether anything the rule speaks of is there at all: for one child most of it is not."""
        if isinstance(rule, AsideRule):
            return bool(self.block.aside.key.size)
        if isinstance(rule, BandRule):
            return bool(self.levels(rule.analyte).key.size)
        if isinstance(rule, CourseRule | SettledRule | LevelsDueRule):
            return bool(self.courses(rule.drug).given.size)
        return True

    def _remembered(self, rule: FurtherRule) -> Episodes | None:
        """What goes by results alone, found now or before; None of other rules."""
        recall = self.memory.recall
        if isinstance(rule, TrendRule):
            return recall(rule.name, self._trend, rule, self.run_rule(rule.run).analyte)
        if isinstance(rule, DropRule):
            return recall(rule.name, self._drop, rule, rule.analyte, singly=True)
        if isinstance(rule, MissingRule):
            return recall(rule.name, self._missing, rule, rule.analyte, *rule.companions)
        return None

    def _trend(self, rule: TrendRule) -> Episodes:
        counts, found = self.falls(rule)
        stop = ended(counts.key, 0)[found.end]
        spans = Spans(
            counts.key[found.first], np.where(found.end == NONE, never(key_patient(counts.key[found.first])), stop)
        )
        return self._of_spans(rule, spans, np.full(spans.size, _CODE[rule.severity]))

    def _drop(self, rule: DropRule) -> Episodes:
        points = self.points(rule.analyte)
        found = holding(self.drops(rule)[0], points.patient)
        return self._of_stretches(rule, points.key, found, np.full(found.first.size, _CODE[rule.severity]))

    def _aside(self, rule: AsideRule) -> Episodes:
        found = self.pending(rule)
        starts, stops = [each.key for each in found], [each.until for each in found]
        spans = Spans.of(np.concatenate(starts), np.concatenate(stops))
        limit = keys(key_patient(spans.start), self.last[key_patient(spans.start)])
        loud = aside.waiting(found, np.minimum(spans.stop - 1, limit))
        return self._of_spans(rule, spans, np.where(loud, _CODE[rule.severity_again], _CODE[rule.severity]))

    def _missing(self, rule: MissingRule) -> Episodes:
        points = self.points(rule.analyte)
        companions = [self.points(name) for name in rule.companions]
        at = merged([points.key, *(each.key for each in companions)])
        place = latest(points, at)
        lead = ended(points.key, 0)[place]
        missing = np.zeros(at.size, np.bool_)
        for each in companions:
            position = latest(each, at)
            missing |= (position == NONE) | (ended(each.key, 0)[position] < lead - rule.within.ms)
        answers = ended(verdicts(points.low, points.high, rule.test, rule.limit.limit), FALSE)[place]
        found = holding(np.where(missing & (place != NONE), answers, FALSE).astype(np.int8), key_patient(at))
        low = ended(certainly(points.low, points.high, rule.test, rule.raised.limit.limit), False)
        grave = low[place[found.last]]
        severity = np.where(grave, _CODE[rule.raised.severity], _CODE[rule.severity])
        return self._of_stretches(rule, at, found, severity)

    def _settled(self, rule: SettledRule) -> Episodes:
        rebound = self.found[rule.rebound]
        spans = self.settled(rule).within(self.given(rule.drug))
        if rebound.size:
            start = keys(rebound.patient, rebound.onset)
            stop = np.where(rebound.end == NO_TIME, never(key_patient(start)), keys(rebound.patient, rebound.end))
            spans = spans.without(Spans.of(start, stop))
        return self._of_clock(rule, spans)

    def _course(self, rule: CourseRule) -> Episodes:
        drug = self.courses(rule.drug, rule.joins_within.count if rule.joins_within else 0)
        start, stop = drug.given.start, drug.given.stop
        patient = key_patient(start)
        if rule.longer_than is not None:
            day = days_of(drug.began, self.timezone) + rule.longer_than.count + 1
            start = np.maximum(start, on_day(patient, day, self.timezone))
        if rule.first is not None:
            ever = start[last_where(starts_of(patient))]
            stop = np.minimum(stop, on_day(patient, days_of(ever, self.timezone) + rule.first.count, self.timezone))
        spans = Spans.of(start, stop)
        if rule.without is not None:
            spans = spans.without(self.given(rule.without))
        return self._of_clock(rule, spans)

    def _band(self, rule: BandRule) -> Episodes:
        band = self.band(rule)
        found = holding(band.answer, key_patient(band.key))
        severity = band.severity[found.last]
        severity = np.where(found.confirmed == NONE, severity, np.maximum(severity, _CODE[rule.severity]))
        return self._of_stretches(rule, band.key, found, severity)

    def _due(self, rule: CountsDueRule | LevelsDueRule) -> Episodes:
        if isinstance(rule, LevelsDueRule):
            spans = self.due(rule).spans.within(self.given(rule.drug))
        else:
            analyte, day0 = self.run_rule(rule.run).analyte, self.day0.tobytes()
            spans = self.memory.recall(rule.name, self._overdue, rule, analyte, events=True, more=day0)
        return self._of_clock(rule, spans, until=self.patients.followed_until)

    def _overdue(self, rule: CountsDueRule) -> Spans:
        return self.due(rule).spans

    def _question(self, rule: QuestionRule) -> Episodes:
        recall, asked = self.memory.recall, []
        for place, part in enumerate(rule.parts):
            on_events, name = isinstance(part.what, Jump), (rule.name, place)
            asked.append(recall(name, self._beside, part, part.analyte, events=on_events, singly=part.troughs_only))
        beside = [found for found in asked if found is not None]
        if not beside:
            return nothing(self.code[rule.name])
        starts, stops = np.concatenate([at for at, _ in beside]), np.concatenate([stop for _, stop in beside])
        # What is asked beside one analyte leaves the questions beside the others where they were.
        more = starts.tobytes() + stops.tobytes()
        spans = recall((rule.name, "spans"), lambda found: Spans.of(*found), (starts, stops), more=more)
        return self._of_spans(rule, spans, np.full(spans.size, _NOTE))

    def _beside(self, part: Part) -> tuple[Ints, Ints] | None:
        """The keys of the results asked about, and of the next one after each; None without any."""
        found = self.asked_by(part)
        if found is None or not found[2].at.size:
            return None
        at = found[1].key[found[2].at]
        return at, following(at, self.points(part.analyte).key)

    def _of_stretches(self, rule: FurtherRule, key: Ints, found: Stretches, severity: Codes) -> Episodes:
        if not found.first.size:
            return nothing(self.code[rule.name])
        time = ended(key_time(key), NO_TIME)
        confirmed = found.confirmed != NONE
        return made(
            self.code[rule.name],
            key_patient(key[found.first]),
            time[found.first],
            time[np.where(confirmed, found.confirmed, key.size)],
            time[np.where(found.end == NONE, key.size, found.end)],
            np.where(confirmed, STATUS["confirmed"], STATUS["possible"]),
            np.full(found.first.size, END["resolved"]),
            severity,
        )

    def _of_clock(self, rule: FurtherRule, spans: Spans, until: Ints | None = None) -> Episodes:
        """Episodes of stretches that the clock opens: none opens at or after the close of observation."""
        patient = key_patient(spans.start)
        limit = self.block.closing[patient]
        followed = np.full(patient.size, NO_TIME) if until is None else until[patient]
        limit = np.where(followed == NO_TIME, limit, np.minimum(limit, followed))
        kept = positions(key_time(spans.start) < limit)
        spans = Spans(spans.start[kept], spans.stop[kept])
        found = self._of_spans(rule, spans, np.full(kept.size, _CODE[rule.severity]), limit[kept])
        return found

    def _of_spans(self, rule: FurtherRule, spans: Spans, severity: Codes, limit: Ints | None = None) -> Episodes:
        """Episodes of stretches: confirmed at once, over at the stop if it is not ahead, or where observation ends."""
        if not spans.size:
            return nothing(self.code[rule.name])
        patient, onset, stop = key_patient(spans.start), key_time(spans.start), key_time(spans.stop)
        limit = self.block.closing[patient] if limit is None else limit
        cut = (stop > limit) & (limit < self.block.closing[patient])
        end = np.where(cut, limit, np.where(stop > limit, NO_TIME, stop))
        end = np.where(end > self.block.as_of, NO_TIME, end)
        reason = np.where(cut, END["observation_ended"], END["resolved"])
        status = np.full(patient.size, STATUS["confirmed"])
        rule_code = self.code[rule.name]
        found = made(rule_code, patient, onset, onset, end, status, reason, severity)
        begun = onset <= self.block.as_of
        return found if begun.all() else found.take(begun)
