"""The slow reading of section 2, by hand: versions, quality, results of one time, closings, and looking back."""

from __future__ import annotations

import pytest

from tests.reference.shorthand import episodes, lab, said


def thrombocytopenia(labs, events=(), **more):
    """What is said of thrombocytopenia."""
    return said("thrombocytopenia", episodes(labs, events, **more))


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    ("lower", "higher", "expected"),
    [
        ("preliminary", "final", []),
        ("preliminary", "corrected", []),
        ("final", "corrected", []),
        ("final", "cancelled", []),
        ("corrected", "entered_in_error", []),
    ],
)
def test_the_highest_status_counts_whatever_the_order_of_arrival(lower, higher, expected, backwards):
    labs = [lab("plt 0d 80", status=lower), lab("plt 0d 120", status=higher)]
    assert thrombocytopenia(labs[::-1] if backwards else labs) == expected


def test_of_several_corrections_the_last_recorded_counts_and_of_several_finals_the_worst():
    def corrected(value):
        return lab(f"plt 0d {value}", status="corrected")

    assert thrombocytopenia([corrected(80), corrected(120)]) == []
    assert thrombocytopenia([corrected(120), corrected(80)]) == ["confirmed note 0d"]
    assert thrombocytopenia(["plt 0d 80", "plt 0d 120"]) == ["confirmed note 0d"]
    assert thrombocytopenia(["plt 0d 120", "plt 0d 80"]) == ["confirmed note 0d"]


def test_another_specimen_is_another_result_and_the_same_specimen_at_another_time_a_version():
    cancelled = lab("plt 0d 120", status="cancelled", specimen="S1")
    assert thrombocytopenia([lab("plt 0d 80", specimen="S2"), cancelled]) == ["confirmed note 0d"]
    assert thrombocytopenia(["plt 0d 80", cancelled]) == ["confirmed note 0d"]
    assert thrombocytopenia([lab("plt 0d 80", specimen="S1"), cancelled]) == []
    moved = lab("plt 1d 80", status="corrected", specimen="S1")
    assert thrombocytopenia([lab("plt 0d 80", specimen="S1"), moved]) == ["confirmed note 1d"]
    fibrinogen = lab("fib 0d 1.0", status="corrected", specimen="S1")
    assert thrombocytopenia([lab("plt 0d 80", specimen="S1"), fibrinogen]) == ["confirmed note 0d"]


@pytest.mark.parametrize("quality", ["clumped", "clotted", "contaminated", "wrong_patient", "insufficient"])
def test_a_spoiled_result_is_set_aside(quality):
    assert episodes([lab("plt 0d 5", quality=quality)]) == []


@pytest.mark.parametrize("quality", ["", "hemolyzed", "lipemic"])
def test_a_cautioned_result_is_used(quality):
    assert thrombocytopenia([lab("plt 0d 80", quality=quality)]) == ["confirmed note 0d"]


def test_quality_is_judged_after_the_version_is_chosen():
    assert thrombocytopenia(["plt 0d 80", lab("plt 0d 80", status="corrected", quality="clumped")]) == []
    assert thrombocytopenia([lab("plt 0d 80", quality="clumped"), lab("plt 0d 80", status="corrected")]) == [
        "confirmed note 0d"
    ]
    assert thrombocytopenia([lab("plt 0d 20", quality="clumped"), "plt 0d 120"]) == []


def test_of_two_results_of_one_time_the_least_reassuring_is_read():
    assert thrombocytopenia(["plt 0d <100", "plt 0d <=100"]) == ["confirmed note 0d"]
    assert thrombocytopenia(["plt 0d 120", "plt 0d >90"]) == [], "120 has the lower upper bound"
    assert said("elevated_d_dimer", episodes(["dd 0d >0.5", "dd 0d >=0.5"])) == ["confirmed note 0d"]
    assert said("elevated_d_dimer", episodes(["dd 0d <5", "dd 0d 0.3"])) == [], "0.3 has the higher lower bound"


def test_of_equal_results_of_one_time_one_that_is_not_preliminary_is_read():
    labs = ["plt 0d 80", "plt 1d 100"]
    twin = lab("plt 1d 100", status="preliminary", specimen="S1")
    assert said("kmp", episodes([*labs, twin])) == ["possible warning 0d - 1d excluded"]
    assert said("kmp", episodes([labs[0], twin])) == ["possible warning 0d"]


def test_a_worse_preliminary_result_is_read_before_it_is_found_neutral():
    labs = ["plt 0d 80", lab("plt 1d 110", status="preliminary", specimen="S1"), lab("plt 1d 130", specimen="S2")]
    assert said("kmp", episodes(labs)) == ["possible warning 0d"]
    assert thrombocytopenia(labs) == ["confirmed note 0d - 1d resolved"]


def test_what_comes_after_the_first_closing_is_not_judged_and_what_comes_with_it_is():
    closing = ["follow_up_end 2d", "death 1d"]
    assert thrombocytopenia(["plt 0d 80", "plt 1d1m 120"], closing) == ["confirmed note 0d - 1d observation_ended"]
    assert thrombocytopenia(["plt 0d 80", "plt 1d 120"], closing) == ["confirmed note 0d - 1d resolved"]
    assert thrombocytopenia(["plt 1d 80"], closing) == ["confirmed note 1d - 1d observation_ended"]
    assert thrombocytopenia(["plt 1d1m 80"], closing) == []
    assert thrombocytopenia(["plt 0d 80"], closing, as_of="23h") == ["confirmed note 0d"]


def test_a_closing_judges_severity_with_what_was_collected_at_that_very_time():
    found = episodes(["plt 0d 60", "fib 0d 2.0", "plt 1d 40"], ["transfer_out 1d"])
    assert said("thrombocytopenia", found) == ["confirmed warning 0d - 1d observation_ended"]


def test_an_end_that_lies_ahead_leaves_bleeding_open_and_the_window_open():
    labs = ["plt 0d 20", "plt 5d 120"]
    assert said("severe_thrombocytopenia", episodes(labs, ["platelet_transfusion 1d 6d"], as_of="5d")) == [
        "confirmed warning 0d - 5d supported"
    ]
    assert said("severe_thrombocytopenia", episodes(labs, ["platelet_transfusion 1d"], as_of="5d")) == [
        "confirmed warning 0d - 5d resolved"
    ]
    assert said("plasma_criterion", episodes([], ["active_bleeding 0d 6d"], as_of="5h")) == ["confirmed critical 0d"]


def test_looking_back_cuts_results_events_and_versions():
    labs = ["plt 0d 80", lab("plt 2d 80", specimen="S1"), lab("plt 1d 80", specimen="S1", status="cancelled")]
    assert thrombocytopenia([*labs, "plt 3d 120"], as_of="2d23h59m") == ["confirmed note 0d"]
    assert episodes(["plt 1d 20"], as_of="23h") == []
