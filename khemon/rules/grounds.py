"""What rules are made of: comparisons, events, and what every rule says about itself."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, field_validator, model_validator

from khemon.models import Frozen, Severity
from khemon.rules.parameters import Number, check_unit, known_event

Test = Literal["<", ">", ">="]
#: Tests for what is not good, and for what is good.
BAD_BEYOND, GOOD_BEYOND = ("<", ">"), (">", ">=")


class Comparison(Frozen):
    """A test of one analyte against a limit in that analyte's canonical unit."""

    analyte: str
    test: Test = "<"
    limit: Number

    @model_validator(mode="after")
    def _units_agree(self) -> Comparison:
        check_unit("limit", self.analyte, self.limit)
        return self


class EventLimb(Frozen):
    """A limb of an any_of rule that holds while an event is open."""

    event: str

    @field_validator("event")
    @classmethod
    def _known(cls, kind: str) -> str:
        return known_event(kind)


class Raised(Frozen):
    """A higher severity of a point rule below a second limit, unless another rule's episode is open."""

    severity: Severity
    limit: Number
    unless_open: tuple[str, ...] = ()


class RuleBase(Frozen):
    """What every rule says about itself."""

    # Pydantic makes what reads a rule with the protocol that holds it, and not once more by itself at every start.
    model_config = ConfigDict(defer_build=True)

    name: str
    title: str
    words: str
    severity: Severity
    source: str
    misleads_if: str = ""
