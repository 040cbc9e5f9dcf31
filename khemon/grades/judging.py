"""The grade of one value: certain for everything it and its limits may be, or what keeps it from being told.

A grade only rises when the value gets worse or its limits move towards it. So the best and the worst case stand at the
ends of the ranges, and a grade is certain where both cases have it.
"""

from __future__ import annotations

from dataclasses import dataclass

from khemon.grades.criteria import REFERENCE_WORDS, Criteria, Reference, Step, Term
from khemon.grades.ranges import NOT_GIVEN, Position, Range, scaled
from khemon.units import ANALYTES, unit_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A value and what the laboratory gave with it; all in one unit, which is listed for the analyte."""

    analyte: str
    unit: str
    value: Range
    lln: Range | None = None
    uln: Range | None = None
    baseline: Range | None = None

    def reference(self, name: Reference) -> Range | None:
        """The limit of normal or the baseline of that name."""
        return {"lln": self.lln, "uln": self.uln, "baseline": self.baseline}[name]


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade from 0, or None when it cannot be told; the term; and why.

    `in_doubt`: what was given contradicts itself, and a person must look.
    """

    grade: int | None
    term: str | None
    reason: str
    in_doubt: bool = False


def grade_of(criteria: Criteria, sample: Sample) -> Grade:
    """The laboratory grade of a sample by its analyte's term; no grade where the criteria have no such term."""
    term = criteria.terms.get(sample.analyte)
    if term is None:
        return Grade(None, None, f"no term of {criteria.title} is graded for {ANALYTES[sample.analyte].label}")
    if contradiction := _contradiction(term, sample):
        return Grade(None, term.term, contradiction, in_doubt=True)
    steps = _judged_steps(term, sample)
    least, most = _passed(term, steps, sample, worst=False), _passed(term, steps, sample, worst=True)
    lowest, highest = _highest(least), _highest(most)
    if lowest != highest:
        return Grade(None, term.term, _undecided(term, steps, sample, lowest, highest))
    return Grade(lowest, term.term, _decided(term, least, sample, lowest))


def _contradiction(term: Term, sample: Sample) -> str:
    """Why the given limits cannot be true, empty if they can."""
    for name in term.references:
        given = sample.reference(name)
        if given is not None and not given.high[0]:
            return f"the {REFERENCE_WORDS[name]} is zero, and nothing can be a multiple of it"
    if sample.lln and sample.uln and sample.lln.low > sample.uln.high:
        return "the lower limit of normal lies above the upper"
    return ""


def _judged_steps(term: Term, sample: Sample) -> tuple[Step, ...]:
    """The steps that are looked at: all, or without those of a baseline that is not given and left out."""
    if sample.baseline is None and term.without_baseline == "left_out":
        return tuple(step for step in term.steps if step.of != "baseline")
    return term.steps


def _highest(steps: list[Step]) -> int:
    return max((step.grade for step in steps), default=0)


def _passed(term: Term, steps: tuple[Step, ...], sample: Sample, *, worst: bool) -> list[Step]:
    """The steps passed in the worst, or the best, case of everything the sample leaves open."""
    low_value = (term.worse == "lower") == worst
    value = scaled(_end(sample.value, low=low_value), unit_of(sample.analyte, sample.unit).factor)
    return [step for step in steps if _passes(term, step, value, _limit(step, sample, low=not low_value))]


def _passes(term: Term, step: Step, value: Position, limit: Position) -> bool:
    if value == limit:
        return step.reached
    return value < limit if term.worse == "lower" else value > limit


def _end(held: Range, *, low: bool) -> Position:
    return held.low if low else held.high


def _limit(step: Step, sample: Sample, *, low: bool) -> Position:
    """Where a step's limit lies, in the canonical unit: at its low or its high end where it is not known exactly."""
    fixed = step.fixed_limit(sample.analyte, sample.unit)
    if fixed is not None:
        return scaled((fixed.value, 0), unit_of(sample.analyte, fixed.unit).factor)
    assert step.of is not None
    assert step.times is not None
    end = _end(sample.reference(step.of) or NOT_GIVEN, low=low)
    return scaled(scaled(end, step.times), unit_of(sample.analyte, sample.unit).factor)


def _decided(term: Term, passed: list[Step], sample: Sample, grade: int) -> str:
    """Which limits the value is beyond, and what was not looked at."""
    deciding = [step for step in passed if step.grade == grade]
    words = [step.words(sample.analyte, sample.unit, term.worse) for step in deciding]
    reasons = [" and ".join(words) or "beyond no limit"]
    if grade and _is_normal(term, sample):
        reasons.append("inside the given limit of normal, which this grade does not look at")
    if sample.baseline is None and term.without_baseline == "left_out" and grade < term.highest:
        reasons.append("no baseline: a change from it is not judged")
    if term.not_graded and grade == term.highest:
        reasons.append(term.not_graded)
    return "; ".join(reasons)


def _is_normal(term: Term, sample: Sample) -> bool:
    """Whether the value is certainly not beyond the limit of normal on the side that is worse."""
    if term.worse == "lower":
        return sample.lln is not None and sample.value.low >= sample.lln.high
    return sample.uln is not None and sample.value.high <= sample.uln.low


def _undecided(term: Term, steps: tuple[Step, ...], sample: Sample, lowest: int, highest: int) -> str:
    """Which grades remain possible, and what keeps them so."""
    causes = []
    for name in term.references:
        own = tuple(step for step in steps if step.of == name)
        could_raise = _highest(_passed(term, own, sample, worst=True)) > lowest
        given = sample.reference(name)
        if not could_raise:
            continue
        if given is None:
            causes.append(f"no {REFERENCE_WORDS[name]} given")
        elif not given.is_exact:
            causes.append(f"the {REFERENCE_WORDS[name]} is not one number")
    if not sample.value.is_exact:
        causes.append("the value is not one number")
    between = "or" if highest == lowest + 1 else "to"
    return f"grade {lowest} {between} {highest} possible: {', '.join(causes)}"
