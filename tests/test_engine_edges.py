"""The engine by protocols of a site: what rules may ask that those of the ward do not."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from itertools import permutations

import numpy as np
import pytest

from khemon.rules import Protocol, evaluate, load_protocol, series
from khemon.rules.calendar import from_ms, to_ms
from khemon.rules.engine import prepare
from khemon.rules.rulebook import EventLimb, Number
from tests import reference
from tests.columns import by_engine, columns, plain
from tests.histories import History, make_history
from tests.reference.shorthand import at, event, lab, since

WARD = load_protocol("ward")
#: A durable response, confirmed on day 29.
RESPONSE = ("plt 0d 50", "plt 1d 120", "plt 15d 120", "plt 29d 120")
EITHER = ("active_bleeding", "symptomatic_anemia")


def site(rule: str, **changes: object) -> Protocol:
    """The ward's protocol with some fields of one rule changed."""
    return WARD.model_copy(update={"rules": WARD.rules | {rule: WARD.rules[rule].model_copy(update=changes)}})


def told(labs: Sequence[str], events: Sequence[reference.Event], as_of: dt.datetime) -> History:
    """A history of the ward in lines."""
    numbered = tuple(dataclasses.replace(lab(text), row=row, recorded=row) for row, text in enumerate(labs))
    return History(0, reference.Child("P"), numbered, tuple(events), "UTC", "ward", as_of)


def said(
    rule: str, protocol: Protocol, labs: Sequence[str], events: Sequence[str] = (), as_of: str = "9d"
) -> list[tuple[object, ...]]:
    """Onset, status, severity and end of the episodes of one rule."""
    history = told(labs, [event(text) for text in events], at(as_of))
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


def number(rule: str, field: str, value: int) -> dict[str, Number]:
    """A number of a rule, moved."""
    return {field: getattr(WARD.rules[rule], field).model_copy(update={"value": Decimal(value)})}


def test_one_good_count_settles_a_rebound_where_one_is_asked_for():
    asked = number("kmp_rebound", "isolated_samples", 1) | number("kmp_rebound", "isolated_span", 0)
    protocol = site("kmp_rebound", **asked)
    for low, status in (("plt 40d 80", ("isolated", "note", "41d")), ("plt 40d 40", ("confirmed", "note", None))):
        found = said("kmp_rebound", protocol, [*RESPONSE, low, "plt 41d 120", "plt 42d 120"], (), "42d")
        assert found == [("40d", *status)], low


@pytest.mark.parametrize(
    ("late_ms", "severity"), [(-1, "critical"), (0, "critical"), (1, "warning")], ids=["before", "on", "after"]
)
@pytest.mark.parametrize("ends", [False, True])
def test_bleeding_counts_as_rechecked_for_24_hours_to_the_millisecond(late_ms, severity, ends):
    """While it goes on as of the moment of looking; once it ended, at its end."""
    moment = at("1d") + late_ms * dt.timedelta(milliseconds=1)
    bleeding = reference.Event("active_bleeding", at("0d"), moment if ends else None)
    history = told(["plt 0d 90"], [bleeding], at("2d") if ends else moment)
    found = [row for row in by_engine(history, WARD) if row[0] == "plasma_criterion"]
    assert [row[3] for row in found] == [severity]
    parameters = reference.PROTOCOLS["ward"]
    read = reference.evaluate(history.labs, history.events, history.child, parameters, "UTC", history.as_of)
    assert [episode.verdict for episode in read if episode.rule == "plasma_criterion"] == found


def test_the_leading_analyte_of_a_pattern_may_be_listed_anywhere():
    platelets, *others = WARD.rules["kmp"].limbs
    protocol = site("kmp", limbs=(*others, platelets))
    for labs in (["plt 0d 20", "fib 0d 1"], ["plt 0d 20", "dd 0d 2"], ["plt 0d 20", "fib 0d 1", "dd 0d 2"]):
        assert said("kmp", protocol, labs, (), "0d") == said("kmp", WARD, labs, (), "0d") != []


def beside(labs: Sequence[str], others_labs: Sequence[str], others_events: Sequence[reference.Event]) -> list[set[str]]:
    """The rules that speak of a child on day 25, and of another one that comes next in the same batch."""
    both = [told(labs, [], at("25d")), told(others_labs, others_events, at("25d"))]
    found = evaluate(*columns(both, "UTC"), WARD, "UTC", to_ms(at("25d")))
    return [{str(rule) for rule, *_ in rows} for rows in plain(found, WARD, 2)]


