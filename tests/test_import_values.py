"""The value grammar: exact numbers with comparators; anything else has a fate and a reason. Nothing is repaired."""

import math

import pytest

from tests.lab_rows import code_of, observed


@pytest.mark.parametrize(
    ("text", "comparator", "value"),
    [
        ("87", "", "87"),
        ("1.6", "", "1.6"),
        ("0", "", "0"),
        ("087.50", "", "87.5"),
        (".5", "", "0.5"),
        (" 87 ", "", "87"),
        ("\u00a087\u00a0", "", "87"),
        ("<0.5", "<", "0.5"),
        ("< 0.5", "<", "0.5"),
        ("<= 0.5", "<=", "0.5"),
        ("≤0.5", "<=", "0.5"),
        (">20", ">", "20"),
        (">=20", ">=", "20"),
        ("≥ 20", ">=", "20"),
        ("＞35.20", ">", "35.2"),  # noqa: RUF001  full width, as Chinese laboratories print it
        ("１２", "", "12"),  # noqa: RUF001
        ("<=0", "<=", "0"),
        (">0", ">", "0"),
    ],
)
def test_a_number_is_read_exactly_with_its_comparator(text, comparator, value):
    found = observed(text, "d_dimer", "mg/L{FEU}")
    assert (found.decision, found.comparator, found.value, found.text) == ("accepted", comparator, value, text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1,5", "decimal"),
        ("12,34", "decimal"),
        ("1_000", "underscore"),
        ("nan", "finite"),
        ("NaN", "finite"),
        ("inf", "finite"),
        ("-inf", "negative"),
        ("Infinity", "finite"),
        ("1e3", "exponent"),
        ("1E3", "exponent"),
        ("<0", "below zero"),
        ("<0.0", "below zero"),
        ("-5", "negative"),
        ("<-5", "negative"),
        ("−5", "neither"),
        ("+5", "plus"),
        ("5.", "neither"),
        ("0x1F", "neither"),
        ("5²", "neither"),
        ("½", "neither"),
        ("٣", "neither"),
        ("1.2.3", "neither"),
        ("<<5", "neither"),
        ("5 10", "neither"),
        ("125--350", "neither"),
        ("1+", "neither"),
        ("=5", "neither"),
        ("1" * 25, "24"),
        ("0." + "1" * 23, "24"),
        ("banana", "neither"),
    ],
)
def test_what_is_not_a_plain_number_is_rejected_with_the_reason(text, why):
    found = observed(text)
    assert found.decision == "rejected"
    assert found.reasons[0].startswith("unreadable_number")
    assert why in found.reasons[0]
    assert (found.value, found.canonical_value, found.low, found.high) == (None, None, 0.0, math.inf)


def test_twenty_four_characters_are_kept_exactly():
    text = "123.45678901234567890123"
    assert observed(text).canonical_value == text


@pytest.mark.parametrize("text", ["1,102", "40,000", "1.102.000", "1 102", "1'102"])
def test_a_possible_thousands_separator_that_nobody_declared_is_held_without_a_number(text):
    found = observed(text)
    assert (found.decision, code_of(found), found.canonical_value) == ("review", ["thousands"], None)


def test_both_separators_leave_one_reading_which_a_person_still_confirms():
    found = observed("1,102.5")
    assert (found.decision, found.canonical_value) == ("review", "1102.5")


@pytest.mark.parametrize(
    ("mapping", "text", "value"),
    [
        ('decimal = ","', "0,82", "0.82"),
        ('decimal = ","', "82", "82"),
        ('thousands = ","', "1,102", "1102"),
        ('thousands = ","', "1,102.5", "1102.5"),
        ('decimal = ","\nthousands = "."', "1.102,5", "1102.5"),
        ('decimal = ","\nthousands = "."', "1.102", "1102"),
        ('thousands = " "', "1 102", "1102"),
        ('thousands = " "', "1\u202f102", "1102"),
        ('thousands = "\'"', "1'102'003", "1102003"),
    ],
)
def test_declared_signs_are_read(mapping, text, value):
    found = observed(text, unit="/uL", mapping=mapping)
    assert (found.value, found.decision) == (value, "accepted")


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ('decimal = ","', "0.82"),
        ('thousands = ","', "1,5"),
        ('thousands = ","', "11,02"),
        ('thousands = ","', "1,1022"),
        ('thousands = "."\ndecimal = ","', "1,102,003"),
    ],
)
def test_a_separator_that_the_mapping_does_not_explain_is_rejected(mapping, text):
    assert observed(text, mapping=mapping).decision == "rejected"


@pytest.mark.parametrize(
    ("text", "quality"),
    [
        ("CLOTTED - RECOLLECT", "clotted"),
        ("geronnen", "clotted"),
        ("标本凝固", "clotted"),
        ("coagulé", "clotted"),
        ("hemolyzed", "hemolyzed"),
        ("hämolytisch", "hemolyzed"),
        ("溶血", "hemolyzed"),
        ("platelet clumps", "clumped"),
        ("agregados plaquetarios", "clumped"),
        ("血小板聚集", "clumped"),
        ("QNS", "insufficient"),
        ("contaminated", "contaminated"),
        ("lipémico", "lipemic"),
    ],
)
def test_a_spoiled_sample_is_a_gap_with_its_quality(text, quality):
    found = observed(text)
    assert (found.decision, found.quality, found.value, found.canonical_unit) == ("no_value", quality, None, "10*9/L")


