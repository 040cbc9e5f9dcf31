"""Numbers of a protocol that contradict each other: a second limit that lies before the first, a band upside down."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from khemon.rules.further_rules import BandRule, CountsDueRule, MissingRule, QuestionRule, TrendRule
from khemon.rules.parameters import Number
from khemon.rules.rulebook import PointRule, Protocol, ReboundRule, Rule, RunRule

#: (path of the number at fault, what is wrong with it)
Fault = tuple[str, str]


def misordered(protocol: Protocol) -> Iterator[Fault]:
    """Every number at fault, with its path."""
    for name, rule in protocol.rules.items():
        for field, found in _of_rule(rule, protocol):
            yield f"rules.{name}.{field}", found
    for analyte, bands in protocol.common.bands.items():
        for place, (higher, lower) in enumerate(pairwise(bands), start=2):
            yield from _beyond(f"common.bands.{analyte}.{place}", lower, "<", higher)
    yield from _lasting(protocol)


def _of_rule(rule: Rule, protocol: Protocol) -> Iterator[Fault]:
    """The faults of one rule, by field."""
    if isinstance(rule, PointRule | MissingRule) and rule.raised is not None:
        yield from _beyond("raised.limit", rule.raised.limit, rule.test, rule.limit)
    if isinstance(rule, RunRule) and rule.breaks is not None:
        yield from _beyond("breaks.low", rule.breaks.low, "<", rule.limit)
        yield from _beyond("breaks.after", rule.breaks.after, "<=", rule.lasts)
    if isinstance(rule, ReboundRule):
        yield from _beyond("confirmed_below", rule.confirmed_below, "<", rule.limit)
        run = protocol.rules[rule.response]
        assert isinstance(run, RunRule)
        # A rebound opens at the count that ends the response: the two limits are one.
        yield from _same("limit", rule.limit, f"{rule.response}.limit", run.limit)
    if isinstance(rule, TrendRule):
        yield from _part("falls_to", rule.falls_to)
    if isinstance(rule, BandRule):
        yield from _bands(rule)
    if isinstance(rule, CountsDueRule):
        yield from _shorter("close", rule.close, rule.every)
    if isinstance(rule, QuestionRule):
        for place, jump in enumerate(rule.jumps, start=1):
            yield from _part(f"jumps.{place}.falls_to", jump.falls_to)


def _bands(rule: BandRule) -> Iterator[Fault]:
    yield from _beyond("unchosen.high", rule.unchosen.high, ">", rule.unchosen.low)
    for place, target in enumerate(rule.known, start=1):
        yield from _beyond(f"known.{place}.high", target.high, ">", target.low)
    if rule.graver is not None:
        yield from _beyond("graver.limit", rule.graver.limit, ">" if rule.side == "above" else "<", _end(rule))


def _end(rule: BandRule) -> Number:
    return rule.unchosen.high if rule.side == "above" else rule.unchosen.low


def _lasting(protocol: Protocol) -> Iterator[Fault]:
    usual = protocol.acknowledgement
    yield from _shorter("acknowledgement.lasts", usual.lasts, usual.at_most)
    for name, own in usual.rules.items():
        where = f"acknowledgement.rules.{name}"
        if own.lasts_once_confirmed is None:
            yield from _shorter(f"{where}.lasts", own.lasts, own.at_most)
        else:  # its usual length may stand beyond what this rule allows at most: the shorter of the two counts
            yield from _shorter(f"{where}.lasts_once_confirmed", own.lasts_once_confirmed, own.at_most)


def _beyond(path: str, second: Number, test: str, first: Number) -> Iterator[Fault]:
    fits = {
        "<": second.value < first.value,
        "<=": second.value <= first.value,
        ">": second.value > first.value,
        ">=": second.value >= first.value,
    }
    if not fits[test]:
        side = "below" if "<" in test else "above"
        yield path, f"{second.words} {second.unit} does not lie {side} {first.words} {first.unit}"


def _same(path: str, number: Number, other: str, meant: Number) -> Iterator[Fault]:
    if number.value != meant.value:
        yield path, f"{number.words} {number.unit} differs from {other}, {meant.words} {meant.unit}: they are one limit"


def _shorter(path: str, span: Number, most: Number) -> Iterator[Fault]:
    if span.ms > most.ms:
        yield path, f"{span.words} {span.unit} is longer than {most.words} {most.unit}"


def _part(path: str, number: Number | None) -> Iterator[Fault]:
    if number is not None and not 0 < number.value < 1:
        yield path, f"{number.words} is no part of the value before: it lies between 0 and 1"
