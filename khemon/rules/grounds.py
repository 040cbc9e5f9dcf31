"""What rules are made of: numbers with a unit and a source, comparisons, and what every rule says about itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import field_validator, model_validator

from khemon.models import EVENT_KINDS, Frozen, Severity
from khemon.rules.calendar import MS_PER_UNIT
from khemon.units import ANALYTES

Test = Literal["<", ">", ">="]


class Number(Frozen):
    """One protocol parameter: exact value, unit, and either a source or the mark that it is khemon's own."""

    value: Decimal
    unit: str
    source: str | None = None
    own: bool = False

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


def known_analyte(name: str) -> str:
    """The name, if it is an analyte; ValueError otherwise."""
    if name not in ANALYTES:
        raise ValueError(f"unknown analyte {name!r}")
    return name


class Comparison(Frozen):
    """A test of one analyte against a limit in that analyte's canonical unit."""

    analyte: str
    test: Test = "<"
    limit: Number

    @model_validator(mode="after")
    def _units_agree(self) -> Comparison:
        canonical = ANALYTES[known_analyte(self.analyte)].canonical_unit
        if self.limit.unit != canonical:
            raise ValueError(f"limit: unit {self.limit.unit!r}, but {self.analyte} is in {canonical}")
        return self


class EventLimb(Frozen):
    """A limb of an any_of rule that holds while an event is open."""

    event: str

    @field_validator("event")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in EVENT_KINDS:
            raise ValueError(f"unknown event kind {kind!r}")
        return kind


class Raised(Frozen):
    """A higher severity of a point rule below a second limit, unless another rule's episode is open."""

    severity: Severity
    limit: Number
    unless_open: tuple[str, ...] = ()


class RuleBase(Frozen):
    """What every rule says about itself."""

    name: str
    title: str
    words: str
    severity: Severity
    source: str
    misleads_if: str = ""
