"""The slow reading of 3.6 kmp_rebound, by hand. A documented response on the first morning arms the watch."""

from __future__ import annotations

import pytest

from tests.reference.shorthand import episodes, said

DOCUMENTED = "response_documented 0d"


def rebound(labs, events=(DOCUMENTED,), **more):
    """What is said of kmp_rebound."""
    return said("kmp_rebound", episodes(labs, events, **more))


def test_a_rebound_needs_a_response_before_it():
    assert rebound(["plt 1d 20"], ()) == []
    assert rebound(["plt 0d 99"]) == [], "strictly later than the response"
    assert rebound(["plt 1m 99"]) == ["suspected warning 1m"]
    assert rebound(["plt 1d 100"]) == []
    assert rebound(["plt 1d 99.9"]) == ["suspected warning 1d"]
    assert rebound(["plt 1d <=100"]) == []


def test_the_confirmation_of_a_durable_response_arms_it_and_a_low_during_the_run_does_not_count():
    run = ["plt -1d 50", "plt 0d 120", "plt 14d 120"]
    assert rebound([*run, "plt 27d 80"], ()) == []
    assert rebound([*run, "plt 28d 120", "plt 29d 80"], ()) == ["suspected warning 29d"]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ("plt 1d12h 99", "confirmed critical 1d [1d12h]"),
        ("plt 1d11h59m 99", "suspected warning 1d"),
        ("plt 1d1h 49.9", "confirmed critical 1d [1d1h]"),
        ("plt 1d1h 50", "suspected warning 1d"),
        ("plt 1d1h <50", "confirmed critical 1d [1d1h]"),
        ("plt 9d 99", "confirmed critical 1d [9d]"),
    ],
)
def test_a_second_low_confirms_when_12_hours_apart_or_very_low(second, expected):
    assert rebound(["plt 1d 90", second]) == [expected]


def test_an_onset_below_50_is_confirmed_at_once():
    assert rebound(["plt 1d 49.9"]) == ["confirmed critical 1d"]
    assert rebound(["plt 1d 50"]) == ["suspected warning 1d"]


def test_a_good_count_between_two_lows_breaks_the_streak_and_an_undecided_one_does_not():
    assert rebound(["plt 1d 90", "plt 2d 100", "plt 3d 90"]) == ["suspected warning 1d"]
    assert rebound(["plt 1d 90", "plt 2d >90", "plt 3d 90"]) == ["confirmed critical 1d [3d]"]
    assert rebound(["plt 1d 90", "plt 2d 120", "plt 3d 90"], (DOCUMENTED, "platelet_transfusion 2d")) == [
        "confirmed critical 1d [3d]"
    ]
    assert rebound(["plt 1d 90", "plt 2d 100"]) == ["isolated note 1d"]


def test_a_low_fibrinogen_confirms_while_a_streak_lasts_and_both_are_current():
    assert rebound(["plt 1d 90", "fib 1d1h 1.59"]) == ["confirmed critical 1d [1d1h]"]
    assert rebound(["plt 1d 90", "fib 1d1h 1.6"]) == ["suspected warning 1d"]
    assert rebound(["plt 1d 90", "fib 1d1h <2.0"]) == ["suspected warning 1d"]
    assert rebound(["plt 1d 90", "fib 2d 1.0"]) == ["confirmed critical 1d [2d]"]
    assert rebound(["plt 1d 90", "fib 2d1m 1.0"]) == ["suspected warning 1d"], "the count is no longer current"
    assert rebound(["fib 12h 1.0", "plt 1d 90"]) == ["confirmed critical 1d"], "older than the streak"
    assert rebound(["fib 0d 1.0", "plt 1d1m 90"]) == ["suspected warning 1d1m"]
    assert rebound(["plt 1d 90", "plt 1d1h 100", "fib 1d2h 1.0"]) == ["isolated note 1d"], "no streak lasts"
    assert rebound(["plt 1d 90", "plt 1d1h >90", "fib 1d2h 1.0"]) == ["suspected warning 1d"]


