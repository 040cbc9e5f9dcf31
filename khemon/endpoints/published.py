"""What the trial printed, and the same recomputed from its counts: every figure with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Literal

from pydantic import Field, model_validator

from khemon.endpoints.numbers import FOLDER, endpoint_numbers, read_toml
from khemon.endpoints.proportions import Difference, difference_of_proportions, fisher_p
from khemon.models import Frozen


class PublishedGroup(Frozen):
    """An arm as randomized."""

    n: int = Field(gt=0)
    title: str


class PublishedProportion(Frozen):
    """A proportion of each arm as printed, with the printed difference where the text has one; in per cent.

    also: further readings of the endpoint that the same figure may stand for.
    """

    endpoint: str
    also: tuple[str, ...] = ()
    counts: dict[str, int]
    counts_from: Literal["text", "percentages"]
    percent: dict[str, Decimal]
    of: str | None = None
    minus: str | None = None
    difference: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    source: str

    @model_validator(mode="after")
    def _whole(self) -> PublishedProportion:
        parts = (self.of, self.minus, self.difference, self.low, self.high)
        if any(part is None for part in parts) and any(part is not None for part in parts):
            raise ValueError("a printed difference has of, minus, difference, low and high")
        return self


class PublishedTotal(Frozen):
    """A count over all randomized patients."""

    endpoint: str
    count: int
    of: int
    source: str


class PublishedValue(Frozen):
    """A value of each arm that is no proportion."""

    endpoint: str
    what: str
    unit: str
    values: dict[str, Decimal]
    p: str | None = None
    source: str


class Published(Frozen):
    """The whole of published.toml."""

    source: str
    groups: dict[str, PublishedGroup]
    proportion: tuple[PublishedProportion, ...]
    total: tuple[PublishedTotal, ...]
    value: tuple[PublishedValue, ...]

    def proportion_of(self, endpoint: str) -> PublishedProportion | None:
        """What was printed for an endpoint, if anything was."""
        return next((row for row in self.proportion if endpoint in (row.endpoint, *row.also)), None)

    def value_of(self, endpoint: str) -> PublishedValue | None:
        """The printed value of an endpoint that is no proportion, if there is one."""
        return next((row for row in self.value if row.endpoint == endpoint), None)


@cache
def published() -> Published:
    """What the trial printed."""
    return read_toml(FOLDER / "published.toml", Published)


@dataclass(frozen=True, slots=True)
class Cell:
    """One recomputed figure in per cent: in full, rounded once, rounded as the paper did, and as printed."""

    name: str
    full: float
    rounded: Decimal
    paper: Decimal
    printed: Decimal

    @property
    def rounded_once_differs(self) -> bool:
        """Whether only the paper's rounding gives what it printed."""
        return self.rounded != self.printed


@dataclass(frozen=True, slots=True)
class Reproduced:
    """A published difference recomputed from counts, with Fisher's p, which the paper does not print."""

    row: PublishedProportion
    counts: tuple[int, int, int, int]
    cells: tuple[Cell, Cell, Cell]
    fisher_p: float

    @property
    def matches(self) -> bool:
        """Whether all three figures are the printed ones, with the paper's rounding."""
        return all(cell.paper == cell.printed for cell in self.cells)


def reproduced() -> tuple[Reproduced, ...]:
    """Every difference the trial printed, recomputed from its counts."""
    return tuple(_recomputed(row) for row in published().proportion if row.difference is not None)


def _recomputed(row: PublishedProportion) -> Reproduced:
    groups = published().groups
    assert row.of and row.minus and row.difference is not None and row.low is not None and row.high is not None
    counts = (row.counts[row.of], groups[row.of].n, row.counts[row.minus], groups[row.minus].n)
    found = difference_of_proportions(*counts)
    first, second, third = (
        Cell(name, float(Decimal(fraction).scaleb(2)), percent(fraction), percent_as_printed(fraction), printed)
        for name, fraction, printed in zip(Difference._fields, found, (row.difference, row.low, row.high), strict=True)
    )
    return Reproduced(row, counts, (first, second, third), fisher_p(*counts))


def percent(fraction: float) -> Decimal:
    """A fraction in per cent, rounded half up in one step: khemon's own figures."""
    return _half_up(Decimal(fraction).scaleb(2), endpoint_numbers().printing.percent_decimals.count)


def percent_as_printed(fraction: float) -> Decimal:
    """A fraction in per cent as the paper rounded: half up to four decimals, then half up to a tenth of a per cent."""
    printing = endpoint_numbers().printing
    first = _half_up(Decimal(fraction), printing.paper_first_decimals.count)
    return _half_up(first.scaleb(2), printing.percent_decimals.count)


def _half_up(number: Decimal, decimals: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