@pytest.mark.parametrize("text", ["", "  ", "-", "___", "N/A", "pending", "not done", "see comment"])
def test_a_missing_result_is_a_gap(text):
    assert observed(text).decision == "no_value"


def test_a_gap_needs_no_unit():
    assert observed("clotted", unit="").decision == "no_value"


@pytest.mark.parametrize(("text", "flag"), [("12 L", "L"), ("↓9", "↓"), ("9 ↓↓", "↓↓"), ("<9 LL", "LL")])
def test_a_flag_beside_a_number_is_noted(text, flag):
    found = observed(text)
    assert (found.decision, found.reasons) == ("accepted", [f"flag: {flag}"])


@pytest.mark.parametrize("text", ["5*", "9 (clumped)", "12 checked"])
def test_other_text_behind_a_number_holds_it(text):
    found = observed(text)
    assert (found.decision, code_of(found)) == ("review", ["text_behind_number"])
    assert found.value is not None


def test_a_remark_behind_a_number_that_names_a_quality_sets_it():
    assert observed("9 (clumped)").quality == "clumped"


def test_a_unit_in_the_cell_is_read_when_the_row_has_none_and_held_when_it_contradicts():
    assert observed("5.8 g/dL", "hemoglobin", "").canonical_value == "58"
    assert observed("5.8 g/dL", "hemoglobin", "g/dl").decision == "accepted"
    assert observed("5.8 g/dL", "hemoglobin", "g/L").decision == "review"


COMMENTS = [
    ("Result >10,000 ng/mL FEU", 'thousands = ","', "review", ">", "10"),
    ("Result >10,000 ng/mL FEU", "", "review", "", None),
    ("Result > 20.0 mg/L FEU", "", "review", ">", "20"),
    ("repeated at 10:15 and 11:20", "", "review", "", None),
    ("called to ward", "", "no_value", "", None),
]


@pytest.mark.parametrize(("comment", "mapping", "decision", "comparator", "value"), COMMENTS)
def test_see_comment_takes_the_one_number_of_the_comment_to_a_person(comment, mapping, decision, comparator, value):
    found = observed("See comment", "d_dimer", "ng/mL FEU", mapping, comment=comment)
    assert (found.decision, found.comparator, found.canonical_value) == (decision, comparator, value)


@pytest.mark.parametrize(
    ("analyte", "value", "unit"),
    [
        ("platelets", "3001", "10*9/L"),
        ("platelets", "27000", "10*9/L"),
        ("fibrinogen", "180", "g/L"),
        ("hemoglobin", "9.8", "g/L"),
        ("hemoglobin", "<10", "g/L"),
        ("hemoglobin", "301", "g/L"),
        ("d_dimer", ">1000", "mg/L{FEU}"),
        ("d_dimer", "500.1", "mg/L{DDU}"),
        ("sirolimus", "201", "ng/mL"),
        ("creatinine", "0.5", "umol/L"),
        ("inr", "0.4", "1"),
    ],
)
def test_beyond_a_hard_limit_a_person_must_confirm(analyte, value, unit):
    found = observed(value, analyte, unit)
    assert (found.decision, code_of(found)) == ("review", ["hard_limit"])
    assert found.canonical_value is not None


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "soft"),
    [
        ("platelets", "3000", "10*9/L", True),
        ("platelets", "1001", "10*9/L", True),
        ("platelets", "1000", "10*9/L", False),
        ("platelets", "0", "10*9/L", True),
        ("platelets", "1", "10*9/L", False),
        ("fibrinogen", "0.19", "g/L", True),
        ("fibrinogen", "<0.2", "g/L", False),
        ("fibrinogen", "<0.1", "g/L", True),
        ("fibrinogen", "15", "g/L", True),
        ("d_dimer", ">100", "mg/L{FEU}", False),
        ("d_dimer", "101", "mg/L{FEU}", True),
        ("hemoglobin", "39", "g/L", True),
        ("hemoglobin", "10", "g/L", True),
        ("sirolimus", "26", "ng/mL", True),
    ],
)
def test_beyond_a_soft_limit_the_result_is_used_with_a_note(analyte, value, unit, soft):
    found = observed(value, analyte, unit)
    assert (found.decision, code_of(found)) == ("accepted", ["soft_limit"] if soft else [])


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "reference", "decision"),
    [
        ("hemoglobin", "15.3", "g/l", "11.7-17", "review"),
        ("hemoglobin", "153", "g/l", "117-170", "accepted"),
        ("hemoglobin", "15.3", "g/dl", "11.7-17", "accepted"),
        ("fibrinogen", "2.2", "g/L", "180--400", "review"),
        ("platelets", "9", "10*9/L", "125--350", "accepted"),
        ("platelets", "9", "/uL", "125--350", "review"),
        ("d_dimer", "12.4", "ug/mL", "0--0.55", "accepted"),
        ("d_dimer", "12.4", "ug/mL FEU", "<500", "review"),
        ("platelets", "9", "10*9/L", "see report", "accepted"),
    ],
)
def test_a_unit_that_contradicts_its_reference_range_is_held(analyte, value, unit, reference, decision):
    found = observed(value, analyte, unit, reference_range=reference)
    assert found.decision == decision
    assert ("unit_contradicts_range" in code_of(found)) == (decision == "review")
