"""Muting is visible and narrow: who mutes what, while what holds certainly, by an input not older than 24 h."""

from __future__ import annotations

import pytest

from tests.watched_child import WatchedChild

PATTERN = ("fib 0d 1.2", "dd 0d 3")


@pytest.fixture
def child() -> WatchedChild:
    return WatchedChild()


def test_platelets_that_meet_the_plasma_criterion_mute_severe_thrombocytopenia(child):
    child.told("plt 0d 9.9", "dd 0d 0.3")
    assert child.muted() == {"severe_thrombocytopenia": "plasma_criterion"}


@pytest.mark.parametrize("other", ["fib", "bleeding"])
def test_a_plasma_criterion_that_is_met_by_something_else_does_not(child, other):
    child.told("plt 0d 25", "dd 0d 0.3")
    if other == "fib":
        child.told("fib 0d 0.4")
    else:
        child.happened("active_bleeding 0d")
    assert child.live("plasma_criterion").severity == "critical"
    assert child.muted() == {}


def test_a_plasma_criterion_whose_platelets_cannot_be_told_does_not(child):
    child.told("plt 0d <15", "dd 0d 0.3")
    assert child.live("plasma_criterion").status == "possible"
    assert child.muted() == {}


def test_a_plasma_criterion_does_not_mute_once_its_platelets_have_risen(child):
    child.told("plt 0d 8", "fib 0d 0.4", "dd 0d 0.3")
    child.told("plt 6h 25", "dd 6h 0.3")
    assert child.live("plasma_criterion")
    assert child.muted() == {}


def test_hemoglobin_that_meets_the_red_cell_criterion_mutes_severe_anemia(child):
    child.told("hb 0d 59.9")
    assert child.muted() == {"severe_anemia": "red_cell_criterion"}


def test_a_red_cell_criterion_that_is_met_by_symptoms_does_not(child):
    child.told("hb 0d <65")
    child.happened("symptomatic_anemia 0d")
    assert child.live("red_cell_criterion").status == "confirmed"
    assert child.live("severe_anemia").status == "possible"
    assert child.muted() == {}


def test_a_confirmed_kmp_mutes_consumptive_coagulopathy_and_severe_thrombocytopenia(child):
    child.told("plt 0d 25", *PATTERN)
    assert child.muted() == {"consumptive_coagulopathy": "kmp", "severe_thrombocytopenia": "kmp"}


def test_a_possible_kmp_mutes_nothing(child):
    child.told("plt 0d 25", "fib 0d 1.2", "dd 0d <1")
    assert child.live("kmp").status == "possible"
    assert child.live("kmp").severity == "critical"
    assert child.muted() == {}


@pytest.mark.parametrize("status", ["suspected", "isolated", "confirmed"])
def test_a_rebound_of_any_status_mutes_a_possible_kmp(child, status):
    child.happened("response_documented 0d")
    child.told("plt 1d 90")
    if status == "isolated":
        child.told("plt 2d 120")
        child.told("plt 2d1h >90")
    elif status == "confirmed":
        child.told("plt 1d12h 90")
    child.clock("2d6h" if status == "isolated" else "1d20h")
    [rebound] = [episode for episode in child.episodes() if episode.rule == "kmp_rebound"]
    assert rebound.status == status
    assert child.live("kmp").status == "possible"
    assert child.muted() == {"kmp": "kmp_rebound"}


def test_a_rebound_does_not_mute_a_confirmed_kmp(child):
    child.happened("response_documented 0d")
    child.told("plt 1d 90", "fib 1d 1.2", "dd 1d 3")
    assert child.live("kmp").status == "confirmed"
    assert child.muted() == {"consumptive_coagulopathy": "kmp"}


@pytest.mark.parametrize(
    ("results", "muted"),
    [
        (("plt 0d 8", "dd 0d 0.3"), "severe_thrombocytopenia"),
        (("hb 0d 55",), "severe_anemia"),
        (("plt 0d 25", *PATTERN), "severe_thrombocytopenia"),
    ],
)
def test_an_input_of_24_h_still_mutes_and_an_older_one_does_not(child, results, muted):
    child.told(*results)
    child.clock("1d")
    assert muted in child.muted()
    child.clock("1d1m")
    assert muted not in child.muted()


def test_a_rebound_of_yesterday_does_not_mute(child):
    child.happened("response_documented 0d")
    child.told("plt 1d 90")
    child.clock("2d")
    assert child.muted() == {"kmp": "kmp_rebound"}
    child.clock("2d1m")
    assert child.muted() == {}


def test_what_is_over_mutes_nothing_and_is_not_muted(child):
    child.told("plt 0d 25", *PATTERN)
    child.told("plt 6h 120")
    assert child.live("consumptive_coagulopathy")
    assert child.muted() == {}


def test_an_acknowledged_alert_mutes_and_is_muted_like_any_other(child):
    child.told("hb 0d 55")
    child.acknowledge("red_cell_criterion", "1h")
    child.acknowledge("severe_anemia", "1h")
    assert child.muted() == {"severe_anemia": "red_cell_criterion"}


def test_muting_moves_no_alert(child):
    child.told("hb 0d 55")
    assert child.live("severe_anemia").state == "open"
    assert child.log("severe_anemia") == ["raise"]


def test_an_alert_that_is_over_is_not_muted(child):
    child.told("plt 0d 25", *PATTERN)
    assert set(child.muted()) == {"severe_thrombocytopenia", "consumptive_coagulopathy"}
    child.told("plt 2h 60")
    assert set(child.muted()) == {"consumptive_coagulopathy"}


def test_a_rebound_mutes_no_other_possible_than_that_of_the_pattern(child):
    child.happened("response_documented 0d")
    child.told("plt 1d 90", "hb 1d <70")
    child.clock("1d4h")
    assert child.live("severe_anemia").status == "possible"
    assert child.muted() == {"kmp": "kmp_rebound"}
