"""The slow reading of 3.5 runs, by hand."""

from __future__ import annotations

import pytest

from tests.reference.shorthand import episodes, lab, said


def platelet_runs(labs, events=(), **more):
    """What is said of durable_platelet_response."""
    return said("durable_platelet_response", episodes(labs, events, **more))


def fibrinogen_runs(labs, events=(), **more):
    """What is said of fibrinogen_stabilization."""
    return said("fibrinogen_stabilization", episodes(labs, events, **more))


def test_a_run_needs_a_low_before_it_and_starts_at_100():
    assert platelet_runs(["plt 0d 120", "plt 14d 120", "plt 28d 120"]) == []
    assert platelet_runs(["plt 0d 99.9", "plt 1d 99.9"]) == []
    assert platelet_runs(["plt 0d 99.9", "plt 1d 100"]) == ["provisional note 1d"]
    assert platelet_runs(["plt 0d >90", "plt 1d 100"]) == []
    assert platelet_runs([lab("plt 0d 20", quality="clumped"), "plt 1d 100"]) == []


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("27d", "provisional note 0d"),
        ("28d", "confirmed note 0d [28d]"),
        ("27d16h", "confirmed note 0d [27d16h]"),
        ("27d15h59m", "provisional note 0d"),
    ],
)
def test_a_run_is_confirmed_28_calendar_days_after_its_onset(last, expected):
    """The first morning is 08:00 UTC, so the 28th day begins 27 days and 16 hours later."""
    assert platelet_runs(["plt -1d 50", "plt 0d 100", "plt 14d 100", f"plt {last} 100"]) == [expected]


def test_days_are_those_of_the_wards_zone():
    labs = ["plt -1d 50", "plt 0d 100", "plt 14d 100", "plt 27d8h 100"]
    assert platelet_runs(labs) == ["provisional note 0d"]
    assert platelet_runs(labs, zone="Asia/Shanghai") == ["confirmed note 0d [27d8h]"]


@pytest.mark.parametrize(
    ("protocol", "samples", "expected"),
    [
        ("ward", "0d 14d 28d", ["confirmed note 0d [28d]"]),
        ("ward", "0d 15d 28d", ["unproven note 0d - 0d gap", "provisional note 15d"]),
        ("ward", "0d 7d 22d 28d 36d 50d", ["unproven note 0d - 7d gap", "confirmed note 22d [50d]"]),
        ("trial", "0d 15d 28d", ["confirmed note 0d [28d]"]),
        ("trial", "0d 31d", ["provisional note 0d"]),
        ("trial", "0d 31d 32d", ["confirmed note 0d [32d]"]),
        ("trial", "0d 32d", ["unproven note 0d - 0d gap", "provisional note 32d"]),
        ("trial", "0d 28d", ["provisional note 0d"]),
        ("trial", "0d 28d 29d", ["confirmed note 0d [29d]"]),
        ("ward", "0d 14d 28d 60d 100d", ["confirmed note 0d [28d]"]),
    ],
)
def test_an_unconfirmed_run_does_not_bridge_a_gap_and_three_samples_confirm(protocol, samples, expected):
    labs = ["plt -1d 50", *(f"plt {time} 120" for time in samples.split())]
    assert platelet_runs(labs, protocol=protocol) == expected


def test_a_gap_counts_in_calendar_days():
    assert platelet_runs(["plt -1d 50", "plt 0d 120", "plt 14d15h59m 120"]) == ["provisional note 0d"]
    assert platelet_runs(["plt -1d 50", "plt 0d 120", "plt 14d16h 120"])[0] == "unproven note 0d - 0d gap"


