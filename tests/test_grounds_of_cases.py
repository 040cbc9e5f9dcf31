"""What the episodes of the cases rest on, by name: the results, events and entries that a page shows as grounds.

That they are enough is a law (test_grounds); that there is nothing beside them stands here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

import pytest

from khemon.explain.cases import run_case
from khemon.models import Episode, Grounds
from khemon.rules import Protocol
from khemon.rules.cases import cases_for
from khemon.rules.rulebook import Number
from tests.histories import History
from tests.reference import Child, Lab
from tests.reference.shorthand import at, event, lab, since
from tests.test_grounds import PROTOCOLS, grounds_of, with_grounds

#: By rule and case what each episode rests on: the results by their place among `labs`, in the order in which they
#: are told, then events with start and end, then entries of the register.
RESTS_ON = {
    "blood_count_overdue": {
        "the next count ends it": ["1 2, day0"],
        "after a lifted count it is 24 h": ["1 2, platelet_transfusion 1h, day0"],
        "15 days after them": ["1 2 3 6, day0"],
        "from day 0 without any count": ["none, day0"],
        "after a documented response the visits of the trial": ["1, response_documented 0d, day0"],
        "weekly after a stop of prednisolone": ["1, prednisolone 0d until 1d, day0"],
        "a dose after a hold is no step down, whatever its unit": [
            "1 2, prednisolone 0d, prednisolone 1d, prednisolone 2d, day0",
        ],
        "nothing is due after the end of follow-up": ["1, day0, followed_until"],
        "two good counts over 7 days are not": ["1 2 3, day0", "1 2 3, day0"],
        "a step of another drug after the last count": [
            "1 2 10, sirolimus 0d until 61d, prednisolone 0d until 1d, day0",
        ],
        "never below 100, day 29": ["1, day0"],
        "after a confirmed response the visits of the trial": ["1 2 3 6 7 8, day0"],
    },
    "coagulation_missing": {
        "a count that is not low ends it, whatever else is measured then": ["1 3 2"],
        "the second companion ends it": ["1 2 3"],
        "an undecided count, then a low one, then a very low one": ["1 2 3"],
    },
    "consumptive_coagulopathy": {
        "in a newborn low platelets of exactly 24 h ago are current": ["1 3 2, birth_date"],
        "in a newborn low platelets are read only while they are current": ["2 1, birth_date"],
        "in a newborn a later D-dimer beyond 2.8 keeps it a warning, whatever a preliminary one says after it": [
            "2 1 3, birth_date",
        ],
        "a fibrinogen lifted by plasma does not end it, and is named": ["2 1 3, plasma 16h until 18h, birth_date"],
        "what is open when observation closes ends there": ["1, transfer_out 2h, birth_date"],
    },
    "delta_check": {
        "a fall in two steps within 48 h": ["1 3"],
        "the next result without a question ends it": ["1 2 3"],
        "platelets transfused the day before do not": ["1 2, platelet_transfusion 0d"],
        "a transfusion that ended more than 24 h before the rise does not": ["1 2, platelet_transfusion 0d until 6h"],
        "a transfusion a minute more than 24 h before explains nothing": ["1 2, platelet_transfusion 0d"],
        "a record of the same dose is no change": ["1 2, sirolimus 0d until 10d, sirolimus 10d"],
        "compared with the previous result, not with the first": ["2 3"],
    },
    "durable_platelet_response": {
        "28 days from the first count of exactly 100": ["1 2 3 4"],
        "a lifted count does not bridge a gap, and is named": ["1 2 4", "1 4"],
        "once confirmed gaps no longer matter": ["1 2 3 4"],
        "a low count on day 28 itself breaks it": ["1 2 4"],
        "a broken run whose first good results came before two gaps": ["1 2 3 4", "1 4 5 6", "1 2 6 7"],
        "a low count after the confirmation ends it": ["1 2 3 4 5"],
        "after a low count a new run begins": ["1 2 3", "3 4"],
        "a low count breaks it, transfusion or not": ["1 2 3, platelet_transfusion 9d19h until 9d20h"],
        "a run that is under way when observation closes ends as it stands": ["1 2 3, transfer_out 20d"],
        "an unproven run names the first of several results after the gap": ["1 2 3 4", "1 4 5"],
    },
    "falling_platelets": {
        "it ends at the first count at which neither holds": ["1 2 3 4 5"],
        "at most once in 7 days": ["1 2 3 4 5", "1 2 3 4 5 6 7"],
        "a fall that ends a run and reaches another band has worsened": ["2 3 4 5 6 7"],
        "the count that ends a second run": ["2 3 4 5 6"],
    },
    "hemoglobin_fall": {
        "the highest of the 24 h before counts, not the last": ["1 2 3"],
        "of two that were high enough the higher one, which is the later": ["2 3"],
        "two results of one earlier time leave it open": ["1 2 3"],
        "it ends at the next result that is no such fall": ["1 2 3"],
    },
    "implausible": {
        "the next usual result ends it": ["1 2"],
        "of two results of one time the one the rules read": ["1 2"],
        "two results of one time are two questions": ["2 1"],
    },
    "kmp": {
        "all three just beyond their limits": ["3 2 1"],
        "a fibrinogen lifted by plasma does not hide it, and is named": ["3 2 1, plasma 16h until 18h"],
        "a lifted fibrinogen that comes later is named too, never called missing": ["2 1 3, cryoprecipitate 0d"],
        "a minute later the count is too old to confirm it": ["1 3 2"],
        "possible ends at a fibrinogen that is not low": ["1 2"],
        "excluded, it becomes possible again once the fibrinogen is too old": ["1 2", "3"],
        "confirmed, with fibrinogen and D-dimer mended it is a warning": ["3 2 1 6 5 4"],
        "confirmed, with a fibrinogen that has mended it ends at platelets of 100": ["3 2 1 4 5"],
        "after it ended it may become possible and confirmed again": ["3 2 1 4", "5 7 6"],
        "confirmed, a count lifted by transfusion does not end it": ["3 2 1 4, platelet_transfusion 20h until 21h"],
        "confirmed, an undecided count does not end it": ["3 2 1 4"],
        "what ends it is the count alone, even when the rest has mended at that time": ["3 2 1 4"],
        "two results that are not counted are both named": ["3 2 1 5 4, platelet_transfusion 1h, plasma 1h"],
        "of two products the one that ended last is named, although it began before the other": [
            "2 1 3, plasma 1h until 5h",
        ],
        "of two products the nearer is named": ["2 1 3, cryoprecipitate 4h"],
        "a lifted value is none that a later one is deeper than": ["2 1 4 5, plasma 30m"],
        "what is open when observation closes ends there": ["3 2 1, transfer_out 2d"],
    },
    "kmp_rebound": {
        "a first low count after a durable response is suspected": ["1 2 3 4 5"],
        "it is confirmed at the count 12 hours later, not at the next one": ["1 2 3 4 5 6 7"],
        "two low counts 12 hours apart confirm it in a later row, too": ["1 2 3 4 5 6 7 8"],
        "an undecided count does not break the row of low counts": ["1 2 3 4 5 7"],
        "a good count breaks the row of low counts": ["1 2 3 4 5 6 7"],
        "a low fibrinogen beside the low count confirms it": ["1 2 3 4 6 5"],
        "a fibrinogen of the day before confirms it": ["1 2 3 4 5 6"],
        "a fibrinogen a day after the low count confirms it": ["1 2 3 4 5 6"],
        "isolated, it ends at the third good count that spans a week, and the watch is armed again": [
            "1 2 3 4 5 6 7 8",
            "1 2 3 4 5 6 7 8 9",
        ],
        "it ends when the next durable response is confirmed": ["1 2 3 4 5 6 7 8 9"],
        "isolated, the count that confirms the next durable response and is the third good one recovers it": [
            "1 2 3 4 5 6 7 8",
        ],
        "suspected, then below 50 three days later": ["1 2 3 4 5 6 7"],
        "a response documented between low counts makes the next of them the onset": ["2, response_documented 12h"],
        "a response documented during an open rebound changes nothing": ["1 2, response_documented 0d"],
        "a low count counts, transfusion or not": ["1 2 3 4 5, platelet_transfusion 39d20h"],
        "of two documented responses the last before it is named": ["2 3 4, response_documented 5d"],
        "a good count between two low ones begins the row of low counts anew": ["2 3 4 5, response_documented 0d"],
    },
    "pjp_prophylaxis_missing": {
        "after a break the days count from the first dose of all": [
            "none, sirolimus 0d until 5d",
            "none, sirolimus 0d until 5d, sirolimus 7d",
        ],
        "prophylaxis ends it": ["none, sirolimus 0d, pjp_prophylaxis 3d"],
    },
    "plasma_criterion": {
        "one input that is certain needs no other": ["2 1"],
        "bleeding whose end lies ahead is still open": ["1, active_bleeding 0d until 3d"],
        "a count below the limit is carried forward past other results": ["1 2"],
        "one fresh input keeps it critical": ["1 2"],
        "goes on while bleeding holds it, and ends with the bleeding": ["1 2, active_bleeding 2h until 10h"],
        "a count lifted by transfusion ends it as supported": ["1 2, platelet_transfusion 5h until 6h"],
        "a supported result of another listed analyte makes the end a supported one": ["1 3 2, plasma 5h until 6h"],
        "results of one time are taken together": ["1, active_bleeding 0d until 6h"],
        "what is open when observation closes ends there": ["1, death 4h"],
        "limbs that cannot be told, are met, and reach deeper bands": ["2 1 4 5 6 7"],
        "an undecided result of today does not update the count that meets it": ["1 2"],
    },
    "sirolimus_above_target": {
        "a level of unstated timing, then a trough, then one of 20": ["1 2 4, sirolimus_target"],
        "of two levels of one time the one outside, also after others": ["2 3, sirolimus_target"],
        "a level inside beside one outside ends nothing": ["1 2 3, sirolimus_target"],
    },
    "sirolimus_below_target": {
        "the end of the course ends it": ["1, sirolimus 0d until 9d, sirolimus_target"],
        "looked at a week later the latest level is named": ["1 3, sirolimus 0d, sirolimus_target"],
        "a lower trough later is no graver": ["1 2, sirolimus 0d, sirolimus_target"],
    },
    "sirolimus_level_overdue": {
        "a random level is no level": ["none, sirolimus 0d"],
        "a restart counts anew": ["none, sirolimus 0d until 5d, sirolimus 40d"],
        "each later visit in its turn, then every 12 weeks": [
            "1 2, sirolimus 0d",
            "2 3, sirolimus 0d",
            "3 4, sirolimus 0d",
            "4 5, sirolimus 0d",
            "5 6, sirolimus 0d",
            "6, sirolimus 0d",
        ],
    },
    "steroid_course_long": {
        "taper steps are one course": [
            "none, prednisolone 0d until 40d, prednisolone 40d until 70d, prednisolone 70d",
        ],
    },
    "steroid_taper_criterion": {
        "a latest count of 8 days ends it, at midnight": ["1 2 3, prednisolone 0d"],
        "a low count ends it": ["1 2 3 4, prednisolone 0d"],
        "a further good count keeps it": ["1 2 3 4, prednisolone 0d"],
        "a low count begins the row anew": ["3 4 5, prednisolone 0d"],
        "a gap of 8 days begins the row anew": ["1 3 4, prednisolone 0d"],
    },
    "thrombocytopenia": {
        "possible until the first count that is certain": ["1 2"],
        "certainly below 50 is a warning when KMP is excluded": ["2 1"],
        "exactly 50 stays a note": ["1"],
        "it ends as a warning where KMP becomes possible at the very end": ["2 1 3, platelet_transfusion 6h"],
        "it is a warning from the very result that excludes KMP": ["1 2"],
        "stays a note while a rebound is open": ["2 1, response_documented 0d"],
        "a transfusion whose end lies ahead is still under way": ["1 3, platelet_transfusion 1d until 1d4h"],
        "of several certain counts before an undecided one the last is named": ["1 3"],
        "ends at the first count that is not below the limit, and opens anew later": ["1 2", "3"],
    },
    "unit_suspect": {
        "the next result ends it": ["1 2 3"],
    },
    "unusable_sample": {
        "a usable count at the time of another spoiled sample": ["1 3 2"],
        "what has been told in between no longer waits": ["1 2", "2 3"],
        "a row begins anew after a usable count": ["1 2", "2 3"],
        "it ends with observation": ["1, transfer_out 1d"],
        "a figure below 50 while the pattern is open is a note": ["1 2"],
        "a usable result ends it": ["1 2"],
        "two analytes wait, each named with its reason": ["1 2"],
    },
}


def rests_on(episode: Episode) -> str:
    """The grounds of an episode in a line."""
    grounds = episode.grounds
    assert grounds is not None
    events = [
        f"{each.kind} {since(each.start)}" + (f" until {since(each.end)}" if each.end else "")
        for each in grounds.events
    ]
    results = " ".join(str(result.result_id) for result in grounds.results) or "none"
    return ", ".join([results, *events, *grounds.entries])


@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule, cases in RESTS_ON.items() for name in cases])
def test_an_episode_rests_on_these_and_nothing_else(rule, name):
    [case] = [case for case in cases_for(rule) if case.name == name]
    assert [rests_on(episode) for episode in run_case(case, grounded=True)] == RESTS_ON[rule][name]


@pytest.mark.parametrize("close", ["death", "transfer_out", "follow_up_end"])
def test_what_closed_the_observation_is_among_the_grounds(close):
    found = grounds_of("thrombocytopenia", [lab("plt 0d 80")], [f"{close} 1d", "transfer_out 3d"], "5d")
    assert (found.events[0].kind, since(found.events[0].start)) == (close, "1d")


def test_of_several_documented_responses_the_first_and_the_last_before_the_latest_count_are_grounds():
    labs = [lab("plt 0d 150"), lab("plt 4d 150")]
    found = grounds_of("blood_count_overdue", labs, [f"response_documented {day}d" for day in (6, 3, 1, 2)], "12d")
    assert [since(each.start) for each in found.events] == ["1d", "3d"]


def test_of_two_confirmed_responses_an_overdue_count_rests_on_the_later_one():
    counts = {0: 50, 1: 120, 15: 120, 29: 120, 40: 80, 41: 120, 55: 120, 69: 120}
    labs = [lab(f"plt {day}d {value}") for day, value in counts.items()]
    found = grounds_of("blood_count_overdue", labs, [], "99d")
    assert [since(result.collected_at) for result in found.results] == ["0d", "40d", "41d", "55d", "69d"]


#: Counts that fall, by the day on which the fall opens: three that end with the next count or a run, two that do not.
FALL_AT_3D = "plt 0d 200, plt 1d 210, plt 2d 190, plt 3d 140, plt 4d 150"
FALL_AT_23D = "plt 20d 200, plt 21d 210, plt 22d 190, plt 23d 140, plt 24d 150"
FALL_TO_90 = "plt 1d 200, plt 2d 210, plt 3d 190, plt 4d 90"
FALL_AT_11D = "plt 5d 150, plt 7d 105, plt 11d 101"
THIRD_LOW = (
    "plt 1d 80, plt 2d 120, plt 5d 120, plt 9d 120, plt 11d 80, plt 12d 120, plt 15d 120, plt 19d 120, plt 20d 80"
)
DOCUMENTED = "response_documented"
TRANSFUSION = "platelet_transfusion"
#: Platelets are asked about twice while the hemoglobin is; the transfusion explains the second result between.
TWO_ASKED = (
    "plt 0h 200, hb 0h 100, plt 2h 50, hb 3h 60, plt 4h 210, plt 6h 205, plt 7h 204, plt 30h 90, hb 31h 62, plt 32h 95"
)
ASKED_AT = "0d 0d 2h 3h 4h 7h 1d6h 1d7h 1d8h"
RUN_FROM_1D = "plt 0d 50, plt 1d 120"
REBOUND = "plt 10d 45, plt 11d 120, plt 12d 90, plt 13d 120, plt 14d 125, plt 15d 126, plt 16d 127"
FALL_AT_36D = "plt 30d 240, plt 32d 230, plt 34d 220, plt 36d 150"


@pytest.mark.parametrize(
    ("rule", "labs", "events", "results", "happened"),
    [
        ("kmp", "plt 0h 50, dd 0h 2, fib 6h 1.9", "plasma 1h 2h, cryoprecipitate 4h", "0d 0d 6h", "cryoprecipitate"),
        ("plasma_criterion", "plt 2d 8", "active_bleeding 0d 1d", "2d", ""),
        ("delta_check", "plt 1d 50, plt 1d12h 200", "platelet_transfusion -1h 0d", "1d 1d12h", "platelet_transfusion"),
        ("consumptive_coagulopathy", "fib 0h 1.5, fib 3h 1.4, plt 6h 80, fib 9h 1.3, dd 12h 1", "", "0d 6h 9h 12h", ""),
        ("plasma_criterion", "fib 0d 0.9, plt 8d 50, plt 9d 8", "", "0d 8d 9d", ""),
        ("thrombocytopenia", "plt 0d 120, fib 12h 2, plt 1d 40", "", "12h 1d", ""),
        ("kmp", "plt 0h 60, fib 0h 0.6, plt 6h 60, fib 6h 0.4, plt 12h 25", "", "0d 0d 6h 6h 12h", ""),
        ("kmp", "plt 0h 40, fib 0h 0.9, dd 0h 5, fib 12h 1.2, plt 1d 70, fib 1d6h 1.3", "", "0d 0d 0d 1d 1d6h", ""),
        ("kmp", "plt 0h 120, fib 2h 0.9, plt 4h 40", "", "0d 2h 4h", ""),
        ("coagulation_missing", "fib 0h 2, plt 30h 50, plt 36h 120", "", "1d6h 1d12h", ""),
        ("coagulation_missing", "plt 0h 50, plt 6h 60", "", "0d 6h", ""),
        (
            "durable_platelet_response",
            f"{RUN_FROM_1D}, plt 10d 120, plt 20d 120, plt 29d 120",
            "",
            "0d 1d 10d 20d 29d",
            "",
        ),
        ("durable_platelet_response", f"{RUN_FROM_1D}, plt 8d 120, plt 15d 120, plt 29d 120", "", "0d 1d 15d 29d", ""),
        ("kmp_rebound", REBOUND, "response_documented 0d", "10d 13d 14d 16d", "response_documented"),
        ("coagulation_missing", "fib 0h 2, plt 30h 50", "", "1d6h", ""),
        (
            "steroid_taper_criterion",
            "plt 10d 80, plt 11d 120, plt 14d 120, plt 25d 120, plt 32d 120",
            "response_documented 0d, prednisolone 1d",
            "10d 11d 14d 25d 32d",
            "response_documented prednisolone",
        ),
        (
            "steroid_taper_criterion",
            "plt 5d 80, plt 6d 120, plt 10d 120, plt 14d 120, plt 24d 120, plt 27d 120, plt 31d 120",
            "response_documented 0d, prednisolone 1d",
            "5d 24d 27d 31d",
            "prednisolone",
        ),
        ("thrombocytopenia", "plt 0d 40, fib 0d 0.9, dd 0d 5, fib 1d 1.9", "plasma 1d", "0d 0d 0d 1d", "plasma"),
        (
            "thrombocytopenia",
            "plt 0d 40, fib 0d 0.9, dd 0d 5, hb 2d 100",
            "transfer_out 1d",
            "0d 0d 0d",
            "transfer_out",
        ),
        ("thrombocytopenia", "plt 0d 40, dd 0d 5, fib 1d 2", "", "0d 1d", ""),
        (
            "blood_count_overdue",
            f"{RUN_FROM_1D}, plt 10d 120, plt 12d 120, plt 20d 120, plt 30d 120",
            "prednisolone 0d 5d",
            "0d 1d 10d 20d 30d",
            "prednisolone",
        ),
        ("severe_thrombocytopenia", "plt 0d 20, plt 1d 120", "platelet_transfusion 1d", "0d 1d", TRANSFUSION),
        ("thrombocytopenia", "plt 0d 80, plt 1d 70, plt 2d 75", "", "0d 2d", ""),
        (
            "kmp_rebound",
            THIRD_LOW,
            "response_documented 0d, response_documented 10d",
            "11d 12d 15d 19d 20d",
            DOCUMENTED,
        ),
        ("kmp_rebound", THIRD_LOW, "response_documented 0d, response_documented 19d", "20d", DOCUMENTED),
        (
            "kmp_rebound",
            THIRD_LOW,
            "response_documented 0d, response_documented 10d, response_documented 20d",
            "11d 12d 15d 19d 20d",
            DOCUMENTED,
        ),
        (
            "delta_check",
            "hb 0h 100, hb 2h 60, hb 4h 100",
            "red_cell_transfusion 3h",
            "0d 2h 4h",
            "red_cell_transfusion",
        ),
        ("delta_check", TWO_ASKED, "platelet_transfusion -1h, red_cell_transfusion 31h30m", ASKED_AT, TRANSFUSION),
        ("falling_platelets", f"{FALL_AT_3D}, {FALL_AT_36D}", "", "30d 32d 34d 36d", ""),
        ("falling_platelets", f"plt 0d 80, {FALL_TO_90}, {FALL_AT_11D}", "", "0d 1d 2d 3d 4d 5d 7d 11d", ""),
        ("falling_platelets", f"{FALL_AT_23D}, {FALL_AT_36D}", "", "20d 21d 22d 23d 24d 30d 32d 34d 36d", ""),
    ],
    ids=lambda part: part[:40],
)
def test_grounds_reach_no_further_than_what_the_rule_read(rule, labs, events, results, happened):
    as_of = labs.split(", ")[-1].split()[1]
    found = grounds_of(
        rule, [lab(text) for text in labs.split(", ")], [text for text in events.split(", ") if text], as_of
    )
    assert " ".join(since(result.collected_at) for result in found.results) == results
    assert " ".join(each.kind for each in found.events) == happened


TROUGHS = [
    lab(f"plt {day}d {value}", analyte="sirolimus", timing="trough") for day, value in ((0, 5), (7, 20), (14, 5))
]


def site(rule: str, **changes: object) -> Protocol:
    """The ward's protocol with some fields of a rule changed."""
    ward = PROTOCOLS["ward"]
    return ward.model_copy(update={"rules": dict(ward.rules) | {rule: ward.rules[rule].model_copy(update=changes)}})


