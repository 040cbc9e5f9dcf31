"""Units: a closed table per analyte, exact conversion, and intervals that compare exactly with a limit."""

import csv
import math
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ucumvert import PintUcumRegistry

from khemon.units import (
    ANALYTE_CODES,
    ANALYTES,
    BasisConflict,
    Quantity,
    UnitProblem,
    basis_of,
    convert,
    decimal_text,
    folded,
    interval,
    unit_of,
)

SAMPLES = Path(__file__).parent / "samples"
WITH_RULES = ["platelets", "fibrinogen", "d_dimer", "hemoglobin", "sirolimus"]


def unit_samples():
    with (SAMPLES / "unit_samples.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_analytes_with_rules_come_first_and_their_order_is_their_code():
    assert list(ANALYTES)[:5] == WITH_RULES
    assert [ANALYTE_CODES[name] for name in WITH_RULES] == [0, 1, 2, 3, 4]
    assert [name for name, analyte in ANALYTES.items() if analyte.has_rules] == WITH_RULES


def test_no_name_and_no_loinc_code_means_two_analytes():
    names = [name for analyte in ANALYTES.values() for name in analyte.names]
    loinc = [code for analyte in ANALYTES.values() for code in analyte.loinc]
    assert len(names) == len(set(names))
    assert len(loinc) == len(set(loinc))


def test_every_analyte_with_rules_has_hard_and_soft_limits():
    assert all(analyte.hard and analyte.soft for analyte in ANALYTES.values() if analyte.has_rules)


def test_soft_limits_lie_within_hard_limits():
    for analyte in ANALYTES.values():
        if analyte.hard and analyte.soft:
            bounds = [analyte.hard[0], analyte.soft[0], analyte.soft[1], analyte.hard[1]]
            assert all(low <= high for low, high in pairwise(bounds)), analyte.name


def test_every_canonical_unit_is_accepted_unchanged():
    for analyte in ANALYTES.values():
        assert convert(analyte.name, Decimal("1.5"), analyte.canonical_unit).value == Decimal("1.5")


@pytest.mark.parametrize("sample", unit_samples(), ids=lambda sample: f"{sample['analyte']} {sample['unit']}")
def test_every_unit_sample_converts_as_stated(sample):
    value = Decimal(sample["value"].replace(",", ""))
    quantity = convert(sample["analyte"], value, sample["unit"])
    assert (decimal_text(quantity.value), quantity.unit) == (sample["canonical_value"], sample["canonical_unit"])


# Clinical dossier C10, one row per conversion, and B13 for hemoglobin in mmol/L.
CONVERSIONS = [
    ("platelets", "27000", "/uL", "27", "10*9/L"),
    ("platelets", "27000", "/mm3", "27", "10*9/L"),
    ("platelets", "27", "K/uL", "27", "10*9/L"),
    ("platelets", "27", "k/µL", "27", "10*9/L"),
    ("platelets", "27", "10*3/uL", "27", "10*9/L"),
    ("platelets", "27", "10^3/mm3", "27", "10*9/L"),
    ("platelets", "27", "x10^9/L", "27", "10*9/L"),
    ("platelets", "27", "×10⁹/L", "27", "10*9/L"),
    ("platelets", "27", "10⁹/l", "27", "10*9/L"),
    ("platelets", "27", "G/l", "27", "10*9/L"),
    ("platelets", "27", "Giga/L", "27", "10*9/L"),
    ("platelets", "27", "Tsd/µl", "27", "10*9/L"),
    ("platelets", "2.7", "万/uL", "27", "10*9/L"),
    ("platelets", "2.7", "10^4/uL", "27", "10*9/L"),
    ("platelets", "2.7", "10⁴/uL", "27", "10*9/L"),
    ("platelets", "0.27", "lakh/uL", "27", "10*9/L"),
    ("platelets", "0.27", "lakhs/cumm", "27", "10*9/L"),
    ("platelets", "27", "Ｋ／ｕＬ", "27", "10*9/L"),  # noqa: RUF001  full width
    ("fibrinogen", "160", "mg/dL", "1.6", "g/L"),
    ("fibrinogen", "1600", "mg/L", "1.6", "g/L"),
    ("fibrinogen", "5", "umol/L", "1.7", "g/L"),
    ("fibrinogen", "1.6", "G/L", "1.6", "g/L"),
    ("d_dimer", "0.5", "ug/mL{FEU}", "0.5", "mg/L{FEU}"),
    ("d_dimer", "0.5", "µg/mL FEU", "0.5", "mg/L{FEU}"),
    ("d_dimer", "500", "ng/mL{FEU}", "0.5", "mg/L{FEU}"),
    ("d_dimer", "500", "ng/mL FEU", "0.5", "mg/L{FEU}"),
    ("d_dimer", "500", "μg/L FEU", "0.5", "mg/L{FEU}"),
    ("d_dimer", "50", "ug/dL FEU", "0.5", "mg/L{FEU}"),
    ("d_dimer", "0.5", "mg/L{FEU}", "0.5", "mg/L{FEU}"),
    ("d_dimer", "0.5", "mg{FEU}/L", "0.5", "mg/L{FEU}"),
    ("d_dimer", "250", "ng/mL{DDU}", "0.5", "mg/L{FEU}"),
    ("d_dimer", "250", "ng/mL D-DU", "0.5", "mg/L{FEU}"),
    ("d_dimer", "500", "ng/mL", "0.5", "mg/L"),
    ("d_dimer", "0.5", "μg/ml", "0.5", "mg/L"),
    ("hemoglobin", "6.0", "g/dL", "60", "g/L"),
    ("hemoglobin", "3.72", "mmol/L", "59.94408", "g/L"),
    ("hemoglobin", "1", "mmol/L (tetramer)", "64.458", "g/L"),
    ("sirolimus", "8.6", "ug/L", "8.6", "ng/mL"),
    ("sirolimus", "10", "nmol/L", "9.142", "ng/mL"),
    ("triglycerides", "100", "mg/dL", "1.129", "mmol/L"),
    ("cholesterol", "100", "mg/dL", "2.586", "mmol/L"),
    ("creatinine", "0.5", "mg/dL", "44.21", "umol/L"),
    ("inr", "1.9", "{INR}", "1.9", "1"),
    ("inr", "1.9", "", "1.9", "1"),
    ("aptt", "35", "sec", "35", "s"),
    ("alt", "40", "IU/L", "40", "U/L"),
]


@pytest.mark.parametrize(("analyte", "value", "unit", "canonical", "canonical_unit"), CONVERSIONS)
def test_a_listed_unit_converts_exactly(analyte, value, unit, canonical, canonical_unit):
    quantity = convert(analyte, Decimal(value), unit)
    assert (decimal_text(quantity.value), quantity.unit) == (canonical, canonical_unit)


@pytest.mark.parametrize(
    ("analyte", "unit"),
    [
        ("platelets", ""),
        ("platelets", "   "),
        ("platelets", "g/L"),  # G/L is giga per liter, g/L is a mass
        ("platelets", "K"),
        ("platelets", "kelvin/uL"),
        ("platelets", "mil/mm3"),  # thousand in Spanish, million in English
        ("platelets", "10*9/L."),
        ("platelets", "%"),
        ("fibrinogen", "10*9/L"),
        ("fibrinogen", "g/dL"),
        ("hemoglobin", "mg/L"),
        ("sirolimus", "ng/L"),
        ("d_dimer", "FEU"),
        ("d_dimer", "mg/L XYZ"),
        ("pt", "%"),
        ("platelets", "u" * 1000),
    ],
)
def test_a_missing_or_unlisted_unit_is_refused(analyte, unit):
    with pytest.raises(UnitProblem):
        convert(analyte, Decimal(1), unit)


def test_a_refused_unit_names_the_analyte_and_what_to_use():
    with pytest.raises(UnitProblem, match=r"unit 'mg' is not known for platelets; use one of: 10\*9/L"):
        unit_of("platelets", "mg")


def test_a_missing_unit_is_called_missing():
    with pytest.raises(UnitProblem, match=r"^no unit for platelets; use one of: 10\*9/L"):
        unit_of("platelets", " ")


def test_a_unit_text_of_60_characters_is_read_and_a_longer_one_is_refused_unread_and_cut():
    assert unit_of("fibrinogen", "mg/L".rjust(60)).factor == Decimal("0.001")
    with pytest.raises(UnitProblem, match="unit '" + "u" * 60 + "' is not known"):
        unit_of("fibrinogen", "u" * 61)
    with pytest.raises(UnitProblem):
        unit_of("fibrinogen", "mg/L".rjust(61))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("10⁰¹²³⁴⁵⁶⁷⁸⁹", "10^0^1^2^3^4^5^6^7^8^9"),
        ("a×b ✕ c ∗ d∕e⁄f·g–h−i‐j", "axb x c * d/e/f.g-h-i-j"),  # noqa: RUF001
        ("  10  9 /  L ", "10 9/L"),
    ],
)
def test_signs_that_look_alike_are_one_and_spaces_are_tidied(text, plain):
    assert folded(text) == plain


