"""The shapes of section 3.7: falls, samples set aside, missing companions, courses, bands, what is due, questions."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import field_validator, model_validator

from khemon.models import Frozen, Severity
from khemon.rules.grounds import Comparison, Raised, RuleBase
from khemon.rules.parameters import Days, Elapsed, Number, Samples, check_unit, known_analyte, known_event


class TrendRule(RuleBase):
    """A fall of an analyte seen in a row of informative samples of a run rule: below a median, or along a line."""

    shape: Literal["trend"]
    analyte: str
    run: str
    below: Number
    falls_to: Number
    of_previous: Samples
    line_samples: Samples
    line_spans: Days
    line_reaches_within: Days
    once_in: Days

    @model_validator(mode="after")
    def _fits(self) -> TrendRule:
        check_unit("below", self.analyte, self.below)
        return self


class DropRule(RuleBase):
    """A result lower by an amount than any of the same analyte shortly before."""

    shape: Literal["drop"]
    analyte: str
    by: Number
    within: Elapsed

    @model_validator(mode="after")
    def _fits(self) -> DropRule:
        check_unit("by", self.analyte, self.by)
        return self


class AsideRule(RuleBase):
    """Results set aside for quality, and no usable one since."""

    shape: Literal["aside"]
    analytes: tuple[str, ...]
    severity_again: Severity
    again: Samples

    @field_validator("analytes")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(known_analyte(name) for name in names)


class MissingRule(RuleBase, Comparison):
    """A result beyond a limit whose companions were not measured."""

    shape: Literal["missing"]
    companions: tuple[str, ...]
    within: Elapsed
    raised: Raised

    @model_validator(mode="after")
    def _fits(self) -> MissingRule:
        check_unit("raised.limit", self.analyte, self.raised.limit)
        for name in self.companions:
            known_analyte(name)
        return self


class SettledRule(RuleBase):
    """A drug is given while a run is seen to last."""

    shape: Literal["settled"]
    drug: str
    run: str
    rebound: str
    observed: Days
    gap: Days
    latest_within: Days
    names: str
    criterion: str

    _drug = field_validator("drug")(known_event)


class CourseRule(RuleBase):
    """A drug given longer than some days, or in its first days without another."""

    shape: Literal["course"]
    drug: str
    joins_within: Days | None = None
    longer_than: Days | None = None
    first: Days | None = None
    without: str | None = None
    criterion: str

    _drug = field_validator("drug")(known_event)

    @model_validator(mode="after")
    def _says_when(self) -> CourseRule:
        if self.longer_than is None and self.first is None:
            raise ValueError("a course rule has longer_than or first")
        if (self.longer_than is None) != (self.joins_within is None):
            raise ValueError("longer_than and joins_within go together")
        if self.without is not None:
            known_event(self.without)
        return self


class Target(Frozen):
    """A band with both ends inside, and what it is called."""

    low: Number
    high: Number
    called: str


class BandRule(RuleBase):
    """A level outside the band chosen for a patient. untimed_beyond: how far one of unstated timing must lie."""

    shape: Literal["band"]
    analyte: str
    side: Literal["below", "above"]
    unchosen: Target
    known: tuple[Target, ...] = ()
    drug: str | None = None
    untimed_beyond: Number | None = None
    severity_untimed: Severity
    graver: Raised | None = None
    severity_untimed_raised: Severity | None = None

    @model_validator(mode="after")
    def _fits(self) -> BandRule:
        for target in (self.unchosen, *self.known):
            check_unit("low", self.analyte, target.low)
            check_unit("high", self.analyte, target.high)
        if self.graver is not None:
            check_unit("graver.limit", self.analyte, self.graver.limit)
        if (self.graver is None) != (self.severity_untimed_raised is None):
            raise ValueError("graver and severity_untimed_raised go together")
        if self.untimed_beyond is not None:
            check_unit("untimed_beyond", self.analyte, self.untimed_beyond)
        return self


class Grid(Frozen):
    """Visits in weeks from a start: early ones with a narrow window, later ones with a wide one, then at intervals."""

    weeks: tuple[int, ...]
    unit: Literal["wk"]
    source: str
    narrow: Days
    narrow_until: Number
    wide: Days
    then_every: Number | None = None


class CountsDueRule(RuleBase):
    """Counts expected at intervals that follow the course of the illness."""

    shape: Literal["counts_due"]
    run: str
    every: Elapsed
    grace: Elapsed
    settled_samples: Samples
    settled_spans: Days
    close: Elapsed
    close_below: Number
    unconfirmed: Days
    never_low: Days
    grid: Grid
    step_drugs: tuple[str, ...]
    step_every: Days
    step_lasts: Days
    joins_within: Days


class LevelsDueRule(RuleBase):
    """Levels expected on a grid of weeks from each start of a drug."""

    shape: Literal["levels_due"]
    analyte: str
    drug: str
    grid: Grid
    joins_within: Days


class Jump(Frozen):
    """A change from the previous result that asks a question; `unless`: events that would explain it."""

    analyte: str
    within: Elapsed | None = None
    from_above: Number | None = None
    falls_to: Number | None = None
    rises_to: Number | None = None
    rises_by: Number | None = None
    changes_by: Number | None = None
    factor: Number | None = None
    unless: tuple[str, ...] = ()
    troughs_only: bool = False
    asks: str

    _analyte = field_validator("analyte")(known_analyte)


class Exactly(Frozen):
    """A factor between two results in a row that a change of unit or basis would give; `give`: how nearly."""

    analytes: tuple[str, ...]
    factor: Number
    give: Number | None = None
    within: Elapsed
    asks: str


class Part(NamedTuple):
    """What a rule asks of one analyte: about a jump, about a factor, or (with the words) beyond soft limits."""

    analyte: str
    what: Jump | Exactly | str

    @property
    def troughs_only(self) -> bool:
        """Whether levels of other timing are left out."""
        return isinstance(self.what, Jump) and self.what.troughs_only


class QuestionRule(RuleBase):
    """A question beside a result: soft limits, jumps from the previous one, factors that a change of unit gives."""

    shape: Literal["question"]
    soft_limits_of: tuple[str, ...] = ()
    asks: str = ""
    jumps: tuple[Jump, ...] = ()
    factors: tuple[Exactly, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything that is asked, one analyte after the other."""
        return (
            *(Part(analyte, self.asks) for analyte in self.soft_limits_of),
            *(Part(jump.analyte, jump) for jump in self.jumps),
            *(Part(analyte, factor) for factor in self.factors for analyte in factor.analytes),
        )

    @field_validator("soft_limits_of")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(known_analyte(name) for name in names)


FurtherRule = (
    TrendRule
    | DropRule
    | AsideRule
    | MissingRule
    | SettledRule
    | CourseRule
    | BandRule
    | CountsDueRule
    | LevelsDueRule
    | QuestionRule
)
#: Every shape of section 3.7.
FURTHER = (
    TrendRule,
    DropRule,
    AsideRule,
    MissingRule,
    SettledRule,
    CourseRule,
    BandRule,
    CountsDueRule,
    LevelsDueRule,
    QuestionRule,
)
#: Those that the clock moves, not only results.
CLOCK_DRIVEN = (SettledRule, CourseRule, CountsDueRule, LevelsDueRule)