def number(value: int, unit: str) -> Number:
    """A number of a site."""
    return Number(value=Decimal(value), unit=unit, source="ward meeting", set_by="Lena")


def test_where_two_counts_far_apart_would_do_a_confirmed_run_rests_on_as_many_as_it_needs():
    labs = [lab("plt 0d 50"), *(lab(f"plt {day}d 120") for day in (1, 10, 20, 29))]
    wide = site("durable_platelet_response", gap=number(30, "d"))
    [found] = every_grounds_of("durable_platelet_response", labs, (), "29d", wide)
    assert [since(result.collected_at) for result in found.results] == ["0d", "1d", "10d", "29d"]


def test_a_low_count_after_one_that_only_it_counts_is_kept_apart_from_the_low_ones_of_the_pattern():
    labs = [
        lab("plt 0d 40"),
        lab("fib 0d 0.9"),
        lab("dd 0d 5"),
        lab("plt 1d 120", status="preliminary"),
        lab("plt 2d 40"),
    ]
    found = grounds_of("thrombocytopenia", labs, (), "2d")
    assert [since(result.collected_at) for result in found.results] == ["0d", "0d", "0d", "1d", "2d"]


@pytest.mark.parametrize(
    ("labs", "events", "happened"),
    [
        ("plt 0h 200, plt 2h 50, plt 4h 210", ["active_bleeding -24h1m -24h1m", "active_bleeding -24h -24h"], "-1d"),
        (TWO_ASKED, ["active_bleeding -24h1m -24h1m", "active_bleeding -1h -1h"], "-1h"),
        (TROUGHS, ["active_bleeding -1d -1h", "active_bleeding 10d 10d"], "10d"),
    ],
)
def test_what_a_site_says_may_explain_a_jump_is_told_from_so_long_before_the_first_result(labs, events, happened):
    asked = PROTOCOLS["ward"].rules["delta_check"]
    for_rises = [("active_bleeding",) if jump.rises_by or jump.within is None else () for jump in asked.jumps]
    jumps = tuple(jump.model_copy(update={"unless": kinds}) for jump, kinds in zip(asked.jumps, for_rises, strict=True))
    results = [lab(text) for text in labs.split(", ")] if isinstance(labs, str) else labs
    [found] = every_grounds_of("delta_check", results, events, "14d", site("delta_check", jumps=jumps))
    assert " ".join(since(each.start) for each in found.events) == happened


