"""The figures of a cohort: their numbers by equality, and what is drawn of them."""

from __future__ import annotations

import json

import pytest

from khemon.figures.cohort import (
    Swim,
    SwimMark,
    SwimmerData,
    SwimSpan,
    curves_data,
    curves_figure,
    swimmer_figure,
    weekly_data,
    weekly_figure,
)
from khemon.figures.cohort.curves import Step, at_risk, ticks
from khemon.figures.cohort.drawing import apart, faint, look_of
from khemon.figures.cohort.weekly import PrintedMedian, WeekPoint, place_of
from khemon.figures.cohort.words import (
    difference_words,
    mean_words,
    median_time_words,
    p_words,
    published_words,
    share_words,
    spread_words,
)
from khemon.figures.style import DARK, LIGHT

CAPTION = "Shown: children with a day 0; 9 children (a 5, b 4). As of 1 Jun 2026 15:00, by Ward protocol, version 1."


def week(number: int, *groups: tuple, printed: dict | None = None) -> dict:
    names = ("n", "median", "first_quartile", "third_quartile", "beyond")
    told = [
        {"group": name, "of": 5, "not_assessable": 1, "censored": 0} | dict(zip(names, row, strict=True))
        for name, row in zip("ab", groups, strict=False)
    ]
    return {"week": number, "within_days": 3, "groups": told, "published_medians": printed}


WEEKS = [
    week(0, (4, 5.0, 5.0, 9.0, "<"), (4, 14.0, 10.0, 20.0, "")),
    week(1, (4, 29.5, 20.0, 60.0, ""), (0, None, None, None, ""), printed={"a": "29.0", "other": "22.0"}),
    week(104, (2, 280.0, 250.0, 300.0, ""), (0, None, None, None, "")),
]


def curve(group: str, *steps: tuple) -> dict:
    names = ("day", "at_risk", "events", "censored", "without", "low", "high")
    told = [dict(zip(names, step, strict=True)) for step in steps]
    head = {"group": group, "n": 4, "events": sum(step[2] for step in steps)}
    return head | {"median": 14, "median_low": 7, "median_high": None, "curve": told}


TIMES = {
    "groups": [
        curve("a", (7, 4, 1, 0, 0.75, 0.128, 0.961), (14, 3, 2, 0, 0.25, 0.009, 0.665),
              (300, 1, 0, 1, 0.25, 0.009, 0.665)),
        curve("b", (10, 4, 0, 2, 1.0, None, None), (20, 2, 0, 2, 1.0, None, None)),
    ],
    "log_rank": {"chi_square": 4.0, "p": 0.0455},
}  # fmt: skip
SWIMS = SwimmerData(
    (
        Swim("P1", "a", (SwimSpan("followed", 0, 100), SwimSpan("response", 9, 60), SwimSpan("sirolimus", 0, 90)),
             (SwimMark("onset", 9), SwimMark("rebound", 60), SwimMark("closed", 100))),
        Swim("<b>P2</b>", "b", (SwimSpan("followed", 0, 20),), (SwimMark("followed", 20),)),
    ),
    CAPTION,
)  # fmt: skip


def words_in(figure: dict) -> list[str]:
    return [note["text"] for note in figure["layout"]["annotations"]]


def traces(figure: dict) -> dict[str, dict]:
    return {trace["name"]: trace for trace in figure["data"]}


# ---- platelets by week ------------------------------------------------------------------------------------------


def test_the_weeks_of_a_group_hold_what_the_document_tells():
    data = weekly_data(WEEKS, CAPTION)
    a, b = data.lines
    assert a.points[1] == WeekPoint(1, 3, 5, 4, 1, 29.5, 20.0, 60.0, "", "29.5 (20 to 60)")
    assert [point.n for point in b.points] == [4, 0, 0]
    assert data.printed == (PrintedMedian("a", 1, "29.0"), PrintedMedian("other", 1, "22.0"))
    assert data.alt == (
        "Median platelets by week, with quartiles. a: week 0: <5 (5 to 9), 4 of 5; week 1: 29.5 (20 to 60), 4 of 5; "
        f"week 104: 280 (250 to 300), 2 of 5. b: week 0: 14 (10 to 20), 4 of 5. {CAPTION}"
    )


def test_a_median_that_is_only_a_bound_is_an_open_triangle_that_points_the_way():
    drawn = traces(weekly_figure(weekly_data(WEEKS, CAPTION), LIGHT))
    assert drawn["a"]["marker"]["symbol"] == ["triangle-down-open", "circle", "circle"]
    assert drawn["a"]["y"] == [5.0, 29.5, 280.0]
    assert drawn["a"]["error_y"]["array"] == [4.0, 30.5, 20.0]
    assert drawn["a"]["error_y"]["arrayminus"] == [0.0, 9.5, 30.0]
    assert drawn["b"]["y"] == [14.0]