@pytest.mark.parametrize("unit", ["FEU mg/L", "mg/L-FEU", "mg FEU/L", "mgFEU/L", "mg/L FEU", "mg/LFEU"])
def test_a_basis_may_stand_before_behind_or_within_a_unit(unit):
    assert basis_of("d_dimer", unit) == "FEU"


def test_a_loinc_code_of_a_d_dimer_may_say_its_basis_and_that_of_another_analyte_says_none():
    bases = ANALYTES["d_dimer"].loinc_basis
    assert (bases["48065-7"], bases["48066-5"]) == ("FEU", "DDU")
    assert not any(analyte.loinc_basis for name, analyte in ANALYTES.items() if name != "d_dimer")


def test_what_a_laboratory_says_of_a_basis_is_nothing_to_an_analyte_without_one():
    assert basis_of("fibrinogen", "g/L", "FEU") == ""


def test_a_unit_too_long_to_be_read_is_none_also_where_none_is_needed():
    assert unit_of("inr", "").factor == 1
    with pytest.raises(UnitProblem):
        unit_of("inr", "u" * 61)


def test_a_basis_in_doubt_stays_in_doubt_whatever_the_unit_says():
    assert basis_of("d_dimer", "mg/L FEU", "unknown") == "unknown"


def test_ddu_is_doubled_and_marked_and_an_unstated_basis_keeps_the_number():
    assert convert("d_dimer", Decimal(1), "mg/L{DDU}") == Quantity(Decimal(2), "mg/L{FEU}", "DDU")
    assert convert("d_dimer", Decimal(1), "mg/L").basis == "unknown"
    assert convert("d_dimer", Decimal(1), "mg/L", "DDU").basis == "DDU"


