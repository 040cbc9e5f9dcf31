"""An episode in words: criteria and numbers, never advice."""

from __future__ import annotations

from khemon.explain.courses import rebound_text, run_text
from khemon.explain.evidence import Stretch, closing, currents, inside
from khemon.explain.further import FurtherWording
from khemon.explain.holding import holding_limbs
from khemon.explain.knowing import Looked
from khemon.explain.looking import Book, Givens, Point
from khemon.explain.naming import Naming, capital, label
from khemon.rules.logic import TRUE, UNKNOWN
from khemon.rules.rulebook import FURTHER, AllOfRule, AnyOfRule, Comparison, PointRule, RunRule


class Wording:
    """Sentences about episodes of one evaluation."""

    def __init__(self, book: Book, givens: Givens) -> None:
        self.book = book
        self.naming = Naming(book, givens)
        self.further = FurtherWording(Looked(book), self.naming)

    def text(self, stretch: Stretch) -> str:
        """What the rule says about this stretch, with the numbers it says it on."""
        rule = stretch.rule
        if isinstance(rule, PointRule):
            return self._point(stretch, rule)
        if isinstance(rule, AnyOfRule):
            return self._any_of(stretch, rule)
        if isinstance(rule, AllOfRule):
            return self._confirmed(stretch, rule) if stretch.confirmed_at is not None else self._possible(stretch, rule)
        if isinstance(rule, RunRule):
            return run_text(self.naming, stretch, rule)
        if isinstance(rule, FURTHER):
            return self.further.text(stretch, rule)
        return rebound_text(self.naming, stretch)

    def _point(self, stretch: Stretch, rule: PointRule) -> str:
        [limb] = self.book.limbs(rule)
        series = self.book.series(rule.analyte)
        points = inside(self.book, stretch, rule.analyte)
        latest = points[-1]
        text = capital(self.naming.named(latest, limb))
        if stretch.confirmed_at is not None and series.verdict(latest, limb) == UNKNOWN:
            certain = [point for point in points if series.verdict(point, limb) == TRUE][-1]
            text += f"; before that {self.naming.value(certain)} on {self.naming.moment(certain.time)}"
        if rule.neonate_text and self._is_neonate_value(stretch.patient, latest):
            text += rule.neonate_text.format(neonate_limit=self.book.protocol.common.neonate_d_dimer_up_to.words)
        return text + self._lifted(stretch, (limb,))

    def _lifted(self, stretch: Stretch, limbs: tuple[Comparison, ...]) -> str:
        """The transfusion that ended it, when one did."""
        if stretch.end_reason != "supported":
            return ""
        assert stretch.end is not None
        return self.naming.lifted(stretch, self._at(stretch.patient, limbs, stretch.end))

    def _at(self, patient: int, limbs: tuple[Comparison, ...], time: int) -> list[Point]:
        found = [self.book.series(limb.analyte, limb).between(patient, time, time) for limb in limbs]
        return [point for points in found for point in points]

    def _is_neonate_value(self, patient: int, point: Point) -> bool:
        common = self.book.protocol.common
        age = self.book.age_days(patient, point.time)
        return age is not None and age < common.neonate_under.count and point.high <= common.neonate_d_dimer_up_to.limit

    def _any_of(self, stretch: Stretch, rule: AnyOfRule) -> str:
        holding = holding_limbs(self.book, stretch, rule)
        parts = [self.naming.named(point, limb) for limb, point in holding.results]
        parts += [f"{label(kind)} recorded since {self.naming.moment(start)}" for kind, start in holding.events]
        over = stretch.end is not None
        if stretch.confirmed_at is None:
            told = (
                f"{'Could not' if over else 'Cannot'} tell whether the {rule.criterion} {'was' if over else 'is'} met"
            )
        elif over or holding.certain:
            told = f"{'Met' if over else 'Meets'} {rule.criterion}"
        else:
            told = f"Met {rule.criterion}; cannot tell whether it is still met"
        text = f"{told}: {'; '.join(parts)}"
        if not holding.fresh and not over:
            text += f"; not rechecked since {self.naming.moment(holding.since)}"
        return text + self._lifted(stretch, rule.comparisons)

    def _name(self, stretch: Stretch, rule: AllOfRule) -> str:
        known = self.book.diagnosed[stretch.patient]
        return (rule.name_words if known else rule.pattern_words) or rule.title[:1].lower() + rule.title[1:]

    def _confirmed(self, stretch: Stretch, rule: AllOfRule) -> str:
        """The values that confirmed it, later ones, what ended it, what was not counted."""
        at = stretch.confirmed_at
        assert at is not None
        at_once = {point.analyte: point for point in currents(self.book, stretch.patient, rule.limbs, at)}
        parts = [self.naming.named(at_once[limb.analyte], limb) for limb in rule.limbs]
        later = []
        for limb in rule.limbs:
            counted = self.book.series(limb.analyte, limb).latest(stretch.patient, stretch.last_inside, counted=True)
            if counted is not None and counted.time > at:
                later.append(self.naming.named(counted, limb))
        text = f"{capital(self._name(stretch, rule))}: {', '.join(parts)}"
        text += f"; latest {', '.join(later)}" if later else ""
        recent = stretch.last_inside - self.book.protocol.common.current_within.ms
        text += "".join(f"; {words}" for words in self._not_counted(stretch, rule, recent).values())
        text += self._ended(stretch, rule, "ended")
        claims = stretch.closed_at is not None and rule.resolves_on == (rule.leading,)
        return text + (self.naming.unadjusted(stretch.patient) if claims else "")

    def _ended(self, stretch: Stretch, rule: AllOfRule, verb: str) -> str:
        """The values that ended it."""
        named = [self.naming.named(point, limb) for point, limb in closing(self.book, stretch, rule)]
        if not named:
            return ""
        assert stretch.closed_at is not None
        return f"; {verb} on {self.naming.moment(stretch.closed_at)} by {', '.join(named)}"

    def _possible(self, stretch: Stretch, rule: AllOfRule) -> str:
        """Why an AND is undecided (not counted, missing, cannot tell), and the values that are known."""
        time = self.book.last_evaluation(stretch.patient, rule, stretch.last_inside)
        within = self.book.protocol.common.current_within
        set_aside = self._not_counted(stretch, rule, time - within.ms)
        missing: list[str] = []
        reasons: list[str] = []
        known: list[str] = []
        for limb in rule.limbs:
            series = self.book.series(limb.analyte, limb)
            counted = series.latest(stretch.patient, time, within.ms, counted=True)
            if counted is not None:
                undecided = series.verdict(counted, limb) == UNKNOWN
                (reasons if undecided else known).append(self.naming.named(counted, limb))
            elif limb.analyte not in set_aside:
                missing.append(label(limb.analyte))
        if missing:
            reasons.append(f"{' and '.join(missing)} not measured within {within.words} {within.unit}")
        verb = "cannot" if stretch.end is None else "could not"
        text = capital("; ".join([*set_aside.values(), *reasons])) + (": " if reasons else "; ")
        text += f"{self._name(stretch, rule)} {verb} be excluded"
        text += f"; {', '.join(known)}" if known else ""
        return text + self._ended(stretch, rule, "excluded")

    def _not_counted(self, stretch: Stretch, rule: AllOfRule, since: int) -> dict[str, str]:
        """By analyte the latest result that does not count, where it is newer than `since` and than what counts."""
        found = {}
        for limb in rule.limbs:
            series = self.book.series(limb.analyte, limb)
            latest = series.latest(stretch.patient, stretch.last_inside, stretch.last_inside - since)
            if latest is not None and latest.neutral:
                found[limb.analyte] = self.naming.not_counted(stretch.patient, latest)
        return found