def test_the_medians_of_the_trial_stand_beside_those_of_the_same_week():
    figure = weekly_figure(weekly_data(WEEKS, CAPTION), LIGHT)
    drawn = traces(figure)
    assert drawn["printed: a"]["y"] == [29.0]
    assert drawn["printed: a"]["marker"]["color"] == drawn["a"]["line"]["color"]
    assert drawn["printed: other"]["marker"]["color"] == LIGHT.muted
    assert "☆ median as the trial printed it: week 1: a 29, other 22" in words_in(figure)


def test_far_visits_stand_closer_and_the_figure_says_so():
    assert [place_of(week) for week in (0, 12, 20, 104)] == [0, 12, 13, 23.5]
    figure = weekly_figure(weekly_data(WEEKS, CAPTION), LIGHT)
    assert "from here on 8 weeks take the room of one" in words_in(figure)
    near = weekly_figure(weekly_data(WEEKS[:2], CAPTION), LIGHT)
    assert "from here on 8 weeks take the room of one" not in words_in(near)
    assert near["layout"]["shapes"] == []


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_every_figure_carries_whom_it_shows_and_is_plain_data(theme):
    figures = (
        weekly_figure(weekly_data(WEEKS, CAPTION), theme),
        weekly_figure(weekly_data([], CAPTION), theme),
        curves_figure(curves_data(TIMES, "Share", "day 0", CAPTION), theme),
        curves_figure(curves_data({"groups": [], "log_rank": None}, "Share", "day 0", CAPTION), theme),
        swimmer_figure(SWIMS, theme),
        swimmer_figure(SwimmerData((), CAPTION), theme),
    )
    for figure in figures:
        json.dumps(figure, allow_nan=False)
        assert figure["data"], "the chart library takes no figure without a trace"
        assert CAPTION in " ".join(words_in(figure))


def test_a_figure_without_anything_in_it_says_so():
    told = words_in(weekly_figure(weekly_data([week(0, (0, None, None, None, ""))], CAPTION), LIGHT))
    assert "No settled platelet count of these children yet." in told
    nobody = curves_data({"groups": [curve("a")], "log_rank": None}, "Share", "day 0", CAPTION)
    assert "Nobody of these children is at risk yet." in words_in(curves_figure(nobody, LIGHT))
    assert "Nobody is in." in words_in(swimmer_figure(SwimmerData((), CAPTION), LIGHT))


# ---- time to an event -------------------------------------------------------------------------------------------


def test_a_curve_tells_the_share_with_the_event_and_its_interval_turned_round():
    data = curves_data(TIMES, "Share with a response", "day 0", CAPTION)
    assert data.curves[0].steps[0] == Step(7, 0.25, pytest.approx(0.039), pytest.approx(0.872), 4, 1, 0)
    assert data.curves[1].steps[0] == Step(10, 0.0, None, None, 4, 0, 2)
    assert data.until == 42
    assert data.test == "log-rank p 0.0455"
    assert data.alt == (
        "Share with a response, by Kaplan-Meier. a: 3 of 4, median 14 (7 to ?) days. b: 0 of 4, median 14 (7 to ?) "
        f"days. log-rank p 0.0455. {CAPTION}"
    )


def test_of_more_than_two_curves_the_test_names_the_two_it_compares():
    three = {**TIMES, "groups": [*TIMES["groups"], curve("c", (5, 1, 0, 1, 1.0, None, None))]}
    assert curves_data(three, "Share", "day 0", CAPTION, ("a", "c")).test == "a and c: log-rank p 0.0455"
    assert curves_data(TIMES, "Share", "day 0", CAPTION, ("a", "b")).test == "log-rank p 0.0455"
    tiny = {**TIMES, "log_rank": {"chi_square": 40.0, "p": 0.0}}
    assert "log-rank p &lt;0.0001" in words_in(curves_figure(curves_data(tiny, "Share", "day 0", CAPTION), LIGHT))


def test_without_an_event_a_curve_is_drawn_as_far_as_children_were_seen():
    told = {"groups": TIMES["groups"][1:], "log_rank": None}
    data = curves_data(told, "Share", "day 0", CAPTION)
    assert (data.until, data.test) == (20, "")