@pytest.mark.parametrize(
    ("labs", "waits", "results"),
    [
        ("fib 0h 2, plt 12h 40, plt 30h 40", "fib 6h 2.1", "0d 6h 1d6h"),
        ("fib -72h 2, dd 0h 0.3, plt 2h 40, dd 12h 3", "plt 3h 130", "0d 2h 3h 12h"),
        ("fib 0h 2, dd 1h 0.3, plt 24h 40, plt 26h 40", "fib 6h 2.1", "0d 6h 1d2h"),
    ],
)
def test_a_pattern_rests_on_the_value_that_last_excluded_it_which_counts_and_was_current(labs, waits, results):
    told = [lab(text) for text in labs.split(", ")] + [lab(waits, status="preliminary")]
    *_, latest = labs.split(", ")
    found = grounds_of("kmp", told, (), latest.split()[1])
    assert " ".join(since(result.collected_at) for result in found.results) == results


def test_a_value_that_is_not_counted_is_gathered_beside_the_one_that_counts():
    labs = [lab("fib 0h 1.2"), lab("dd 0h 5"), lab("fib 6h 1.3"), lab("fib 12h 1.8", status="preliminary")]
    found = grounds_of("consumptive_coagulopathy", labs, (), "12h")
    assert [since(result.collected_at) for result in found.results] == ["0d", "0d", "6h", "12h"]


