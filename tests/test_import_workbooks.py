"""Workbooks: what a sheet shows is what is read, and whatever a cell has lost waits for a person."""

import datetime as dt
import io

import openpyxl
import pytest
import xlwt

from khemon.importers import ReadOptions, load_mapping, read
from khemon.models import ImportProblem
from tests import workbooks as book
from tests.workbooks import NOW_MS, day_number, parts_of, sheet_xml, workbook

HEADER = ["Patient ID", "Collected", "Test", "Result", "Units"]
MORNING = dt.datetime(2025, 3, 14, 6, 5, tzinfo=dt.UTC)
AT = (day_number(MORNING), book.DATE_TIME)
pytestmark = pytest.mark.usefixtures("here")
here = book.here


def reading(content, **options):
    if "mapping" in options:
        options["mapping"] = load_mapping(options["mapping"].encode())
    return read(content, "book", ReadOptions(timezone="UTC", now_ms=NOW_MS, **options))


def observed(*rows, header=HEADER, **options):
    return reading(workbook([header, *rows], **options)).observations


def row(value, *, patient="0098", at=AT, test="PLT", unit="K/uL"):
    return [patient, at, test, value, unit]


def codes(observation):
    return [reason.partition(":")[0] for reason in observation.reasons]


def utc(observation):
    return dt.datetime.fromtimestamp(observation.collected_ms / 1000, dt.UTC)


def test_numbers_dates_and_texts_are_read_with_their_sheet_row():
    (found,) = observed(row(14))
    assert (found.row, found.field, found.patient_id, utc(found), found.decision) == (
        2,
        None,
        "0098",
        MORNING,
        "accepted",
    )
    assert (found.value, found.text, found.reasons) == ("14", "14", [])


def test_the_text_of_a_number_is_its_shortest_exact_decimal_with_the_cells_format():
    long, short = observed(row({"v": "0.81999999999999995", "s": book.TWO}), row(0.1))
    assert (long.text, long.value, long.decision) == ("0.82 [0.00]", "0.82", "accepted")
    assert (short.text, short.value) == ("0.1", "0.1")


CELLS = [
    ("an error", {"t": "e", "v": "#N/A"}, "review", "cell_error", None),
    ("a formula that was never computed", {"f": "1+2"}, "review", "formula_without_value", None),
    ("a formula that was computed", {"f": "1+2", "v": 3}, "accepted", "formula", "3"),
    ("a formula that gives an empty text", {"f": '""', "t": "str"}, "no_value", "no_value", None),
    ("a number shown rounded", (0.82, book.ONE), "review", "shown_otherwise", "0.82"),
    ("a number shown as percent", (0.27, book.PERCENT), "review", "shown_otherwise", "0.27"),
    ("a number shown in thousands", (27000, book.THOUSANDTH), "review", "shown_otherwise", "27000"),
    ("a number shown with a sign before it", (5, book.BELOW), "review", "shown_otherwise", "5"),
    ("a number shown with its unit", (14, book.WITH_UNIT), "accepted", None, "14"),
    ("a number that is not shown", (14, book.NOTHING), "review", "shown_otherwise", "14"),
    ("a format with a condition", (14, book.CONDITION), "review", "shown_otherwise", "14"),
    ("a format with an exponent", (14, book.SCIENTIFIC), "review", "shown_otherwise", "14"),
    ("a format that groups thousands", (1102, book.GROUPED), "accepted", "soft_limit", "1102"),
    ("a struck number", (14, book.STRUCK), "review", "struck_out", "14"),
    ("more digits than are typed", 14.000000000000002, "review", "shown_otherwise", "14.000000000000002"),
    ("a truth", {"t": "b", "v": 1}, "rejected", "unreadable_number", None),
    ("an infinite number", {"t": "n", "v": "1e999"}, "review", "cell_error", None),
    ("a date", AT, "rejected", "unreadable_number", None),
    ("a text with a comparator", "<5", "accepted", None, "5"),
    ("a number as text", "14", "accepted", None, "14"),
    ("thousands as text", "1,102", "review", "thousands", None),
]


@pytest.mark.parametrize(("name", "value", "decision", "code", "number"), CELLS, ids=[case[0] for case in CELLS])
def test_what_a_value_cell_holds_decides_its_fate(name, value, decision, code, number):
    (found,) = observed(row(value))
    assert (found.decision, found.value) == (decision, number)
    assert codes(found) == ([code] if code else []) or code in codes(found)


def test_a_sign_that_a_format_shows_is_read_and_held():
    (found,) = observed(row((5, book.BELOW)))
    assert (found.comparator, found.text) == ("<", '<5 ["<"0]')


