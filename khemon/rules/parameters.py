"""The numbers of the rulebook, and what they may be measured in."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, model_validator

from khemon.models import EVENT_KINDS, Frozen
from khemon.rules.calendar import MS_PER_UNIT
from khemon.units import ANALYTES


class Number(Frozen):
    """One protocol parameter: exact value, unit, and either a source or the mark that it is khemon's own.

    set_by: the protocol of a site that put it in the place of its base's number.
    """

    value: Decimal
    unit: str
    source: str | None = None
    own: bool = False
    set_by: str | None = None

    @model_validator(mode="after")
    def _sourced(self) -> Number:
        if self.own == (self.source is not None):
            raise ValueError("a number has either a source or own = true")
        return self

    @property
    def limit(self) -> float:
        """The value as the float that results are compared with."""
        return float(self.value)

    @property
    def ms(self) -> int:
        """The duration in milliseconds; the unit is `min`, `h` or `d`."""
        return int(self.value * MS_PER_UNIT[self.unit])

    @property
    def count(self) -> int:
        """The value as a whole number of days or samples."""
        return int(self.value)

    @property
    def words(self) -> str:
        """The value as printed, without an exponent."""
        return format(self.value.normalize(), "f")


def _counted_in(*units: str, whole: bool = False) -> Callable[[Number], Number]:
    """A check that a number is in one of the units and not negative; whole, where a part of one means nothing."""

    def checked(number: Number) -> Number:
        if number.unit not in units:
            raise ValueError(f"unit {number.unit!r}, but it is counted in {' or '.join(units)}")
        if number.value < 0 or (whole and number.value % 1):
            raise ValueError(f"{number.words} is {'no whole number' if number.value > 0 else 'negative'}")
        return number

    return checked


#: Calendar days: a difference of dates, so never hours.
Days = Annotated[Number, AfterValidator(_counted_in("d", whole=True))]
Samples = Annotated[Number, AfterValidator(_counted_in("1", whole=True))]
#: Elapsed time.
Elapsed = Annotated[Number, AfterValidator(_counted_in(*MS_PER_UNIT))]


def known_analyte(name: str) -> str:
    """The name, if a rule can read that analyte."""
    if name not in ANALYTES or not ANALYTES[name].has_rules:
        raise ValueError(f"unknown analyte {name!r}")
    return name


def check_unit(field: str, analyte: str, number: Number) -> None:
    """Refuses a limit that is not in the canonical unit of the analyte it is compared with."""
    canonical = ANALYTES[known_analyte(analyte)].canonical_unit
    if number.unit != canonical:
        raise ValueError(f"{field}: unit {number.unit!r}, but {analyte} is in {canonical}")


def known_event(kind: str) -> str:
    """The kind, if there is one of that name."""
    if kind not in EVENT_KINDS:
        raise ValueError(f"unknown event kind {kind!r}")
    return kind
