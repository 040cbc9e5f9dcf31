"""The rulebook: what a protocol, its rules and their numbers are."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

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


def _known_analyte(name: str) -> str:
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
        canonical = ANALYTES[_known_analyte(self.analyte)].canonical_unit
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


class Breaks(Frozen):
    """The severity of a run that breaks late."""

    severity: Severity
    after: Number
    severity_low: Severity
    low: Number


class RuleBase(Frozen):
    """What every rule says about itself."""

    name: str
    title: str
    words: str
    severity: Severity
    source: str
    misleads_if: str = ""


class PointRule(RuleBase, Comparison):
    """A comparison at each result of one analyte."""

    shape: Literal["point"]
    raised: Raised | None = None
    neonate_text: str | None = None


class AnyOfRule(RuleBase):
    """An OR over results carried forward and open events."""

    shape: Literal["any_of"]
    criterion: str
    limbs: tuple[Comparison | EventLimb, ...]
    severity_not_rechecked: Severity

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        return tuple(limb for limb in self.limbs if isinstance(limb, Comparison))

    @property
    def events(self) -> tuple[str, ...]:
        return tuple(limb.event for limb in self.limbs if isinstance(limb, EventLimb))


class AllOfRule(RuleBase):
    """An AND over current values, with a leading analyte and its own ending."""

    shape: Literal["all_of"]
    limbs: tuple[Comparison, ...]
    leading: str
    resolves_on: tuple[str, ...]
    severity_confirmed: Severity | None = None
    severity_neonate: Severity | None = None
    neonate_unless: tuple[Comparison, ...] = ()
    pattern_words: str = ""
    name_words: str = ""

    @model_validator(mode="after")
    def _leads(self) -> AllOfRule:
        names = {limb.analyte for limb in self.limbs}
        if self.leading not in names or not set(self.resolves_on) <= names:
            raise ValueError("leading and resolves_on name analytes of the limbs")
        return self


class RunRule(RuleBase, Comparison):
    """Consecutive good results over a stated time."""

    shape: Literal["run"]
    lasts: Number
    samples: Number
    gap: Number
    breaks: Breaks | None = None


class ReboundRule(RuleBase):
    """A fall after a durable response."""

    shape: Literal["rebound"]
    response: str
    documented_by: str
    analyte: str
    limit: Number
    confirmed_below: Number
    confirmed_after: Number
    companion: str
    companion_limit: Number
    isolated_samples: Number
    isolated_span: Number
    severity_confirmed: Severity
    severity_isolated: Severity


Rule = Annotated[PointRule | AnyOfRule | AllOfRule | RunRule | ReboundRule, Field(discriminator="shape")]


class Common(Frozen):
    """Parameters that several rules share."""

    current_within: Number
    not_rechecked_after: Number
    supported_for: Number
    neonate_under: Number
    neonate_d_dimer_up_to: Number
    companion_alerts_after: Number
    same_alert_within: Number
    supporting_products: dict[str, tuple[str, ...]]
    bands: dict[str, tuple[Number, ...]]


class Lasting(Frozen):
    """How long an acknowledgement lasts, and at most."""

    lasts: Number
    at_most: Number
    lasts_once_confirmed: Number | None = None


class Acknowledgement(Lasting):
    """The default, and what differs by rule."""

    rules: dict[str, Lasting] = Field(default_factory=dict)


class Muting(Frozen):
    """What an open episode of a rule mutes, and while what holds."""

    mutes: tuple[str, ...] = ()
    mutes_possible: tuple[str, ...] = ()
    while_limb: str | None = None
    while_status: str | None = None


class Protocol(Frozen):
    """A named, versioned set of rules and their numbers."""

    name: str
    version: str
    title: str
    base: str | None = None
    common: Common
    acknowledgement: Acknowledgement
    rules: dict[str, Rule]
    muting: dict[str, Muting] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_exist(self) -> Protocol:
        for rule in self.rules.values():
            if isinstance(rule, ReboundRule) and not isinstance(self.rules.get(rule.response), RunRule):
                raise ValueError(f"rules.{rule.name}.response: no run rule called {rule.response!r}")
        unknown = set(self.muting) - set(self.rules)
        if unknown:
            raise ValueError(f"muting: unknown rule {sorted(unknown)[0]!r}")
        return self

    @property
    def rule_names(self) -> tuple[str, ...]:
        """The rules in the order whose index is their code in columns (alphabetical)."""
        return tuple(sorted(self.rules))
