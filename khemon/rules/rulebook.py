"""The rulebook: what a protocol, its rules and their numbers are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from khemon.models import Frozen, Severity
from khemon.rules.further_rules import FURTHER, AsideRule, BandRule, DropRule, FurtherRule, LevelsDueRule, QuestionRule
from khemon.rules.grounds import BAD_BEYOND, GOOD_BEYOND, Comparison, EventLimb, Raised, RuleBase, Test
from khemon.rules.parameters import Days, Elapsed, Number, Samples, check_unit, known_analyte, known_event

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
    after: Days
    severity_low: Severity
    low: Number


class PointRule(RuleBase, Comparison):
    """A comparison at each result of one analyte."""

    shape: Literal["point"]
    raised: Raised | None = None
    neonate_text: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> PointRule:
        if self.test not in BAD_BEYOND:
            raise ValueError(f"test: {self.test!r} says what is good; a point rule says what is not")
        if self.raised is not None:
            check_unit("raised.limit", self.analyte, self.raised.limit)
        return self


class AnyOfRule(RuleBase):
    """An OR over results carried forward and open events."""

    shape: Literal["any_of"]
    criterion: str
    limbs: tuple[Comparison | EventLimb, ...] = Field(min_length=1)
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
        if any(limb.test not in BAD_BEYOND for limb in self.limbs):
            raise ValueError("limbs: a test says what is not good: < or >")
        return self


class RunRule(RuleBase, Comparison):
    """Consecutive good results over a stated time."""

    shape: Literal["run"]
    lasts: Days
    samples: Samples
    gap: Days
    breaks: Breaks | None = None

    @model_validator(mode="after")
    def _fits(self) -> RunRule:
        if self.test not in GOOD_BEYOND:
            raise ValueError(f"test: {self.test!r} says what is not good; a run says what is")
        if self.breaks is not None:
            check_unit("breaks.low", self.analyte, self.breaks.low)
        return self


class ReboundRule(RuleBase):
    """A fall after a durable response."""

    shape: Literal["rebound"]
    response: str
    documented_by: str
    analyte: str
    limit: Number
    confirmed_below: Number
    confirmed_after: Elapsed
    companion: str
    companion_limit: Number
    isolated_samples: Samples
    isolated_span: Days
    severity_confirmed: Severity
    severity_isolated: Severity

    @model_validator(mode="after")
    def _fits(self) -> ReboundRule:
        known_event(self.documented_by)
        check_unit("limit", self.analyte, self.limit)
        check_unit("confirmed_below", self.analyte, self.confirmed_below)
        check_unit("companion_limit", self.companion, self.companion_limit)
        return self


Rule = Annotated[PointRule | AnyOfRule | AllOfRule | RunRule | ReboundRule | FurtherRule, Field(discriminator="shape")]


class Common(Frozen):
    """Parameters that several rules share."""

    current_within: Elapsed
    not_rechecked_after: Elapsed
    supported_for: Elapsed
    neonate_under: Days
    neonate_d_dimer_up_to: Number
    companion_alerts_after: Elapsed
    same_alert_within: Elapsed
    supporting_products: dict[str, tuple[str, ...]]
    bands: dict[str, tuple[Number, ...]]

    @model_validator(mode="after")
    def _fits(self) -> Common:
        for analyte, products in self.supporting_products.items():
            known_analyte(analyte)
            for product in products:
                known_event(product)
        for analyte, bands in self.bands.items():
            for band in bands:
                check_unit(f"bands.{analyte}", analyte, band)
        return self


class Lasting(Frozen):
    """How long an acknowledgement lasts, and at most."""

    lasts: Elapsed
    at_most: Elapsed
    lasts_once_confirmed: Elapsed | None = None


class Acknowledgement(Lasting):
    """The default, and what differs by rule."""

    rules: dict[str, Lasting] = Field(default_factory=dict)


class Muting(Frozen):
    """What an open episode of a rule mutes, and while what holds."""

    mutes: tuple[str, ...] = ()
    mutes_possible: tuple[str, ...] = ()
    while_limb: str | None = None
    while_status: str | None = None


class Sorts(NamedTuple):
    """Rules by name, and what is known of all of them together."""

    rules: dict[str, Rule]
    names: tuple[str, ...]
    reads_aside: bool
    read_singly: tuple[str, ...]
    runs: tuple[RunRule, ...]
    found: tuple[PointRule | AnyOfRule | AllOfRule, ...]
    rebounds: tuple[ReboundRule, ...]
    further: tuple[FurtherRule, ...]

    @classmethod
    def of(cls, rules: dict[str, Rule]) -> Sorts:
        """The sorts of some rules."""
        every = rules.values()
        singly = {rule.analyte for rule in every if isinstance(rule, BandRule | LevelsDueRule | DropRule)}
        jumps = (jump for rule in every if isinstance(rule, QuestionRule) for jump in rule.jumps)
        return cls(
            rules,
            tuple(sorted(rules)),
            any(isinstance(rule, AsideRule) for rule in every),
            tuple(sorted(singly | {jump.analyte for jump in jumps if jump.troughs_only})),
            tuple(rule for rule in every if isinstance(rule, RunRule)),
            tuple(rule for rule in every if isinstance(rule, PointRule | AnyOfRule | AllOfRule)),
            tuple(rule for rule in every if isinstance(rule, ReboundRule)),
            tuple(rule for rule in every if isinstance(rule, FURTHER)),
        )


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
        for name, rule in self.rules.items():
            if rule.name != name:
                raise ValueError(f"rules.{name}.name: it calls itself {rule.name!r}")
            if isinstance(rule, ReboundRule) and not isinstance(self.rules.get(rule.response), RunRule):
                raise ValueError(f"rules.{name}.response: no run rule called {rule.response!r}")
            if isinstance(rule, PointRule) and rule.raised is not None:
                self._judged_before("rules." + name + ".raised.unless_open", rule.raised.unless_open)
            run = getattr(rule, "run", None)
            if run is not None and not isinstance(self.rules.get(run), RunRule):
                raise ValueError(f"rules.{name}.run: no run rule called {run!r}")
            rebound = getattr(rule, "rebound", None)
            if rebound is not None and not isinstance(self.rules.get(rebound), ReboundRule):
                raise ValueError(f"rules.{name}.rebound: no rebound rule called {rebound!r}")
        self._known("muting", self.muting)
        self._known("acknowledgement.rules", self.acknowledgement.rules)
        return self

    def _known(self, where: str, names: Iterable[str]) -> None:
        unknown = sorted(set(names) - set(self.rules))
        if unknown:
            raise ValueError(f"{where}: unknown rule {unknown[0]!r}")

    def _judged_before(self, where: str, names: Iterable[str]) -> None:
        self._known(where, names)
        further = sorted(name for name in names if isinstance(self.rules[name], FURTHER))
        if further:
            raise ValueError(f"{where}: {further[0]!r} is judged later; name rules of sections 3.1 to 3.6")

    @property
    def called(self) -> str:
        """Title and version, as pages and explanations name it."""
        return f"{self.title}, version {self.version}"

    @property
    def sorts(self) -> Sorts:
        """The rules by what has to be known of all of them; asked for with every result, so it is kept with them."""
        known: Sorts | None = self.__dict__.get("sorts")
        # A copy with other rules brings along what was kept with these.
        if known is None or known.rules is not self.rules:
            known = self.__dict__["sorts"] = Sorts.of(self.rules)
        return known

    @property
    def reads_aside(self) -> bool:
        """Whether a rule reads results set aside for quality."""
        return self.sorts.reads_aside

    @property
    def read_singly(self) -> tuple[str, ...]:
        """The analytes of which a rule reads every result of a time, not only the least reassuring."""
        return self.sorts.read_singly

    @property
    def rule_names(self) -> tuple[str, ...]:
        """The rules in the order whose index is their code in columns (alphabetical)."""
        return self.sorts.names
