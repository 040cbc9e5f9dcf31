"""Records one per line, and reference ranges in two columns."""

import json

import pytest

from khemon.importers import ReadOptions, read
from khemon.models import ImportProblem
from tests import workbooks
from tests.workbooks import NOW_MS

here = workbooks.here
pytestmark = pytest.mark.usefixtures("here")
OPTIONS = ReadOptions(timezone="UTC", now_ms=NOW_MS)
RECORD = {
    "patient_id": "0012",
    "collected_at": "2026-01-01T08:00Z",
    "analyte": "platelets",
    "value": 14.50,
    "unit": "10*9/L",
}


def lines(*records: dict, end: str = "\n") -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + end for record in records).encode()


def found(content: bytes):
    return [(one.row, one.patient_id, one.text, one.decision) for one in read(content, "x", OPTIONS).observations]


def test_records_one_per_line_read_as_those_of_an_array():
    records = [RECORD, {**RECORD, "value": "<5", "collected_at": "2026-01-02T08:00Z"}]
    assert found(lines(*records)) == found(json.dumps(records).encode())
    assert found(lines(*records)) == [(1, "0012", "14.5", "accepted"), (2, "0012", "<5", "accepted")]


@pytest.mark.parametrize("end", ["\r\n", "\n\n", "\n  \n"])
def test_ends_and_blank_lines_between_records_are_harmless(end):
    assert len(found(lines(RECORD, {**RECORD, "collected_at": "2026-01-02T08:00Z"}, end=end))) == 2


def test_a_single_record_is_a_file_of_one():
    assert found(lines(RECORD)) == [(1, "0012", "14.5", "accepted")]


def test_a_sign_that_ends_a_line_elsewhere_does_not_end_a_record():
    [one, _] = read(lines({**RECORD, "comment": "two\u2028lines"}, RECORD), "x", OPTIONS).observations
    assert one.comment == "two\u2028lines"


def test_the_row_as_it_arrived_is_that_of_the_record():
    reading = read(lines(RECORD, {**RECORD, "value": 8}), "x", OPTIONS)
    assert reading.received(2, None) == "0012 | 2026-01-01T08:00Z | platelets | 8 | 10*9/L"


@pytest.mark.parametrize(
    ("content", "where", "finding"),
    [
        (lines(RECORD) + b'{"patient_id": "0012", "value": 1', "line 2, character", "not valid JSON"),
        (lines(RECORD, RECORD) + b"[1]\n", "line 3", "not one record"),
        (lines(RECORD, RECORD) + b"{}{}\n", "line 3, character 3", "not valid JSON"),
        (lines(RECORD) + b'{"a": 1, "a": 2}\n', "record 2", "one name twice"),
        (lines(RECORD) + b'{"a": NaN}\n', "file", "not a number that JSON has"),
        (lines(RECORD, {**RECORD, "more": {"a": 1}}), "record 2", "itself a record"),
        (lines({"resourceType": "Patient"}, {"resourceType": "Device"}), "file", "no Observation"),
        (lines({"results": [1], "more": [2]}), "file", "not one array of records"),
    ],
)
def test_a_line_that_is_not_a_flat_record_refuses_the_file_with_its_place(content, where, finding):
    with pytest.raises(ImportProblem) as refused:
        read(content, "x", OPTIONS)
    assert where in refused.value.where
    assert finding in refused.value.found


def test_the_limit_of_rows_holds_for_records_one_per_line():
    limited = ReadOptions(timezone="UTC", now_ms=NOW_MS, max_rows=3)
    assert len(read(lines(*[RECORD] * 3), "x", limited).observations) == 3
    with pytest.raises(ImportProblem, match="more than 3 rows"):
        read(lines(*[RECORD] * 5), "x", limited)


HEMOGLOBIN = "P1;2026-01-01 08:00;Hemoglobin;15.3;{unit};{low};{high}\n"


def ranged(header: str, unit: str, low: str = "11.7", high: str = "17"):
    text = f"Patient;Date;Analyte;Result;Unit;{header}\n" + HEMOGLOBIN.format(unit=unit, low=low, high=high)
    [one] = read(text.encode(), "x", OPTIONS).observations
    return one.decision, [reason.partition(":")[0] for reason in one.reasons]


@pytest.mark.parametrize("header", ["Ref Low;Ref High", "LLN;ULN", "Untere Grenze;Obere Grenze", "参考下限;参考上限"])
def test_a_unit_that_contradicts_a_range_in_two_columns_is_held(header):
    decision, codes = ranged(header, "g/L")
    assert decision == "review" and "unit_contradicts_range" in codes
    assert ranged(header, "g/dL") == ("accepted", [])


def test_an_upper_end_alone_says_enough_and_a_lower_one_nothing():
    assert ranged("Note;Ref High", "g/L")[0] == "review"
    assert ranged("Ref High;Note", "g/L", low="17", high="")[0] == "review"
    assert ranged("Ref Low;Note", "g/L")[0] == "accepted"


def test_a_range_in_one_column_goes_before_its_ends_in_two():
    text = "Patient;Date;Analyte;Result;Unit;Reference range;Ref Low;Ref High\n"
    row = "P1;2026-01-01 08:00;Hemoglobin;15.3;g/dL;11.7-17;117;170\n"
    [one] = read((text + row).encode(), "x", OPTIONS).observations
    assert one.decision == "accepted"