def test_a_number_is_exact_whatever_the_decimal_sign_of_the_laboratory():
    content = workbook([HEADER, row(1.102, test="Fibrinogen", unit="g/L"), row("1,2", test="Fibrinogen", unit="g/L")])
    number, text = reading(content, mapping='decimal = ","').observations
    assert (number.value, text.value) == ("1.102", "1.2")


@pytest.mark.parametrize("epoch_1904", [False, True])
def test_day_numbers_are_dates_in_the_workbooks_own_count(epoch_1904):
    at = (day_number(MORNING, epoch_1904=epoch_1904), book.DATE_TIME)
    (found,) = observed(row(14, at=at), epoch_1904=epoch_1904)
    assert (utc(found), found.decision) == (MORNING, "accepted")


def test_a_day_number_that_is_not_shown_as_a_date_is_asked():
    (found,) = observed(row(14, at=day_number(MORNING)))
    assert (found.decision, found.collected_ms, codes(found)[0]) == ("review", None, "serial_date")


def test_a_date_cell_without_a_time_of_day_is_held():
    (found,) = observed(row(14, at=(day_number(dt.datetime(2025, 3, 14, tzinfo=dt.UTC)), book.DATE)))
    assert (found.decision, codes(found)) == ("review", ["no_time_of_day"])


def test_date_and_time_cells_stand_together():
    header = ["Patient ID", "Datum", "Uhrzeit", "PLT (K/uL)"]
    cells = [
        "0098",
        (day_number(dt.datetime(2025, 3, 14, tzinfo=dt.UTC)), book.DATE),
        (6 / 24 + 5 / 1440, book.TIME),
        14,
    ]
    (found,) = observed(cells, header=header)
    assert (utc(found), found.decision) == (MORNING, "accepted")


def test_a_declared_form_is_for_texts_and_leaves_date_cells_as_they_are():
    content = workbook([HEADER, row(14), row(15, at="14.03.2025 06:05")])
    found = reading(content, date_format="%d.%m.%Y %H:%M").observations
    assert [(utc(one), one.decision) for one in found] == [(MORNING, "accepted")] * 2


@pytest.mark.parametrize(("patient", "known_as"), [(98, "98"), ((98, book.PADDED), "00000098")])
def test_an_id_in_a_number_cell_is_in_doubt_as_it_keeps_no_zeros(patient, known_as):
    (found,) = observed(row(14, patient=patient))
    assert (found.patient_id, found.decision, codes(found)) == (known_as, "review", ["identity_in_doubt"])


def test_a_merged_id_holds_for_every_row_it_covers():
    found = observed(row(14), row(15, patient=None), merged=["A2:A3"])
    assert [(one.patient_id, one.decision) for one in found] == [("0098", "accepted")] * 2


def test_a_merged_value_stands_for_several_results_and_is_held():
    header = ["Patient ID", "Collected", "PLT (K/uL)", "Fibrinogen (g/L)"]
    first, second = observed(["0098", AT, "clotted", None], header=header, merged=["C2:D2"])
    assert (first.decision, first.quality) == ("no_value", "clotted")
    assert (second.analyte, second.decision, codes(second)) == ("fibrinogen", "review", ["merged_cell"])


def test_hidden_rows_columns_and_sheets_are_read_and_named():
    hidden = reading(workbook([HEADER, row(14)], hidden_rows=[2], hidden_columns=[3]))
    assert [(one.decision, codes(one)) for one in hidden.observations] == [("accepted", ["hidden_row"])]
    assert any("hidden rows" in note for note in hidden.notes) and any(
        "hidden columns" in note for note in hidden.notes
    )
    sheets = {"Old": sheet_xml([HEADER, row(14)])}
    reading_of_hidden = reading(book.archive(parts_of(sheets, hidden_sheets=["Old"])))
    assert len(reading_of_hidden.observations) == 1
    assert "sheet 'Old' is hidden and was read" in reading_of_hidden.notes


def test_a_note_that_somebody_left_at_a_cell_holds_what_is_read_from_it():
    rows = [HEADER, row(14), row(15, test="HGB", unit="g/dL"), row(None)]
    kept = '<comments><commentList><comment ref="D2"/><comment ref="A1"/><comment ref="D4"/><comment ref="H9"/>'
    related = f'<Relationships><Relationship Id="r1" Type="{book.OFFICE}/comments" Target="../comments1.xml"/>'
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": f"{related}</Relationships>",
        "xl/comments1.xml": f"{kept}</commentList></comments>",
    }
    found = reading(book.archive(parts_of({"A": sheet_xml(rows)}) | parts)).observations
    assert [(one.value, one.decision, codes(one)) for one in found] == [
        ("14", "review", ["cell_note"]),
        ("15", "accepted", []),
        (None, "review", ["cell_note"]),
    ]
    with pytest.raises(ImportProblem, match=r"without xl/comments1\.xml"):
        reading(book.archive(parts_of({"A": sheet_xml(rows)}) | {next(iter(parts)): parts[next(iter(parts))]}))