def test_a_low_breaks_an_unconfirmed_run_and_ends_a_confirmed_one():
    labs = ["plt -1d 50", "plt 0d 120", "plt 14d 120"]
    assert platelet_runs([*labs, "plt 27d 99.9"]) == ["broken warning 0d - 27d broken"]
    assert platelet_runs([*labs, "plt 28d 99.9"]) == ["broken warning 0d - 28d broken"]
    assert platelet_runs([*labs, "plt 28d 100", "plt 60d 99.9"]) == ["confirmed note 0d [28d] - 60d ended"]


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ("6d 99", "broken note 0d - 6d broken"),
        ("6d16h 99", "broken warning 0d - 6d16h broken"),
        ("7d 50", "broken warning 0d - 7d broken"),
        ("7d 49.9", "broken critical 0d - 7d broken"),
        ("7d <=50", "broken warning 0d - 7d broken"),
        ("6d 5", "broken note 0d - 6d broken"),
    ],
)
def test_a_run_that_breaks_after_a_week_is_more_than_a_note(bad, expected):
    assert platelet_runs(["plt -1d 50", "plt 0d 120", f"plt {bad}"]) == [expected]


def test_the_week_is_counted_from_the_first_good_sample_since_the_last_low_over_gaps():
    assert platelet_runs(["plt -1d 50", "plt 0d 120", "plt 20d 120", "plt 21d 60"]) == [
        "unproven note 0d - 0d gap",
        "broken warning 20d - 21d broken",
    ]


def test_undecided_and_carried_good_samples_neither_help_nor_harm():
    labs = ["plt -1d 50", "plt 0d 120", "plt 10d 120"]
    assert platelet_runs([*labs, "plt 20d >90", "plt 25d 120"]) == [
        "unproven note 0d - 10d gap",
        "provisional note 25d",
    ]
    assert platelet_runs([*labs, "plt 20d 120", "plt 25d 120"], ["platelet_transfusion 19d"]) == [
        "unproven note 0d - 10d gap",
        "provisional note 25d",
    ]
    assert platelet_runs([*labs, lab("plt 28d 120", status="preliminary")], as_of="28d") == ["provisional note 0d"]
    assert platelet_runs(["plt -1d 50", "plt 0d 120"], ["platelet_transfusion -1d"]) == []
    assert platelet_runs([*labs, "plt 20d 60"], ["platelet_transfusion 19d"]) == ["broken warning 0d - 20d broken"]
    assert platelet_runs([*labs, lab("plt 20d 60", status="preliminary")]) == ["broken warning 0d - 20d broken"]


def test_a_run_that_is_under_way_when_observation_closes_ends_as_it_stands():
    labs = ["plt -1d 50", "plt 0d 120", "plt 14d 120", "plt 28d 120"]
    assert platelet_runs(labs, ["transfer_out 20d"]) == ["provisional note 0d - 20d observation_ended"]
    assert platelet_runs(labs, ["transfer_out 28d"]) == ["confirmed note 0d [28d] - 28d observation_ended"]


def test_fibrinogen_must_be_above_1_6_and_1_6_breaks():
    low = "fib -1d 1.6"
    assert fibrinogen_runs([low, "fib 0d 1.6"]) == []
    assert fibrinogen_runs([low, "fib 0d 1.61"]) == ["provisional note 0d"]
    assert fibrinogen_runs([low, "fib 0d 1.61", "fib 14d 2.0", "fib 28d 2.0"]) == ["confirmed note 0d [28d]"]
    assert fibrinogen_runs([low, "fib 0d 1.61", "fib 14d 1.6"]) == ["broken note 0d - 14d broken"]
    assert fibrinogen_runs([low, "fib 0d 1.61", "fib 14d 1.6"], ["plasma 13d"]) == ["broken note 0d - 14d broken"]
    assert fibrinogen_runs([low, "fib 0d 1.61", "fib 14d 1.61"], ["plasma 13d"]) == ["provisional note 0d"]
    assert fibrinogen_runs([low, "fib 0d >1.6"]) == ["provisional note 0d"]
    assert fibrinogen_runs([low, "fib 0d >=1.6"]) == []
    assert fibrinogen_runs(["fib -1d <0.5", "fib 0d 1.7"]) == ["provisional note 0d"]
