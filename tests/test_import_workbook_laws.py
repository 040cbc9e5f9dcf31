"""Laws of reading workbooks and records: what is written reads back, a damaged file never gives other numbers."""

import datetime as dt
import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from khemon.importers import ReadOptions, load_mapping, read
from khemon.importers.staging import DECISIONS
from khemon.models import ImportProblem
from tests import workbooks as book
from tests.workbooks import NOW_MS, day_number, workbook

here = book.here
pytestmark = pytest.mark.usefixtures("here")
# The fixture only says where a file is read: it may stay for all examples of a test.
ONE_PLACE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)

HEADER = ["patient_id", "collected_at", "analyte", "value", "unit", "comment"]
UNITS = {"platelets": "10*9/L", "fibrinogen": "g/L", "hemoglobin": "g/L", "sirolimus": "ng/mL"}
OPTIONS = ReadOptions(timezone="UTC", now_ms=NOW_MS)
PRINTABLE = st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp", "Cn", "Co"))
IDS = st.text(st.sampled_from("0123456789ABCÄ张-_"), min_size=1, max_size=12)
MINUTES = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2026, 5, 1)).map(  # noqa: DTZ001  strategies want it so
    lambda moment: moment.replace(second=0, microsecond=0, tzinfo=dt.UTC)
)
NUMBERS = st.builds(lambda digits, places: Decimal(digits).scaleb(-places), st.integers(0, 10**6), st.integers(0, 4))
COMMENTS = st.text(PRINTABLE, max_size=9)
ROWS = st.lists(
    st.tuples(IDS, MINUTES, st.sampled_from(list(UNITS)), st.sampled_from(["", "<=", ">"]), NUMBERS, COMMENTS),
    min_size=1,
    max_size=8,
)  # fmt: skip


def facts(found):
    return [(one.patient_id, one.collected_ms, one.analyte, one.comparator, Decimal(one.value)) for one in found]


def wanted(rows):
    return [(p, int(t.timestamp()) * 1000, a, sign, number) for p, t, a, sign, number, _ in rows]


@ONE_PLACE
@given(ROWS, st.booleans(), st.booleans(), st.booleans())
def test_rows_of_a_workbook_read_back_equal_in_every_dialect(rows, numbers_as_text, dates_as_text, epoch_1904):
    cells = [
        [
            patient,
            moment.isoformat() if dates_as_text else (day_number(moment, epoch_1904=epoch_1904), book.DATE_TIME),
            analyte,
            f"{sign}{number:f}" if sign or numbers_as_text else float(number),
            UNITS[analyte],
            comment,
        ]
        for patient, moment, analyte, sign, number, comment in rows
    ]
    found = read(workbook([HEADER, *cells], epoch_1904=epoch_1904), "book", OPTIONS).observations
    assert facts(found) == wanted(rows)


@ONE_PLACE
@given(ROWS, st.booleans())
def test_records_read_back_equal(rows, numbers_as_text):
    written = []
    for patient, moment, analyte, sign, number, comment in rows:
        value = f"{sign}{number:f}" if sign or numbers_as_text else float(number)
        written.append(
            dict(zip(HEADER, [patient, moment.isoformat(), analyte, value, UNITS[analyte], comment], strict=True))
        )
    found = read(json.dumps(written).encode(), "records", OPTIONS).observations
    assert facts(found) == wanted(rows)
    assert [one.row for one in found] == list(range(1, len(rows) + 1))


@given(
    ROWS,
    st.sampled_from([";", "\t", "|"]),
    st.sampled_from(["cp1252", "latin-1", "utf-8"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_rows_with_a_decimal_comma_read_back_equal(rows, delimiter, encoding, end):
    rows = [(patient.replace("张", "X"), *others) for patient, *others in rows]
    lines = [delimiter.join(["Pat.-Nr.", "Entnahme", "Analyse", "Ergebnis", "Einheit"])]
    for patient, moment, analyte, sign, number, _ in rows:
        value = sign + f"{number:f}".replace(".", ",")
        lines.append(delimiter.join([patient, f"{moment:%d.%m.%Y %H:%M}", analyte, value, UNITS[analyte]]))
    stated = f'encoding = "{encoding}"\ndecimal = ","\ndate_format = "%d.%m.%Y %H:%M"\n'
    options = ReadOptions(timezone="UTC", now_ms=NOW_MS, mapping=load_mapping(stated.encode()))
    found = read((end.join(lines) + end).encode(encoding), "labs", options).observations
    assert facts(found) == wanted(rows)


@ONE_PLACE
@given(ROWS, st.data())
def test_a_changed_byte_of_a_sheet_never_gives_a_number_that_does_not_stand_there(rows, data):
    xml = book.sheet_xml(
        [HEADER, *([p, t.isoformat(), a, f"{s}{n:f}" if s else float(n), UNITS[a], c] for p, t, a, s, n, c in rows)]
    )
    content = bytearray(xml.encode())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    try:
        reading = read(book.archive(book.parts_of({"S": bytes(content)})), "book", OPTIONS)
    except ImportProblem:
        return
    for one in reading.observations:
        if one.decision == "accepted":
            assert Decimal(one.value) == Decimal(one.text.partition(" [")[0].strip().lstrip("<>= ").rstrip("HLN "))


@ONE_PLACE
@given(ROWS, st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_archive_gives_the_same_numbers_or_none(rows, changes):
    cells = [[p, t.isoformat(), a, f"{s}{n:f}" if s else float(n), UNITS[a], c] for p, t, a, s, n, c in rows]
    content = bytearray(workbook([HEADER, *cells]))
    for place, value in changes:
        content[place % len(content)] = value
    try:
        reading = read(bytes(content), "book", OPTIONS)
    except ImportProblem:
        return
    accepted = [one for one in reading.observations if one.decision == "accepted"]
    assert set(facts(accepted)) <= set(wanted(rows))


@ONE_PLACE
@given(ROWS, st.data())
def test_a_changed_byte_of_records_never_gives_a_number_that_does_not_stand_there(rows, data):
    records = [
        dict(zip(HEADER, [p, t.isoformat(), a, f"{s}{n:f}", UNITS[a], c], strict=True)) for p, t, a, s, n, c in rows
    ]
    content = bytearray(json.dumps(records).encode())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        reading = read(bytes(content), "records", OPTIONS)
    except ImportProblem:
        return
    for one in reading.observations:
        if one.decision == "accepted":
            assert Decimal(one.value) == Decimal(one.text.strip().lstrip("<>= ").rstrip("HLN "))


WORDS = st.sampled_from(
    ["", "14", "<5", "platelets", "10*9/L", "2026-01-01T08:00Z", "clotted", "P1", "#N/A", "Page 1 of 2", "MRN: 7"]
)
CELLS = WORDS | st.floats(allow_nan=False, allow_infinity=False) | st.tuples(st.floats(0, 60_000), st.integers(0, 15))


@ONE_PLACE
@given(st.lists(st.lists(CELLS, min_size=6, max_size=6), min_size=1, max_size=10))
def test_every_row_of_a_sheet_has_a_fate(rows):
    try:
        reading = read(workbook([HEADER, *rows]), "book", OPTIONS)
    except ImportProblem:
        return
    filled = [number for number, row in enumerate(rows, start=2) if any(cell != "" for cell in row)]
    assert [one.row for one in reading.observations] == filled
    assert {one.decision for one in reading.observations} <= set(DECISIONS)
    assert all(one.reasons for one in reading.observations if one.decision != "accepted")
