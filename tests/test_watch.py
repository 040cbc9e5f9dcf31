"""What the pages are told: flags at their limits, where a child stands, and the order of urgency."""

import datetime as dt
import math
from decimal import Decimal

import pytest

from khemon.actions.watch.flags import crossed
from khemon.actions.watch.urgency import NOT_SEEN, OTHER, REST, by_urgency, rank_of, tier_of
from khemon.actions.watch.ward import place_of
from khemon.actions.watch.windows import WINDOWS, window_of
from khemon.models import Episode, Patient
from khemon.rules import load_protocol
from khemon.units import interval

NOW = dt.datetime(2026, 11, 21, 8, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
WARD = load_protocol("ward")


def flag(analyte, text, basis=""):
    comparator = "".join(sign for sign in text if sign in "<>=")
    found = crossed(WARD, analyte, *interval(comparator, Decimal(text.lstrip("<>=")), basis))
    return found.severity, found.word


@pytest.mark.parametrize(
    ("analyte", "text", "severity", "word"),
    [
        ("platelets", "100", None, ""),
        ("platelets", "99", "note", "< 100 low"),
        ("platelets", "30", "note", "< 100 low"),
        ("platelets", "29.9", "warning", "< 30 severe"),
        ("platelets", "10", "warning", "< 30 severe"),
        ("platelets", "9.9", "critical", "< 10 plasma criterion"),
        ("platelets", "0", "critical", "< 10 plasma criterion"),
        ("fibrinogen", "1.6", None, ""),
        ("fibrinogen", "1.59", "note", "< 1.6 low"),
        ("fibrinogen", "0.5", "note", "< 1.6 low"),
        ("fibrinogen", "0.49", "critical", "< 0.5 plasma criterion"),
        ("d_dimer", "0.5", None, ""),
        ("d_dimer", "0.51", "note", "> 0.5 raised"),
        ("hemoglobin", "60", None, ""),
        ("hemoglobin", "59", "critical", "< 60 red-cell criterion"),
        ("sirolimus", "40", None, ""),
    ],
)
def test_a_value_is_flagged_by_the_gravest_limit_it_crosses_and_not_by_one_it_stands_on(analyte, text, severity, word):
    assert flag(analyte, text) == (severity, word)


@pytest.mark.parametrize(
    ("analyte", "text", "severity", "word"),
    [
        ("platelets", "<5", "critical", "< 10 plasma criterion"),
        ("platelets", "<10", "critical", "< 10 plasma criterion"),
        ("platelets", "<15", "critical", "< 30 severe; cannot tell whether < 10 plasma criterion"),
        ("platelets", ">90", "note", "cannot tell whether < 100 low"),
        ("platelets", ">=100", None, ""),
        ("fibrinogen", "<0.5", "critical", "< 0.5 plasma criterion"),
        ("fibrinogen", "<=0.5", "critical", "< 1.6 low; cannot tell whether < 0.5 plasma criterion"),
        ("d_dimer", "<1", "note", "cannot tell whether > 0.5 raised"),
    ],
)
def test_a_censored_value_is_never_called_good_where_it_cannot_be_told(analyte, text, severity, word):
    assert flag(analyte, text) == (severity, word)


def test_a_d_dimer_of_unknown_basis_near_the_limit_cannot_be_told():
    assert flag("d_dimer", "0.3", "unknown") == ("note", "cannot tell whether > 0.5 raised")
    assert flag("d_dimer", "0.25", "unknown") == (None, "")


def test_nothing_known_of_a_value_crosses_nothing_for_certain():
    assert crossed(WARD, "platelets", 0.0, math.inf).word == "cannot tell whether < 10 plasma criterion"


# ---- where a child stands -------------------------------------------------------------------------------------


def patient(**fields):
    return Patient(patient_id="P", **fields)


@pytest.mark.parametrize(
    ("fields", "closed", "place"),
    [
        ({}, None, "ward"),
        ({"on_ward_from": NOW - DAY}, None, "ward"),
        ({"on_ward_from": NOW}, None, "ward"),
        ({"on_ward_from": NOW - 9 * DAY, "on_ward_until": NOW - DAY}, None, "follow_up"),
        ({"on_ward_from": NOW - 9 * DAY, "on_ward_until": NOW + DAY}, None, "ward"),
        ({"on_ward_from": NOW + DAY}, None, "follow_up"),
        ({"followed_until": NOW + DAY}, None, "follow_up"),
        ({"followed_until": NOW}, None, "archived"),
        ({"on_ward_from": NOW - DAY}, NOW, "archived"),
    ],
)
def test_a_child_stands_on_one_list_and_one_nobody_placed_stands_on_the_ward(fields, closed, place):
    assert place_of(patient(**fields), closed, NOW) == place


# ---- urgency --------------------------------------------------------------------------------------------------


def episode(rule, severity="critical", *, days_ago=1, ended=False):
    return Episode(
        patient_id="P",
        rule=rule,
        status="confirmed",
        severity=severity,
        onset=NOW - days_ago * DAY,
        confirmed_at=None,
        end=NOW if ended else None,
        end_reason="resolved" if ended else None,
        text="",
        evidence=(),
        missing=(),
        source="",
    )


def test_tiers_follow_the_order_a_ward_asked_for():
    order = ["plasma_criterion", "kmp_rebound", "severe_thrombocytopenia", "kmp", "hemoglobin_fall"]
    order.append("blood_count_overdue")
    ranks = [rank_of(rule) for rule in order]
    assert ranks == sorted(set(ranks))
    assert rank_of("red_cell_criterion") == rank_of("plasma_criterion")


def test_what_is_over_or_a_note_makes_nobody_urgent():
    calm = [episode("plasma_criterion", ended=True), episode("kmp_rebound", "note")]
    assert tier_of(calm, stale=False) == (REST, ())
    assert tier_of(calm, stale=True) == (NOT_SEEN, ())


def test_a_count_that_was_not_seen_and_any_other_warning_lift_a_child_above_those_without_a_flag():
    for rule, own in (("blood_count_overdue", NOT_SEEN), ("hemoglobin_fall", OTHER)):
        tier, reasons = tier_of([episode(rule, "warning")], stale=False)
        assert (tier, [reason.rule for reason in reasons]) == (own, [rule])
        assert tier < REST


def test_the_tier_is_that_of_the_most_urgent_open_rule_and_names_its_episodes():
    found = [episode("kmp"), episode("plasma_criterion"), episode("severe_thrombocytopenia", "warning")]
    tier, reasons = tier_of(found, stale=False)
    assert (tier, [reason.rule for reason in reasons]) == (0, ["plasma_criterion"])


def test_open_episodes_are_told_gravest_first_and_of_equal_ones_the_more_urgent_rule_first():
    found = [episode("severe_thrombocytopenia", "warning"), episode("kmp"), episode("kmp_rebound")]
    found.append(episode("x", "note"))
    assert [one.rule for one in by_urgency(found)] == ["kmp_rebound", "kmp", "severe_thrombocytopenia", "x"]


# ---- windows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", [None, "nonsense", "30 d"])
def test_a_window_nobody_has_is_the_usual_one(choice):
    start, end = window_of(choice, NOW - 99 * DAY, NOW - DAY, NOW, closed=False)
    assert NOW - start == 30 * DAY
    assert end > NOW


def test_a_closed_child_is_shown_up_to_the_last_entry_and_all_means_all():
    start, end = window_of("all", NOW - 400 * DAY, NOW - 100 * DAY, NOW, closed=True)
    assert start == NOW - 400 * DAY
    assert NOW - 100 * DAY < end < NOW - 90 * DAY


def test_all_of_nothing_is_still_a_window():
    start, end = window_of("all", None, None, NOW, closed=False)
    assert start < end


def test_every_window_can_be_asked_for():
    for choice in WINDOWS:
        start, end = window_of(choice, NOW - 999 * DAY, NOW, NOW, closed=False)
        assert start < NOW <= end
