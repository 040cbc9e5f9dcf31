"""Laws of reading: nothing is dropped, what is printed reads back, a damaged file never gives other numbers."""

import csv
import datetime as dt
import io
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from khemon.importers import ReadOptions, load_mapping, read
from khemon.importers.staging import DECISIONS
from khemon.models import ImportProblem

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
OPTIONS = ReadOptions(timezone="UTC", now_ms=int(NOW.timestamp() * 1000))
COLUMNS = ["patient_id", "collected_at", "analyte", "value", "unit", "comment"]
UNITS = {"platelets": "10*9/L", "fibrinogen": "g/L", "d_dimer": "mg/L{FEU}", "hemoglobin": "g/L", "sirolimus": "ng/mL"}

PRINTABLE = st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp", "Cn", "Co"))
IDS = st.text(PRINTABLE, min_size=1, max_size=20).map(str.strip).filter(bool)
TIMES = st.integers(946_684_800, int(NOW.timestamp())).map(lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC))
NUMBERS = st.builds(
    lambda digits, places: str(Decimal(digits).scaleb(-places)), st.integers(0, 10**6), st.integers(0, 4)
)
ROWS = st.builds(
    lambda patient, moment, analyte, sign, number, comment: (patient, moment, analyte, sign, number, comment),
    IDS,
    TIMES,
    st.sampled_from(list(UNITS)),
    st.sampled_from(["", "<=", ">", ">="]),
    NUMBERS,
    st.text(PRINTABLE, max_size=30),
)
CELLS = st.text(PRINTABLE, max_size=12) | st.sampled_from(
    ["87", "<5", "platelets", "10*9/L", "2026-01-01T08:00Z", "clotted", "P1", "1,5", "nan", "-", "d_dimer", "mg/L"]
)


def table(rows, **dialect):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=dialect.pop("lineterminator", "\n"), **dialect)
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return out.getvalue()


def printed(row):
    patient, moment, analyte, sign, number, comment = row
    return [patient, moment.isoformat(), analyte, sign + number, UNITS[analyte], comment]


@given(st.lists(st.lists(CELLS, min_size=6, max_size=6).filter(any), min_size=1, max_size=12))
def test_every_row_has_exactly_one_fate_whatever_it_holds(rows):
    found = read(table(rows).encode(), "labs.csv", OPTIONS).observations
    assert len(found) == len(rows)
    assert [one.row for one in found] == list(range(2, len(rows) + 2))
    assert {one.decision for one in found} <= set(DECISIONS)
    assert all(one.reasons for one in found if one.decision != "accepted")


@given(st.lists(st.lists(CELLS, min_size=1, max_size=9).filter(any), min_size=1, max_size=12))
def test_a_ragged_table_is_refused_as_a_whole_or_keeps_a_fate_for_every_row(rows):
    try:
        found = read(table(rows).encode(), "labs.csv", OPTIONS).observations
    except ImportProblem as problem:
        assert "cells" in problem.found or "no row below" in problem.found
    else:
        assert len(found) == len(rows)


@given(
    st.lists(ROWS, min_size=1, max_size=12),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_rows_printed_in_any_dialect_read_back_equal(rows, delimiter, end, quoting, encoding):
    text = table(map(printed, rows), delimiter=delimiter, lineterminator=end, quoting=quoting)
    mapping = load_mapping(f"delimiter = {delimiter!r}".replace("'", '"').encode())
    options = ReadOptions(timezone="UTC", now_ms=OPTIONS.now_ms, mapping=mapping)
    found = read(text.encode(encoding), "labs.csv", options).observations
    assert len(found) == len(rows)
    for (patient, moment, analyte, sign, number, comment), one in zip(rows, found, strict=True):
        assert (one.patient_id, one.analyte, one.comparator) == (patient, analyte, sign)
        assert one.collected_ms == int(moment.timestamp()) * 1000
        assert Decimal(one.value) == Decimal(one.canonical_value) == Decimal(number)
        assert one.comment == (comment.strip() or None)


@given(st.lists(ROWS, min_size=1, max_size=6), st.data())
def test_a_changed_byte_never_gives_a_number_that_does_not_stand_there(rows, data):
    content = bytearray(table(map(printed, rows)).encode())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    try:
        reading = read(bytes(content), "labs.csv", OPTIONS)
    except ImportProblem:
        return
    for one in reading.observations:
        if one.decision == "accepted":
            assert Decimal(one.value) == Decimal(one.text.strip().lstrip("<>= ").rstrip("HL "))


@given(
    st.lists(ROWS, min_size=1, max_size=6),
    st.data(),
    st.sampled_from([",", '"', "\n", "\r", "\t", ";", "\0", "\ufeff", " "]),
)
def test_a_stray_separator_never_makes_an_accepted_number_that_was_not_there(rows, data, stray):
    text = table(map(printed, rows))
    place = data.draw(st.integers(text.index("\n") + 1, len(text)))
    try:
        reading = read((text[:place] + stray + text[place:]).encode(), "labs.csv", OPTIONS)
    except ImportProblem:
        return
    was_there = {(moment, analyte, sign, Decimal(number)) for _, moment, analyte, sign, number, _ in rows}
    for one in reading.observations:
        if one.decision == "accepted":
            moment = dt.datetime.fromtimestamp(one.collected_ms // 1000, dt.UTC)
            assert (moment, one.analyte, one.comparator, Decimal(one.value)) in was_there


@given(st.lists(ROWS, min_size=2, max_size=10), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing_about_any_row(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    one = read(table(map(printed, rows)).encode(), "labs.csv", OPTIONS).observations
    other = read(table(map(printed, shuffled)).encode(), "labs.csv", OPTIONS).observations

    def facts(found):
        return sorted(
            (o.patient_id, o.collected_ms, o.analyte, o.text, o.low, o.high, o.decision, o.comment or "") for o in found
        )

    assert facts(one) == facts(other)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_with_a_clear_error(content):
    try:
        read(content, "x", OPTIONS)
    except ImportProblem as problem:
        assert problem.where
        assert problem.remedy


@given(st.text(alphabet=st.sampled_from('ab,;"\n\r\t|P1<5 '), max_size=120))
def test_any_text_below_a_header_is_read_or_refused_with_a_clear_error(body):
    try:
        reading = read((",".join(COLUMNS) + "\n" + body).encode(), "x", OPTIONS)
    except ImportProblem:
        return
    held = sum(one.text.count("\n") for one in reading.observations)
    assert len(reading.observations) + held >= 1
