"""What was found of a child before is used again only where judging afresh would find the same, whatever arrives."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from khemon.rules import Episodes, load_protocol
from khemon.rules.calendar import to_ms
from khemon.rules.engine import evaluated
from tests.columns import columns, plain
from tests.histories import History, make_history
from tests.histories.treatment import treated
from tests.reference import Child, Lab
from tests.reference.shorthand import at, event, lab

WARD = load_protocol("ward")
TRIAL = load_protocol("trial")
HISTORIES = 24
#: Arrivals of one history, some of one result and some of several.
ARRIVALS = 14


def judged(history: History, memory: dict[Any, Any] | None = None, protocol=WARD, zone: str | None = None) -> Episodes:
    zone = zone or history.zone
    return evaluated(*columns([history], zone), protocol, zone, to_ms(history.as_of), memory)[0]


def same(one: Episodes, other: Episodes) -> bool:
    pairs = ((getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__)
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


def arrivals(history: History, rng: random.Random) -> list[History]:
    """The history as it grows: results and events in any order, and a clock that mostly goes on."""
    told: list[Any] = [*history.labs, *history.events]
    rng.shuffle(told)
    sizes = sorted(rng.sample(range(1, len(told) + 1), min(ARRIVALS, len(told))))
    child, steps = history.child, []
    for size in (*sizes, len(told)):
        part = told[:size]
        as_of = history.as_of - dt.timedelta(hours=rng.choice([0, 0, 1, 30, 900]))
        if rng.random() < 0.2:
            child = dataclasses.replace(child, day0=as_of - dt.timedelta(days=rng.randrange(90)))
        labs = tuple(each for each in part if each in history.labs)
        events = tuple(each for each in part if each in history.events)
        steps.append(dataclasses.replace(history, labs=labs, events=events, child=child, as_of=as_of))
    return steps


@pytest.mark.parametrize("first", range(0, HISTORIES, 8))
def test_what_is_remembered_is_what_would_be_found_afresh_after_every_arrival(first, seed):
    for number in range(seed + first, seed + first + 8):
        history, rng, memory = treated(make_history(number)), random.Random(f"arrivals {number}"), {}
        for step, known in enumerate(arrivals(history, rng)):
            found = judged(known, memory)
            assert same(found, judged(known)), f"seed {number}, arrival {step}"


def child(*told: str | Lab, now: str = "40d", events=(), **fields: Any) -> History:
    labs = tuple(lab(each) if isinstance(each, str) else each for each in told)
    numbered = tuple(dataclasses.replace(each, row=place + 2, recorded=place) for place, each in enumerate(labs))
    return History(0, Child("P1", None, **fields), numbered, events, "UTC", "ward", at(now))


def level(text: str, timing: str = "trough") -> Lab:
    _, time, reported = text.split()
    return Lab(0, "sirolimus", at(time), "", Decimal(reported), timing=timing)


LOW = ("plt 0d 45", "fib 0d 1.2", "dd 0d 3", "hb 0d 55", "plt 1d 60", "hb 1d 90")


def parts(memory: dict[Any, Any]) -> dict[Any, Any]:
    """Name of each rule or part of one to what is kept of it."""
    [(_, _, kept)] = memory.values()
    return {name: found for name, (_, found) in kept.items()}


def test_a_new_result_has_only_those_rules_judged_anew_that_read_its_analyte():
    memory: dict[Any, Any] = {}
    judged(child(*LOW), memory)
    before = parts(memory)
    known = child(*LOW, "hb 2d 52")
    assert same(judged(known, memory), judged(known))
    after = parts(memory)
    anew = {name if isinstance(name, str) else name[0] for name in before if after[name] is not before[name]}
    assert {"severe_anemia", "red_cell_criterion", "hemoglobin_fall"} <= anew
    assert not anew & {"thrombocytopenia", "kmp", "durable_platelet_response", "falling_platelets", "kmp_rebound"}


def judged_anew(before: History, after: History) -> set[Any]:
    """Name of each rule or part of one that is judged anew when one is followed by the other."""
    memory: dict[Any, Any] = {}
    judged(before, memory)
    known = parts(memory)
    assert same(judged(after, memory), judged(after))
    return {
        name if isinstance(name, str) else name[0] for name, found in parts(memory).items() if found is not known[name]
    }


def test_an_event_has_only_those_rules_judged_anew_that_read_events():
    anew = judged_anew(child(*LOW), child(*LOW, events=(event("active_bleeding 0d"),)))
    assert {"plasma_criterion", "red_cell_criterion", "delta_check"} <= anew
    assert not anew & {"thrombocytopenia", "kmp", "durable_platelet_response", "falling_platelets", "hemoglobin_fall"}


def test_another_value_of_one_time_has_only_those_rules_judged_anew_that_read_results_one_by_one():
    assert judged_anew(child("hb 0d 90", "hb 12h 88"), child("hb 0d 90", "hb 12h 88", "hb 0d 130")) == {
        "hemoglobin_fall"
    }


def test_the_clock_alone_has_nothing_judged_anew_that_it_does_not_move():
    memory: dict[Any, Any] = {}
    judged(child(*LOW), memory)
    before = parts(memory)
    later = child(*LOW, now="80d")
    assert same(judged(later, memory), judged(later))
    assert all(after is before[name] for name, after in parts(memory).items())


def test_an_event_whose_end_comes_has_the_criteria_judged_anew():
    bleeding = (event("active_bleeding 2d 3d"),)
    memory: dict[Any, Any] = {}
    for now in ("2d12h", "3d", "4d"):
        known = child(*LOW, now=now, events=bleeding)
        assert same(judged(known, memory), judged(known)), now


def test_another_protocol_or_zone_begins_anew():
    memory: dict[Any, Any] = {}
    known = child(*LOW, *(f"plt {day}d 120" for day in (3, 20, 45)), now="46d")
    for protocol, zone in ((WARD, "UTC"), (TRIAL, "UTC"), (WARD, "Pacific/Kiritimati"), (WARD, "UTC")):
        assert same(judged(known, memory, protocol, zone), judged(known, None, protocol, zone)), (protocol.name, zone)
    assert plain(judged(known, memory), WARD, 1)[0]


def test_another_zone_begins_anew_also_where_every_date_is_the_same():
    """What is due on a day is due from its midnight on, and that is another one."""
    memory: dict[Any, Any] = {}
    known = child(*SETTLED)
    assert not same(judged(known, memory), judged(known, zone="Europe/Berlin"))
    assert same(judged(known, memory, zone="Europe/Berlin"), judged(known, zone="Europe/Berlin"))


def test_events_of_which_nobody_states_a_dose_are_remembered_like_others():
    memory: dict[Any, Any] = {}
    results, events, patients = columns([child(*LOW, events=(event("prednisolone 0d"),))], "UTC")
    undosed = dataclasses.replace(events, dose=None, dose_unit=None)
    found = [
        evaluated(results, undosed, patients, WARD, "UTC", to_ms(at("40d")), each)[0] for each in (None, memory, memory)
    ]
    assert same(found[0], found[1])
    assert same(found[0], found[2])


RESPONSE = ("plt 0d 60", *(f"plt {day}d 120" for day in (1, 8, 15, 22, 29)))
SETTLED = ("plt 0d 60", "plt 1d 120", "plt 5d 120", "plt 9d 120")
NEWS = {
    "another value of one time": (
        child("hb 0d 90", "hb 12h 88"),
        child("hb 0d 90", "hb 12h 88", "hb 0d 130"),
    ),
    "a response documented": (
        child(*SETTLED),
        child(*SETTLED, events=(event("response_documented 2d"),)),
    ),
    "a response documented before a low count": (
        child("plt 0d 120", "plt 5d 90"),
        child("plt 0d 120", "plt 5d 90", events=(event("response_documented 1d"),)),
    ),
    "a companion": (
        child(*RESPONSE, "plt 35d 80"),
        child(*RESPONSE, "plt 35d 80", "fib 35d 1.2"),
    ),
    "a timing stated": (
        child(level("siro 1d 5", "unknown"), level("siro 3d 19")),
        child(level("siro 1d 5"), level("siro 3d 19")),
    ),
    "another bound": (
        child("hb 0d <90"),
        child("hb 0d <50"),
    ),
    "a product given": (
        child("plt 0d 45", "plt 1d 150"),
        child("plt 0d 45", "plt 1d 150", events=(event("platelet_transfusion 12h 14h"),)),
    ),
    "the end of observation": (
        child(*LOW),
        child(*LOW, events=(event("follow_up_end 2d"),)),
    ),
}


@pytest.mark.parametrize("news", NEWS)
def test_news_that_leave_the_points_of_a_rule_as_they_were_are_heard_all_the_same(news):
    before, after = NEWS[news]
    memory: dict[Any, Any] = {}
    assert not same(judged(before, memory), judged(after)), "they change a verdict"
    assert same(judged(after, memory), judged(after))
