"""An episode in words: criteria and numbers, never advice."""

from __future__ import annotations

import numpy as np

from khemon.explain.evidence import Stretch, currents, informative
from khemon.explain.looking import Book, Givens, Point, limbs_of
from khemon.rules.calendar import day_numbers, from_ms
from khemon.rules.logic import TRUE, UNKNOWN
from khemon.rules.rulebook import MS_PER_UNIT, AllOfRule, AnyOfRule, Comparison, PointRule, ReboundRule, RunRule
from khemon.units import ANALYTES

_TRANSFUSIONS = "transfusions not recorded: unadjusted"


class Wording:
    """Sentences about episodes of one evaluation."""

    def __init__(self, book: Book, givens: Givens) -> None:
        self.book = book
        self.givens = givens

    def text(self, stretch: Stretch) -> str:
        """What the rule says about this stretch, with the numbers it says it on."""
        rule = stretch.rule
        if isinstance(rule, PointRule):
            return self._point(stretch, rule)
        if isinstance(rule, AnyOfRule):
            return self._any_of(stretch, rule)
        if isinstance(rule, AllOfRule):
            return self._all_of(stretch, rule)
        return self._run(stretch, rule) if isinstance(rule, RunRule) else self._rebound(stretch, rule)

    def moment(self, ms: int) -> str:
        """A time as the ward writes it."""
        return f"{from_ms(ms, self.book.timezone):%d %b %Y %H:%M}"

    def date(self, ms: int) -> str:
        """A day in ISO form."""
        return f"{from_ms(ms, self.book.timezone):%Y-%m-%d}"

    def value(self, point: Point) -> str:
        """The canonical value with its comparator."""
        return self.givens.given(point.row).canonical

    def named(self, point: Point, limb: Comparison) -> str:
        """'platelets 8 (<10)', or that it cannot be told."""
        label = _label(limb.analyte)
        verdict = self.book.series(limb.analyte).verdict(point, limb)
        told = f"({limb.test}{limb.limit.words})"
        if verdict == UNKNOWN:
            told = f"(cannot tell whether {limb.test}{limb.limit.words})"
        elif verdict != TRUE:
            told = f"(not {limb.test}{limb.limit.words})"
        marks = " (preliminary)" if point.preliminary else ""
        return f"{label} {self.value(point)} {told}{marks}"

    def _point(self, stretch: Stretch, rule: PointRule) -> str:
        limb = limbs_of(rule)[0]
        latest = self.book.series(rule.analyte).latest(stretch.patient, stretch.last_inside)
        if latest is None:
            return rule.title
        text = _capital(self.named(latest, limb))
        if stretch.end_reason == "supported":
            text += "; lifted by transfusion"
        if rule.neonate_text and self._is_neonate_value(stretch.patient, latest):
            text += rule.neonate_text.format(neonate_limit=self.book.protocol.common.neonate_d_dimer_up_to.words)
        return text

    def _is_neonate_value(self, patient: int, point: Point) -> bool:
        common = self.book.protocol.common
        age = self.book.age_days(patient, point.time)
        return age is not None and age < common.neonate_under.count and point.high <= common.neonate_d_dimer_up_to.limit

    def _any_of(self, stretch: Stretch, rule: AnyOfRule) -> str:
        holding = holding_limbs(self.book, stretch, rule)
        parts = [self.named(point, limb) for limb, point, _ in holding.results]
        parts += [f"{_label(kind)} recorded since {self.moment(start)}" for kind, start in holding.events]
        verb = "Meets" if stretch.confirmed_at is not None else "Cannot tell whether it meets"
        if stretch.end is not None:
            verb = "Met" if stretch.confirmed_at is not None else "Could not tell whether it met"
        text = f"{verb} {rule.criterion}: {'; '.join(parts)}"
        if not holding.fresh and stretch.end is None:
            text += f"; not rechecked since {self.moment(holding.since)}"
        return text + ("; lifted by transfusion" if stretch.end_reason == "supported" else "")

    def _all_of(self, stretch: Stretch, rule: AllOfRule) -> str:
        known = self.book.diagnosed[stretch.patient]
        name = (rule.name_words if known else rule.pattern_words) or rule.title
        if stretch.confirmed_at is not None:
            points = currents(self.book, stretch.patient, rule.limbs, stretch.confirmed_at)
            by_analyte = {point.analyte: point for point in points}
            parts = [self.named(by_analyte[limb.analyte], limb) for limb in rule.limbs if limb.analyte in by_analyte]
            ended = self._unadjusted(stretch) if stretch.end is not None and rule.resolves_on == (rule.leading,) else ""
            return f"{_capital(name)}: {', '.join(parts)}{ended}"
        time = self.book.last_evaluation(stretch.patient, rule, stretch.last_inside)
        reasons, parts = self._reasons(stretch.patient, rule, time)
        return f"{'; '.join(reasons) or 'Not decided'}: {name} cannot be excluded ({', '.join(parts)})"

    def _reasons(self, patient: int, rule: AllOfRule, time: int) -> tuple[list[str], list[str]]:
        """Why an AND is undecided (missing, undecided, not counted), and the values that are known."""
        within = self.book.protocol.common.current_within
        reasons, parts = [], []
        for limb in rule.limbs:
            series = self.book.series(limb.analyte, limb)
            counted = series.latest(patient, time, within.ms, counted=True)
            latest = series.latest(patient, time, within.ms)
            label = _capital(_label(limb.analyte))
            if latest is not None and latest.neutral and (counted is None or latest.time > counted.time):
                reasons.append(self._not_counted(patient, latest))
            if counted is None:
                if latest is None:
                    reasons.append(f"{label} not measured within {within.words} {within.unit}")
            else:
                parts.append(self.named(counted, limb))
                if series.verdict(counted, limb) == UNKNOWN:
                    reasons.append(f"{label} {self.value(counted)} is undecided")
        return reasons, parts

    def _not_counted(self, patient: int, point: Point) -> str:
        label = _label(point.analyte)
        why = "preliminary"
        if point.supported:
            products = self.book.protocol.common.supporting_products[point.analyte]
            given = [(span.end or span.start, kind) for kind in products for span in self.book.spans(patient, kind)]
            before = [(time, kind) for time, kind in given if time <= point.time]
            time, kind = max(before) if before else (point.time, products[0])
            why = f"{(point.time - time) // MS_PER_UNIT['h']} h after {_label(kind)}"
        return f"{label} {self.value(point)} on {self.moment(point.time)}, {why}: not counted"

    def _unadjusted(self, stretch: Stretch) -> str:
        return "" if self.book.has_transfusions(stretch.patient) else f"; {_TRANSFUSIONS}"

    def _days(self, first: int, last: int) -> int:
        start, stop = day_numbers(np.array([first, last]), self.book.timezone)
        return int(stop) - int(start)

    def _run(self, stretch: Stretch, rule: RunRule) -> str:
        limb = Comparison(analyte=rule.analyte, test=rule.test, limit=rule.limit)
        label, wanted = _label(rule.analyte), rule.lasts.words
        last = stretch.end if stretch.end is not None and stretch.end_reason == "gap" else stretch.last_inside
        samples = self.book.run_samples(stretch.patient, limb, stretch.onset, last)
        day = self._days(stretch.onset, samples[-1].time if samples else stretch.onset)
        text = f"{_capital(label)} {rule.test}{limb.limit.words} since {self.date(stretch.onset)}"
        counts = f"{len(samples)} results"
        if stretch.confirmed_at is not None:
            after = self._days(stretch.onset, stretch.confirmed_at)
            text += f", confirmed on {self.date(stretch.confirmed_at)} after {after} days"
            text += f"; ended on {self.date(stretch.end)}" if stretch.end is not None else ""
        elif stretch.end_reason == "gap":
            text += f": unproven after day {day} of {wanted}, no result for more than {rule.gap.words} days"
        elif stretch.end_reason == "broken" and stretch.end is not None:
            broke = self.book.series(rule.analyte).between(stretch.patient, stretch.end, stretch.end)
            since = self._days(stretch.onset, stretch.end)
            sign = "<" if rule.test == ">=" else "<="
            text = f"{_capital(label)} {self.value(broke[0])} ({sign}{limb.limit.words}) on day {since} of {wanted}"
        else:
            text += f": day {day} of {wanted}, {counts}"
        return text + self._unadjusted(stretch)

    def _rebound(self, stretch: Stretch, rule: ReboundRule) -> str:
        count = limbs_of(rule)[0]
        samples = informative(self.book, stretch, count, stretch.onset, stretch.last_inside)
        point = samples[0][0]
        response = self.book.response_before(stretch.patient, stretch.onset)
        after = f"confirmed on {self.date(response)}" if response is not None else "documented elsewhere"
        text = f"{_capital(self.named(point, count))} after a durable response {after}"
        lowest = min((sample for sample, _ in samples), key=lambda sample: sample.high)
        if lowest.high < point.high:
            text += f"; lowest {self.value(lowest)} on {self.date(lowest.time)}"
        return text + self._unadjusted(stretch)


