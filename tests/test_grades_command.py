"""`khemon grade` answers every row of a file; what cannot be read is said and counted, never dropped or guessed."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from khemon.actions.grading import CANNOT_GRADE
from khemon.grades import load_criteria
from tests.shell import khemon

SAMPLES = Path(__file__).parent / "samples"
HEADER = "analyte,value,unit,lln,uln,baseline"


def values(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "values.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def only_row(folder: Path, row: str, code: int) -> dict:
    said = khemon("grade", values(folder, row), "--json")
    assert said.code == code, said.err
    [answer] = said.document["rows"]
    return answer


def test_a_row_is_answered_with_its_line_its_cells_its_grade_its_term_and_its_reason(tmp_path):
    said = khemon("grade", values(tmp_path, "PLT,49,10^9/L,150,400,"), "--criteria", "ctcae-4.03", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.document == {
        "criteria": {"name": "ctcae-4.03", "version": "4.03"},
        "rows": [
            {
                "row": 2,
                "analyte": "platelets",
                "value": "49",
                "unit": "10^9/L",
                "grade": 3,
                "term": "Platelet count decreased",
                "reason": "below 50 10*9/L",
            }
        ],
    }


def test_the_cases_come_out_by_command_as_they_stand_in_their_table():
    said = khemon("grade", SAMPLES / "grade_cases.csv", "--json")
    assert said.code == 0, said.err
    with (SAMPLES / "grade_cases.csv").open(encoding="utf-8", newline="") as file:
        expected = [row["grade"] for row in csv.DictReader(file)]
    assert [str(row["grade"]) for row in said.document["rows"]] == expected
    assert [row["row"] for row in said.document["rows"]] == list(range(2, 2 + len(expected)))
    assert all(row["reason"] and row["term"] for row in said.document["rows"])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("phlogiston,1,g/L,,,", "unknown_analyte"),
        (",1,g/L,,,", "unknown_analyte"),
        ("platelets,75,furlong,,,", "unknown_unit"),
        ("platelets,75,,,,", "unknown_unit: no unit"),
        ("platelets,7o,10*9/L,,,", "unreadable_number"),
        ("platelets,-5,10*9/L,,,", "a negative number"),
        ('platelets,"1,5",10*9/L,,,', "state decimal in a mapping"),
        ("platelets,2.5e1,10*9/L,,,", "an exponent"),
        ("platelets,75 ?,10*9/L,,,", "text_behind_number"),
        ("platelets,200000,10*9/L,,,", "hard_limit"),
        ("platelets,20,10*9/L,1o0,,", "lln: unreadable_number"),
        ("platelets,20,10*9/L,,100 K/uL,", "uln: unreadable_number: text behind the number"),
        ('platelets,20,10*9/L,,,"1,000"', "baseline: thousands"),
        ("platelets,20,10*9/L,400,150,", "the lower limit of normal lies above the upper"),
        ("alt,20,U/L,,0,", "the upper limit of normal is zero"),
    ],
)
def test_a_row_that_cannot_be_read_is_not_graded_and_the_exit_code_says_so(tmp_path, row, reason):
    answer = only_row(tmp_path, row, code=1)
    assert answer["grade"] == CANNOT_GRADE
    assert reason in answer["reason"]


@pytest.mark.parametrize(
    ("row", "term", "reason"),
    [
        ("platelets,,10*9/L,150,,", "Platelet count decreased", "no_value: the cell is empty"),
        ("platelets,clotted,10*9/L,150,,", "Platelet count decreased", "no_value: sample clotted"),
        ("platelets,90,10*9/L,,,", "Platelet count decreased", "grade 0 or 1 possible: no lower limit of normal given"),
        ("inr,1.1,,n/a,-,", "INR increased", "grade 0 to 3 possible: no upper limit of normal given"),
        ("sirolimus,12,ng/mL,,,", None, "no term of CTCAE v4.03 is graded for Sirolimus"),
    ],
)  # fmt: skip
def test_a_row_that_says_too_little_cannot_be_graded_and_is_no_error(tmp_path, row, term, reason):
    answer = only_row(tmp_path, row, code=0)
    assert (answer["grade"], answer["term"], answer["reason"]) == (CANNOT_GRADE, term, reason)


def test_limits_and_baseline_are_in_the_unit_of_the_value_also_where_it_stands_in_the_cell(tmp_path):
    assert only_row(tmp_path, "platelets,99000 /uL,,100000,,", code=0)["grade"] == 1


def test_a_row_of_another_width_stands_in_its_place_as_not_graded(tmp_path):
    path = values(tmp_path, "alt,30,U/L,,40,", "alt,30,U/L,,40", "alt,50,U/L,,40,", "alt,50,U/L,,40,")
    said = khemon("grade", path, "--json")
    assert said.code == 1
    assert [(row["row"], row["grade"]) for row in said.document["rows"]] == [(2, 0), (3, CANNOT_GRADE), (4, 1), (5, 1)]
    assert said.document["rows"][1] == {
        "row": 3, "analyte": None, "value": None, "unit": None, "grade": CANNOT_GRADE, "term": None,
        "reason": "ragged_row: 5 cells where the header has 6",
    }  # fmt: skip
    assert "1 rows" in said.err


def test_limits_and_baseline_may_have_no_column_and_other_columns_are_not_read(tmp_path):
    path = values(tmp_path, "x,49,10*9/L,Platelets", header="note,Value,UNIT,analyte")
    said = khemon("grade", path, "--json")
    assert (said.code, said.document["rows"][0]["grade"]) == (0, 3)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\n", "the file is empty"),
        (b"analyte,value\nplatelets,5\n", "no column 'unit'"),
        (b"analyte,value,unit,unit\nplatelets,5,g/L,g/L\n", "two columns are named 'unit'"),
        (b"analyte;value;unit\nplatelets;5;10*9/L\n", "separated by ';'"),
        (b"analyte,value,unit\n", "no row below it"),
        (b"analyte,value,unit\nplatelets,5,\xb5L\n", "the encoding is undecided"),
        (b"analyte,value,unit\nplatelets,5\x7f,g/L\n", "control character"),
        (b"PK\x03\x04", "an Excel workbook"),
        (b"analyte,value,unit\n" + b"x" * 70_000 + b",5,g/L\n", "longer than"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_error_document(tmp_path, content, found):
    (tmp_path / "values.csv").write_bytes(content)
    said = khemon("grade", tmp_path / "values.csv", "--json")
    assert said.code == 2
    assert list(said.document) == ["file", "error"]
    assert said.document["file"] == "values.csv"
    assert list(said.error) == ["where", "found", "remedy"]
    assert found in said.error["found"]


def test_a_file_that_is_not_there_is_the_same_error_document(tmp_path):
    said = khemon("grade", tmp_path / "nowhere.csv", "--json")
    assert (said.code, said.error["found"]) == (2, "the file cannot be read")
    assert khemon("grade", tmp_path / "nowhere.csv").out == ""


def test_criteria_that_are_not_there_are_wrong_usage(tmp_path):
    said = khemon("grade", values(tmp_path, "alt,30,U/L,,40,"), "--criteria", "ctcae-9", "--json")
    assert (said.code, said.out) == (2, "")
    assert "ctcae-4.03" in said.err


def test_without_json_a_table_is_printed(tmp_path):
    said = khemon("grade", values(tmp_path, "alt,30,U/L,,40,", "phlogiston,1,g/L,,,"))
    assert said.code == 1
    assert "Alanine aminotransferase increased" in said.out
    assert "cannot_grade" in said.out


PAGE = (Path(__file__).parents[1] / "docs/grades.md").read_text("utf-8")


def test_the_page_names_every_graded_analyte_with_its_term_and_highest_grade():
    rows = {line for line in PAGE.splitlines() if line.startswith("| `")}
    for analyte, term in load_criteria().terms.items():
        [row] = [row for row in rows if f"`{analyte}`" in row.split("|")[1]]
        assert row.rstrip(" |").endswith(f"| {term.highest}"), analyte
        assert term.term.split(maxsplit=1)[-1] in row, analyte


def test_the_answer_on_the_page_is_what_the_command_says(tmp_path):
    shown = json.loads(re.search(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)[1])
    assert khemon("grade", values(tmp_path, "platelets,75,10*9/L,,,"), "--json").document == shown
