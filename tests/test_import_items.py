"""Which analyte an item is, on which basis it was measured, and what status and quality its row states."""

import pytest

from tests.lab_rows import code_of, observed


def test_the_basis_of_a_d_dimer_comes_from_unit_mapping_or_loinc_and_a_conflict_is_held_as_unknown():
    assert observed("1", "d_dimer", "mg/L{FEU}").basis == "FEU"
    assert observed("1", "d_dimer", "mg/L").basis == "unknown"
    doubled = observed("1", "d_dimer", "mg/L", 'd_dimer_basis = "DDU"')
    assert (doubled.basis, doubled.canonical_value, doubled.canonical_unit) == ("DDU", "2", "mg/L{FEU}")
    by_code = observed("1", "48066-5", "mg/L")
    assert (by_code.analyte, by_code.basis, by_code.canonical_value) == ("d_dimer", "DDU", "2")
    for conflict in (
        observed("1", "d_dimer", "mg/L FEU", 'd_dimer_basis = "DDU"'),
        observed("1", "48066-5", "mg/L FEU"),
    ):
        assert (conflict.decision, code_of(conflict), conflict.basis) == ("review", ["basis_conflict"], "unknown")
        assert (conflict.canonical_value, conflict.canonical_unit, conflict.low, conflict.high) == (
            "1",
            "mg/L",
            1.0,
            2.0,
        )


@pytest.mark.parametrize(
    ("item", "unit", "analyte"),
    [
        ("PLT", "K/uL", "platelets"),
        ("TC", "10*9/L", "platelets"),
        ("TC", "mg/dL", "cholesterol"),
        ("TC", "mmol/L", "cholesterol"),
        ("HGB", "g/dL", "hemoglobin"),
        ("Haemoglobin", "g/L", "hemoglobin"),
        ("★血红蛋白", "g/L", "hemoglobin"),
        ("777-3", "10*3/uL", "platelets"),
        ("D-DIMER", "mg/L FEU", "d_dimer"),
        ("Thrombozyten", "G/l", "platelets"),
    ],
)
def test_an_item_is_found_by_name_loinc_or_a_code_whose_unit_agrees(item, unit, analyte):
    found = observed("20", item, unit)
    assert (found.analyte, found.decision) == (analyte, "accepted")


def test_an_ambiguous_code_whose_unit_does_not_decide_is_rejected():
    found = observed("20", "TC", "")
    assert (found.decision, code_of(found)) == ("rejected", ["analyte_in_doubt"])


@pytest.mark.parametrize(("unit", "decision"), [("/cumm", "review"), ("/uL", "review"), ("K/uL", "accepted")])
def test_a_total_count_of_single_cells_is_not_taken_for_platelets(unit, decision):
    found = observed("112", "TC", unit)
    assert (found.analyte, found.decision) == ("platelets", decision)
    assert observed("112000", "PLT", unit).decision != "rejected"


@pytest.mark.parametrize("code", ["20570-8", "48664-7", "3256-5", "789-8"])
def test_codes_of_other_quantities_are_ignored_whatever_they_are_called(code):
    assert observed("20", code, "g/L").decision == "ignored"


@pytest.mark.parametrize("status", ["preliminary", "final", "corrected", "cancelled", "entered_in_error"])
def test_every_status_is_kept(status):
    assert observed("87", status=status).status == status


def test_absent_tags_have_their_defaults():
    found = observed("87", status="", quality="", timing="")
    assert (found.status, found.quality, found.timing) == ("final", "", "unknown")


def test_a_cancelled_row_without_a_number_is_a_gap_that_keeps_its_status():
    found = observed("", status="cancelled")
    assert (found.decision, found.status) == ("no_value", "cancelled")


def test_an_unknown_status_or_quality_is_held_and_an_unknown_timing_is_only_noted():
    assert observed("87", status="maybe").decision == "review"
    assert observed("87", quality="cloted").decision == "review"
    found = observed("87", timing="peak")
    assert (found.decision, found.timing, code_of(found)) == ("accepted", "unknown", ["unknown_timing"])