def test_a_unit_and_a_laboratory_that_state_different_bases_conflict():
    with pytest.raises(BasisConflict, match="the unit says FEU, the laboratory or the code says DDU"):
        basis_of("d_dimer", "mg/L FEU", "DDU")


@pytest.mark.untraced
@pytest.mark.parametrize(
    ("analyte", "spelling", "ucum", "canonical"),
    [
        ("platelets", "10*3/uL", "10*3/uL", "10*9/L"),
        ("platelets", "/uL", "/uL", "10*9/L"),
        ("fibrinogen", "mg/dL", "mg/dL", "g/L"),
        ("fibrinogen", "mg/L", "mg/L", "g/L"),
        ("d_dimer", "ng/mL", "ng/mL", "mg/L"),
        ("d_dimer", "ug/dL", "ug/dL", "mg/L"),
        ("hemoglobin", "g/dL", "g/dL", "g/L"),
        ("sirolimus", "ug/L", "ug/L", "ng/mL"),
        ("alt", "ukat/L", "ukat/L", "U/L"),
    ],
)
def test_factors_that_are_pure_unit_conversions_agree_with_a_ucum_library(analyte, spelling, ucum, canonical):
    registry = PintUcumRegistry()
    factor = registry.from_ucum(ucum).to(registry.from_ucum(canonical)).magnitude
    assert float(unit_of(analyte, spelling).factor) == pytest.approx(factor, rel=1e-12)


