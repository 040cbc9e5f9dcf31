"""Endpoints at their edges: what no other test tells apart from its neighbor."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from khemon.endpoints import (
    REASON_WORDS,
    catalog,
    difference_of_proportions,
    endpoint_numbers,
    endpoints_of,
    fraction,
    joined,
    kaplan_meier,
    spread,
    wilson,
)
from khemon.endpoints.judged import reduced
from khemon.endpoints.numbers import Weeks, read_toml
from khemon.endpoints.outcomes import Change, lesion_classes
from khemon.endpoints.published import Published, PublishedGroup
from khemon.models import Refused, RulebookProblem
from khemon.rules import Protocol
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

WEEK_4 = "durable_response_week_4"


def responder(onset: float = 5, **more: object) -> Told:
    return Told([*LOW, (onset - 1, 40), *weekly(onset, onset + 35)], **more)


def courses(*spans: tuple[float, float | None]) -> list[Happening]:
    return [Happening("prednisolone", first, last) for first, last in spans]


# ---- prednisolone -----------------------------------------------------------------------------------------------


def ward_with_course_rule(**update: object) -> Protocol:
    """The ward's protocol with its rule of long courses changed, or without it."""
    ward, name = protocol(), endpoint_numbers().rules.course
    rules = {key: rule for key, rule in ward.rules.items() if key != name}
    return ward.model_copy(
        update={"rules": rules | ({name: ward.rules[name].model_copy(update=update)} if update else {})}
    )


@pytest.mark.parametrize("changed", [{}, {"joins_within": None}])
def test_where_no_rule_joins_courses_only_records_that_touch_are_one(changed):
    children = [
        responder(arm="combination", events=courses((0, 5), (6, 10))),
        responder(arm="combination", events=courses((0, 5), (5.2, 10))),
    ]
    told = endpoints_of(gathered(children), ward_with_course_rule(**changed), ZONE, to_ms(at(1_000)))
    assert answers(told, WEEK_4) == [("not_met", "prednisolone"), ("met", "")]
    assert answers(found(*children), WEEK_4) == [("met", ""), ("met", "")]


def test_days_on_prednisolone_count_from_day_0():
    children = [Told(LOW, events=courses(span)) for span in ((-10, 5), (-10, -5), (0, 1))]
    assert found(*children).treated.steroid_days.tolist() == [5, 0, 1]


def test_the_course_of_day_0_is_the_allocated_one_and_one_that_ended_the_day_before_is_not():
    begun = responder(arm="combination", events=courses((0, 10), (20, 30)))
    assert answer(begun, WEEK_4) == ("not_met", "prednisolone")
    ended = responder(arm="combination", events=courses((-10, -1), (10, 20)))
    assert answer(ended, WEEK_4) == ("met", "")


# ---- other treatment --------------------------------------------------------------------------------------------


def test_an_intervention_counts_from_day_0_on():
    assert answer(responder(events=[Happening("vincristine", -1)]), WEEK_4) == ("met", "")
    assert answer(responder(events=[Happening("vincristine", 0)]), WEEK_4) == ("not_met", "intervention")


def test_a_trough_that_as_reported_may_be_the_end_of_the_band_or_more_is_unclear():
    treated = found(Told(LOW, labs=[Lab(7, ">=15", "sirolimus", timing="trough")])).treated
    assert (treated.troughs.tolist(), treated.in_band.tolist(), treated.unclear.tolist()) == ([1], [0], [1])


def test_without_timings_of_levels_no_troughs_are_told():
    children = gathered([Told(LOW, labs=[Lab(7, "12", "sirolimus", timing="trough")])])
    untimed = dataclasses.replace(children, results=dataclasses.replace(children.results, timing=None))
    assert endpoints_of(untimed, protocol(), ZONE, to_ms(at(20))).treated.troughs.tolist() == [0]


def test_who_left_before_day_0_was_observed_for_no_day():
    assert found(Told(LOW, events=[Happening("transfer_out", -5)])).given.days.tolist() == [0]


def test_one_of_one_is_all():
    assert fraction(np.array([1, 0]), np.array([1, 0])).tolist()[0] == 1


# ---- runs and rebounds ------------------------------------------------------------------------------------------


def test_a_run_that_began_on_the_day_before_day_0_says_so():
    assert answer(Told([(-5, 20), *weekly(-1, 40)]), WEEK_4) == ("met", "before_day0")
    assert answer(Told([(-5, 20), *weekly(0, 42)]), WEEK_4) == ("met", "")


def test_without_a_rebound_nothing_is_provisional():
    assert answer(responder(), "rebound_confirmed", as_of=100) == ("not_assessable", "follow_up_running")
    closed = responder(events=[Happening("transfer_out", 100)])
    assert answer(closed, "rebound_confirmed") == ("not_met", "none_recorded")


def test_a_fall_on_the_day_of_confirmation_is_a_rebound_after_no_day():
    child = Told([*LOW, (4, 40), (5, 150), (19, 150), (33, 150), (33.3, 60)])
    told = found(child).rebound
    assert (told.days.tolist(), told.happened.tolist()) == ([0], [True])


def test_a_response_confirmed_after_the_follow_up_is_timed_and_ends_at_once():
    told = found(Told([*LOW, (700, 40), *weekly(710, 745)])).rebound
    assert (told.days.tolist(), told.happened.tolist()) == ([0], [False])


