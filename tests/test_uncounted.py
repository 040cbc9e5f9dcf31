"""What an explanation says besides its sentence: what was not counted, which limbs hold, which bands values lie in."""

from __future__ import annotations

import dataclasses

import pytest

from khemon.explain import Given, explained
from khemon.explain.cases import run_case
from khemon.rules import evaluate, load_protocol, prepare
from khemon.rules.calendar import to_ms
from khemon.rules.cases import cases_for
from tests.columns import columns
from tests.drawn import FromHistory
from tests.histories import History, make_history
from tests.histories.treatment import treated
from tests.reference import Child
from tests.reference.shorthand import at, event, lab
from tests.test_grounds import grounds_of

WARD = 6
RUN = "durable_platelet_response"
WARD_RULES = load_protocol("ward")


def told(rule, name):
    """The latest episode of the case of that name, with its grounds."""
    [case] = [case for case in cases_for(rule) if case.name == name]
    return run_case(case, grounded=True)[-1]


ON = "platelets {} on 2026-{}: not counted"


@pytest.mark.parametrize(
    ("rule", "name", "wanted"),
    [
        (
            "blood_count_overdue",
            "after a lifted count it is 24 h",
            ON.format("110", "01-01 10:00, 1 h after platelet transfusion"),
        ),
        (
            "blood_count_overdue",
            "an undecided count is no count",
            ON.format(">90 (cannot tell whether >=100)", "01-03 08:00"),
        ),
        ("blood_count_overdue", "a clumped sample is no count", "platelets 12 on 2026-01-03 08:00, clumped: set aside"),
        (
            "consumptive_coagulopathy",
            "a preliminary good D-dimer does not end it",
            "D-dimer 0.3 on 2026-01-01 20:00, preliminary: not counted",
        ),
        (
            "durable_platelet_response",
            "a preliminary good count does not confirm it",
            ON.format("120", "01-30 08:00, preliminary"),
        ),
        ("durable_platelet_response", "a low count breaks it, transfusion or not", ""),
        ("kmp", "a confirmed one ended by one of two results of one time", ""),
        ("kmp", "nothing is known for certain", ""),
        (
            "kmp_rebound",
            "an undecided count does not break the row of low counts",
            ON.format(">90 (cannot tell whether <100)", "02-10 14:00"),
        ),
        (
            "kmp_rebound",
            "a count lifted by transfusion does not isolate it, and is named",
            ON.format("130", "02-11 08:00, 4 h after platelet transfusion"),
        ),
        ("kmp_rebound", "an undecided fibrinogen does not confirm it", ""),
        ("plasma_criterion", "a count lifted by transfusion ends it as supported", ""),
        ("thrombocytopenia", "of several certain counts before an undecided one the last is named", ""),
    ],
)
def test_the_grounds_say_what_a_rule_passed_over_and_why(rule, name, wanted):
    assert told(rule, name).grounds.not_counted == ((wanted,) if wanted else ())


@pytest.mark.parametrize(
    ("quality", "at_hour", "wanted"),
    [
        ("wrong_patient", 1, ("fibrinogen 2 on 2026-01-01 09:00, wrong patient: set aside",)),
        ("clotted", 0, ("fibrinogen 2 on 2026-01-01 08:00, clotted: set aside",)),
        ("clotted", 26, ("fibrinogen 2 on 2026-01-02 10:00, clotted: set aside",)),
    ],
)
def test_what_was_set_aside_is_told_from_24_h_before_the_onset_until_now(quality, at_hour, wanted):
    labs = [lab("plt 24h 80"), lab(f"fib {at_hour}h 2", quality=quality)]
    assert grounds_of("kmp", labs, (), "26h").not_counted == wanted


def test_what_was_set_aside_earlier_than_24_h_before_the_onset_is_not_told():
    labs = [lab("plt 24h1m 80"), lab("fib 0h 2", quality="clotted")]
    assert grounds_of("kmp", labs, (), "26h").not_counted == ()


def test_two_results_that_are_not_counted_are_told_in_order_of_time_and_name():
    assert told("kmp", "two results that are not counted are both named").grounds.not_counted == (
        "fibrinogen 1.9 on 2026-01-01 10:00, 1 h after plasma: not counted",
        "platelets 120 on 2026-01-01 10:00, 1 h after platelet transfusion: not counted",
    )