class Holding:
    """Which limbs of a criterion hold at the last moment of a stretch."""

    def __init__(self) -> None:
        self.results: list[tuple[Comparison, Point, bool]] = []
        self.events: list[tuple[str, int]] = []
        self.fresh = False
        self.since = 0
        self.certain: list[str] = []
        self.certain_fresh: list[str] = []


def holding_limbs(book: Book, stretch: Stretch, rule: AnyOfRule) -> Holding:
    """The limbs that are true, or undecided when none is true, with their ages at the stretch's last moment."""
    found = Holding()
    recheck = book.protocol.common.not_rechecked_after.ms
    now, last = stretch.until, stretch.last_inside
    undecided = []
    for limb in rule.comparisons:
        point = book.series(limb.analyte).latest(stretch.patient, last)
        verdict = book.series(limb.analyte).verdict(point, limb) if point else None
        if point and verdict == TRUE:
            found.results.append((limb, point, True))
            found.certain.append(limb.analyte)
            found.certain_fresh += [limb.analyte] * (now - point.time <= recheck)
        elif point and verdict == UNKNOWN:
            undecided.append((limb, point, False))
    for kind in rule.events:
        for span in book.spans(stretch.patient, kind):
            if span.start <= last and (span.end is None or span.end > last):
                found.events.append((kind, span.start))
                found.certain.append(kind)
                found.certain_fresh += [kind] * (now - span.start <= recheck)
    if not found.certain:
        found.results = undecided
    times = [point.time for _, point, _ in found.results] + [start for _, start in found.events]
    found.since = max(times, default=stretch.onset)
    found.fresh = now - found.since <= recheck
    return found


def _label(name: str) -> str:
    """The everyday word for an analyte or an event kind, in the middle of a sentence."""
    if name in ANALYTES:
        label = ANALYTES[name].label
        return label if label.startswith("D-") else label[:1].lower() + label[1:]
    return name.replace("_", " ")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
