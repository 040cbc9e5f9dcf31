"""The engine by protocols of a site: what rules may ask that those of the ward do not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from khemon.rules import Protocol, load_protocol
from khemon.rules.rulebook import EventLimb
from tests import reference
from tests.columns import by_engine
from tests.histories import History
from tests.reference.shorthand import at, event, lab, since

WARD = load_protocol("ward")
EITHER = ("active_bleeding", "symptomatic_anemia")


def site(rule: str, **changes: object) -> Protocol:
    """The ward's protocol with some fields of one rule changed."""
    return WARD.model_copy(update={"rules": WARD.rules | {rule: WARD.rules[rule].model_copy(update=changes)}})


def said(
    rule: str, protocol: Protocol, labs: Sequence[str], events: Sequence[str] = (), as_of: str = "9d"
) -> list[tuple[object, ...]]:
    """Onset, status, severity and end of the episodes of one rule."""
    numbered = tuple(dataclasses.replace(lab(text), row=row, recorded=row) for row, text in enumerate(labs))
    told = tuple(event(text) for text in events)
    history = History(0, reference.Child("P"), numbered, told, "UTC", "ward", at(as_of))
    return [
        (since(onset), status, severity, since(end) if end else None)
        for name, onset, status, severity, _, end, _ in by_engine(history, protocol)
        if name == rule
    ]


def test_a_criterion_of_two_kinds_of_events_holds_while_either_goes_on():
    limbs = (*WARD.rules["plasma_criterion"].limbs, EventLimb(event="symptomatic_anemia"))
    protocol = site("plasma_criterion", limbs=limbs)
    for kind in EITHER:
        found = said("plasma_criterion", protocol, ["plt 0d 90"], [f"{kind} 1d 2d"])
        assert found == [("1d", "confirmed", "critical", "2d")], kind


def test_a_criterion_of_events_alone_says_nothing_of_a_child_without_them():
    protocol = site("plasma_criterion", limbs=tuple(EventLimb(event=kind) for kind in EITHER))
    assert said("plasma_criterion", protocol, ["plt 0d 5"]) == []
    assert said("plasma_criterion", protocol, ["plt 0d 90"], ["symptomatic_anemia 1d"], "1d") == [
        ("1d", "confirmed", "critical", None)
    ]
