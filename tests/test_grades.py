"""A laboratory grade is what the criteria print: exact on every limit, and "cannot grade" is never grade 0."""

from __future__ import annotations

import csv
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khemon.actions.grading import CANNOT_GRADE
from khemon.grades import Sample, grade_of, load_criteria, range_of
from khemon.grades.criteria import Criteria
from khemon.importers.numbers import NumberGrammar
from khemon.models import RulebookProblem
from khemon.units import ANALYTES, unit_of

SAMPLES = Path(__file__).parent / "samples"
CTCAE = load_criteria("ctcae-4.03")
NUMBERS = NumberGrammar(None, None)
NAMES = ("analyte", "value", "unit", "lln", "uln", "baseline", "grade")


def cases() -> list[tuple[str, ...]]:
    with (SAMPLES / "grade_cases.csv").open(encoding="utf-8", newline="") as file:
        return [tuple(row[name] for name in NAMES) for row in csv.DictReader(file)]


def facts() -> list[tuple[str, ...]]:
    with (SAMPLES / "ctcae_platelet_facts.csv").open(encoding="utf-8", newline="") as file:
        return [
            ("platelets", row["value"], row["unit"], row["lln"], row["uln"], "", row["expected_grade"])
            for row in csv.DictReader(file)
        ]


def read(text: str):
    """The range a text says, None for an empty one."""
    number = NUMBERS.read[text]
    return None if number.value is None else range_of(number.comparator, number.value)


def sample(analyte: str, value: str, unit: str, lln: str = "", uln: str = "", baseline: str = "") -> Sample:
    return Sample(analyte=analyte, unit=unit, value=read(value), lln=read(lln), uln=read(uln), baseline=read(baseline))


def graded(case: tuple[str, ...], criteria: Criteria = CTCAE) -> str:
    """The grade of a case as its table writes it."""
    if not case[1]:
        return CANNOT_GRADE
    grade = grade_of(criteria, sample(*case[:-1])).grade
    return CANNOT_GRADE if grade is None else str(grade)


@pytest.mark.parametrize("case", cases(), ids=" ".join)
def test_a_value_on_a_limit_or_one_step_beside_it_has_the_grade_of_the_table(case):
    assert graded(case) == case[-1]


@pytest.mark.parametrize("case", facts(), ids=" ".join)
def test_the_facts_of_another_program_are_met(case):
    assert graded(case) == case[-1].replace("NOT_GRADABLE", CANNOT_GRADE)


def test_every_analyte_of_the_criteria_has_cases_of_every_grade_and_of_none():
    for analyte, term in CTCAE.terms.items():
        expected = {case[-1] for case in cases() if case[0] == analyte}
        assert expected == {CANNOT_GRADE, *map(str, range(term.highest + 1))}, analyte


