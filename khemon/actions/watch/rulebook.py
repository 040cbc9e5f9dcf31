"""The rulebook as a person reads it: each rule in words, its numbers with unit and source, and its cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from khemon.actions.permitted import permitted
from khemon.actions.protocol_lists import base_of
from khemon.actions.scorecard import PERIOD, scores
from khemon.actions.watch.meanings import meaning_of
from khemon.actions.watch.protocol_lines import ProtocolLine, protocol_lines
from khemon.actions.watch.scores import score_lines
from khemon.actions.watch.setting import Setting, setting_of
from khemon.figures.words import unit_words
from khemon.models import Actor
from khemon.rules import Protocol
from khemon.rules.calendar import to_ms
from khemon.rules.case_rows import Lab
from khemon.rules.cases import Case, Expected, cases_for
from khemon.rules.further_rules import Exactly, Grid, Jump, Target
from khemon.rules.rulebook import Comparison, EventLimb, Number, PointRule, Rule, RunRule
from khemon.store import Store
from khemon.units import ANALYTES

OWN = "khemon's own choice, without a published source"


@dataclass(frozen=True, slots=True)
class NumberLine:
    """One number of a rule: what it is, the number with its unit, and where it comes from.

    instead_of: the number of the base protocol, where a site changed it.
    """

    meaning: str
    number: str
    source: str
    own: bool
    instead_of: str = ""


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case of a rule: a series, and what the rule has to say about it."""

    name: str
    kind: str
    why: str
    series: str
    expected: str


@dataclass(frozen=True, slots=True)
class RuleSheet:
    """Everything the rulebook says about a rule."""

    rule: str
    title: str
    words: str
    severity: str
    numbers: tuple[NumberLine, ...]
    source: str
    misleads_if: str

    @property
    def is_changed(self) -> bool:
        """Whether a number of it is another than the base's."""
        return any(line.instead_of for line in self.numbers)


@dataclass(frozen=True, slots=True)
class Definitions:
    """The whole protocol: its rules, what they share, and who mutes whom; and which protocols were in use before."""

    setting: Setting
    protocol: str
    base: str
    history: tuple[ProtocolLine, ...]
    rules: tuple[tuple[RuleSheet, tuple[CaseLine, ...]], ...]
    shared: tuple[NumberLine, ...]
    muting: tuple[str, ...]
    scores: dict[str, tuple[tuple[str, str], ...]]


@permitted("read_rules")
def definitions(store: Store, actor: Actor, now: dt.datetime) -> Definitions:
    """The protocol the store is judged by, in words, with what each rule's alerts led to in the 90 days before now."""
    with store.reading() as reader:
        setting = setting_of(reader)
        history = protocol_lines(reader, setting.zone)
        log = reader.alert_log(to_ms(now))
    found = {score.rule: score for score in scores(log, to_ms(now - PERIOD), to_ms(now))}
    protocol = setting.protocol
    base = base_of(protocol)
    sheets = (rule_sheet(rule, base.rules.get(name) if base else None) for name, rule in protocol.rules.items())
    return Definitions(
        setting,
        protocol.called,
        base.called if base else "",
        history,
        tuple((sheet, tuple(map(_case_line, cases_for(sheet.rule)))) for sheet in sheets),
        _marked(_shared(protocol), _shared(base) if base else ()),
        tuple(_muting(protocol)),
        {rule: tuple(score_lines(score)) for rule, score in found.items()},
    )


def _shared(protocol: Protocol) -> tuple[NumberLine, ...]:
    return (*_fields(protocol.common, "", set()), *_acknowledgement(protocol))


def _marked(lines: Iterable[NumberLine], base: Iterable[NumberLine]) -> tuple[NumberLine, ...]:
    """The lines, with the base's number beside those that differ; as they are where the base says other things."""
    own, others = tuple(lines), tuple(base)
    if [line.meaning for line in own] != [line.meaning for line in others]:
        return own
    pairs = zip(own, others, strict=True)
    return tuple(
        line if line.number == other.number else replace(line, instead_of=other.number) for line, other in pairs
    )


def _acknowledgement(protocol: Protocol) -> Iterator[NumberLine]:
    """How long acknowledgements last, by rule where it differs."""
    yield from _fields(protocol.acknowledgement, "an acknowledgement ", set())
    for rule, own in protocol.acknowledgement.rules.items():
        yield from _fields(own, f"an acknowledgement of {protocol.rules[rule].title} ", set())


