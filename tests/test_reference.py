"""The slow reading on its limits, by hand: point rules (3.1), transfusion criteria (3.2), the boundary table."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.reference import interval_of
from tests.reference.shorthand import episodes, lab, said

#: Boundary table, 3.1-3.6: result, rule, what is said when it is the only result ("" is silence).
BOUNDARY_TABLE = [
    ("plt 0d 100", "thrombocytopenia", ""),
    ("plt 0d 99.9", "thrombocytopenia", "confirmed note 0d"),
    ("plt 0d 30", "severe_thrombocytopenia", ""),
    ("plt 0d 29.9", "severe_thrombocytopenia", "confirmed warning 0d"),
    ("plt 0d 10", "plasma_criterion", ""),
    ("plt 0d 9.9", "plasma_criterion", "confirmed critical 0d"),
    ("fib 0d 1.6", "hypofibrinogenemia", ""),
    ("fib 0d 1.59", "hypofibrinogenemia", "confirmed note 0d"),
    ("fib 0d 0.5", "plasma_criterion", ""),
    ("fib 0d 0.49", "plasma_criterion", "confirmed critical 0d"),
    ("fib 0d <0.5", "plasma_criterion", "confirmed critical 0d"),
    ("fib 0d <0.5", "hypofibrinogenemia", "confirmed note 0d"),
    ("fib 0d <=0.5", "plasma_criterion", "possible critical 0d"),
    ("fib 0d <0.6", "plasma_criterion", "possible critical 0d"),
    ("dd 0d 0.5", "elevated_d_dimer", ""),
    ("dd 0d 0.51", "elevated_d_dimer", "confirmed note 0d"),
    ("dd 0d <0.5", "elevated_d_dimer", ""),
    ("dd 0d >0.5", "elevated_d_dimer", "confirmed note 0d"),
    ("dd 0d >=0.5", "elevated_d_dimer", "possible note 0d"),
    ("dd 0d >20", "elevated_d_dimer", "confirmed note 0d"),
    ("dd 0d <1.0", "elevated_d_dimer", "possible note 0d"),
    ("hb 0d 60", "severe_anemia", ""),
    ("hb 0d 59.94", "severe_anemia", "confirmed warning 0d"),
    ("hb 0d 60", "red_cell_criterion", ""),
    ("hb 0d 59.94", "red_cell_criterion", "confirmed critical 0d"),
    ("hb 0d <70", "red_cell_criterion", "possible critical 0d"),
    ("plt 0d >=100", "thrombocytopenia", ""),
    ("plt 0d >99", "thrombocytopenia", "possible note 0d"),
    ("plt 0d <=100", "thrombocytopenia", "possible note 0d"),
    ("plt 0d <100", "thrombocytopenia", "confirmed note 0d"),
    ("plt 0d <100", "severe_thrombocytopenia", "possible warning 0d"),
]


@pytest.mark.parametrize(("result", "rule", "expected"), BOUNDARY_TABLE)
def test_a_single_result_is_judged_as_the_boundary_table_says(result, rule, expected):
    assert said(rule, episodes([result])) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("value", "expected"), [("0.25", []), ("0.26", ["possible note 0d"]), ("0.5", ["possible note 0d"])]
)
def test_a_d_dimer_without_a_basis_is_undecided_between_half_the_limit_and_the_limit(value, expected):
    assert said("elevated_d_dimer", episodes([lab(f"dd 0d {value}", basis="unknown")])) == expected


def test_a_d_dimer_without_a_basis_is_elevated_where_either_basis_says_so():
    found = episodes([lab("dd 0d 0.51", basis="unknown")])
    assert said("elevated_d_dimer", found) == ["confirmed note 0d"]


def test_an_upper_bound_without_a_basis_is_doubled_and_a_lower_bound_is_not():
    assert interval_of("<", Decimal("0.25"), "unknown") == interval_of("<", Decimal("0.5"), "FEU")
    assert interval_of("<=", Decimal("0.25"), "unknown") == interval_of("<=", Decimal("0.5"), "FEU")
    assert interval_of(">", Decimal("0.5"), "unknown") == interval_of(">", Decimal("0.5"), "FEU")
    assert interval_of(">=", Decimal("0.5"), "unknown") == interval_of(">=", Decimal("0.5"), "FEU")


def test_a_possible_point_episode_is_confirmed_by_the_first_certain_result_and_stays_so():
    found = episodes(["plt 0d <150", "plt 1d 99", "plt 2d <150", "plt 3d 100"])
    assert said("thrombocytopenia", found) == ["confirmed note 0d [1d] - 3d resolved"]


def test_a_rise_within_72_hours_of_a_platelet_transfusion_lifts_and_a_minute_later_resolves():
    product = ["platelet_transfusion 1d 1d2h"]
    on_the_edge = episodes(["plt 0d 20", "plt 4d2h 100"], product)
    beyond = episodes(["plt 0d 20", "plt 4d2h1m 100"], product)
    assert said("thrombocytopenia", on_the_edge) == ["confirmed note 0d - 4d2h supported"]
    assert said("severe_thrombocytopenia", on_the_edge) == ["confirmed warning 0d - 4d2h supported"]
    assert said("severe_thrombocytopenia", beyond) == ["confirmed warning 0d - 4d2h1m resolved"]


def test_support_begins_with_the_transfusion_and_not_before_it():
    assert said("hypofibrinogenemia", episodes(["fib 0d 1.0", "fib 1d 1.6"], ["plasma 1d"])) == [
        "confirmed note 0d - 1d supported"
    ]
    assert said("hypofibrinogenemia", episodes(["fib 0d 1.0", "fib 1d 1.6"], ["plasma 1d1m"], as_of="2d")) == [
        "confirmed note 0d - 1d resolved"
    ]


@pytest.mark.parametrize(
    ("product", "platelets", "fibrinogen"),
    [
        ("platelet_transfusion", "supported", "resolved"),
        ("plasma", "resolved", "supported"),
        ("cryoprecipitate", "resolved", "supported"),
        ("fibrinogen_concentrate", "resolved", "supported"),
        ("exchange_transfusion", "supported", "supported"),
        ("red_cell_transfusion", "resolved", "resolved"),
    ],
)
def test_each_product_supports_its_own_analytes(product, platelets, fibrinogen):
    found = episodes(["plt 0d 20", "fib 0d 1.0", "plt 1d 120", "fib 1d 2.0"], [f"{product} 12h"])
    assert said("severe_thrombocytopenia", found) == [f"confirmed warning 0d - 1d {platelets}"]
    assert said("hypofibrinogenemia", found) == [f"confirmed note 0d - 1d {fibrinogen}"]


def test_thrombocytopenia_is_a_warning_below_50_only_while_no_pattern_is_open():
    alone = ["plt 0d 60", "fib 0d 2.0"]
    assert said("thrombocytopenia", episodes([*alone, "plt 1h 49.9"])) == ["confirmed warning 0d"]
    assert said("thrombocytopenia", episodes([*alone, "plt 1h 50"])) == ["confirmed note 0d"]
    assert said("thrombocytopenia", episodes([*alone, "plt 1h <50"])) == ["confirmed warning 0d"]
    assert said("thrombocytopenia", episodes([*alone, "plt 1h <=50"])) == ["confirmed note 0d"]
    assert said("thrombocytopenia", episodes([*alone, "plt 25h 49"])) == ["confirmed note 0d"], "kmp possible"


# 3.2


def test_a_criterion_carries_its_last_results_forward_and_says_when_they_are_old():
    assert said("plasma_criterion", episodes(["plt 0d 9"], as_of="24h")) == ["confirmed critical 0d"]
    assert said("plasma_criterion", episodes(["plt 0d 9"], as_of="24h1m")) == ["confirmed warning 0d"]
    assert said("plasma_criterion", episodes(["plt 0d 9", "fib 5h 0.4"], as_of="26h")) == ["confirmed critical 0d"]
    assert said("plasma_criterion", episodes(["plt 0d 9", "fib 5h 0.6"], as_of="26h")) == ["confirmed warning 0d"]


def test_one_input_back_over_its_limit_does_not_end_a_criterion_that_another_holds():
    labs = ["plt 0d 9", "fib 1h 0.4", "plt 2h 12"]
    assert said("plasma_criterion", episodes(labs)) == ["confirmed critical 0d"]
    assert said("plasma_criterion", episodes([*labs, "fib 3h 0.5"])) == ["confirmed critical 0d - 3h resolved"]


def test_a_criterion_ends_as_supported_when_a_listed_result_of_that_time_is():
    found = episodes(["plt 0d 9", "plt 5h 12"], ["platelet_transfusion 1h"])
    assert said("plasma_criterion", found) == ["confirmed critical 0d - 5h supported"]
    beside = episodes(["plt 0d 9", "plt 5h 12", "fib 5h 1.0"], ["plasma 1h"])
    assert said("plasma_criterion", beside) == ["confirmed critical 0d - 5h supported"]


def test_bleeding_alone_opens_the_plasma_criterion_from_its_start_to_its_end():
    assert said("plasma_criterion", episodes([], ["active_bleeding 0d 5h"], as_of="4h")) == ["confirmed critical 0d"]
    assert said("plasma_criterion", episodes([], ["active_bleeding 0d 5h"])) == ["confirmed critical 0d - 5h resolved"]
    assert said("plasma_criterion", episodes([], ["active_bleeding 0d 0d"])) == []
    assert said("plasma_criterion", episodes([], ["active_bleeding 0d"], as_of="25h")) == ["confirmed warning 0d"]


def test_symptoms_of_anemia_hold_the_red_cell_criterion_when_hemoglobin_does_not():
    found = episodes(["hb 0d 59", "hb 2h 60"], ["symptomatic_anemia 1h 3h"])
    assert said("red_cell_criterion", found) == ["confirmed critical 0d - 3h resolved"]


def test_an_undecided_criterion_without_a_true_limb_is_possible_and_ages_like_a_true_one():
    assert said("plasma_criterion", episodes(["plt 0d <20"], as_of="25h")) == ["possible warning 0d"]
    found = episodes(["plt 0d <20", "fib 1h 0.4", "fib 2h 0.5", "plt 3h 20"])
    assert said("plasma_criterion", found) == ["confirmed critical 0d [1h] - 3h resolved"]


def test_with_no_input_ever_seen_nothing_is_said():
    assert episodes([]) == []
    assert said("plasma_criterion", episodes(["hb 0d 80"])) == []