def test_every_sheet_with_results_is_read_and_names_itself_in_the_field():
    wide = [["Patient ID", "Collected", "PLT (K/uL)"], ["0098", AT, 15]]
    content = book.archive(
        parts_of({"A": sheet_xml([HEADER, row(14)]), "B": sheet_xml(wide), "Legend": sheet_xml([["H", "high"]])})
    )
    found = reading(content)
    assert [(one.row, one.field, one.value) for one in found.observations] == [
        (2, "A", "14"),
        (2, "B!PLT (K/uL)", "15"),
    ]
    assert any("'Legend' holds no table" in note for note in found.notes)


def test_results_and_patients_in_one_workbook_are_refused():
    sheets = {"A": sheet_xml([HEADER, row(14)]), "B": sheet_xml([["patient_id", "ward"], ["0098", "3A"]])}
    with pytest.raises(ImportProblem, match="labs in sheet 'A'"):
        reading(book.archive(parts_of(sheets)))


def test_sheets_that_do_not_say_whose_results_they_hold_are_in_doubt_even_for_a_stated_patient():
    xml = sheet_xml([HEADER[1:], row(14)[1:]])
    found = reading(book.archive(parts_of({"Anna": xml, "Berta": xml})), patient_id="0098").observations
    assert [(one.decision, codes(one)) for one in found] == [("review", ["identity_in_doubt"])] * 2


def test_an_error_beside_the_value_holds_the_row():
    (found,) = observed(row(14, at={"t": "e", "v": "#REF!"}))
    assert (found.decision, found.collected_ms, codes(found)) == ("review", None, ["unreadable_time", "cell_error"])


@pytest.mark.parametrize(("column", "decision"), [(1, "review"), (2, "rejected"), (4, "review"), (0, "rejected")])
def test_a_lost_cell_beside_the_value_is_never_passed_over(column, decision):
    cells = row(14)
    cells[column] = {"f": "A1"}
    (found,) = observed(cells)
    assert found.decision == decision
    assert "formula_without_value" in codes(found)


def test_titles_pages_and_footers_of_a_sheet_are_no_rows():
    rows = [["Central laboratory"], [], HEADER, row(14), ["Page 2 of 2"], HEADER, row(15), ["End of report"]]
    found = reading(workbook(rows)).observations
    assert [(one.row, one.decision) for one in found] == [
        (4, "accepted"),
        (5, "ignored"),
        (7, "accepted"),
        (8, "ignored"),
    ]


def test_a_canonical_table_of_events_or_patients_may_be_a_workbook():
    events = reading(
        workbook([["patient_id", "kind", "start"], ["0098", "platelet_transfusion", AT], [98, "procedure", AT]])
    )
    assert [(one.patient_id, one.decision) for one in events.events] == [("0098", "accepted"), ("98", "review")]
    born = (day_number(dt.datetime(2024, 1, 5, tzinfo=dt.UTC)), book.DATE)
    (patient,) = reading(workbook([["patient_id", "birth_date"], ["0098", born]])).patients
    assert (patient.fields, patient.decision) == ({"birth_date": "2024-01-05"}, "accepted")


def test_what_another_writer_makes_is_read_the_same():
    made = openpyxl.Workbook()
    made.active.append(HEADER)
    made.active.append(["0098", MORNING.replace(tzinfo=None), "PLT", 14, "K/uL"])
    made.active.append(["0098", MORNING.replace(tzinfo=None), "Fibrinogen", 0.82, "g/L"])
    out = io.BytesIO()
    made.save(out)
    found = reading(out.getvalue()).observations
    assert [(one.value, utc(one), one.decision) for one in found] == [
        ("14", MORNING, "accepted"),
        ("0.82", MORNING, "accepted"),
    ]


def test_an_old_workbook_is_read_and_says_what_cannot_be_seen_in_it():
    made = xlwt.Workbook()
    sheet = made.add_sheet("Results")
    form = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM")
    for column, name in enumerate(HEADER):
        sheet.write(0, column, name)
    for line, patient in enumerate(["0098", 98], start=1):
        for column, value in enumerate([patient, MORNING.replace(tzinfo=None), "PLT", 14.5, "K/uL"]):
            sheet.write(line, column, value, *([form] if column == 1 else []))
    out = io.BytesIO()
    made.save(out)
    found = reading(out.getvalue())
    assert found.format == "xls"
    assert [(one.value, utc(one), one.decision) for one in found.observations] == [
        ("14.5", MORNING, "accepted"),
        ("14.5", MORNING, "review"),
    ]
    assert any("old workbook" in note for note in found.notes)
