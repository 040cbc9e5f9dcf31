"""Grading criteria as data: terms and their steps from TOML, refused by file and field when something is wrong."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from khemon.models import Frozen, RulebookProblem
from khemon.units import ANALYTES, convert, decimal_text, unit_of

CRITERIA = Path(__file__).parent.parent / "criteria"

Reference = Literal["lln", "uln", "baseline"]
#: What a reference is called where a person reads of it.
REFERENCE_WORDS: dict[str, str] = {
    "lln": "lower limit of normal",
    "uln": "upper limit of normal",
    "baseline": "baseline",
}


class FixedLimit(Frozen):
    """A limit as the criteria print it in one unit."""

    value: Decimal = Field(gt=0)
    unit: str


class Step(Frozen):
    """A grade, and the limit a value must lie beyond (`reached`: or on): fixed, or a multiple of a reference."""

    grade: int = Field(ge=1)
    limits: tuple[FixedLimit, ...] = ()
    times: Decimal | None = Field(default=None, gt=0)
    of: Reference | None = None
    reached: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> Step:
        if (self.times is None) != (self.of is None) or bool(self.limits) == (self.of is not None):
            raise ValueError("a step has either limits, or both times and of")
        return self

    def fixed_limit(self, analyte: str, unit: str) -> FixedLimit | None:
        """The limit printed in a unit, the first when none is; None for a multiple."""
        same = (limit for limit in self.limits if unit_of(analyte, limit.unit) == unit_of(analyte, unit))
        return next(same, self.limits[0] if self.limits else None)

    def words(self, analyte: str, unit: str, worse: str) -> str:
        """The step as a person reads it: below 50 10*9/L, at or below 0.75 x baseline."""
        side = ("at or " if self.reached else "") + ("below" if worse == "lower" else "above")
        limit = self.fixed_limit(analyte, unit)
        if limit is not None:
            return f"{side} {decimal_text(limit.value)} {limit.unit}"
        assert self.times is not None
        multiple = "" if self.times == 1 else f"{decimal_text(self.times)} x "
        return f"{side} {multiple}{REFERENCE_WORDS[str(self.of)]}"


class Term(Frozen):
    """One term of the criteria: which side is worse, its steps, and what a value alone cannot show."""

    term: str
    worse: Literal["lower", "higher"]
    printed: tuple[str, ...] = Field(min_length=1)
    steps: tuple[Step, ...] = Field(min_length=1)
    without_baseline: Literal["left_out", "unknown"] | None = None
    not_graded: str = ""

    @property
    def references(self) -> tuple[Reference, ...]:
        """What the steps are multiples of."""
        return tuple(dict.fromkeys(step.of for step in self.steps if step.of))

    @property
    def highest(self) -> int:
        """The highest grade a value can have."""
        return max(step.grade for step in self.steps)

    @model_validator(mode="after")
    def _whole(self) -> Term:
        if ("baseline" in self.references) != (self.without_baseline is not None):
            raise ValueError("without_baseline is stated where a step is a multiple of the baseline, and only there")
        if self.highest > len(self.printed):
            raise ValueError("printed does not quote every grade")
        return self


class Criteria(Frozen):
    """A table of criteria: the terms by analyte, with name, version and source."""

    name: str
    version: str
    title: str
    source: str
    terms: dict[str, Term]

    @model_validator(mode="after")
    def _ordered(self) -> Criteria:
        for analyte, term in self.terms.items():
            if analyte not in ANALYTES:
                raise ValueError(f"unknown analyte {analyte!r}")
            for of in (None, *term.references):
                _check_order(analyte, term, of)
        return self


def _check_order(analyte: str, term: Term, of: Reference | None) -> None:
    """Nothing for a ladder whose limits get worse with the grade in every printed unit; else ValueError."""
    ladder = sorted((step for step in term.steps if step.of == of), key=lambda step: step.grade)
    for milder, worse in pairwise(ladder):
        before, after = _sizes(analyte, milder), _sizes(analyte, worse)
        if before.keys() != after.keys():
            raise ValueError(f"{analyte}: grades {milder.grade} and {worse.grade} are not printed in the same units")
        for unit, size in after.items():
            if size >= before[unit] if term.worse == "lower" else size <= before[unit]:
                raise ValueError(f"{analyte}: the limit of grade {worse.grade} is not worse than that before it")


def _sizes(analyte: str, step: Step) -> dict[str, Decimal]:
    """A step's limit in each printed unit, or its multiple; UnitProblem for a unit that is not listed."""
    if step.times is not None:
        return {str(step.of): step.times}
    return {limit.unit: convert(analyte, limit.value, limit.unit).value for limit in step.limits}


def _read(path: Path) -> dict[str, Any]:
    where = f"criteria {path.name}"
    try:
        return tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except OSError as error:
        known = ", ".join(sorted(found.stem for found in CRITERIA.glob("*.toml")))
        raise RulebookProblem(where, "the file cannot be read", f"name one of: {known}; or a file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulebookProblem(where, f"not TOML: {error}", "mend the file") from error


def load_criteria(name: str | Path = "ctcae-4.03") -> Criteria:
    """The criteria of that name, or of that file. RulebookProblem names file and field of what is wrong."""
    path = CRITERIA / f"{name}.toml"
    if path.parent != CRITERIA or not path.is_file():
        path = Path(name)
    try:
        return Criteria.model_validate(_read(path))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "criteria"
        raise RulebookProblem(f"criteria {path.name}, {field}", first["msg"], "mend this field") from error
