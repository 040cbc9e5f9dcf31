"""Each endpoint on its limit, one step either side of it, and where something is missing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from khemon.endpoints import (
    LESION_CLASSES,
    Group,
    Published,
    amount,
    catalog,
    compared,
    curve,
    endpoint_numbers,
    endpoints_of,
    fraction,
    platelets_by_week,
    ranked,
    same_pace,
    tally,
)
from khemon.endpoints.judged import reported
from khemon.endpoints.numbers import FOLDER, Weeks, read_toml
from khemon.models import RulebookProblem
from khemon.rules import Patients
from khemon.rules.calendar import to_ms
from tests.endpoint_children import (
    LOW,
    ZONE,
    Happening,
    Lab,
    Told,
    answer,
    answers,
    at,
    found,
    gathered,
    protocol,
    weekly,
)

WEEK_1, WEEK_4 = "durable_response_week_1", "durable_response_week_4"


def responder(onset: float, last: float | None = None, **more: object) -> Told:
    """Low until the day before onset, then 150 every week for five weeks."""
    return Told([*LOW, (onset - 1, 40), *weekly(onset, onset + 35 if last is None else last)], **more)


# ---------------------------------------------------------------- durable response by week


@pytest.mark.parametrize(("onset", "state"), [(6, "met"), (7, "met"), (8, "not_met")])
def test_onset_by_day_seven_is_a_response_at_week_one(onset, state):
    assert answer(responder(onset), WEEK_1)[0] == state


@pytest.mark.parametrize(("onset", "state"), [(27, "met"), (28, "met"), (29, "not_met")])
def test_onset_by_day_28_is_a_response_at_week_four(onset, state):
    assert answer(responder(onset), WEEK_4)[0] == state


@pytest.mark.parametrize(("count", "state"), [("100", "met"), ("99.9", "not_met"), ("99", "not_met")])
def test_a_response_is_at_least_100(count, state):
    child = Told([*LOW, *weekly(5, 40, count)])
    assert answer(child, WEEK_1)[0] == state


def test_a_run_of_27_days_is_provisional_and_of_28_days_confirmed():
    child = responder(5, 33)
    assert answer(child, WEEK_1, as_of=32) == ("provisional", "run_open")
    assert answer(Told([*LOW, (5, 150), (18, 150), (32, 150)]), WEEK_1, as_of=33) == ("provisional", "run_open")
    assert answer(child, WEEK_1, as_of=33) == ("met", "")


def test_a_low_count_on_day_27_of_the_run_breaks_it():
    child = Told([*LOW, *weekly(5, 26), (32, 99), *weekly(33, 70)])
    assert answer(child, WEEK_1) == ("not_met", "broken")
    assert answer(child, "durable_response_ever") == ("met", "")


def test_a_week_is_not_assessable_before_its_day_is_over():
    child = Told([*LOW, (6, 40)])
    assert answer(child, WEEK_1, as_of=6) == ("not_assessable", "week_not_reached")
    assert answer(child, WEEK_1, as_of=7) == ("not_assessable", "week_not_reached")
    assert answer(child, WEEK_1, as_of=8) == ("not_met", "not_reached")


@pytest.mark.parametrize(("gap", "by", "expected"), [
    (14, "ward", ("met", "")), (15, "ward", ("not_met", "unproven")),
    (31, "trial", ("met", "")), (32, "trial", ("not_met", "unproven")),
])  # fmt: skip
def test_unseen_days_beyond_the_gap_of_the_protocol_are_not_credited(gap, by, expected):
    child = Told([*LOW, (5, 150), (6, 150), (6 + gap, 150), (6 + gap + 14, 150), (6 + gap + 28, 150)])
    assert answer(child, WEEK_1, by=by) == expected


def test_an_open_run_unseen_for_longer_than_the_gap_is_lost():
    child = Told([*LOW, (5, 150), (10, 150)])
    assert answer(child, WEEK_1, as_of=24) == ("provisional", "run_open")
    assert answer(child, WEEK_1, as_of=25) == ("not_met", "unproven")


def test_a_run_that_the_end_of_observation_cuts_is_no_response():
    child = Told([*LOW, *weekly(5, 19)], events=[Happening("transfer_out", 20)])
    assert answer(child, WEEK_1) == ("not_met", "closed")
    gone = Told(LOW, events=[Happening("death", 3)])
    assert answer(gone, WEEK_1) == ("not_met", "closed")
    assert answer(gone, WEEK_1, as_of=2) == ("not_assessable", "week_not_reached")
    on_the_day = Told([*LOW, (6, 40)], events=[Happening("transfer_out", 7)])
    assert answer(on_the_day, WEEK_1) == ("not_met", "not_reached")


def test_without_a_count_since_day_0_there_are_no_data():
    assert answer(Told([(-2, 20)]), WEEK_1) == ("not_met", "no_data")
    assert answer(Told([]), WEEK_1) == ("not_met", "no_data")
    assert answer(Told([(-1, 20)]), WEEK_1) == ("not_met", "no_data")
    assert answer(Told([(0, 20)]), WEEK_1) == ("not_met", "not_reached")
    assert answer(Told([(-2, 20), (8, 20)]), WEEK_1) == ("not_met", "no_data")


def test_someone_never_low_has_no_response():
    assert answer(Told(weekly(-7, 60)), WEEK_4) == ("not_met", "never_low")


def test_a_run_that_began_before_day_0_says_so_and_one_that_ended_before_does_not_count():
    assert answer(Told([(-20, 30), *weekly(-10, 40)]), WEEK_1) == ("met", "before_day0")
    early = Told([(-20, 30), *weekly(-10, 40)])
    assert answer(early, WEEK_4, as_of=27) == ("not_assessable", "week_not_reached")
    assert answer(early, WEEK_4, as_of=28) == ("met", "before_day0")
    before = Told([(-90, 30), *weekly(-80, -40), (-30, 40), (0, 20)])
    assert answer(before, WEEK_1) == ("not_met", "not_reached")
    assert answer(before, "durable_response_ever") == ("not_met", "not_reached")


def test_a_count_lifted_by_platelets_starts_no_run():
    lifted = [Happening("platelet_transfusion", 4.9, 5)]
    child = Told([*LOW, (5.5, 150), (9, 40), *weekly(12, 50)], events=lifted)
    assert answer(child, WEEK_1) == ("not_met", "not_reached")


def test_preliminary_counts_never_feed_a_response():
    low = [Lab(12, "40", status="preliminary")]
    assert answer(Told([*LOW, *weekly(5, 40)], labs=low), WEEK_1) == ("met", "")
    good = [Lab(5, "150", status="preliminary")]
    assert answer(Told([*LOW, *weekly(12, 47)], labs=good), WEEK_1) == ("not_met", "not_reached")


def test_day_0_is_the_earlier_of_register_and_event_else_the_first_dose_of_sirolimus():
    drug = Happening("sirolimus", 0)
    assert answer(responder(7, day0=None, events=[drug]), WEEK_1)[0] == "met"
    assert answer(responder(7, day0=5, events=[Happening("day0", 0), Happening("sirolimus", -9)]), WEEK_1)[0] == "met"
    assert answer(responder(8, day0=5, events=[Happening("day0", 0)]), WEEK_1)[0] == "not_met"
    assert answer(responder(8, day0=0, events=[Happening("day0", 1)]), WEEK_1)[0] == "not_met"
    assert found(responder(8), responder(8, events=[Happening("day0", 0)])).day0_told.tolist() == [0, 0]
    assert found(Told(LOW), Told(LOW, day0=None, events=[Happening("day0", 0)]), as_of=0).started.all()
    assert not found(Told(LOW), as_of=-1).started.any()
    findings = found(responder(7, day0=None), responder(7, day0=None, events=[drug]), responder(7))
    assert findings.started.tolist() == [False, True, True]
    assert findings.day0_told.tolist()[1:] == [2, 0]


# ---------------------------------------------------------------- non-responders by rule


@pytest.mark.parametrize(("day", "state"), [(27, "not_met"), (28, "met")])
@pytest.mark.parametrize(("kind", "note", "reason"), [
    ("discontinuation", "", "stopped"), ("prednisolone", "", "prednisolone"), ("vincristine", "", "intervention"),
    ("procedure", "embolization", "intervention"), ("other_drug", "propranolol", "intervention"),
])  # fmt: skip
def test_what_happened_before_the_visit_makes_a_non_responder(kind, note, reason, day, state):
    child = responder(5, events=[Happening(kind, day, note=note)])
    assert answer(child, WEEK_4) == (state, reason if state == "not_met" else "")


def test_a_registered_discontinuation_counts_as_the_event_does():
    assert answer(responder(5, stopped=27), WEEK_4) == ("not_met", "stopped")
    assert answer(responder(5, stopped=28), WEEK_4)[0] == "met"
    assert answer(responder(5, stopped=27), WEEK_4, as_of=26)[0] == "provisional"


@pytest.mark.parametrize(("arm", "starts", "state"), [
    ("monotherapy", [0], "met"), ("monotherapy", [1], "not_met"), ("combination", [0], "met"),
    ("combination", [1], "met"), ("combination", [0, 20], "not_met"), ("combination", [1, 20], "not_met"),
    ("sirolimus with prednisolone", [1], "met"), ("sirolimus without prednisolone", [1], "not_met"),
    (None, [0], "met"), (None, [3], "not_met"), ("arm B", [1], "not_met"),
    ("combination", [-30], "met"), ("combination", [-30, 10], "met"),
])  # fmt: skip
def test_prednisolone_is_allocated_once_in_an_arm_that_holds_it(arm, starts, state):
    courses = [Happening("prednisolone", start, start + 10) for start in starts]
    assert answer(responder(5, arm=arm, events=courses), WEEK_4)[0] == state


def test_steps_of_one_course_are_no_reintroduction():
    steps = [Happening("prednisolone", 0, 14, 2, unit="mg/kg"), Happening("prednisolone", 14, 21, 1, unit="mg/kg")]
    resumed = [*steps, Happening("prednisolone", 22, 24, 1, unit="mg/kg")]
    late = [*steps, Happening("prednisolone", 23, 24, 1, unit="mg/kg")]
    assert answer(responder(5, arm="combination", events=resumed), WEEK_4)[0] == "met"
    assert answer(responder(5, arm="combination", events=late), WEEK_4) == ("not_met", "prednisolone")
    assert found(responder(5, events=steps)).treated.steroid_days.tolist() == [21]


def test_a_procedure_that_does_not_say_what_it_was_is_told_and_not_counted():
    silent = [Happening("procedure", day) for day in (-1, 0, 3)]
    child = responder(5, events=[*silent, Happening("procedure", 4, note="MRI under sedation")])
    findings = found(child)
    assert answers(findings, WEEK_4)[0][0] == "met"
    assert findings.treated.undecided.tolist() == [2]


def test_a_treatment_given_before_day_0_is_no_intervention():
    assert answer(responder(5, events=[Happening("vincristine", -3)]), "treatment_failure")[0] == "not_met"
    assert answer(responder(5, events=[Happening("vincristine", 0)]), "treatment_failure") == ("met", "intervention")
    assert answer(responder(5, events=[Happening("prednisolone", 40)]), "treatment_failure") == ("met", "prednisolone")
    late = responder(5, events=[Happening("vincristine", 729)])
    assert answer(late, "treatment_failure") == ("not_met", "after_horizon")
    assert answer(responder(5), "treatment_failure", as_of=728) == ("not_assessable", "follow_up_running")
    assert answer(responder(5), "treatment_failure", as_of=729) == ("not_met", "none_recorded")


# ---------------------------------------------------------------- fibrinogen at week 4


def fibrinogen(*rows: tuple[float, str], **more: object) -> Told:
    return Told(LOW, labs=[Lab(day, value, "fibrinogen") for day, value in rows], **more)


@pytest.mark.parametrize(("value", "state"), [
    ("1.6", "not_met"), ("1.61", "met"), ("1.59", "not_met"), (">1.6", "met"), ("<1.7", "not_met"),
])  # fmt: skip
def test_fibrinogen_above_1_6_at_week_four(value, state):
    assert answer(fibrinogen((0, "0.9"), (28, value)), "fibrinogen_above_week_4")[0] == state


@pytest.mark.parametrize(("rows", "expected"), [
    ([(24, "2")], ("not_met", "missing")), ([(25, "2")], ("met", "")), ([(31, "2")], ("met", "")),
    ([(32, "2")], ("not_met", "missing")), ([(27, "2"), (29, "1")], ("met", "")),
    ([(27, "1"), (29, "2")], ("not_met", "not_reached")), ([(26, "1"), (29, "2")], ("met", "")),
    ([(27, "2"), (27.2, "1"), (30, "1")], ("met", "")),
])  # fmt: skip
def test_the_nearest_within_three_days_counts_and_of_two_the_earlier(rows, expected):
    assert answer(fibrinogen((0, "0.9"), *rows), "fibrinogen_above_week_4") == expected


def test_a_fibrinogen_lifted_by_plasma_does_not_count_at_week_four():
    child = fibrinogen((0, "0.9"), (28, "2"), (30, "1.2"), events=[Happening("plasma", 27)])
    assert answer(child, "fibrinogen_above_week_4") == ("not_met", "not_reached")


def test_a_value_that_may_still_be_replaced_is_not_assessable():
    child = fibrinogen((0, "0.9"), (26, "2"))
    exact = fibrinogen((0, "0.9"), (28, "2"))
    assert answer(exact, "fibrinogen_above_week_4", as_of=28) == ("met", "")
    assert answer(child, "fibrinogen_above_week_4", as_of=27) == ("not_assessable", "week_not_reached")
    assert answer(child, "fibrinogen_above_week_4", as_of=29) == ("not_assessable", "window_open")
    assert answer(child, "fibrinogen_above_week_4", as_of=30) == ("met", "")
    assert answer(fibrinogen((0, "0.9")), "fibrinogen_above_week_4", as_of=31) == ("not_assessable", "window_open")
    assert answer(fibrinogen((0, "0.9")), "fibrinogen_above_week_4", as_of=32) == ("not_met", "missing")
    closed = fibrinogen((0, "0.9"), events=[Happening("follow_up_end", 28)])
    assert answer(closed, "fibrinogen_above_week_4", as_of=29) == ("not_met", "closed")


def test_fibrinogen_is_stabilized_by_a_confirmed_run():
    rows = [(0, "0.9"), *((day, "1.9") for day in range(21, 64, 7))]
    assert answer(fibrinogen(*rows), "fibrinogen_stabilized_week_4")[0] == "met"
    assert answer(fibrinogen(*rows[:4]), "fibrinogen_stabilized_week_4", as_of=36)[0] == "provisional"


# ---------------------------------------------------------------- rebound


def rebounder(*after: tuple[float, object], **more: object) -> Told:
    return Told([*LOW, *weekly(5, 40), *after], **more)


@pytest.mark.parametrize(("count", "state"), [("99", "met"), ("100", "not_met"), ("99.9", "met")])
def test_a_count_below_100_after_a_response_is_a_rebound(count, state):
    assert answer(rebounder((47, count)), "rebound")[0] == state


def test_a_fall_before_confirmation_is_no_rebound():
    assert answer(Told([*LOW, *weekly(5, 26), (31, 60)]), "rebound") == ("not_met", "no_response")


def test_a_rebound_is_confirmed_by_a_second_low_count_or_a_very_low_one():
    assert answer(rebounder((47, 80), (48, 85)), "rebound_confirmed")[0] == "met"
    assert answer(rebounder((47, 49)), "rebound_confirmed")[0] == "met"
    assert answer(rebounder((47, 50)), "rebound_confirmed", as_of=60)[0] == "provisional"
    isolated = rebounder((47, 90), (50, 150), (53, 150), (58, 150))
    assert answer(isolated, "rebound")[0] == "met"
    assert answer(isolated, "rebound_confirmed") == ("not_met", "none_recorded")
    assert answer(isolated, "rebound_confirmed", as_of=100) == ("not_met", "none_recorded")
    closed = rebounder((47, 90), events=[Happening("transfer_out", 60)])
    assert answer(closed, "rebound_confirmed", as_of=100) == ("not_met", "none_recorded")
    assert answer(rebounder((47, 90)), "rebound_confirmed", as_of=100) == ("provisional", "follow_up_running")
    assert answer(Told(LOW), "rebound", as_of=728) == ("not_assessable", "follow_up_running")
    assert answer(Told(LOW), "rebound", as_of=729) == ("not_met", "no_response")


def test_a_rebound_after_two_years_is_told_and_not_counted():
    assert answer(rebounder((729, 60)), "rebound") == ("not_met", "after_horizon")
    assert answer(rebounder((728, 60)), "rebound")[0] == "met"
    assert answer(rebounder(), "rebound", as_of=728) == ("not_assessable", "follow_up_running")
    assert answer(rebounder(), "rebound", as_of=729) == ("not_met", "none_recorded")


def test_a_child_counts_once_and_time_to_rebound_begins_with_confirmation():
    findings = found(rebounder((47, 40), *weekly(54, 96), (110, 30)))
    assert answers(findings, "rebound")[0][0] == "met"
    assert (findings.rebound.days.tolist(), findings.rebound.happened.tolist()) == ([47 - 33], [True])
    assert (findings.response.days.tolist(), findings.response.happened.tolist()) == ([5], [True])


def test_time_without_a_response_lasts_until_the_last_count_or_the_onset_of_an_open_run():
    findings = found(Told([*LOW, (9, 40)]), Told([*LOW, (9, 40), (12, 150)]), Told([]), as_of=20)
    assert findings.response.days.tolist() == [9, 12, 0]
    assert not findings.response.happened.any()
    assert findings.rebound.days.tolist() == [-1, -1, -1]
    just = found(Told([*LOW, (4, 150), (18, 150), (32, 150)]), as_of=32).rebound
    assert (just.days.tolist(), just.happened.tolist()) == ([0], [False])


# ---------------------------------------------------------------- lesion, quality of life


def lesion(first: float | None, later: float | None, day: float = 364, **more: object) -> Told:
    volumes = [] if first is None else [Happening("lesion_volume", -1, dose=first, unit="cm3")]
    volumes += [] if later is None else [Happening("lesion_volume", day, dose=later, unit="ml")]
    return Told(LOW, events=volumes, **more)


@pytest.mark.parametrize(("later", "trial", "other"), [
    (120, "growth", "growth"), (119.99, "no_change", "growth"), (110, "no_change", "growth"),
    (109.99, "no_change", "no_change"), (100, "no_change", "no_change"), (90.01, "no_change", "no_change"),
    (90, "no_change", "partial"), (80.01, "no_change", "partial"), (80, "partial", "partial"),
    (25.01, "partial", "partial"), (25, "nearly_complete", "nearly_complete"),
    (0.01, "nearly_complete", "nearly_complete"), (0, "complete", "complete"),
])  # fmt: skip
def test_classes_of_volume_change_under_both_schemes(later, trial, other):
    lesions = found(lesion(100, later)).lesions
    assert [LESION_CLASSES[int(lesions[name][0])] for name in ("trial", "nct04775173")] == [trial, other]


def test_a_change_is_exact_on_the_limit():
    # 4.4 of 5.5 is exactly a fifth less; in binary it is not.
    assert answer(lesion(5.5, 4.4), "lesion_response_overall")[0] == "met"
    assert answer(lesion(5.5, 4.41), "lesion_response_overall")[0] == "not_met"
    assert answer(lesion(5.2, 1.3), "lesion_response_good")[0] == "met"
    assert answer(lesion(5.2, 1.31), "lesion_response_good")[0] == "not_met"
    assert answer(lesion(5.5, 4.95), "lesion_response_overall_nct04775173")[0] == "met"


@pytest.mark.parametrize(("child", "reason"), [
    (lesion(None, 10), "no_baseline"), (lesion(10, None), "missing"), (lesion(0, 10), "baseline_zero"),
    (lesion(10, 1, day=318), "missing"), (lesion(10, 1, day=410), "missing"),
    (lesion(10, 1, stopped=363), "stopped"),
    (Told(LOW, events=[Happening("lesion_volume", -91, dose=10),
                       Happening("lesion_volume", 364, dose=1)]), "no_baseline"),
    (Told(LOW, events=[Happening("lesion_volume", 0, dose=10, unit="cm3"),
                       Happening("lesion_volume", 364, dose=1, unit="mm3")]), "other_unit"),
    (Told(LOW, events=[Happening("lesion_volume", 0, dose=10), Happening("follow_up_end", 200)]), "closed"),
])  # fmt: skip
def test_without_two_comparable_volumes_there_is_no_lesion_response(child, reason):
    assert answer(child, "lesion_response_overall") == ("not_met", reason)


def test_a_volume_counts_within_45_days_of_month_12_once_nothing_nearer_can_come():
    assert answer(lesion(10, 1, day=319), "lesion_response_good")[0] == "met"
    assert answer(lesion(10, 1, day=409), "lesion_response_good")[0] == "met"
    assert answer(lesion(10, 1, day=364, stopped=364), "lesion_response_good")[0] == "met"
    early = lesion(10, 1, day=354)
    assert answer(early, "lesion_response_good", as_of=300) == ("not_assessable", "visit_not_reached")
    assert answer(early, "lesion_response_good", as_of=373) == ("not_assessable", "window_open")
    assert answer(early, "lesion_response_good", as_of=374)[0] == "met"


@pytest.mark.parametrize(("first", "later", "state"), [
    (50, 54.5, "met"), (50, 54.4, "not_met"), (50.1, 54.6, "met"), (50, 40, "not_met"), (0, 4.5, "met"),
])  # fmt: skip
def test_quality_of_life_improves_by_at_least_4_5_points(first, later, state):
    scores = [Happening("quality_of_life", -1, dose=first), Happening("quality_of_life", 364, dose=later)]
    assert answer(Told(LOW, events=scores), "quality_of_life_improved")[0] == state


def test_who_outgrows_the_infant_scales_is_named():
    findings = found(Told(LOW, born=-400), Told(LOW, born=-365), Told(LOW), Told(LOW, born=-731))
    assert findings.scales_may_differ.tolist() == [True, False, False, False]


# ---------------------------------------------------------------- sequelae, stops, products, troughs


@pytest.mark.parametrize(("day", "state"), [(0, "met"), (742, "met"), (743, "not_met"), (-1, "not_met")])
def test_a_sequela_recorded_by_month_24_counts(day, state):
    assert answer(Told(LOW, events=[Happening("sequela", day, note="scoliosis")]), "sequelae")[0] == state


def test_no_sequela_is_none_recorded_and_knowable_only_after_month_24():
    assert answer(Told(LOW), "sequelae", as_of=742) == ("not_assessable", "visit_not_reached")
    assert answer(Told(LOW), "sequelae", as_of=743) == ("not_met", "none_recorded")
    gone = Told(LOW, events=[Happening("follow_up_end", 713)])
    assert answer(gone, "sequelae") == ("not_met", "not_followed")
    assert answer(Told(LOW, events=[Happening("follow_up_end", 714)]), "sequelae") == ("not_met", "none_recorded")


@pytest.mark.parametrize(("note", "lack", "reason"), [
    ("lack of efficacy", "met", ""), ("progressive disease", "met", ""),
    ("request of the family", "not_met", "other_reason"), ("", "not_met", "reason_not_recorded"),
])  # fmt: skip
def test_why_treatment_was_given_up(note, lack, reason):
    child = Told(LOW, events=[Happening("discontinuation", 363, note=note)])
    assert answer(child, "stopped_for_lack_of_efficacy") == (lack, reason)
    assert answer(child, "stopped_before_month_12") == ("met", "")


def test_why_treatment_was_given_up_may_be_recorded_until_month_12_or_the_end_of_follow_up():
    def why(*notes, as_of=None, end=None):
        told = [Happening("discontinuation", day, note=note) for day, note in notes]
        told += [] if end is None else [Happening("follow_up_end", end)]
        return answer(
            Told(LOW, events=told), "stopped_for_lack_of_efficacy", **({} if as_of is None else {"as_of": as_of})
        )

    goes_on = ("provisional", "follow_up_running")
    assert why((30, ""), as_of=363) == why((30, "moved away"), as_of=363) == goes_on
    assert why((30, ""), as_of=364) == ("not_met", "reason_not_recorded")
    assert why((30, "moved away"), as_of=364) == ("not_met", "other_reason")
    assert why((30, ""), (363, "no response")) == ("met", "")
    assert why((30, ""), (364, "no response")) == ("not_met", "reason_not_recorded")
    assert why((30, ""), (364, "moved away")) == ("not_met", "reason_not_recorded")
    assert why((30, ""), as_of=50, end=40) == ("not_met", "reason_not_recorded")
    assert why((30, "no response"), as_of=30) == ("met", "")


def test_a_stop_at_month_12_is_no_early_one():
    child = Told(LOW, events=[Happening("discontinuation", 364, note="lack of efficacy")])
    assert answer(child, "stopped_before_month_12") == ("not_met", "none_recorded")
    assert answer(Told(LOW), "stopped_before_month_12", as_of=363) == ("not_assessable", "visit_not_reached")
    assert answer(Told(LOW), "stopped_before_month_12", as_of=364) == ("not_met", "none_recorded")


def test_products_count_from_the_day_before_day_0_to_month_12():
    days = (-2, -1, 0, 363, 364)
    findings = found(Told(LOW, events=[Happening("plasma", day) for day in days]), Told(LOW), as_of=1_000)
    assert findings.given.total.tolist() == [3, 0]
    assert findings.given.recorded.tolist() == [True, False]
    assert findings.given.days.tolist() == [364, 364]
    assert answers(findings, "any_product") == [("met", ""), ("not_met", "none_recorded")]
    early = found(Told(LOW), Told(LOW, events=[Happening("follow_up_end", 50)]), as_of=100)
    assert early.given.days.tolist() == [100, 50]
    assert answers(early, "any_product") == [("not_assessable", "visit_not_reached"), ("not_met", "none_recorded")]


def test_troughs_are_held_against_the_childs_own_band_with_both_ends_inside():
    def level(day: float, value: str, timing: str = "trough", status: str = "final") -> Lab:
        return Lab(day, value, "sirolimus", status, timing=timing)

    values = [
        level(7, "10"),
        level(8, "15"),
        level(9, "9.9"),
        level(10, "15.1"),
        level(11, ">9"),
        level(-1, "12"),
        level(0, "<=10"),
    ]
    others = [level(12, "12", "random"), level(13, "12", "unknown"), level(14, "12", status="preliminary")]
    findings = found(Told(LOW, labs=values + others), Told(LOW, labs=values[:3], band=(5, 10)))
    treated = findings.treated
    assert (treated.troughs.tolist(), treated.in_band.tolist(), treated.unclear.tolist()) == ([6, 3], [2, 2], [2, 0])


def test_days_on_prednisolone_that_goes_on_end_where_the_child_was_last_seen():
    child = Told(LOW, events=[Happening("prednisolone", -3)])
    closed = Told(LOW, events=[Happening("prednisolone", 2), Happening("death", 12)])
    assert found(child, closed, as_of=30).treated.steroid_days.tolist() == [30, 10]


# ---------------------------------------------------------------- counts by week


def test_counts_of_a_week_lie_within_its_window_and_settle_when_nothing_nearer_can_come():
    child = Told([(-7.2, 9), (-1, 12), (0, 15), (4, 30), (10, 44), (25, 80), (49, 120), (98, 130)])
    findings = found(child, as_of=112)
    rows = {row.week: (row.spread.median, row.not_assessable) for row in platelets_by_week(findings, _group(1))}
    assert rows[0] == (15, 0)
    assert [rows[week] for week in (1, 2, 3, 4, 8, 12)] == [
        (30, 0),
        (None, 0),
        (None, 0),
        (80, 0),
        (49 + 71, 0),
        (None, 0),
    ]
    assert rows[24] == (None, 1)


def test_a_baseline_is_the_last_count_until_the_first_dose_that_platelets_did_not_lift():
    lifted = [Happening("platelet_transfusion", -1)]
    children = [
        Told([(-7, 9)]), Told([(-8, 9)]), Told([(-5, 9), (-0.5, 60)], events=lifted), Told([(-0.5, 60)], events=lifted),
        Told([(0.2, 11)]), Told([(1, 11)]), Told([(-2, "<5")]),
    ]  # fmt: skip
    baseline = found(*children).judged.baseline
    values = baseline.value.tolist()
    assert [None if np.isnan(value) else value for value in values] == [9, None, 9, 60, 11, None, 5]
    assert baseline.beyond.tolist() == [0, 0, 0, 0, 0, 0, -1]


def test_a_median_that_rests_on_a_bound_is_printed_as_one():
    findings = found(Told([(7, "<5")]), Told([(7, "<5")]), Told([(7, "9")]))
    (week,) = (row for row in platelets_by_week(findings, _group(3)) if row.week == 1)
    assert (week.spread.beyond, week.spread.median, week.spread.censored) == ("<", 5, 2)


@pytest.mark.parametrize(("text", "number", "sign"), [
    ("5", 5, 0), ("<5", 5, -1), ("<=5", 5, -1), (">20", 20, 1), (">=20", 20, 1), ("<0.1", 0.1, -1),
])  # fmt: skip
def test_the_number_reported_comes_back_from_its_interval(text, number, sign):
    from tests.endpoint_children import interval

    low, high = (np.array([bound]) for bound in interval(text))
    value, beyond = reported(low, high)
    assert (value.tolist(), beyond.tolist()) == ([number], [sign])


def _group(count: int) -> Group:
    return Group("all", np.arange(count))


# ---------------------------------------------------------------- counting groups, and the numbers themselves


def test_the_denominator_is_everyone_with_a_day_0_whatever_is_known_of_them():
    findings = found(responder(5), Told([]), Told(LOW), as_of=20)
    counted = tally(findings.answers[WEEK_1], _group(3))
    assert (counted.n, counted.met, counted.provisional, counted.not_assessable, counted.not_met) == (3, 0, 1, 0, 2)
    assert counted.proportion.proportion == 0
    assert not counted.final
    waiting = tally(findings.answers["sequelae"], _group(1))
    assert (waiting.provisional, waiting.not_assessable, waiting.final) == (0, 1, False)
    assert counted.reasons == {"run_open": 1, "no_data": 1, "not_reached": 1}


def test_an_empty_group_has_no_proportion():
    counted = tally(found(Told(LOW)).answers[WEEK_1], Group("nobody", np.zeros(0, np.int64)))
    assert (counted.n, counted.proportion, counted.final) == (0, None, True)


def test_a_protocol_without_the_rules_that_are_counted_is_refused():
    ward = protocol()
    bare = ward.model_copy(update={"rules": {k: v for k, v in ward.rules.items() if k != "kmp_rebound"}})
    from khemon.endpoints.judged import reduced

    with pytest.raises(RulebookProblem, match="kmp_rebound"):
        reduced(bare, endpoint_numbers())


def test_every_number_has_a_source_or_is_khemons_own():
    numbers = endpoint_numbers()
    assert numbers.month_12.within.own
    assert numbers.lesion.schemes[0].cut.source
    assert dict(numbers.weeks.of_counts())[104] == 14


def test_weeks_without_a_window_are_refused():
    weeks = endpoint_numbers().weeks.model_dump()
    with pytest.raises(ValueError, match="windows"):
        Weeks.model_validate(weeks | {"response": (5,)})


def test_a_field_that_is_wrong_is_named_with_its_file(tmp_path):
    path = tmp_path / "published.toml"
    text = (FOLDER / "published.toml").read_text("utf-8")
    path.write_text(text.replace("high = 44.7\n", "", 1), "utf-8")
    with pytest.raises(RulebookProblem, match=r"published.toml, proportion.2: .*a printed difference has"):
        read_toml(path, Published)


def test_groups_are_compared_in_the_direction_in_which_a_difference_is_good():
    findings = found(responder(5), responder(6), rebounder((47, 40)), Told(LOW))
    first, second, nobody = (
        Group("a", np.array([0, 1])),
        Group("b", np.array([2, 3])),
        Group("c", np.zeros(0, np.int64)),
    )
    more, less = (next(e for e in catalog() if e.name == name) for name in (WEEK_1, "rebound"))

    def between(endpoint, one, other):
        own = findings.answers[endpoint.name]
        return compared(endpoint, (one, tally(own, one)), (other, tally(own, other)))

    response, fall = between(more, first, second), between(less, first, second)
    assert (response.of, response.minus, response.difference.difference, response.fisher_p) == ("a", "b", 0.5, 1)
    assert (fall.of, fall.minus, fall.difference.difference) == ("b", "a", 0.5)
    assert between(more, first, nobody) is None
    assert between(more, nobody, first) is None


def test_numbers_per_child_leave_out_who_has_none():
    a, b = Group("a", np.array([0, 1])), Group("b", np.array([2, 3]))
    values = fraction(np.array([1, 3, 0, 2]), np.array([2, 4, 0, 4]))
    told = amount(values, b)
    assert (told.n, told.total, told.mean, told.spread.median) == (1, 0.5, 0.5, 0.5)
    assert amount(values, a).mean == 0.625
    assert amount(values, Group("nobody", np.zeros(0, np.int64))).mean is None
    assert ranked(values, a, b) == pytest.approx(1.0)
    assert ranked(values, a, Group("empty", np.array([2]))) is None


def test_curves_of_groups_hold_those_who_are_timed():
    findings = found(rebounder((47, 40)), rebounder(), Told(LOW))
    everyone, two = Group("all", np.arange(3)), Group("two", np.arange(2))
    response, n = curve(findings.response, everyone)
    assert (n, response.time.tolist(), response.events.tolist()) == (3, [0, 5], [0, 2])
    rebound, n = curve(findings.rebound, everyone)
    assert (n, rebound.time.tolist(), rebound.events.tolist()) == (2, [7, 14], [0, 1])
    test = same_pace(findings.response, two, Group("other", np.array([2])))
    assert test is None
    pace = found(responder(5), responder(6), responder(12), responder(19)).response
    again = same_pace(pace, Group("a", np.array([0, 1])), Group("b", np.array([2, 3])))
    assert again.observed == 2
    assert 0 < again.p < 0.2


def test_without_a_band_rule_or_timings_no_troughs_are_told():
    ward = protocol()
    bare = ward.model_copy(update={"rules": {k: v for k, v in ward.rules.items() if k != "sirolimus_below_target"}})
    children = gathered([Told(LOW, labs=[Lab(7, "12", "sirolimus", timing="trough")])])
    assert endpoints_of(children, bare, ZONE, to_ms(at(20))).treated.troughs.tolist() == [0]


def test_changes_are_told_of_those_who_have_both_measurements():
    children = [lesion(100, 60), lesion(0, 60), lesion(None, 60), lesion(100, None), lesion(100, 60, day=354)]
    volumes = found(*children, as_of=370).volumes
    assert [None if np.isnan(x) else round(x, 6) for x in volumes.relative] == [-0.4, None, None, None, None]
    assert [None if np.isnan(x) else x for x in volumes.difference] == [-40, 60, None, None, None]


def test_what_happens_at_the_very_time_of_the_look_or_of_the_close_still_counts():
    vincristine = Happening("vincristine", 20)
    assert answer(Told(LOW, events=[vincristine]), "treatment_failure", as_of=20)[0] == "met"
    together = Told(LOW, events=[vincristine, Happening("transfer_out", 20)])
    assert answer(together, "treatment_failure")[0] == "met"
    after = Told(LOW, events=[vincristine, Happening("transfer_out", 19.9)])
    assert answer(after, "treatment_failure")[0] == "not_met"


def test_children_without_a_register_have_the_day_0_of_their_events():
    children = gathered([responder(5, events=[Happening("day0", 0)])])
    bare = dataclasses.replace(children, patients=Patients(children.patients.birth_day))
    findings = endpoints_of(bare, protocol(), ZONE, to_ms(at(100)))
    assert answers(findings, WEEK_1) == [("met", "")]
    assert findings.day0_told.tolist() == [1]


def test_a_child_was_seen_until_its_observation_closed_or_the_look():
    closed = Told(LOW, events=[Happening("follow_up_end", 50)])
    assert found(closed, Told(LOW), Told(LOW, day0=-2), as_of=60).last.tolist() == [50, 60, 62]


def test_no_product_is_final_from_month_12_on():
    assert answer(Told(LOW), "any_product", as_of=363) == ("not_assessable", "visit_not_reached")
    assert answer(Told(LOW), "any_product", as_of=364) == ("not_met", "none_recorded")
    assert answer(Told(LOW, events=[Happening("plasma", 0)]), "any_product", as_of=1) == ("met", "")


def test_scales_may_differ_for_those_who_pass_their_end_between_the_two():
    # Day 730 of life is the last of the infant scales: 364 days before it the later score is still one of them.
    findings = found(Told(LOW, born=-730), Told(LOW, born=-731), Told(LOW, born=-366), Told(LOW, born=-367))
    assert findings.scales_may_differ.tolist() == [True, False, False, True]


def test_a_run_that_ended_at_the_first_dose_is_over():
    counts = [(-60, 30), *weekly(-50, -8), (0, 40)]
    assert answer(Told(counts), "durable_response_ever") == ("not_met", "not_reached")
    assert answer(Told(counts), WEEK_1) == ("not_met", "not_reached")
    later = [(-60, 30), *weekly(-50, -1), (0.1, 40)]
    assert answer(Told(later), WEEK_1) == ("met", "before_day0")


def test_time_to_rebound_ends_with_the_follow_up():
    on_time, late, never = found(
        rebounder((728, 60)), rebounder((729, 60)), rebounder((800, 150))
    ).rebound.days.tolist()
    assert (on_time, late, never) == (728 - 33, 728 - 33, 728 - 33)
    assert found(rebounder((728, 60)), rebounder((729, 60))).rebound.happened.tolist() == [True, False]
    told_elsewhere = Told([*LOW, (5, 60)], events=[Happening("response_documented", 1)])
    findings = found(told_elsewhere)
    assert answers(findings, "rebound")[0][0] == "met"
    assert findings.rebound.days.tolist() == [-1]


def test_a_baseline_volume_may_be_90_days_old_and_no_older():
    def child(day: float) -> Told:
        return Told(LOW, events=[Happening("lesion_volume", day, dose=10), Happening("lesion_volume", 364, dose=1)])

    assert answer(child(-90), "lesion_response_good") == ("met", "")
    assert answer(child(0), "lesion_response_good") == ("met", "")
    assert answer(child(1), "lesion_response_good") == ("not_met", "no_baseline")


def test_a_visit_is_not_reached_before_its_window_opens():
    assert answer(Told(LOW), "lesion_response_good", as_of=318) == ("not_assessable", "visit_not_reached")
    assert answer(Told(LOW), "lesion_response_good", as_of=319) == ("not_assessable", "window_open")
    assert answer(Told(LOW), "lesion_response_good", as_of=409) == ("not_assessable", "window_open")
    assert answer(Told(LOW), "lesion_response_good", as_of=410) == ("not_met", "missing")
    assert answer(lesion(100, 90), "lesion_response_good") == ("not_met", "not_reached")


def test_a_change_that_cannot_be_told_has_no_class():
    other = Told(LOW, events=[Happening("lesion_volume", 0, dose=10, unit="cm3"),
                              Happening("lesion_volume", 364, dose=1, unit="mm3")])  # fmt: skip
    lesions = found(other, lesion(None, 1), lesion(1, None), lesion(0, 1), lesion(None, None)).lesions
    assert lesions["trial"].tolist() == [-1] * 5


def test_a_count_of_a_week_says_its_day():
    counts = found(Told([(0, 15), (6, 30), (30, 80)], day0=-1), as_of=40).judged.counts
    assert counts.day[0, [0, 3]].tolist() == [7, 31]
    assert counts.value[0, [0, 3]].tolist() == [30, 80]


def test_a_low_count_at_the_first_dose_after_a_known_response_is_a_rebound():
    known = Told([(-9, 40), (0, 60)], events=[Happening("response_documented", -5)])
    assert answer(known, "rebound")[0] == "met"
    earlier = Told([(-9, 40), (-0.1, 60)], events=[Happening("response_documented", -5)])
    assert answer(earlier, "rebound")[0] == "not_met"


def test_what_is_recorded_after_the_follow_up_says_so():
    assert answer(Told(LOW, events=[Happening("sequela", 743)]), "sequelae") == ("not_met", "after_horizon")
    for kind in ("vincristine", "prednisolone"):
        assert answer(Told(LOW, events=[Happening(kind, 728)]), "treatment_failure")[0] == "met"
        late = answer(Told(LOW, events=[Happening(kind, 729)]), "treatment_failure")
        assert late == ("not_met", "after_horizon")


def test_a_course_that_lasts_until_day_0_is_the_allocated_one():
    courses = [Happening("prednisolone", -30, 0), Happening("prednisolone", 10, 20)]
    assert answer(responder(5, arm="combination", events=courses), WEEK_4) == ("not_met", "prednisolone")


def test_a_stop_counts_from_day_0_on():
    def stop(day: float) -> Told:
        return Told(LOW, events=[Happening("discontinuation", day, note="lack of efficacy")])

    assert answer(stop(-1), "stopped_for_lack_of_efficacy") == ("not_met", "none_recorded")
    assert answer(stop(0), "stopped_for_lack_of_efficacy") == ("met", "")
    assert answer(Told(LOW, stopped=-1), "stopped_before_month_12") == ("not_met", "none_recorded")
    assert answer(Told(LOW, stopped=0), "stopped_before_month_12") == ("met", "")
    assert answer(Told(LOW, stopped=9), "stopped_before_month_12", as_of=9) == ("met", "")


def test_troughs_of_the_first_dose_and_of_the_close_count():
    levels = [Lab(day, "12", "sirolimus", timing="trough") for day in (-0.1, 0, 20, 20.1)]
    assert found(Told(LOW, labs=levels, events=[Happening("death", 20)])).treated.troughs.tolist() == [2]


def test_more_is_better_of_responses_and_less_of_what_goes_wrong():
    better = {endpoint.name: endpoint.better for endpoint in catalog()}
    wrong = {name for name, which in better.items() if which == "less"}
    assert wrong == {
        "rebound", "rebound_confirmed", "sequelae", "stopped_for_lack_of_efficacy", "stopped_before_month_12",
        "treatment_failure", "any_product",
    }  # fmt: skip
    assert set(better.values()) == {"more", "less"}
    assert all(endpoint.title for endpoint in catalog())
    assert set(better) == set(found(Told(LOW)).answers)


def test_what_began_on_the_very_day_of_the_week_counts_for_it():
    assert answer(Told([*LOW, (7, 150)]), WEEK_1, as_of=8) == ("provisional", "run_open")
    assert answer(Told([*LOW, (7, 150), (9, 40)]), WEEK_1) == ("not_met", "broken")
    assert answer(Told([*LOW, (7, 150), (40, 150)]), WEEK_1) == ("not_met", "unproven")
    assert answer(Told([*LOW, (7, 150)], events=[Happening("death", 8)]), WEEK_1) == ("not_met", "closed")
    assert answer(Told([(-2, 20), (7, 20)]), WEEK_1) == ("not_met", "not_reached")
    assert answer(Told([(0, 150), (7, 20)]), WEEK_1) == ("not_met", "not_reached")
    assert answer(Told([(0, 150), (8, 20)]), WEEK_1) == ("not_met", "never_low")
    assert answer(Told([(-2, 20), *weekly(0, 35)]), WEEK_1) == ("met", "")


def test_ever_looks_until_the_end_of_the_follow_up():
    def late(onset: float) -> Told:
        return Told([*LOW, (onset - 1, 30), *weekly(onset, onset + 28)])

    assert answer(late(728), "durable_response_ever", as_of=800) == ("met", "")
    assert answer(late(729), "durable_response_ever", as_of=800) == ("not_met", "not_reached")
    assert answer(late(728), "durable_response_ever", as_of=740) == ("provisional", "run_open")
    assert answer(late(5), "durable_response_ever", as_of=20) == ("provisional", "run_open")
    assert answer(Told(LOW), "durable_response_ever", as_of=728) == ("not_assessable", "follow_up_running")
    assert answer(Told(LOW), "durable_response_ever", as_of=729) == ("not_met", "not_reached")
