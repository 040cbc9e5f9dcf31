"""The rulebook: what a protocol, its rules and their numbers are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from khemon.models import Frozen, Severity
from khemon.rules.further_rules import FURTHER, AsideRule, BandRule, FurtherRule, LevelsDueRule, QuestionRule
from khemon.rules.grounds import Comparison, EventLimb, Number, Raised, RuleBase, Test

__all__ = [
    "FURTHER",
    "Acknowledgement",
    "AllOfRule",
    "AnyOfRule",
    "Breaks",
    "Common",
    "Comparison",
    "EventLimb",
    "Lasting",
    "Muting",
    "Number",
    "PointRule",
    "Protocol",
    "Raised",
    "ReboundRule",
    "Rule",
    "RuleBase",
    "RunRule",
    "Test",
]


class Breaks(Frozen):
    """The severity of a run that breaks late."""

    severity: Severity
    after: Number
    severity_low: Severity
    low: Number


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


Rule = Annotated[PointRule | AnyOfRule | AllOfRule | RunRule | ReboundRule | FurtherRule, Field(discriminator="shape")]


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
            runs = [getattr(rule, "run", None)] if isinstance(rule, FURTHER) else []
            if any(name is not None and not isinstance(self.rules.get(name), RunRule) for name in runs):
                raise ValueError(f"rules.{rule.name}.run: no run rule called {runs[0]!r}")
        unknown = set(self.muting) - set(self.rules)
        if unknown:
            raise ValueError(f"muting: unknown rule {sorted(unknown)[0]!r}")
        return self

    @property
    def reads_aside(self) -> bool:
        """Whether a rule reads results set aside for quality."""
        return any(isinstance(rule, AsideRule) for rule in self.rules.values())

    @property
    def reads_levels(self) -> bool:
        """Whether a rule reads levels one by one."""
        return any(isinstance(rule, BandRule | LevelsDueRule | QuestionRule) for rule in self.rules.values())

    @property
    def rule_names(self) -> tuple[str, ...]:
        """The rules in the order whose index is their code in columns (alphabetical)."""
        return tuple(sorted(self.rules))
