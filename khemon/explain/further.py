"""The rules of section 3.7 in words: what was seen or not seen, never what to do about it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import numpy as np

from khemon.explain.courses import days_between, passed_over
from khemon.explain.evidence import AnyRule, Stretch
from khemon.explain.knowing import Looked
from khemon.explain.looking import Point
from khemon.explain.naming import Naming, capital, elapsed, label
from khemon.models import QUALITIES, ChosenBand
from khemon.rules.bands import chosen
from khemon.rules.calendar import MS_PER_DAY
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
from khemon.rules.rulebook import Number
from khemon.rules.series import Ints


class FurtherWording:
    """Sentences about the episodes of section 3.7 of one evaluation."""

    def __init__(self, looked: Looked, naming: Naming) -> None:
        self.looked = looked
        self.naming = naming
        self._why: dict[str, dict[str, str]] = {}

    def text(self, stretch: Stretch, rule: AnyRule) -> str:
        """What a rule of section 3.7 says about this stretch."""
        if isinstance(rule, TrendRule):
            return self._trend(stretch, rule)
        if isinstance(rule, DropRule):
            return self._drop(stretch, rule)
        if isinstance(rule, AsideRule):
            return self._aside(stretch, rule)
        if isinstance(rule, MissingRule):
            return self._missing(stretch, rule)
        if isinstance(rule, SettledRule):
            return self._settled(stretch, rule)
        if isinstance(rule, CourseRule):
            return self._course(stretch, rule)
        if isinstance(rule, BandRule):
            return self._band(stretch, rule)
        if isinstance(rule, CountsDueRule):
            return self._counts_due(stretch, rule)
        if isinstance(rule, LevelsDueRule):
            return self._levels_due(stretch, rule)
        assert isinstance(rule, QuestionRule)
        return self._question(stretch, rule)

    def _values(self, points: list[Point]) -> str:
        return ", ".join(self.naming.value(point) for point in points)

    def _number(self, point: Point) -> Decimal | None:
        """The canonical number of a result without a comparator."""
        try:
            return Decimal(self.naming.value(point))
        except InvalidOperation:
            return None

    def _trend(self, stretch: Stretch, rule: TrendRule) -> str:
        points, below_median, along_line = self.looked.fall(rule, stretch)
        *before, now = points
        limit = self.looked.knowing.run_rule(rule.run).limit.words
        reasons = []
        if below_median:
            previous = before[-rule.of_previous.count :]
            percent = (1 - rule.falls_to.value).scaleb(2).normalize()
            reasons.append(f"{percent:f} % or more below the median of {self._values(previous)}, and below the last")
        if along_line:
            line = points[-rule.line_samples.count :]
            reach = f"{limit} within {rule.line_reaches_within.words} days"
            reasons.append(f"the line through {self._values(line)} reaches {reach}")
        text = f"{capital(self.naming.labeled(now))} on {self.naming.moment(now.time)}: {'; '.join(reasons)}"
        later = self.looked.counts(rule, stretch.patient, now.time + 1, stretch.last_inside)
        text += f"; latest {self.naming.value(later[-1])}" if later else ""
        return f"{text} (khemon's heuristic, unvalidated)"

    def _drop(self, stretch: Stretch, rule: DropRule) -> str:
        now = self.naming.book.series(rule.analyte).latest(stretch.patient, stretch.last_inside)
        assert now is not None
        certain, before = self.looked.drop(rule, stretch.patient, now.time)
        ago = elapsed(now.time - before[0].time)
        said = f"{capital(self.naming.labeled(now))}, {' and '.join(map(self.naming.value, before))} {ago} before"
        first, last = self._number(before[0]), self._number(now)
        if len(before) == 1 and first is not None and last is not None:
            return f"{said}: {first - last} lower (a bleed, or the sample)"
        if certain:
            return f"{said}: at least {rule.by.words} lower (a bleed, or the sample)"
        return f"{said}: cannot tell whether at least {rule.by.words} lower (a bleed, or the sample)"

    def _aside(self, stretch: Stretch, rule: AsideRule) -> str:
        parts = []
        verb = "cannot" if stretch.end is None else "could not"
        for analyte, row in self.looked.set_aside(rule, stretch, stretch.last_inside).items():
            spoiled = ", ".join(dict.fromkeys(QUALITIES[quality].replace("_", " ") for _, quality in row))
            samples = f"{len(row)} sample{'s' if len(row) > 1 else ''} set aside"
            reported = self._values([point for point, _ in row])
            since = self.naming.moment(row[0][0].time)
            parts.append(f"{label(analyte)} {verb} be told since {since}: {samples} ({spoiled}; reported {reported})")
        return capital("; ".join(parts))

    def _missing(self, stretch: Stretch, rule: MissingRule) -> str:
        lead, companions = self.looked.companions(rule, stretch)
        absent = " and ".join(label(name) for name, point in companions.items() if point is None)
        text = f"{capital(absent)} not measured within {rule.within.words} {rule.within.unit}"
        return f"{text}: {self.naming.named(lead, rule)}"

    def _settled(self, stretch: Stretch, rule: SettledRule) -> str:
        row = self.looked.run_samples(rule, stretch)
        _, day = self.looked.course(rule.drug, self._joins(rule.drug), stretch.patient, stretch.last_inside)
        seen = f"{self.naming.date(row[0].time)} to {self.naming.date(row[-1].time)}"
        counts = f"{label(row[0].analyte)} {self._values(row)} from {seen}"
        text = f"{capital(rule.criterion)}; on {label(rule.drug)}, day {day}; {counts}"
        within = self.naming.book.protocol.common.current_within
        current = self.naming.book.series(rule.names).latest(stretch.patient, stretch.last_inside)
        if current is None:
            return f"{text}; {label(rule.names)} not measured"
        named = f"{self.naming.labeled(current)} on {self.naming.moment(current.time)}"
        named += f", {self.naming.support(stretch.patient, current)}" if current.supported else ""
        named += ", preliminary" if current.preliminary else ""
        if stretch.last_inside - current.time <= within.ms:
            return f"{text}; {named}"
        return f"{text}; {label(rule.names)} not measured within {within.words} {within.unit} (last {named})"

    def _joins(self, drug: str) -> int:
        """After how many days without the drug the rule about the length of its courses still counts on."""
        rules = self.naming.book.protocol.rules.values()
        joins = (rule.joins_within for rule in rules if isinstance(rule, CourseRule) and rule.drug == drug)
        return next((each.count for each in joins if each is not None), 0)

    def _course(self, stretch: Stretch, rule: CourseRule) -> str:
        if rule.without is not None:
            first = self.looked.first_given(rule, stretch.patient)
            day = days_between(self.naming, first, stretch.last_inside)
            return f"On {label(rule.drug)}, day {day}; no prophylaxis of any agent recorded ({rule.criterion})"
        assert rule.joins_within is not None
        _, day = self.looked.course(rule.drug, rule.joins_within.count, stretch.patient, stretch.last_inside)
        return f"{capital(label(rule.drug))} day {day}; {rule.criterion}"

    def _band(self, stretch: Stretch, rule: BandRule) -> str:
        levels = self.looked.levels(rule, stretch.patient, stretch.onset, stretch.last_inside)
        time = levels[-1][0].time
        certain = self.looked.certain(rule, stretch, time)
        # Only a trough is certainly outside: a level of unstated timing may have been taken at any hour.
        latest = [level for level in levels if level[0].time == time and (level[1] or not certain)]
        # Each level of one time is judged: the sentence names the one that lies furthest outside.
        furthest = max if rule.side == "above" else min
        point, trough = furthest(latest)
        kind = "trough " if trough else ""
        unstated = "" if trough else ", timing not stated"
        text = f"{capital(label(rule.analyte))} {kind}{self.naming.value(point)}"
        if stretch.confirmed_at is None:
            text += f": cannot tell whether {rule.side} the {self._target(stretch, rule)}"
        else:
            text += f": {rule.side} the {self._target(stretch, rule)}"
            text += "" if certain else " before; cannot tell whether it still is"
        return text + unstated

    def _target(self, stretch: Stretch, rule: BandRule) -> str:
        """'chosen band 10-15 (trial; chosen by Dr. Lee)'."""
        low, high = chosen(self.naming.book.patients, _one(stretch.patient), rule)
        limits = self.naming.book.patients.target_low
        picked = limits is not None and limits[stretch.patient] == limits[stretch.patient]
        targets = self.naming.book.targets
        written = "" if targets is None else targets[stretch.patient]
        if not picked:
            why = "the recorded target cannot be read" if written else "no chosen band is on record"
            return f"band {rule.unchosen.low.words}-{rule.unchosen.high.words} ({rule.unchosen.called}; {why})"
        bounds = (float(low[0]), float(high[0]))
        called = next((t.called for t in rule.known if (t.low.limit, t.high.limit) == bounds), "custom")
        band = ChosenBand.read(written)
        who = f"chosen by {band.chosen_by}" if band is not None and band.chosen_by else "who chose it is not recorded"
        return f"chosen band {bounds[0]:g}-{bounds[1]:g} ({called}; {who})"

    def _why_due(self, rule: CountsDueRule) -> dict[str, str]:
        """Why a count is due, in words by what the rule found."""
        low = self.looked.knowing.run_rule(rule.run).limit.words
        return {
            "close": f"{_whose(rule.close)}: every {_span(rule.close)} after a count below {rule.close_below.words} "
            "or lifted by a transfusion",
            "every": f"{_whose(rule.every)}: every {_span(rule.every)}",
            "never_low": f"{_whose(rule.never_low)}: every {_span(rule.never_low)} while never below {low}",
            "unconfirmed": f"{_whose(rule.unconfirmed)}: every {_span(rule.unconfirmed)} until the response "
            "is confirmed",
            "grid": "trial: visits",
            "step": f"{_whose(rule.step_every)}: every {_span(rule.step_every)} after a taper step, a hold, the end "
            "of a course, or a dose that cannot be compared with the one before",
        }

    def _counts_due(self, stretch: Stretch, rule: CountsDueRule) -> str:
        since, why = self.looked.due(rule, stretch)
        if rule.name not in self._why:
            self._why[rule.name] = self._why_due(rule)
        told = self._why[rule.name]
        text = f"No count for {unseen_words(stretch.until - since)} ({told[why]}){self._latest(stretch, rule, since)}"
        [limb] = self.naming.book.limbs(self.looked.knowing.run_rule(rule.run))
        return text + passed_over(self.naming, stretch, limb, since, stretch.last_inside)

    def _latest(self, stretch: Stretch, rule: CountsDueRule, since: int) -> str:
        analyte = self.looked.knowing.run_rule(rule.run).analyte
        points = self.naming.book.series(analyte).between(stretch.patient, since, since)
        if not points:
            return f"; no counted result since day 0, {self.naming.date(since)}"
        return f"; last {self.naming.labeled(points[0])} on {self.naming.moment(since)}"

    def _levels_due(self, stretch: Stretch, rule: LevelsDueRule) -> str:
        since, _ = self.looked.due(rule, stretch)
        began, _ = self.looked.course(rule.drug, rule.joins_within.count, stretch.patient, stretch.last_inside)
        weeks = ", ".join(map(str, rule.grid.weeks))
        every = rule.grid.then_every
        then = f", then every {every.words}" if every else ""
        whose = _whose(every) if every else "trial"
        text = (
            f"No {label(rule.analyte)} level for {unseen_words(stretch.until - since)} ({whose}: weeks {weeks}{then})"
        )
        return f"{text}; course since {self.naming.date(began)}"

    def _question(self, stretch: Stretch, rule: QuestionRule) -> str:
        parts = []
        for asked in self.looked.questions(rule, stretch):
            before = f" (before that {self.naming.value(asked.before)})" if asked.before is not None else ""
            when = self.naming.moment(asked.point.time)
            parts.append(f"{self.naming.labeled(asked.point)} on {when}{before}: {asked.words}")
        return capital("; ".join(parts))


def _one(patient: int) -> Ints:
    return np.array([patient], np.int64)


def _whose(number: Number) -> str:
    return number.set_by or ("khemon" if number.own else "trial")


def _span(number: Number) -> str:
    """'2 days', '24 h'."""
    days, rest = divmod(number.ms, MS_PER_DAY)
    return f"{days} days" if not rest and days > 1 else f"{number.words} {number.unit}"


def unseen_words(ms: int) -> str:
    """'61 h', from five days on '12 d'."""
    days = ms // MS_PER_DAY
    return f"{days} d" if days >= 5 else elapsed(ms)