def _muting(protocol: Protocol) -> Iterator[str]:
    """Which rule mutes the alerts of which, while what holds."""
    for name, muting in protocol.muting.items():
        while_ = ""
        if muting.while_limb:
            while_ = f" while its {ANALYTES[muting.while_limb].label} part is certainly met"
        elif muting.while_status:
            while_ = f" while {muting.while_status}"
        muted = [protocol.rules[rule].title if rule in protocol.rules else rule for rule in muting.mutes]
        muted += [f"{protocol.rules[rule].title} (possible)" for rule in muting.mutes_possible]
        yield f"{protocol.rules[name].title}{while_} mutes: {', '.join(muted)}"


def _case_line(case: Case) -> CaseLine:
    series = [f"{ANALYTES[lab.analyte].label} {lab.value} at {lab.at}{_lab_marks(lab)}" for lab in case.labs]
    series += [
        f"{event.kind.replace('_', ' ')} from {event.start}{f' to {event.end}' if event.end else ''}"
        for event in case.events
    ]
    found = [_expected_words(expected) for expected in case.expect] or ["nothing"]
    return CaseLine(case.name, case.kind.replace("_", " "), case.why, "; ".join(series), "; ".join(found))


def _lab_marks(lab: Lab) -> str:
    marks = [lab.unit, lab.quality, lab.status if lab.status != "final" else ""]
    told = ", ".join(mark.replace("_", " ") for mark in marks if mark)
    return f" ({told})" if told else ""


def _expected_words(expected: Expected) -> str:
    until = f" until {expected.end} ({expected.end_reason})" if expected.end else ""
    return f"{expected.status}, {expected.severity}, from {expected.onset}{until}"


def rule_sheet(rule: Rule, base: Rule | None = None) -> RuleSheet:
    """The sheet of a rule. base: the same rule of the protocol that this one changes."""
    numbers = _marked(_numbers(rule), _numbers(base) if base else ())
    return RuleSheet(rule.name, rule.title, rule.words, rule.severity, numbers, rule.source, rule.misleads_if)


def _numbers(rule: Rule) -> Iterator[NumberLine]:
    """Every number of a rule, limbs first, then by field."""
    if isinstance(rule, PointRule | RunRule):
        yield _line(_comparison_words(rule), rule.limit)
    for limb in getattr(rule, "limbs", ()):
        if isinstance(limb, EventLimb):
            yield NumberLine(limb.event.replace("_", " "), "recorded and not ended", rule.source, False)
        else:
            yield _line(_comparison_words(limb), limb.limit)
    for limb in getattr(rule, "neonate_unless", ()):
        yield _line(f"newborns, {_comparison_words(limb)}", limb.limit)
    skipped = {"limit"} if isinstance(rule, PointRule | RunRule) else set()
    for line in _fields(rule, "", skipped):
        yield replace(line, meaning=meaning_of(rule.shape, line.meaning))


def _fields(block: object, prefix: str, skipped: set[str]) -> Iterator[NumberLine]:
    for name in type(block).model_fields:  # type: ignore[attr-defined]
        value = getattr(block, name)
        words = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, Number) and name not in skipped:
            yield _line(words, value)
        elif isinstance(value, Grid):
            yield NumberLine(f"{words}: weeks", ", ".join(map(str, value.weeks)), value.source, False)
            yield from _fields(value, f"{words}: ", set())
        elif hasattr(type(value), "model_fields") and not isinstance(value, Number | Comparison):
            yield from _fields(value, f"{words}: ", set())
        elif isinstance(value, tuple):
            for each in value:
                if isinstance(each, Jump | Exactly | Target):
                    yield from _fields(each, f"{_about(each)}: ", set())


def _about(block: Jump | Exactly | Target) -> str:
    """What a block of numbers in a list is about."""
    if isinstance(block, Target):
        return f"band {block.called}"
    names = (block.analyte,) if isinstance(block, Jump) else block.analytes
    return ", ".join(ANALYTES[name].label for name in names)


def _comparison_words(limb: Comparison) -> str:
    return f"{ANALYTES[limb.analyte].label} {limb.test}"


def _line(meaning: str, number: Number) -> NumberLine:
    told = f"{number.words} {unit_words(number.unit)}".strip()
    return NumberLine(meaning, told, OWN if number.own else number.source or "", number.own)