def test_under_a_curve_stands_how_many_are_at_risk():
    data = curves_data(TIMES, "Share", "day 0", CAPTION)
    assert [at_risk(data.curves[0], day) for day in (0, 7, 8, 14, 15, 301)] == [4, 4, 3, 3, 1, 0]
    told = words_in(curves_figure(data, LIGHT))
    assert told[told.index("a") : told.index("a") + 8] == ["a", "4", "4", "3", "1", "1", "1", "1"]


def test_a_band_ends_where_nobody_is_seen_any_more():
    ended = {"groups": [curve("a", (7, 2, 1, 0, 0.5, 0.006, 0.91), (14, 1, 1, 0, 0.0, None, None))], "log_rank": None}
    late = {**ended, "groups": [*ended["groups"], TIMES["groups"][0]]}
    drawn = traces(curves_figure(curves_data(late, "Share", "day 0", CAPTION), LIGHT))
    first = curves_figure(curves_data(late, "Share", "day 0", CAPTION), LIGHT)["data"][0]
    assert first["x"] == [7, 14]
    assert drawn["a, last seen without it"]["x"] == [300]


@pytest.mark.parametrize(("until", "step", "last"), [(42, 1, 6), (84, 1, 12), (98, 2, 14), (728, 8, 104)])
def test_the_axis_is_labelled_at_whole_weeks(until, step, last):
    found = ticks(until)
    assert (found[1] - found[0], found[-1]) == (step, last)


# ---- bars -------------------------------------------------------------------------------------------------------


def test_a_bar_has_its_stretches_and_marks_at_their_days():
    drawn = traces(swimmer_figure(SWIMS, LIGHT))
    assert (drawn["response"]["base"], drawn["response"]["x"]) == ([9], [51])
    assert (drawn["followed"]["base"], drawn["followed"]["x"]) == ([0, 0], [100, 20])
    assert (drawn["rebound"]["x"], drawn["rebound"]["marker"]["symbol"]) == ([60], "diamond")
    assert "prednisolone" not in drawn and "treatment given up" not in drawn


def test_ids_are_shown_as_text_and_groups_by_name():
    figure = swimmer_figure(SWIMS, LIGHT)
    assert figure["layout"]["yaxis"]["ticktext"] == ["P1", "&lt;b&gt;P2&lt;/b&gt;"]
    assert {"<b>a</b>", "<b>b</b>"} <= set(words_in(figure))
    assert len(figure["layout"]["shapes"]) == 1


def test_some_of_the_bars_are_told_in_words_of_their_own():
    assert SWIMS.page(1, 1).swims == SWIMS.swims[1:]
    assert SWIMS.alt == (
        "2 children, a bar for each from day 0 to the day it was last seen. response begins: 1. run not confirmed yet: "
        f"0. rebound: 1. treatment given up: 0. observation closed: 1. still followed: 1. {CAPTION}"
    )


# ---- looks and words --------------------------------------------------------------------------------------------


def test_groups_differ_without_color():
    looks = [look_of(place, LIGHT) for place in range(6)]
    assert len({(look.symbol, look.dash) for look in looks}) == len({look.color for look in looks}) == 6
    assert look_of(6, LIGHT) == looks[0]
    assert faint("#0b5cab", 0.5) == "rgba(11,92,171,0.5)"


def test_labels_never_stand_over_each_other():
    assert apart([10, 12, 100], 34, 280) == [0, 32, 0]
    assert apart([12, 10], 34, 280) == [32, 0]
    assert apart([280, 270, 100], 34, 280) == [0, -24, 0]
    assert apart([], 34, 280) == []


def test_numbers_of_a_cohort_in_words():
    final = {"final": True, "met": 35, "n": 37, "proportion": 0.945946, "low": 0.823, "high": 0.985}
    open_ = {"final": False, "met": 3, "n": 9, "provisional": 2, "not_assessable": 1}
    assert share_words("rebound", final) == ("35/37", "94.6 % (82.3 to 98.5)")
    assert share_words("rebound", open_) == ("3 so far, 2 provisional, 1 not yet assessable, of 9", "")
    assert share_words("durable_response_ever", open_)[0].startswith("3 confirmed")
    between = {"difference": 0.279, "low": -0.0385, "high": 0.4, "final": False}
    assert difference_words(between) == "27.9 (-3.9 to 40.0), not final"
    assert difference_words(None) == published_words(None) == ""
    assert (p_words(0.00005), p_words(0.0001), p_words(0.5)) == ("<0.0001", "0.0001", "0.5000")
    assert mean_words({"mean": None, "n": 0}) == "none"
    assert spread_words({"median": None}) == "none"
    assert median_time_words({"median": None, "median_low": 3, "median_high": None}) == "not reached (3 to ?)"