def test_a_d_dimer_that_a_newborn_could_have_is_gathered_once_as_the_rule_reads_it():
    labs = [lab("fib 0h 1.5"), lab("dd 0h 5"), lab("dd 2h 4"), lab("dd 6h 1", status="preliminary")]
    found = grounds_of("consumptive_coagulopathy", labs, (), "6h")
    assert [since(result.collected_at) for result in found.results] == ["0d", "0d", "6h"]


def every_grounds_of(
    rule: str, labs: Sequence[Lab], events: Sequence[str], as_of: str, protocol: Protocol = PROTOCOLS["ward"]
) -> list[Grounds]:
    """What each episode of a rule rests on, in a history told in lines."""
    numbered = tuple(dataclasses.replace(each, row=place + 2, recorded=place) for place, each in enumerate(labs))
    history = History(0, Child("P"), numbered, tuple(map(event, events)), "UTC", "ward", at(as_of))
    return [each.grounds for each in with_grounds(history, protocol) if each.rule == rule]


def test_an_overdue_count_rests_on_a_response_only_as_far_as_it_was_known_then():
    good = (1, 3, 5, 7, 8, 20, 29, 70)
    labs = [lab("plt 0d 50"), *(lab(f"plt {day}d 120") for day in good), lab("plt 80d 50")]
    first, *_ = every_grounds_of("blood_count_overdue", labs, (), "80d")
    assert [since(result.collected_at) for result in first.results] == ["0d", "1d", "3d", "8d", "20d", "29d", "70d"]