def test_a_first_count_does_not_fall_from_those_of_the_child_before():
    _, other = beside(["plt 0d 200", "plt 1d 210", "plt 2d 190"], ["plt 3d 140"], [])
    assert "falling_platelets" not in other


def test_a_step_down_of_the_next_child_asks_for_no_count_of_this_one():
    doses = [
        reference.Event("sirolimus", at("1d"), None, Decimal(2), "mg"),
        reference.Event("sirolimus", at("10d"), None, Decimal(1), "mg"),
    ]
    one, other = beside(["plt 0d 150"], ["plt 0d 150"], doses)
    assert "blood_count_overdue" in other
    assert "blood_count_overdue" not in one


def test_an_age_is_that_of_each_child_alone():
    labs = ["fib 0d 1.0", "dd 0d 1.0"]
    three = [told(own, [], at("1d")) for own in (labs, labs, [*labs, "plt 0d 50"])]
    results, events, patients = columns(three, "UTC")
    born = np.array([patients.birth_day[0], results.day[0], results.day[0]], np.int32)
    newborn = dataclasses.replace(patients, birth_day=born)
    found = plain(evaluate(results, events, newborn, WARD, "UTC", to_ms(at("1d"))), WARD, 3)
    severities = [row[3] for rows in found for row in rows if row[0] == "consumptive_coagulopathy"]
    assert severities == ["warning", "note", "warning"]


def test_a_response_of_the_next_child_does_not_end_the_rebound_of_this_one():
    both = [told(labs, [], at("41d")) for labs in ([*RESPONSE, "plt 40d 80"], [*RESPONSE, "plt 41d 120"])]
    found = plain(evaluate(*columns(both, "UTC"), WARD, "UTC", to_ms(at("41d"))), WARD, 2)
    rebounds = [(since(row[1]), row[5]) for row in found[0] if row[0] == "kmp_rebound"]
    assert rebounds == [("40d", None)]


def test_the_episodes_of_two_children_come_child_by_child():
    both = [told(labs, [], at("0d")) for labs in (["plt 0d 20"], ["hb 0d 50"])]
    found = evaluate(*columns(both, "UTC"), WARD, "UTC", to_ms(at("0d")))
    assert sorted(set(found.patient.tolist())) == [0, 1]
    assert found.patient.tolist() == sorted(found.patient.tolist())


def test_results_of_a_child_in_any_order_are_judged_in_the_order_of_their_times():
    labs = ["plt 0d 20", "fib 1d 1.0", "dd 1d 2", "plt 2d 120"]
    for row in permutations(labs):
        assert said("kmp", WARD, row) == [("0d", "confirmed", "critical", "2d")], row


@pytest.mark.parametrize("order", [[0, 2, 1], [2, 1, 0], [1, 0, 2]])
def test_rows_of_three_children_may_come_in_any_order(order, monkeypatch):
    monkeypatch.setattr(series, "BLOCK_ROWS", 1)
    three = [told([f"plt 0d {count}"], [], at("0d")) for count in (20, 120, 40)]
    results, events, patients = columns(three, "UTC")
    found = evaluate(results.take(np.array(order)), events, patients, WARD, "UTC", to_ms(at("0d")))
    low = [{row[0] for row in rows} & {"thrombocytopenia", "severe_thrombocytopenia"} for rows in plain(found, WARD, 3)]
    assert low == [{"thrombocytopenia", "severe_thrombocytopenia"}, set(), {"thrombocytopenia"}]


def test_rows_of_children_in_any_order_are_judged_child_by_child():
    histories = [make_history(number, zone="UTC", protocol="ward") for number in range(3)]
    results, events, patients = columns(histories, "UTC")
    backwards = results.take(np.arange(results.time.size)[::-1])
    as_of = to_ms(max(history.as_of for history in histories))
    said = [evaluate(rows, events, patients, WARD, "UTC", as_of) for rows in (results, backwards)]
    assert plain(said[0], WARD, 3) == plain(said[1], WARD, 3)


def test_what_is_recorded_after_observation_closed_is_not_known():
    history = told(
        ["plt 0d 50"], [event(text) for text in ("plasma 1d", "follow_up_end 2d", "plasma 2d", "plasma 3d")], at("9d")
    )
    results, events, _ = columns([history], "UTC")
    known = prepare(results, events, 1, WARD, to_ms(at("9d"))).events
    assert [since(from_ms(int(start))) for start in known.start] == ["1d", "2d", "2d"]
