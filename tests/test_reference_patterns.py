"""The slow reading of 3.3 consumptive_coagulopathy and 3.4 kmp, by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.reference.shorthand import episodes, lab, said

WHOLE = ["plt 0d 20", "fib 0d 1.0", "dd 0d 5"]


def kmp(labs, events=(), **more):
    """What is said of kmp."""
    return said("kmp", episodes(labs, events, **more))


def coagulopathy(labs, events=(), **more):
    """What is said of consumptive_coagulopathy."""
    return said("consumptive_coagulopathy", episodes(labs, events, **more))


@pytest.mark.parametrize(
    ("platelets", "fibrinogen", "d_dimer", "expected"),
    [
        ("99.9", "1.59", "0.51", ["confirmed critical 0d"]),
        ("100", "1.59", "0.51", []),
        ("99.9", "1.6", "0.51", []),
        ("99.9", "1.59", "0.5", []),
        ("99.9", "<0.5", ">20", ["confirmed critical 0d"]),
        ("99.9", "<2.0", "0.51", ["possible warning 0d"]),
        ("99.9", "1.59", "<1.0", ["possible critical 0d"]),
        (">90", "1.59", "0.51", ["possible warning 0d"]),
        (">90", "1.6", "0.51", []),
    ],
)
def test_kmp_is_an_and_of_three_strict_comparisons(platelets, fibrinogen, d_dimer, expected):
    assert kmp([f"plt 0d {platelets}", f"fib 0d {fibrinogen}", f"dd 0d {d_dimer}"]) == expected


@pytest.mark.parametrize(
    ("fibrinogen", "d_dimer", "expected"),
    [
        ("1.59", "0.51", ["confirmed warning 0d"]),
        ("1.6", "0.51", []),
        ("1.59", "0.5", []),
        ("<2.0", "0.51", ["possible warning 0d"]),
    ],
)
def test_coagulopathy_is_an_and_of_two_strict_comparisons(fibrinogen, d_dimer, expected):
    assert coagulopathy([f"fib 0d {fibrinogen}", f"dd 0d {d_dimer}"]) == expected


def test_a_missing_companion_makes_it_possible_and_a_missing_leading_value_silent():
    assert kmp(["plt 0d 20"]) == ["possible warning 0d"]
    assert kmp(["plt 0d 20", "fib 0d 1.0"]) == ["possible critical 0d"]
    assert kmp(["plt 0d 20", "dd 0d 5"]) == ["possible warning 0d"]
    assert kmp(["fib 0d 1.0", "dd 0d 5"]) == []
    assert coagulopathy(["fib 0d 1.0"]) == ["possible warning 0d"]
    assert coagulopathy(["dd 0d 5"]) == []


def test_a_companion_counts_for_24_hours_and_not_a_minute_longer():
    assert kmp(["fib 0d 1.0", "dd 0d 5", "plt 24h 20"]) == ["confirmed critical 1d"]
    assert kmp(["fib 0d 1.0", "dd 0d 5", "plt 24h1m 20"]) == ["possible warning 1d1m"]
    assert kmp(["fib 0d 1.6", "plt 24h 20"]) == []
    assert kmp(["fib 0d 1.6", "plt 24h1m 20"]) == ["possible warning 1d1m"]


def test_a_possible_one_is_confirmed_by_its_companions_and_excluded_by_any_of_them():
    assert kmp(["plt 0d 20", "fib 1h 1.0", "dd 2h 5"]) == ["confirmed critical 0d [2h]"]
    assert kmp(["plt 0d 20", "fib 1h 1.0", "dd 2h 0.5"]) == ["possible critical 0d - 2h excluded"]
    assert kmp(["plt 0d 20", "fib 1h 1.6"]) == ["possible warning 0d - 1h excluded"]
    assert kmp(["plt 0d 20", "plt 1h 100"]) == ["possible warning 0d - 1h excluded"]
    assert kmp(["plt 0d 20", "plt 1h >90", "fib 2h <2.0"]) == ["possible warning 0d"]


def test_after_an_exclusion_the_next_result_may_open_it_again_once_the_companion_is_old():
    labs = ["plt 0d 20", "dd 1h 0.4", "plt 25h 20", "plt 25h1m 20"]
    assert kmp(labs) == ["possible warning 0d - 1h excluded", "possible warning 1d1h1m"]


def test_a_confirmed_kmp_ends_only_at_good_platelets():
    assert kmp([*WHOLE, "fib 1d 2.0"]) == ["confirmed critical 0d"]
    assert kmp([*WHOLE, "fib 1d 2.0", "dd 1d 0.5"]) == ["confirmed warning 0d"]
    assert kmp([*WHOLE, "fib 1d 2.0", "dd 1d 0.5"], as_of="2d1m") == ["confirmed critical 0d"]
    assert kmp([*WHOLE, "plt 2d >90"]) == ["confirmed critical 0d"]
    assert kmp([*WHOLE, "plt 2d 100"]) == ["confirmed critical 0d - 2d resolved"]
    assert kmp([*WHOLE, "fib 1d 1.6", "dd 1d 0.5", "plt 2d 100"]) == ["confirmed warning 0d - 2d resolved"]
    assert kmp([*WHOLE, "fib 1d 1.6", "dd 1d 0.5", "plt 2d1m 100"]) == ["confirmed critical 0d - 2d1m resolved"]


@pytest.mark.parametrize(
    ("mending", "expected"),
    [
        ("fib 1d 1.6", "- 1d resolved"),
        ("dd 1d 0.5", "- 1d resolved"),
        ("fib 1d 1.59", ""),
        ("dd 1d 0.51", ""),
        ("dd 1d <1.0", ""),
    ],
)
def test_a_confirmed_coagulopathy_ends_at_either_companion(mending, expected):
    assert coagulopathy(["fib 0d 1.0", "dd 0d 5", mending]) == [f"confirmed warning 0d {expected}".strip()]


def test_a_carried_good_value_neither_ends_nor_excludes_and_a_carried_bad_one_counts():
    assert kmp([*WHOLE, "plt 1d 120"], ["platelet_transfusion 20h"]) == ["confirmed critical 0d"]
    assert coagulopathy([*WHOLE, "fib 1d 1.6"], ["plasma 20h"]) == ["confirmed warning 0d"]
    assert kmp(["plt 0d 20", "fib 1h 1.8"], ["plasma 0d"]) == ["possible warning 0d"]
    assert kmp(["plt 0d 20", "fib 1h 1.8", "dd 1h 5"], ["plasma 0d"]) == ["possible critical 0d"]
    assert kmp(["plt 1h 20", "fib 1h 1.8", "dd 1h 5"], ["plasma 0d"], as_of="25h") == ["possible critical 1h"]
    assert kmp(["plt 2h 20", "fib 1h 1.8", "dd 2h 5"], ["plasma 0d"], as_of="25h1m") == ["possible warning 2h"]
    assert kmp(["plt 0d 20", "fib 1h 1.8", "dd 1h 5"], ["plasma 0d"], as_of="24h1m") == ["possible warning 0d"]
    assert kmp(["plt 0d 20", "fib 1h 1.5", "dd 1h 5"], ["plasma 0d"]) == ["confirmed critical 0d [1h]"]
    assert kmp([*WHOLE, "fib 1h 1.8", "plt 2h 30"], ["plasma 30m"]) == ["confirmed critical 0d"]


def test_a_good_preliminary_value_is_neutral_for_each_analyte():
    for good in ("plt 1h 100", "fib 1h 1.6", "dd 1h 0.5"):
        assert kmp(["plt 0d 20", lab(good, status="preliminary")]) == ["possible warning 0d"]
    assert kmp(["plt 0d 20", lab("dd 1h <1.0", status="preliminary"), "fib 1h 1.0"]) == ["possible critical 0d"]
    assert kmp([lab(text, status="preliminary") for text in WHOLE]) == ["confirmed critical 0d"]


def test_a_coagulopathy_under_29_days_of_age_is_a_note_unless_platelets_or_d_dimer_say_more():
    born_28, born_29 = dt.date(2025, 12, 4), dt.date(2025, 12, 3)
    labs = ["fib 0d 1.0", "dd 0d 2.8"]
    assert coagulopathy(labs, birth=born_28) == ["confirmed note 0d"]
    assert coagulopathy(labs, birth=born_29) == ["confirmed warning 0d"]
    assert coagulopathy(labs, birth=born_28, as_of="16h") == ["confirmed warning 0d"], "29 days at midnight"
    assert coagulopathy(["fib 0d 1.0", "dd 0d 2.81"], birth=born_28) == ["confirmed warning 0d"]
    assert coagulopathy([*labs, "plt 0d 99"], birth=born_28) == ["confirmed warning 0d"]
    assert coagulopathy([*labs, "plt 0d 100"], birth=born_28) == ["confirmed note 0d"]
    assert coagulopathy([*labs, "plt 0d >90"], birth=born_28) == ["confirmed note 0d"]
    assert coagulopathy(labs) == ["confirmed warning 0d"], "age not known"


def test_an_ended_coagulopathy_keeps_the_severity_it_had_just_before():
    born = dt.date(2025, 12, 25)
    labs = ["fib 0d 1.0", "dd 0d 5", "dd 2h 0.4"]
    assert coagulopathy(labs, birth=born) == ["confirmed warning 0d - 2h resolved"]
    assert coagulopathy(["fib 0d 1.0", "dd 0d 1.0", "fib 2h 2.0"], birth=born) == ["confirmed note 0d - 2h resolved"]


def test_thrombocytopenia_stays_a_note_when_it_ends_or_closes_together_with_the_pattern():
    resolved = episodes([*WHOLE, "plt 2d 100"])
    assert said("thrombocytopenia", resolved) == ["confirmed note 0d - 2d resolved"]
    closed = episodes(WHOLE, ["death 1d"])
    assert said("thrombocytopenia", closed) == ["confirmed note 0d - 1d observation_ended"]


def test_thrombocytopenia_is_a_warning_again_once_the_pattern_has_been_excluded():
    labs = ["plt 0d 40", "dd 1h 0.4"]
    assert said("thrombocytopenia", episodes(labs)) == ["confirmed warning 0d"]
    assert said("thrombocytopenia", episodes(labs, as_of="59m")) == ["confirmed note 0d"]


def test_the_rows_of_an_episode_are_those_that_opened_confirmed_and_ended_it():
    found = episodes(["plt 0d 20", "fib 1h 1.0", "dd 2h 5", "plt 1d 100"])
    assert [episode.rows for episode in found if episode.rule == "kmp"] == [
        {"onset": (2,), "confirm": (4,), "end": (5,)}
    ]