# ---- statistics -------------------------------------------------------------------------------------------------


def test_a_curve_that_stands_at_exactly_a_half_has_its_median_there_and_limits_by_greenwood():
    curve = kaplan_meier(np.array([1, 2]), np.array([True, False]))
    assert curve.median[0] == 1
    # variance 1 / (2 * 1) of the logarithm; limits 0.5 ** exp(±1.959964 * sqrt(0.5) / ln 2), by hand
    assert (curve.low[0], curve.high[0]) == pytest.approx((0.00599, 0.91037), abs=1e-4)


def test_a_share_that_misses_a_half_by_a_rounding_is_a_half():
    for at_risk in range(4, 40, 2):
        days = np.arange(1, at_risk + 1)
        curve = kaplan_meier(days, days <= at_risk // 2)
        assert curve.median[0] == at_risk // 2, at_risk


def test_children_told_in_parts_are_told_as_together():
    children = [responder(), Told(LOW), responder(9, arm="combination")]
    parts, whole = joined([found(children[0]), found(*children[1:])]), found(*children)
    assert {name: own.state.tolist() for name, own in parts.answers.items()} == {
        name: own.state.tolist() for name, own in whole.answers.items()
    }
    assert parts.lesions["trial"].tolist() == whole.lesions["trial"].tolist()


@pytest.mark.parametrize(
    ("counts", "found_", "remedy"),
    [
        ((1.5, 3), "1.5 of 3 are no counts", "give whole numbers of patients"),
        ((0, 0), "a group of 0", "compare groups with somebody in them"),
        ((4, 3), "4 of 3", "give 0 to all of the group"),
    ],
)
def test_what_is_no_count_of_a_group_is_named_with_the_remedy(counts, found_, remedy):
    for ask in (lambda: wilson(*counts), lambda: difference_of_proportions(*counts, 1, 2)):
        with pytest.raises(Refused) as refused:
            ask()
        assert (refused.value.where, refused.value.found, refused.value.remedy) == ("proportion", found_, remedy)


def test_the_spread_of_nothing_is_nothing():
    told = spread(np.zeros(0))
    assert (told.n, told.median, told.first, told.third, told.beyond, told.censored) == (0, None, None, None, "", 0)


# ---- words and files --------------------------------------------------------------------------------------------


def test_endpoints_are_called_by_these_titles():
    titles = {endpoint.name: endpoint.title for endpoint in catalog()}
    assert titles["durable_response_week_1"] == "Durable platelet response at week 1"
    assert titles["fibrinogen_above_week_4"] == "Fibrinogen above the limit at week 4"
    assert titles["fibrinogen_stabilized_week_4"] == "Fibrinogen stabilized, onset by week 4"


def test_no_reason_has_no_words_and_every_other_has_its_own():
    assert REASON_WORDS[""] == ""
    told = [words for reason, words in REASON_WORDS.items() if reason]
    assert all(told)
    assert len(set(told)) == len(told)


def test_a_protocol_that_lacks_a_rule_is_told_which_and_what_to_do():
    ward = protocol()
    bare = ward.model_copy(update={"rules": {k: v for k, v in ward.rules.items() if k != "kmp_rebound"}})
    with pytest.raises(RulebookProblem) as refused:
        reduced(bare, endpoint_numbers())
    told = (refused.value.where, refused.value.found, refused.value.remedy)
    assert told == (
        f"protocol {ward.name}, rules.kmp_rebound", "endpoints are counted by this rule", "use a protocol that has it"
    )  # fmt: skip


def test_weeks_are_told_once_and_every_week_that_is_told_may_be_a_week_of_response():
    weeks = endpoint_numbers().weeks.model_dump()
    one = {"weeks": (1, 2, 3, 4), "within": weeks["windows"][0]["within"]}
    assert [week for week, _ in Weeks.model_validate(weeks | {"windows": (one,)}).of_counts()] == [1, 2, 3, 4]
    with pytest.raises(ValueError, match="windows"):
        Weeks.model_validate(weeks | {"windows": (one, one)})


def test_a_published_group_has_somebody_in_it():
    assert PublishedGroup(n=1, title="one").n == 1
    with pytest.raises(ValueError, match="greater than 0"):
        PublishedGroup(n=0, title="nobody")


def test_of_several_wrong_fields_the_first_is_named_with_the_remedy(tmp_path):
    path = tmp_path / "published.toml"
    path.write_text("source = 1\ngroups = 2\n", "utf-8")
    with pytest.raises(RulebookProblem) as refused:
        read_toml(path, Published)
    assert (refused.value.where, refused.value.remedy) == ("published.toml, source", "mend it")


def test_parts_are_joined_column_by_column_under_their_names():
    found = joined([{"weeks": np.array([1, 2])}, {"weeks": np.array([3])}])
    assert list(found) == ["weeks"]
    assert found["weeks"].tolist() == [1, 2, 3]


def test_a_change_is_there_only_with_both_measurements_of_one_unit():
    first, later = np.array([5.0, np.nan, 5.0, 5.0]), np.array([np.nan, 3.0, 3.0, 3.0])
    found = Change(first, later, np.full(4, True), np.array([False, False, False, True]))
    assert found.there.tolist() == [False, False, True, False]
    assert lesion_classes(found, endpoint_numbers().lesion.schemes[0]).tolist()[:2] == [-1, -1]