def test_a_low_count_that_ended_does_not_rest_on_what_closed_the_pattern_it_was_part_of_later():
    labs = [lab("plt 0d 40"), lab("fib 0d 0.9"), lab("dd 0d 5"), lab("plt 2d 120", status="preliminary")]
    [found] = every_grounds_of("thrombocytopenia", labs, ["transfer_out 5d"], "6d")
    assert [since(result.collected_at) for result in found.results] == ["0d", "0d", "0d", "2d"]
    assert found.events == ()


def test_of_the_usable_results_after_a_sample_set_aside_the_first_is_a_ground():
    labs = [lab("plt 0h 120", quality="clumped"), lab("fib 1h 2", quality="clotted")]
    labs += [lab("plt 2h 120"), lab("plt 3h 125"), lab("fib 4h 2")]
    found = grounds_of("unusable_sample", labs, (), "4h")
    assert [since(result.collected_at) for result in found.results] == ["0d", "1h", "2h", "4h"]


@pytest.mark.parametrize(
    ("counts", "events", "results", "happened"),
    [
        ("50 50 50 50 50", (), "0d 3d 4d", ""),
        ("50 50 120 120 120", (), "0d 1d 2d 3d 4d", ""),
        ("120 50 50 50 50", (), "1d 3d 4d", ""),
        ("50", ("day0 0d", "prednisolone 0d"), "0d", "day0"),
    ],
)
def test_an_overdue_count_rests_on_lows_on_good_counts_after_the_last_and_on_day_0(counts, events, results, happened):
    labs = [lab(f"plt {day}d {value}") for day, value in enumerate(counts.split())]
    found = grounds_of("blood_count_overdue", labs, events, "8d")
    assert " ".join(since(result.collected_at) for result in found.results) == results
    assert " ".join(each.kind for each in found.events) == happened


def test_a_fall_within_a_fall_rests_on_both_results_of_the_time_it_is_measured_by():
    labs = [lab("hb 0h 100"), lab("hb 1h 75", specimen="A"), lab("hb 1h 78", specimen="B"), lab("hb 25h 50")]
    found = grounds_of("hemoglobin_fall", labs, (), "25h")
    assert [since(result.collected_at) for result in found.results] == ["0d", "1h", "1h", "1d1h"]


def test_an_overdue_level_rests_on_the_trough_also_where_a_random_level_of_its_time_is_lower():
    level = lab("plt 5d 9", analyte="sirolimus", timing="trough", specimen="A")
    beside = lab("plt 5d 8", analyte="sirolimus", timing="random", specimen="B")
    found = grounds_of("sirolimus_level_overdue", [level, beside], ["sirolimus 0d"], "18d")
    assert 2 in [result.result_id for result in found.results]