def numbers(value, path=()):
    """Where numbers that judge stand in the criteria, and what they are."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from numbers(inner, (*path, index))
    elif path[-1] in ("value", "times"):
        yield path, Decimal(value)


def raw_criteria() -> dict:
    path = Path(__file__).parents[1] / "khemon/criteria/ctcae-4.03.toml"
    return tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)


def changed(path: tuple, value: object) -> Criteria:
    """The criteria with one entry changed."""
    raw = raw_criteria()
    inner = raw
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return Criteria.model_validate(raw)


@pytest.mark.untraced
@pytest.mark.parametrize(("path", "number"), list(numbers(raw_criteria())), ids=str)
def test_every_number_of_the_criteria_moved_one_step_fails_a_case(path, number):
    # A multiple is printed with up to two digits behind the point; a limit moves by its own last digit.
    step = Decimal("0.01") if path[-1] == "times" else Decimal(1).scaleb(number.as_tuple().exponent)
    own = [case for case in cases() if case[0] == path[1]]
    for moved in (number - step, number + step):
        criteria = changed(path, moved)
        assert any(graded(case, criteria) != case[-1] for case in own), moved


@pytest.mark.untraced
@pytest.mark.parametrize("analyte", CTCAE.terms)
def test_every_step_of_the_criteria_that_counts_its_limit_or_does_not_fails_a_case_when_changed(analyte):
    own = [case for case in cases() if case[0] == analyte]
    for index, step in enumerate(CTCAE.terms[analyte].steps):
        criteria = changed(("terms", analyte, "steps", index, "reached"), not step.reached)
        assert any(graded(case, criteria) != case[-1] for case in own), step


# ---- laws -----------------------------------------------------------------------------------------------------

ANALYTE = st.sampled_from(sorted(CTCAE.terms))
NUMBER = st.decimals(min_value="0.01", max_value=2000, places=2)
#: Of each sign: by how much a number it may stand for differs from the number printed.
MEANT = {"": ["1"], "<": ["0.01", "0.5", "0.99"], "<=": ["0.01", "1"], ">": ["1.01", "3", "100"], ">=": ["1", "100"]}


@st.composite
def texts(draw) -> tuple[str, Decimal]:
    """A value text, and one number it may stand for."""
    sign, number = draw(st.sampled_from(sorted(MEANT))), draw(NUMBER)
    return f"{sign}{number}", number * Decimal(draw(st.sampled_from(MEANT[sign])))


#: The same, or no text at all, which may stand for any number.
MAYBE = st.one_of(st.tuples(st.just(""), NUMBER), texts())


def canonical(analyte: str, value: str, lln: str = "", uln: str = "", baseline: str = "") -> Sample:
    return sample(analyte, value, ANALYTES[analyte].canonical_unit, lln, uln, baseline)


@given(ANALYTE, texts(), MAYBE, MAYBE, MAYBE)
def test_a_grade_that_is_told_holds_for_everything_the_texts_may_stand_for(analyte, value, lln, uln, baseline):
    told = grade_of(CTCAE, canonical(analyte, value[0], lln[0], uln[0], baseline[0]))
    # For fibrinogen a baseline that is not given is left out, not unknown.
    known = [
        str(text[1]) if text[0] or analyte != "fibrinogen" or text is not baseline else ""
        for text in (value, lln, uln, baseline)
    ]
    one = grade_of(CTCAE, canonical(analyte, *known))
    assert told.grade is None or one.in_doubt or one.grade == told.grade


@given(ANALYTE, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER)
def test_a_worse_value_never_has_a_lower_grade(analyte, one, other, lln, above, baseline):
    low, high = sorted((one, other))
    mild, bad = (high, low) if CTCAE.terms[analyte].worse == "lower" else (low, high)
    with_limits = (str(lln), str(lln + above), str(baseline))
    mild_grade = grade_of(CTCAE, canonical(analyte, str(mild), *with_limits)).grade
    assert mild_grade <= grade_of(CTCAE, canonical(analyte, str(bad), *with_limits)).grade


@given(st.sampled_from(["platelets", "neutrophils", "fibrinogen", "hemoglobin"]), NUMBER, NUMBER, NUMBER)
def test_a_unit_that_differs_by_a_power_of_ten_changes_no_grade(analyte, value, lln, baseline):
    unit = {"fibrinogen": "mg/dL", "hemoglobin": "g/dL"}.get(analyte, "/uL")
    factor = unit_of(analyte, unit).factor
    one = grade_of(CTCAE, sample(analyte, str(value), unit, str(lln), "", str(baseline)))
    in_canonical = (f"{number * factor:f}" for number in (value, lln, baseline))
    other_value, other_lln, other_baseline = in_canonical
    other = grade_of(CTCAE, canonical(analyte, other_value, other_lln, "", other_baseline))
    assert one.grade == other.grade


# ---- reasons --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (("platelets", "49", "10*9/L"), "below 50 10*9/L"),
        (("platelets", "24", "10*9/L"), "below 25 10*9/L"),
        (("platelets", "99", "10*9/L", "100"), "below lower limit of normal"),
        (("platelets", "100", "10*9/L", "100"), "beyond no limit"),
        (("platelets", "75", "10*9/L"), "grade 0 or 1 possible: no lower limit of normal given"),
        (("platelets", "<60", "10*9/L"), "grade 2 to 4 possible: the value is not one number"),
        (
            ("platelets", "60", "10*9/L", "60"),
            "below 75 10*9/L; inside the given limit of normal, which this grade does not look at",
        ),
        (("platelets", "59", "10*9/L", "60"), "below 75 10*9/L"),
        (
            ("triglycerides", "160", "mg/dL", "", "160"),
            "at or above 150 mg/dL; inside the given limit of normal, which this grade does not look at",
        ),
        (("triglycerides", "161", "mg/dL", "", "160"), "at or above 150 mg/dL"),
        (
            ("fibrinogen", "1.2", "g/L", "1.8"),
            "below 0.75 x lower limit of normal; no baseline: a change from it is not judged",
        ),
        (("fibrinogen", "0.4", "g/L", "1.8"), "below 0.25 x lower limit of normal and below 0.5 g/L"),
        (("fibrinogen", "0.8", "g/L", "1.8", "", "3.2"), "at or below 0.25 x baseline"),
        (
            ("hemoglobin", "7.9", "g/dL"),
            "below 8 g/dL; grade 4 and an indicated transfusion are clinical findings and not graded from a value",
        ),
        (("fibrinogen", "1.2", "g/L", "1.8", "", "3.2"), "at or below 0.5 x baseline"),
        (("hemoglobin", "9", "g/dL"), "below 10 g/dL"),
        (
            ("hemoglobin", "1", "mmol/L (tetramer)"),
            "below 80 g/L; grade 4 and an indicated transfusion are clinical findings and not graded from a value",
        ),
        (("creatinine", ">200", "umol/L", "", "60", "<60"), "grade 3 or 4 possible: the value is not one number"),
        (("alt", "0", "U/L"), "beyond no limit"),
        (("creatinine", "70", "umol/L", "", "60"), "grade 1 to 3 possible: no baseline given"),
        (("creatinine", "70", "umol/L", "", "", "60"), "grade 1 to 4 possible: no upper limit of normal given"),
        (
            ("creatinine", "100", "umol/L"),
            "grade 0 to 4 possible: no upper limit of normal given, no baseline given",
        ),
        (("creatinine", ">200", "umol/L", "", "60"), "grade 3 or 4 possible: the value is not one number"),
        (("alt", "50", "U/L", "", "<40"), "grade 1 to 4 possible: the upper limit of normal is not one number"),
        (("alt", ">50", "U/L", "", "40"), "grade 1 to 4 possible: the value is not one number"),
    ],
)
def test_a_reason_says_which_limit_decided_or_what_is_missing(asked, reason):
    assert grade_of(CTCAE, sample(*asked)).reason == reason


def test_an_analyte_without_a_term_cannot_be_graded_and_is_no_error():
    grade = grade_of(CTCAE, sample("d_dimer", "20", "mg/L{FEU}"))
    assert (grade.grade, grade.term, grade.in_doubt) == (None, None, False)
    assert grade.reason == "no term of CTCAE v4.03 is graded for D-dimer"


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (("platelets", "20", "10*9/L", "400", "150"), "the lower limit of normal lies above the upper"),
        (("platelets", "20", "10*9/L", "0"), "the lower limit of normal is zero, and nothing can be a multiple of it"),
        (("creatinine", "20", "umol/L", "", "60", "0"), "the baseline is zero, and nothing can be a multiple of it"),
    ],
)
def test_limits_that_cannot_be_true_are_for_a_person(asked, reason):
    grade = grade_of(CTCAE, sample(*asked))
    assert (grade.grade, grade.reason, grade.in_doubt) == (None, reason, True)


def test_a_limit_that_the_term_does_not_use_may_be_zero():
    assert grade_of(CTCAE, sample("alt", "30", "U/L", "0", "40")).grade == 0


def test_lower_and_upper_limit_may_be_equal():
    assert grade_of(CTCAE, sample("platelets", "100", "10*9/L", "100", "100")).grade == 0


@pytest.mark.parametrize(
    ("comparator", "low", "high"),
    [
        ("", ("5", 0), ("5", 0)),
        ("<", ("0", 0), ("5", -1)),
        ("<=", ("0", 0), ("5", 0)),
        (">", ("5", 1), ("Infinity", 0)),
        (">=", ("5", 0), ("Infinity", 0)),
    ],
)
def test_a_range_ends_beside_an_open_number_and_on_a_closed_one(comparator, low, high):
    held = range_of(comparator, Decimal(5))
    assert (held.low, held.high) == ((Decimal(low[0]), low[1]), (Decimal(high[0]), high[1]))
    assert held.is_exact == (comparator == "")


def test_zero_is_a_number_and_at_most_zero_is_zero():
    assert range_of("<=", Decimal(0)) == range_of("", Decimal(0))


@pytest.mark.parametrize(("comparator", "value"), [("", "-1"), ("<", "0"), ("~", "1")])
def test_a_range_below_zero_or_of_an_unknown_sign_is_refused(comparator, value):
    with pytest.raises(ValueError, match=r"below zero|unknown comparator"):
        range_of(comparator, Decimal(value))


# ---- criteria files -------------------------------------------------------------------------------------------

SMALL = """
name = "own"
version = "1"
title = "Own"
source = "written here"
[terms.fibrinogen]
term = "Fibrinogen decreased"
worse = "lower"
printed = ["<2 g/L; <200 mg/dL", "<1 g/L; <100 mg/dL"]
steps = [
    { grade = 1, limits = [{ value = 2, unit = "g/L" }, { value = 200, unit = "mg/dL" }] },
    { grade = 2, limits = [{ value = 1, unit = "g/L" }, { value = 100, unit = "mg/dL" }] },
]
"""


def test_criteria_of_a_file_grade(tmp_path):
    (tmp_path / "own.toml").write_text(SMALL, encoding="utf-8")
    assert grade_of(load_criteria(tmp_path / "own.toml"), sample("fibrinogen", "199", "mg/dL")).grade == 1


def test_a_term_may_have_one_grade(tmp_path):
    start, steps = SMALL.split("    { grade = 2")[0], "]"
    text = start.replace('printed = ["<2 g/L; <200 mg/dL", "<1 g/L; <100 mg/dL"]', 'printed = ["<2 g/L"]') + steps
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    own = load_criteria(str(tmp_path / "own.toml"))
    assert [grade_of(own, sample("fibrinogen", value, "g/L")).grade for value in ("2", "1.99", "0.1")] == [0, 1, 1]


def test_a_value_of_zero_lies_below_any_limit_of_normal_that_may_have_been_given(tmp_path):
    start = SMALL.split("steps = [")[0].replace(', "<1 g/L; <100 mg/dL"', "")
    (tmp_path / "own.toml").write_text(start + 'steps = [{ grade = 1, times = 1, of = "lln" }]', encoding="utf-8")
    own = load_criteria(tmp_path / "own.toml")
    assert grade_of(own, sample("fibrinogen", "0", "g/L")).grade == 1
    assert grade_of(own, sample("fibrinogen", "0.01", "g/L")).grade is None


def test_a_name_is_looked_for_beside_the_criteria_and_nowhere_else():
    with pytest.raises(RulebookProblem) as refused:
        load_criteria("../rulebook/protocols/ward")
    assert refused.value.found == "the file cannot be read"


@pytest.mark.parametrize(
    ("old", "new", "where", "found"),
    [
        ("[terms.fibrinogen]", "[terms.phlogiston]", "criteria", "unknown analyte 'phlogiston'"),
        ('"lower"', '"lowest"', "terms.fibrinogen.worse", "lower"),
        ("value = 2,", "value = 0,", "terms.fibrinogen.steps.0.limits.0.value", "greater than 0"),
        ("value = 1,", "value = 2,", "criteria", "grade 2 is not worse"),
        ("value = 100,", "value = 300,", "criteria", "grade 2 is not worse"),
        (
            'value = 100, unit = "mg/dL"',
            'value = 1000, unit = "mg/L"',
            "criteria",
            "grades 1 and 2 are not",
        ),
        ("mg/dL", "furlong", "criteria", "'furlong' is not known for fibrinogen"),
        ("grade = 2,", "grade = 2, times = 2,", "terms.fibrinogen.steps.1", "either limits, or both times and of"),
        ("grade = 2,", 'grade = 2, times = 2, of = "lln",', "terms.fibrinogen.steps.1", "either limits, or both"),
        ('worse = "lower"', 'worse = "lower"\nwithout_baseline = "unknown"', "terms.fibrinogen", "only there"),
        ("grade = 2,", "grade = 3,", "terms.fibrinogen", "does not quote every grade"),
        ("grade = 1,", "grade = 0,", "terms.fibrinogen.steps.0.grade", "greater than or equal to 1"),
        ('printed = ["<2', 'printed = []\nold = ["<2', "terms.fibrinogen.printed", "at least 1 item"),
        ("steps = [", "steps = []\nold = [", "terms.fibrinogen.steps", "at least 1 item"),
        ("value = 1, ", 'value = 1, source = "", ', "limits.0.source", "not permitted"),
        (
            'grade = 2, limits = [{ value = 1, unit = "g/L" }, { value = 100, unit = "mg/dL" }]',
            'grade = 2, times = 0, of = "lln"',
            "terms.fibrinogen.steps.1.times",
            "greater than 0",
        ),
        ("grade = 2,", "degree = 2,", "terms.fibrinogen.steps.1.grade", "required"),
        ('version = "1"', "version = ", "own.toml", "not TOML"),
    ],
)
def test_a_wrong_criteria_file_is_refused_with_file_and_field(tmp_path, old, new, where, found):
    assert old in SMALL
    (tmp_path / "own.toml").write_text(SMALL.replace(old, new), encoding="utf-8")
    with pytest.raises(RulebookProblem) as refused:
        load_criteria(tmp_path / "own.toml")
    of_the_file = where == "own.toml"
    assert refused.value.where.startswith("criteria own.toml" if of_the_file else "criteria own.toml, ")
    assert refused.value.where.endswith(where)
    assert found in refused.value.found
    assert refused.value.remedy == ("mend the file" if of_the_file else "mend this field")


def test_limits_of_a_higher_is_worse_term_must_rise():
    with pytest.raises(ValueError, match="grade 2 is not worse"):
        changed(("terms", "alt", "steps", 1, "times"), Decimal(1))


def test_criteria_that_are_not_there_are_refused_with_those_that_are():
    with pytest.raises(RulebookProblem) as refused:
        load_criteria("ctcae-9")
    assert refused.value.remedy == "name one of: ctcae-4.03; or a file"


def test_without_a_name_the_criteria_are_those_of_ctcae_version_4_03():
    assert load_criteria() == CTCAE


def test_a_file_in_the_folder_at_hand_needs_no_path(tmp_path, monkeypatch):
    (tmp_path / "own.toml").write_text(SMALL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_criteria("own.toml").name == "own"