@pytest.mark.parametrize(
    ("name", "limbs", "fresh"),
    [
        ("exactly 24 h old is still current", ("platelets",), ("platelets",)),
        ("a count below the limit is carried forward past other results", ("platelets",), ()),
        (
            "limbs that cannot be told, are met, and reach deeper bands",
            ("platelets", "fibrinogen"),
            ("platelets", "fibrinogen"),
        ),
        ("ended before it could be told", (), ()),
        ("bleeding that began exactly 24 h ago is still current", ("active_bleeding",), ("active_bleeding",)),
        ("bleeding without an end is not updated after a day", ("active_bleeding",), ()),
    ],
)
def test_a_criterion_tells_which_of_its_limbs_hold_and_which_of_these_are_fresh(name, limbs, fresh):
    episode = told("plasma_criterion", name)
    assert (set(episode.limbs), set(episode.fresh_limbs)) == (set(limbs), set(fresh))


def test_an_episode_tells_the_band_of_each_value_inside_and_the_time_of_what_was_counted_last():
    episode = told("kmp", "a lifted value is none that a later one is deeper than")
    platelets, fibrinogen, d_dimer = [(1, 1), (3, 5)], [(0, 3), (2, 4)], [(0, 2)]
    by_analyte = {"platelets": platelets, "fibrinogen": fibrinogen, "d_dimer": d_dimer}
    assert episode.bands == tuple((name, *each) for name, bands in by_analyte.items() for each in bands)
    assert f"{episode.last_input_at:%H:%M}" == "13:00"


def alone(history: History, as_of: int) -> list[tuple[object, ...]]:
    """What is said of one child."""
    return said([history], as_of)[0]


class _FromWard:
    """The results of several children, one after the other; an id is the child's row."""

    def __init__(self, histories: list[History]) -> None:
        self.each = [(FromHistory(history), place) for history in histories for place in range(len(history.labs))]

    def given(self, row: int) -> Given:
        own, place = self.each[row]
        return own.given(place)


def said(histories: list[History], as_of: int) -> list[list[tuple[object, ...]]]:
    """By child the episodes in words with evidence and grounds, all children looked at together."""
    zone, protocol = histories[0].zone, WARD_RULES
    results, events, patients = columns(histories, zone)
    found = evaluate(results, events, patients, protocol, zone, as_of)
    prepared = prepare(results, events, len(histories), protocol, as_of)
    names = [str(place) for place in range(len(histories))]
    known = [history.child.diagnosis is not None for history in histories]
    episodes = explained(found, prepared, patients, protocol, zone, names, known, _FromWard(histories), grounded=True)
    by_child: list[list[tuple[object, ...]]] = [[] for _ in histories]
    for episode in episodes:
        rest = (episode.limbs, episode.bands, episode.missing, episode.last_input_at, episode.grounds)
        by_child[int(episode.patient_id)].append((episode.rule, episode.onset, episode.text, episode.evidence, *rest))
    return by_child


@pytest.mark.parametrize("first", [0, 6, 12])
def test_what_is_said_of_a_child_does_not_depend_on_the_other_children(first):
    histories = [dataclasses.replace(treated(make_history(seed)), zone="UTC") for seed in range(first, first + WARD)]
    as_of = max(to_ms(history.as_of) for history in histories)
    assert said(histories, as_of) == [alone(history, as_of) for history in histories]


def of_lines(counts: str, as_of: str, *events: str) -> History:
    """A child whose platelets are told in a line, days with values, and events."""
    days = [each.split() for each in counts.split(", ")]
    labs = tuple(
        dataclasses.replace(lab(f"plt {day} {value}"), row=place + 2, recorded=place)
        for place, (day, value) in enumerate(days)
    )
    return History(0, Child("P"), labs, tuple(map(event, events)), "UTC", "ward", at(as_of))


def test_what_is_said_of_a_rebound_rests_on_results_and_events_of_its_own_child():
    histories = [
        of_lines("0d 50, 1d 120, 15d 120, 29d 120, 40d 80", "40d"),
        of_lines("0d 50, 3d 120, 17d 120, 31d 120, 40d 120", "40d", "platelet_transfusion -20d"),
        of_lines("-9d 50, -8d 120, 7d 120, 20d 120, 30d 80", "40d", "plasma -9d", "active_bleeding 2d 3d"),
    ]
    as_of = max(to_ms(history.as_of) for history in histories)
    assert said(histories, as_of) == [alone(history, as_of) for history in histories]


@pytest.mark.parametrize(
    ("kind", "unadjusted"), [("plasma", False), ("red_cell_transfusion", False), ("active_bleeding", True)]
)
def test_a_run_is_called_unadjusted_where_no_transfusion_or_product_is_recorded(kind, unadjusted):
    [found] = [
        each for each in alone(of_lines("0d 50, 1d 120", "1d", f"{kind} -9d -9d"), to_ms(at("1d"))) if each[0] == RUN
    ]
    assert ("transfusions not recorded: unadjusted" in found[2]) is unadjusted
