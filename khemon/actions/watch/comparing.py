"""Another protocol beside the one in use: the numbers that differ, and which alerts it would add and remove."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from khemon.actions.live import LIVE, chosen
from khemon.actions.permitted import permitted
from khemon.actions.protocol_diff import diff
from khemon.actions.scorecard import PERIOD
from khemon.actions.watch.meanings import meaning_of
from khemon.actions.watch.rulebook import OWN
from khemon.figures.style import rule_words
from khemon.figures.words import date_words, iso_words, unit_words
from khemon.models import Actor
from khemon.rules import Protocol
from khemon.rules.calendar import to_ms
from khemon.rules.numbers import Difference, differing, otherwise_differing
from khemon.rules.parameters import Number
from khemon.rules.protocols import BUILT_IN, protocol_digest
from khemon.store import Store

#: How far back the alerts are compared, in days.
DAYS = PERIOD.days


@dataclass(frozen=True, slots=True)
class NumberChange:
    """One number that differs: of which rule, what it is, its path in a protocol file, here, there, and its source."""

    rule: str
    what: str
    path: str
    now: str
    then: str
    source: str


@dataclass(frozen=True, slots=True)
class OtherProtocol:
    """Another protocol beside the one in use. others: what differs that is no number, by path."""

    in_use: str
    called: str
    numbers: tuple[NumberChange, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertChange:
    """One alert that another protocol would add, remove or change; key: the child's in addresses."""

    how: str
    key: int
    patient: str
    rule: str
    severity: str
    since: str
    until: str
    text: str
    instead: str


@dataclass(frozen=True, slots=True)
class AlertChanges:
    """What another protocol would do to the alerts of a period."""

    method: str
    since: str
    until: str
    patients: int
    lines: tuple[AlertChange, ...]
    rates: tuple[float | None, float | None]

    def count(self, how: str) -> int:
        """How many are added, removed or changed."""
        return sum(line.how == how for line in self.lines)


@permitted("read_rules")
def protocols_to_compare(store: Store, actor: Actor) -> tuple[str, ...]:
    """Names of the protocols that come with khemon and are not the one in use."""
    with store.reading() as reader:
        own = protocol_digest(chosen(LIVE, reader))
        return tuple(name for name in BUILT_IN if protocol_digest(chosen(name, reader)) != own)


@permitted("read_rules")
def other_protocol(store: Store, actor: Actor, wanted: str) -> OtherProtocol:
    """What differs between the protocol in use and another, by name or file. RulebookProblem for a wrong one."""
    with store.reading() as reader:
        own, other = chosen(LIVE, reader), chosen(wanted, reader)
    numbers = tuple(_change(pair, own, other) for pair in differing(own, other))
    return OtherProtocol(own.called, other.called, numbers, tuple(otherwise_differing(own, other)))


def _change(pair: Difference, own: Protocol, other: Protocol) -> NumberChange:
    table, _, inside = pair.path.partition(".")
    name, _, field = inside.partition(".")
    rule = (other.rules.get(name) or own.rules.get(name)) if table == "rules" else None
    words = (field if rule else inside).replace("_", " ").replace(".", ": ")
    what = meaning_of(rule.shape, words) if rule else words
    source = "" if pair.after is None else OWN if pair.after.own else pair.after.source or ""
    called = rule.title if rule else "shared by rules" if table == "common" else table.replace("_", " ")
    return NumberChange(called, what, pair.path, _number(pair.before), _number(pair.after), source)


def _number(number: Number | None) -> str:
    if number is None:
        return "none"
    return f"{number.words} {unit_words(number.unit)}".strip() + ("°" if number.own else "")


@permitted("look")
def alerts_compared(store: Store, actor: Actor, wanted: str, now: dt.datetime) -> AlertChanges:
    """Which alerts of the last 90 days another protocol would have added, removed or changed. Nothing is changed."""
    document = diff(store, actor, LIVE, wanted, days=DAYS, as_of_ms=to_ms(now), now_ms=to_ms(now))
    with store.reading() as reader:
        numbers = reader.patient_numbers()
        names = {patient.patient_id: patient.name or patient.patient_id for patient in reader.patients()}
    zone, found = ZoneInfo(document["timezone"]), document["episodes"]
    rates = found["per_patient_and_week"]
    return AlertChanges(
        method=found["method"],
        since=date_words(dt.datetime.fromisoformat(document["period"]["from"]), zone),
        until=date_words(dt.datetime.fromisoformat(document["period"]["to"]), zone),
        patients=document["patients"],
        lines=tuple(_lines(found, numbers, names)),
        rates=(rates["before"], rates["after"]),
    )


def _lines(found: Mapping[str, Any], numbers: Mapping[str, int], names: Mapping[str, str]) -> Iterator[AlertChange]:
    for how in ("added", "removed", "changed"):
        for row in found[how]:
            name = row["patient_id"]
            other = row.get("before") or row.get("after")
            yield AlertChange(
                how,
                numbers.get(name, 0),
                names.get(name, name),
                rule_words(row["rule"]),
                row["severity"],
                iso_words(row["onset"]),
                iso_words(row["end"]),
                row["text"],
                "" if other is None else f"{other['status']}, {other['severity']}",
            )
