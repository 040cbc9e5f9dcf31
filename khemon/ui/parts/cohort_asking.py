"""What is asked of the cohort: filters and groups, kept in the address, so that a link shows the same children."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlencode

import streamlit as st

from khemon.actions.cohort import Selection
from khemon.actions.watch.cohort import Choices, CohortQuestion

PARTS = ("This center's children", "The trial, recomputed")
BY = {"arm": "Arm", "lesion_class": "Lesion class", "sex": "Sex", "ward": "Ward", "all": "All together"}
_RULES = {"ward": "the ward's protocol", "trial": "the gaps of the trial's visits"}
_EARLIEST = dt.date(1990, 1, 1)


def part() -> str:
    """Which of the two parts of the page is shown."""
    return st.segmented_control(
        "Show", PARTS, default=PARTS[0], required=True, key="show", bind="query-params", label_visibility="collapsed"
    )


def question(choices: Choices, today: dt.date) -> CohortQuestion:
    """The filters and groups, as a person sets them."""
    with st.container(horizontal=True):
        by = st.segmented_control(
            "Groups", list(BY), default="arm", required=True, key="by", format_func=BY.__getitem__, bind="query-params"
        )
        rules = st.segmented_control(
            "Runs judged by", list(_RULES), default="ward", required=True, key="rules",
            format_func=_RULES.__getitem__, bind="query-params",
        )  # fmt: skip
    with st.expander("Who is in", key="who_is_in"):
        selection = _filters(choices, by, today)
        as_of = _day("As of the end of this day (empty: now)", "as_of", today)
    return CohortQuestion(selection, as_of, rules == "trial")


def _filters(choices: Choices, by: str, today: dt.date) -> Selection:
    named = choices.groups(by)
    with st.container(horizontal=True):
        arms = _some("Only these arms", choices.arms, "arm")
        classes = _some("Only these lesion classes", choices.lesion_classes, "lesion_class")
        wards = _some("Only these wards", choices.wards, "ward")
        pair = _some("Compare these two groups", named, "compare", most=2) if named[2:] else ()
    with st.container(horizontal=True):
        since, until = _day("Day 0 from", "from", today), _day("Day 0 until", "until", today)
    diagnosed = st.checkbox("Only with KHE or tufted angioma recorded", key="diagnosed", bind="query-params")
    compare = (pair[0], pair[1]) if pair[1:] else None
    return Selection(by, arms, classes, wards, diagnosed, since, until, compare)


def _some(words: str, options: tuple[str, ...], key: str, most: int | None = None) -> tuple[str, ...]:
    """Some of the options; nothing is asked where there is nothing to choose between."""
    if not options:
        return ()
    return tuple(st.multiselect(words, options, key=key, max_selections=most, bind="query-params"))


def _day(words: str, key: str, today: dt.date) -> dt.date | None:
    return st.date_input(
        words, value=None, min_value=_EARLIEST, max_value=today, format="YYYY-MM-DD", key=key, bind="query-params"
    )


def with_these(**changes: str) -> str:
    """The address of this page with the same filters and other things asked for; an empty text takes one away."""
    kept = [(name, each) for name in st.query_params for each in st.query_params.get_all(name) if name not in changes]
    asked = urlencode([*kept, *((name, value) for name, value in changes.items() if value)])
    return f"cohort?{asked}" if asked else "cohort"


def opened() -> tuple[str, str]:
    """The number of the table that is asked for, and its group; empty without one."""
    return st.query_params.get("count", ""), st.query_params.get("group", "")
