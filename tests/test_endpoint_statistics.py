"""Proportions, ranks and survival against published examples and against statsmodels; the trial's own table."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight, survdiff
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from khemon.endpoints import (
    difference_of_proportions,
    fisher_p,
    kaplan_meier,
    log_rank,
    mann_whitney_p,
    percent,
    percent_as_printed,
    published,
    reproduced,
    spread,
    wilson,
)
from khemon.models import Refused

#: The trial's eight differences in per cent to four decimals, computed with another program.
FULL_PRECISION = {
    "durable_response_week_4": (27.9279, 9.9454, 44.7222),
    "rebound": (11.2613, -3.8598, 26.9795),
    "fibrinogen_above_week_4": (28.5285, 5.9537, 47.4323),
    "lesion_response_overall": (11.3363, -5.0333, 27.8004),
    "lesion_response_good": (22.7477, 1.6607, 41.4392),
    "sequelae": (22.5225, 3.4111, 40.1106),
    "stopped_for_lack_of_efficacy": (11.1862, -2.4019, 26.1233),
    "quality_of_life_improved": (11.4114, -6.0104, 28.5637),
}
FISHER = {
    "durable_response_week_4": 0.0029,
    "rebound": 0.1522,
    "fibrinogen_above_week_4": 0.0178,
    "lesion_response_overall": 0.1898,
    "lesion_response_good": 0.0433,
    "sequelae": 0.0252,
    "stopped_for_lack_of_efficacy": 0.1070,
    "quality_of_life_improved": 0.2210,
}
#: Newcombe, Stat Med 1998;17:873, Table II, method 10.
NEWCOMBE_1998 = [
    ((56, 70, 48, 80), 0.0524, 0.3339),
    ((9, 10, 3, 10), 0.1705, 0.8090),
    ((6, 7, 2, 7), 0.0582, 0.8062),
    ((5, 56, 0, 29), -0.0381, 0.1926),
    ((0, 10, 0, 20), -0.1611, 0.2775),
    ((0, 10, 0, 10), -0.2775, 0.2775),
    ((10, 10, 0, 20), 0.6791, 1.0),
    ((10, 10, 0, 10), 0.6075, 1.0),
]
#: Freireich et al, Blood 1963;21:699: weeks of remission on 6-MP (0: still in remission) and on placebo.
SIX_MP = [(6, 1), (6, 1), (6, 1), (6, 0), (7, 1), (9, 0), (10, 1), (10, 0), (11, 0), (13, 1), (16, 1)]
SIX_MP += [(17, 0), (19, 0), (20, 0), (22, 1), (23, 1), (25, 0), (32, 0), (32, 0), (34, 0), (35, 0)]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def columns(rows):
    return np.array([time for time, _ in rows]), np.array([bool(happened) for _, happened in rows])


# ---------------------------------------------------------------- proportions


@pytest.mark.parametrize("endpoint", FULL_PRECISION)
def test_the_trials_differences_come_out_to_four_decimals_of_a_per_cent(endpoint):
    row = next(r for r in reproduced() if r.row.endpoint == endpoint)
    found = tuple(round(100 * x, 4) for x in difference_of_proportions(*row.counts))
    assert found == FULL_PRECISION[endpoint]
    assert tuple(round(cell.full, 4) for cell in row.cells) == FULL_PRECISION[endpoint]
    assert round(row.fisher_p, 4) == FISHER[endpoint]


def test_all_24_published_figures_come_out_with_the_papers_rounding_and_two_only_so():
    rows = reproduced()
    assert len(rows) == 8
    assert all(row.matches for row in rows)
    differing = {(row.row.endpoint, cell.name) for row in rows for cell in row.cells if cell.rounded_once_differs}
    assert differing == {("durable_response_week_4", "low"), ("lesion_response_good", "difference")}


def test_the_published_percentages_are_those_of_the_counts():
    groups = published().groups
    for row in published().proportion:
        for arm, printed in row.percent.items():
            assert percent(row.counts[arm] / groups[arm].n) == printed


@pytest.mark.parametrize("endpoint", ["lesion_response_overall", "sequelae", "rebound", "stopped_for_lack_of_efficacy"])
def test_a_count_taken_from_a_percentage_is_the_only_one_that_fits(endpoint):
    row = published().proportion_of(endpoint)
    assert row.counts_from == "percentages"
    for arm, printed in row.percent.items():
        n = published().groups[arm].n
        assert [k for k in range(n + 1) if percent(k / n) == printed] == [row.counts[arm]]


def test_the_papers_rounding_goes_by_way_of_four_decimals():
    assert (percent(0.099454), percent_as_printed(0.099454)) == (Decimal("9.9"), Decimal("10.0"))
    assert (percent(0.227477), percent_as_printed(0.227477)) == (Decimal("22.7"), Decimal("22.8"))
    assert (percent(-0.03846), percent_as_printed(-0.03846)) == (Decimal("-3.8"), Decimal("-3.9"))


@pytest.mark.parametrize(("counts", "low", "high"), NEWCOMBE_1998)
def test_newcombes_own_examples(counts, low, high):
    found = difference_of_proportions(*counts)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.difference == counts[0] / counts[1] - counts[2] / counts[3]


sizes = st.integers(1, 400)


@given(st.data())
def test_intervals_agree_with_statsmodels_and_stay_inside(data):
    n_a, n_b = data.draw(sizes), data.draw(sizes)
    a, b = data.draw(st.integers(0, n_a)), data.draw(st.integers(0, n_b))
    found = difference_of_proportions(a, n_a, b, n_b)
    oracle = confint_proportions_2indep(a, n_a, b, n_b, method="newcomb", compare="diff")
    assert (found.low, found.high) == pytest.approx(oracle, abs=1e-9)
    assert -1 <= found.low <= found.difference <= found.high <= 1
    one = wilson(a, n_a)
    assert (one.low, one.high) == pytest.approx(proportion_confint(a, n_a, method="wilson"), abs=1e-9)
    assert 0 <= one.low <= one.proportion <= one.high <= 1
    assert fisher_p(a, n_a, b, n_b) == pytest.approx(stats.fisher_exact([[a, n_a - a], [b, n_b - b]]).pvalue, rel=1e-9)


@given(st.data())
def test_swapping_the_groups_turns_the_difference_round(data):
    n_a, n_b = data.draw(sizes), data.draw(sizes)
    a, b = data.draw(st.integers(0, n_a)), data.draw(st.integers(0, n_b))
    one, other = difference_of_proportions(a, n_a, b, n_b), difference_of_proportions(b, n_b, a, n_a)
    assert (one.difference, one.low, one.high) == pytest.approx((-other.difference, -other.high, -other.low))


def test_nobody_and_everybody_have_exact_limits():
    for n in range(1, 400):
        assert wilson(0, n).low == 0
        assert wilson(n, n).high == 1
    assert difference_of_proportions(1, 1, 0, 1).difference == 1
    assert difference_of_proportions(8, 8, 0, 8).high == 1
    assert difference_of_proportions(0, 8, 8, 8).low == -1
    assert fisher_p(0, 8, 0, 8) == 1


@pytest.mark.parametrize(
    "counts", [(0, 0, 1, 2), (1, 2, 0, 0), (3, 2, 1, 2), (-1, 2, 1, 2), (1, 2, 1.5, 2), (1, 2.5, 1, 2), (1, -1, 1, 2)]
)
@pytest.mark.parametrize("function", [difference_of_proportions, fisher_p])
def test_what_is_no_count_of_a_group_is_refused(function, counts):
    with pytest.raises(Refused, match="proportion"):
        function(*counts)


def test_counts_from_arrays_are_taken():
    assert difference_of_proportions(np.int64(35), np.int32(37), 24, 36) == difference_of_proportions(35, 37, 24, 36)


# ---------------------------------------------------------------- ranks


def test_median_and_quartiles_lie_between_ranks():
    found = spread(np.array([4.0, 1.0, 3.0, 2.0]))
    assert (found.n, found.median, found.first, found.third, found.beyond) == (4, 2.5, 1.75, 3.25, "")


def test_no_values_have_no_median():
    found = spread(np.zeros(0))
    assert (found.n, found.median, found.first, found.third) == (0, None, None, None)


@pytest.mark.parametrize(
    ("values", "signs", "beyond"),
    [
        ([5, 5, 9], [-1, -1, 0], "<"),
        ([5, 9, 12], [-1, 0, 0], ""),
        ([5, 7, 9, 12], [-1, -1, 0, 0], "<"),
        ([5, 5, 9], [-1, 0, 0], ""),
        ([9, 20, 20], [0, 1, 1], ">"),
        ([20, 20, 20], [0, 0, 1], ""),
        ([5, 9, 20, 20], [0, 0, 1, 1], ">"),
    ],
)
def test_a_median_that_rests_on_a_bound_says_so(values, signs, beyond):
    found = spread(np.array(values, float), np.array(signs))
    assert found.beyond == beyond
    assert found.censored == np.count_nonzero(signs)


def test_mann_whitney_on_small_counts_without_ties_is_exact():
    # Complete separation of 3 and 4: 2 of the 35 arrangements are as extreme.
    assert mann_whitney_p(np.array([1, 2, 3]), np.array([4, 5, 6, 7])) == pytest.approx(2 / 35)


def test_mann_whitney_with_ties_is_the_corrected_normal_approximation():
    a, b = np.array([0, 1, 1, 2, 2, 3]), np.array([1, 2, 3, 3, 4, 5, 6])
    both = np.concatenate([a, b])
    ranks = stats.rankdata(both)
    u = ranks[:6].sum() - 21
    _, ties = np.unique(both, return_counts=True)
    variance = 6 * 7 / 12 * (14 - (ties**3 - ties).sum() / (13 * 12))
    z = (abs(u - 21) - 0.5) / np.sqrt(variance)
    assert mann_whitney_p(a, b) == pytest.approx(2 * stats.norm.sf(z))


@pytest.mark.parametrize(("a", "b"), [([], [1, 2]), ([1, 2], []), ([2, 2], [2])])
def test_mann_whitney_has_no_answer_without_ranks(a, b):
    assert mann_whitney_p(np.array(a), np.array(b)) is None


# ---------------------------------------------------------------- survival


def test_the_six_mp_remissions_of_the_textbooks():
    curve = kaplan_meier(*columns(SIX_MP))
    happened = curve.events > 0
    assert curve.time[happened].tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk[happened].tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.without[happened].round(4).tolist() == [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    low = [0.6197, 0.5631, 0.5032, 0.4316, 0.3675, 0.2678, 0.1881]
    high = [0.9516, 0.9228, 0.8894, 0.8491, 0.8049, 0.7468, 0.6801]
    assert curve.low[happened].round(4).tolist() == low
    assert curve.high[happened].round(4).tolist() == high
    assert curve.median == (23, 13, None)


def test_on_placebo_half_relapsed_by_week_eight():
    curve = kaplan_meier(np.array(PLACEBO), np.ones(21, bool))
    assert curve.median == (8, 4, 11)
    assert curve.without[-1] == 0
    assert np.isnan(curve.low[-1])
    assert np.isnan(curve.high[-1])


def test_the_textbook_log_rank_test_of_the_remissions():
    found = log_rank(*columns(SIX_MP), np.array(PLACEBO), np.ones(21, bool))
    assert (found.observed, round(found.expected, 2), round(found.chi_square, 2)) == (9, 19.25, 16.79)
    assert found.p == pytest.approx(4.17e-5, rel=0.001)


times = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=40)


@given(times)
def test_curves_agree_with_statsmodels(rows):
    curve = kaplan_meier(*columns(rows))
    oracle = SurvfuncRight(*columns(rows))
    happened = curve.events > 0
    assert curve.time[happened].tolist() == oracle.surv_times[oracle.n_events > 0].tolist()
    assert curve.without[happened] == pytest.approx(oracle.surv_prob[oracle.n_events > 0])
    assert curve.at_risk[happened].tolist() == oracle.n_risk[oracle.n_events > 0].tolist()
    assert int(curve.events.sum() + curve.censored.sum()) == len(rows)
    told = ~np.isnan(curve.low)
    assert (curve.low[told] <= curve.without[told]).all()
    assert (curve.without[told] <= curve.high[told]).all()


@given(times, times)
def test_the_log_rank_test_agrees_with_statsmodels(a, b):
    found = log_rank(*columns(a), *columns(b))
    if found is None:
        return
    time = np.array([t for t, _ in a + b])
    chi_square, p = survdiff(time, np.array([int(e) for _, e in a + b]), np.array([0] * len(a) + [1] * len(b)))
    assert (found.chi_square, found.p) == pytest.approx((chi_square, p), abs=1e-9)


def test_who_is_last_seen_at_the_time_of_an_event_was_at_risk():
    curve = kaplan_meier(np.array([5, 5]), np.array([True, False]))
    assert (curve.at_risk.tolist(), curve.without.tolist()) == ([2], [0.5])
    assert curve.median[0] == 5


def test_nobody_has_no_curve_and_no_test():
    nobody = (np.zeros(0), np.zeros(0, bool))
    curve = kaplan_meier(*nobody)
    assert (curve.time.size, curve.median) == (0, (None, None, None))
    assert log_rank(*nobody, np.array([3]), np.array([True])) is None
    assert log_rank(np.array([3]), np.array([False]), np.array([3]), np.array([False])) is None


def test_published_values_are_found_by_endpoint():
    assert published().value_of("platelets_week_4").values["combination"] == 270
    assert published().value_of("platelets_week_2") is None
    assert published().proportion_of("fibrinogen_stabilized_week_4").endpoint == "fibrinogen_above_week_4"
    assert published().proportion_of("durable_response_week_2") is None


def test_one_figure_that_differs_is_no_match():
    row = reproduced()[0]
    first, *others = row.cells
    wrong = dataclasses.replace(row, cells=(dataclasses.replace(first, printed=first.printed + 1), *others))
    assert row.matches
    assert not wrong.matches