def test_a_carried_good_fibrinogen_hides_nothing():
    labs = ["fib 12h 1.0", "fib 20h 1.8", "plt 1d 90"]
    assert rebound(labs, (DOCUMENTED, "plasma 15h")) == ["confirmed critical 1d"]
    assert rebound(labs) == ["suspected warning 1d"]


@pytest.mark.parametrize(
    ("goods", "expected"),
    [
        ("2d 5d 9d", "isolated note 1d - 9d isolated"),
        ("2d 5d 8d", "isolated note 1d"),
        ("2d 9d", "isolated note 1d"),
        ("2d 9d 10d", "isolated note 1d - 10d isolated"),
        ("2d 3d 4d 5d 9d", "isolated note 1d - 9d isolated"),
    ],
)
def test_an_isolated_low_ends_at_a_third_good_count_a_week_after_the_first(goods, expected):
    assert rebound(["plt 1d 90", *(f"plt {time} 120" for time in goods.split())]) == [expected]


def test_a_low_turns_isolated_back_and_the_goods_are_counted_anew():
    labs = ["plt 1d 90", "plt 2d 120", "plt 5d 120", "plt 6d 90", "plt 9d 120"]
    assert rebound(labs[:4]) == ["suspected warning 1d"]
    assert rebound(labs) == ["isolated note 1d"]
    assert rebound([*labs, "plt 12d 120", "plt 16d 120"]) == ["isolated note 1d - 16d isolated"]


def test_the_end_of_an_isolated_one_arms_the_watch_again():
    labs = ["plt 1d 90", "plt 2d 120", "plt 5d 120", "plt 9d 120", "plt 10d 90"]
    assert rebound(labs) == ["isolated note 1d - 9d isolated", "suspected warning 10d"]


def test_a_confirmed_one_stays_so_and_calms_as_the_counts_recover():
    low = ["plt 1d 40"]
    assert rebound([*low, "plt 2d 120"]) == ["confirmed warning 1d"]
    assert rebound([*low, "plt 2d 120", "plt 5d 120", "plt 8d 120"]) == ["confirmed warning 1d"]
    assert rebound([*low, "plt 2d 120", "plt 5d 120", "plt 9d 120"]) == ["confirmed note 1d"]
    assert rebound([*low, "plt 2d 120", "plt 5d 120", "plt 9d 120", "plt 10d 99"]) == ["confirmed critical 1d"]


def test_it_ends_when_the_next_durable_response_is_confirmed_and_that_arms_it_again():
    labs = ["plt 1d 40", "plt 2d 120", "plt 16d 120", "plt 30d 120"]
    assert rebound(labs[:-1]) == ["confirmed warning 1d"]
    assert rebound(labs) == ["confirmed note 1d - 30d recovered"]
    assert rebound([*labs, "plt 31d 90"]) == ["confirmed note 1d - 30d recovered", "suspected warning 31d"]


def test_a_response_goes_before_an_isolated_end_of_the_same_time():
    labs = ["plt 1d 90", "plt 2d 120", "plt 16d 120", "plt 30d 120"]
    assert rebound(labs) == ["isolated note 1d - 30d recovered"]
    assert rebound(["plt 1d 90", "plt 2d 120", "plt 8d 120", "plt 30d 120"], protocol="trial") == [
        "isolated note 1d - 30d recovered"
    ]


def test_a_response_documented_during_an_open_rebound_changes_nothing():
    events = (DOCUMENTED, "response_documented 2d")
    assert rebound(["plt 1d 90", "plt 3d 90"], events) == ["confirmed critical 1d [3d]"]
    assert rebound(["plt 1d 90", "plt 2d 90"], events) == ["confirmed critical 1d [2d]"]


def test_a_rebound_that_is_open_when_observation_closes_ends_with_what_was_seen_then():
    events = (DOCUMENTED, "transfer_out 2d")
    assert rebound(["plt 1d 90"], events) == ["suspected warning 1d - 2d observation_ended"]
    assert rebound(["plt 1d 90", "plt 2d 90"], events) == ["confirmed critical 1d [2d] - 2d observation_ended"]
    assert rebound(["plt 1d 90", "plt 2d 120"], events) == ["isolated note 1d - 2d observation_ended"]