VALUES = st.decimals(min_value=0, max_value=10**9, allow_nan=False, allow_infinity=False, places=None).filter(
    lambda value: len(f"{value:f}") <= 24
)
LIMITS = st.builds(lambda whole, places: Decimal(whole).scaleb(-places), st.integers(0, 10**9), st.integers(0, 6))


@given(VALUES)
def test_a_conversion_is_exact(value):
    assert convert("fibrinogen", value, "mg/dL").value * 100 == value or len(f"{value:f}") > 20
    assert convert("hemoglobin", value, "g/dL").value == value * 10 or len(f"{value:f}") > 20


@pytest.mark.parametrize(
    ("value", "text"), [("1E+2", "100"), ("1.20E+3", "1200"), ("1E-7", "0.0000001"), ("5.0", "5"), ("0E+3", "0")]
)
def test_the_text_of_a_number_has_no_exponent(value, text):
    assert decimal_text(Decimal(value)) == text


@given(VALUES)
def test_the_shortest_text_reads_back_as_the_same_number(value):
    text = decimal_text(value)
    assert Decimal(text) == value
    assert "E" not in text.upper()


@given(VALUES, LIMITS)
def test_a_number_compares_with_a_short_limit_as_its_exact_value_does(value, limit):
    low, high = interval("", value, "")
    bound = float(limit)
    assert (low < bound, low == bound, low > bound) == (value < limit, value == limit, value > limit)
    assert low == high


@given(st.tuples(LIMITS, LIMITS) | st.tuples(VALUES, LIMITS) | LIMITS.map(lambda limit: (limit, limit)))
def test_a_censored_value_compares_three_valued_and_exactly(pair):
    value, limit = pair
    bound = float(limit)
    if value > 0:
        low, high = interval("<", value, "")
        assert (high < bound) == (value <= limit)  # certainly below
        assert low == 0
    low, high = interval("<=", value, "")
    assert (high < bound) == (value < limit)
    low, high = interval(">", value, "")
    assert (low > bound) == (value >= limit)
    assert high == math.inf
    low, high = interval(">=", value, "")
    assert (low > bound) == (value > limit)
    assert (low >= bound) == (value >= limit)


def test_an_unknown_basis_spans_the_number_and_its_double():
    assert interval("", Decimal("0.4"), "unknown") == (0.4, 0.8)
    assert interval("<", Decimal("0.4"), "unknown") == (0.0, math.nextafter(0.8, 0))
    assert interval("<=", Decimal("0.4"), "unknown") == (0.0, 0.8)
    assert interval(">", Decimal("0.4"), "unknown") == (math.nextafter(0.4, 1), math.inf)
    assert interval(">=", Decimal("0.4"), "unknown") == (0.4, math.inf)


@pytest.mark.parametrize(("comparator", "value"), [("", "-1"), ("<", "0"), ("<", "-1"), (">", "-0.1")])
def test_no_interval_lies_below_zero(comparator, value):
    with pytest.raises(ValueError, match="below zero"):
        interval(comparator, Decimal(value), "")


@pytest.mark.parametrize(("value", "side"), [("1.60000000000000000001", math.inf), ("1.59999999999999999999", 0)])
def test_a_number_that_only_its_float_makes_equal_to_a_limit_lies_beside_it(value, side):
    beside = math.nextafter(1.6, side)
    assert interval("", Decimal(value), "") == (beside, beside)


def test_an_open_bound_beside_its_float_is_not_moved_again():
    assert interval("<", Decimal("1.60000000000000000001"), "") == (0.0, math.nextafter(1.6, math.inf))
    assert interval(">", Decimal("1.59999999999999999999"), "") == (math.nextafter(1.6, 0), math.inf)


@pytest.mark.parametrize(("near", "moved"), [("1.23456789012345", True), ("1.234567890123456", False)])
def test_only_decimals_of_up_to_15_digits_are_kept_apart_from_what_lies_beside_them(near, moved):
    beside = interval("", Decimal(near + "00000000001"), "")[0]
    assert (beside > float(near)) is moved


def test_an_unknown_comparator_is_refused():
    with pytest.raises(ValueError, match="unknown comparator '~'"):
        interval("~", Decimal(1), "")
