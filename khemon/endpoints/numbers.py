"""The numbers the endpoints use, as they stand in endpoints.toml, each with its unit and where it comes from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, ValidationError, model_validator

from khemon.models import Frozen, RulebookProblem
from khemon.rules.parameters import Days, Number, known_analyte, known_event

FOLDER = Path(__file__).parent

_Form = TypeVar("_Form", bound=Frozen)

Kind = Annotated[str, AfterValidator(known_event)]


class Statistics(Frozen):
    """What intervals and quartiles are made with."""

    confidence: Number
    half: Number
    quartile: Number


class Printing(Frozen):
    """How figures are rounded: khemon's own in one step, the paper's in two."""

    paper_first_decimals: Number
    percent_decimals: Number


class RuleNames(Frozen):
    """Rules of the protocol whose episodes and numbers are read."""

    response: str
    stabilization: str
    rebound: str
    band: str
    course: str


class Window(Frozen):
    """How far from the day of these weeks a measurement may lie."""

    weeks: tuple[int, ...]
    within: Days


class Weeks(Frozen):
    """Which weeks are told."""

    response: tuple[int, ...]
    fibrinogen: int
    response_source: str
    windows: tuple[Window, ...]

    @model_validator(mode="after")
    def _covered(self) -> Weeks:
        told = [week for week, _ in self.of_counts()]
        if len(set(told)) < len(told) or not {*self.response, self.fibrinogen} <= set(told):
            raise ValueError("windows: every week that is told has one")
        return self

    def of_counts(self) -> Iterator[tuple[int, int]]:
        """Each week with its window in days."""
        for window in self.windows:
            yield from ((week, window.within.count) for week in window.weeks)


class Baseline(Frozen):
    """How old a baseline may be."""

    platelets_within: Days
    measured_within: Days


class Visit(Frozen):
    """A visit of the trial: its day after day 0, and how far from it a measurement may lie."""

    day: Days
    within: Days


class LesionScheme(Frozen):
    """Limits of the classes of volume change, in per cent."""

    name: Literal["trial", "nct04775173"]
    cut: Number
    nearly_complete: Number
    complete: Number


class Lesion(Frozen):
    """Volumes, and what is made of their change."""

    volume: Kind
    schemes: tuple[LesionScheme, ...]
    same_unit: dict[str, tuple[str, ...]]

    def unit_of(self, text: str) -> str:
        """A unit in one spelling; the text itself where it is not known."""
        return next((unit for unit, spelled in self.same_unit.items() if text in spelled), text)


class QualityOfLife(Frozen):
    """Scores, and how much better is better."""

    event: Kind
    improved_by: Number
    infant_scales_until: Days


class Products(Frozen):
    """Which events are blood products, from how long before day 0 they are counted, and per how many days."""

    events: tuple[Kind, ...]
    before_day0: Days
    per: Days


class Stopping(Frozen):
    """What says that treatment was given up, and why."""

    event: Kind
    lack_of_efficacy: tuple[str, ...]


class Prednisolone(Frozen):
    """The drug, and to which arms it belongs."""

    drug: Kind
    allocated: tuple[str, ...]
    allocated_unless: tuple[str, ...]

    def belongs_to(self, arm: str) -> bool:
        """Whether the drug is part of the treatment of an arm of that name."""
        name = arm.casefold()
        return any(word in name for word in self.allocated) and not any(word in name for word in self.allocated_unless)


class Interventions(Frozen):
    """What else is done against the disease itself."""

    own: Literal[True]
    drugs: tuple[Kind, ...]
    noted: tuple[Kind, ...]
    words: tuple[str, ...]


class Levels(Frozen):
    """The drug whose troughs are held against a band."""

    analyte: Annotated[str, AfterValidator(known_analyte)]
    drug: Kind


class EndpointNumbers(Frozen):
    """The whole of endpoints.toml."""

    name: str
    version: str
    statistics: Statistics
    printing: Printing
    rules: RuleNames
    weeks: Weeks
    baseline: Baseline
    month_12: Visit
    month_24: Visit
    lesion: Lesion
    quality_of_life: QualityOfLife
    products: Products
    stopping: Stopping
    prednisolone: Prednisolone
    interventions: Interventions
    sirolimus: Levels


def read_toml(path: Path, form: type[_Form]) -> _Form:
    """A file of this folder in its form. RulebookProblem names the field that is wrong."""
    try:
        return form.model_validate(tomllib.loads(path.read_text("utf-8"), parse_float=Decimal))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RulebookProblem(f"{path.name}, {field}", first["msg"], "mend it") from error


@cache
def endpoint_numbers() -> EndpointNumbers:
    """The numbers that come with khemon."""
    return read_toml(FOLDER / "endpoints.toml", EndpointNumbers)
