"""A file that cannot be trusted is refused with place, finding and remedy; a row that cannot, with its line."""

import codecs
import datetime as dt

import pytest

from khemon.importers import ReadOptions, load_mapping, read
from khemon.models import ImportProblem

NOW_MS = int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp() * 1000)
HEADER = "patient_id,collected_at,analyte,value,unit"
ROW = "P1,2026-01-01T08:00:00+00:00,platelets,87,10*9/L"


def reading(text, **options):
    content = text if isinstance(text, bytes) else text.encode()
    return read(content, "file", ReadOptions(timezone="Europe/Berlin", now_ms=NOW_MS, **options))


def labs(*rows, header=HEADER, **options):
    return reading("\n".join([header, *rows]) + "\n", **options).observations


def refused(text, **options):
    with pytest.raises(ImportProblem) as caught:
        reading(text, **options)
    problem = caught.value
    assert problem.where
    assert problem.found
    assert problem.remedy
    return problem


WHOLE_FILES = [
    ("empty file", b"", "file", "empty"),
    ("only blank lines", b"\n\n  \n", "file", "empty"),
    ("only a byte-order mark", b"\xef\xbb\xbf\n", "file", "empty"),
    ("only a separator character", b"\x1c", "file", "binary"),
    ("header only", f"{HEADER}\n", "line 1", "no row"),
    ("events, header only, not by commas", "patient_id;kind;start\n", "line 1", "commas"),
    ("binary file", bytes(range(256)) * 8, "file", "binary"),
    ("picture", b"\x89PNG\r\n\x1a\n" + bytes(100), "file", "picture"),
    ("zip or XLSX", b"PK\x03\x04" + bytes(100), "file", "XLSX"),
    ("XLS", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "file", "XLS"),
    ("PDF", b"%PDF-1.7\n", "file", "PDF"),
    ("JSON without results", '[{"a": 1}]', "the records", "no known column"),
    ("FHIR", '\ufeff {"resourceType": "Bundle"}', "file", "FHIR"),
    ("HL7", "MSH|^~\\&|LAB\rPID|1\r", "file", "HL7"),
    ("XML", "<?xml version='1.0'?><a/>", "file", "XML"),
    ("501 columns", ",".join(f"c{number}" for number in range(501)) + "\n" + ROW, "line 1", "501 columns"),
    ("a million columns", "x," * 1_000_000, "line 1", "1000001 columns"),
    ("a line that never ends", f"{HEADER}\n{ROW}{' ' * 70_000}\n", "line 2", "longer"),
    ("a cell that is too long", f"{HEADER},comment\n{ROW},{'x' * 1025}\n", "line 2, column 6", "1025"),
    ("NUL byte", f"{HEADER}\n{ROW}\nP\0,x\n", "line 3, character 2", "NUL"),
    ("control character", f"{HEADER}\n{ROW}\nP\x07,x\n", "line 3, character 2", "control"),
    (
        "unclosed quote at the end",
        f'{HEADER}\n{ROW}\nP1,2026-01-01T08:00:00Z,platelets,"87,10*9/L\n{ROW}\n',
        "line 3",
        "not closed",
    ),
    ("unclosed quote that a later one closes", f'{HEADER},comment\n{ROW},"a\n{ROW},b"\n', "line 2", "not closed"),
    ("unclosed quote before a quoted row", f'{HEADER}\n"{ROW}\n"P2",x,y,z,u\n', "line 2", "quotation"),
    ("text behind a closing quote", f'{HEADER}\n"P"1,x,y,z,u\n', "line 2", "quotation mark"),
    ("two equal headers", f"{HEADER},value\n{ROW},87\n", "line 1", "two columns"),
    ("wrong delimiter", f"{HEADER}\n{ROW}\n".replace(",", ";"), "line 1", "not by commas"),
    ("tabs", f"{HEADER}\n{ROW}\n".replace(",", "\t"), "line 1", "not by commas"),
    ("no known column", "a,b,c\n1,2,3\n", "line 1", "no known column"),
    ("no column for the unit", "patient_id,collected_at,analyte,value\nP1,x,y,z\n", "line 1", "unit"),
    ("no column for the patient", "collected_at,analyte,value,unit\nx,y,z,u\n", "line 1", "whose results"),
    ("results and events at once", f"{HEADER},kind,start\n{ROW},plasma,x\n", "line 1", "labs.csv and of events.csv"),
    ("most rows ragged", f"{HEADER}\n{ROW},1\n{ROW},2\n{ROW}\n", "line 2", "2 of 3 rows"),
    ("UTF-16 without a mark", f"{HEADER}\n{ROW}\n".encode("utf-16-le"), "file", "UTF-16"),
]


@pytest.mark.parametrize(("name", "text", "where", "found"), WHOLE_FILES, ids=[case[0] for case in WHOLE_FILES])
def test_a_file_that_cannot_be_trusted_is_refused_with_place_and_finding(name, text, where, found):
    problem = refused(text)
    assert problem.where == where
    assert found in problem.found


def test_invalid_utf8_names_the_undecided_encoding_the_line_and_candidates():
    problem = refused(f"{HEADER},comment\n{ROW},M\xfcller\n".encode("latin-1"))
    assert problem.where == "line 2"
    assert "encoding is undecided" in problem.found
    assert "cp1252" in problem.remedy


def test_no_byte_is_ever_replaced_when_the_stated_encoding_does_not_fit():
    assert "gbk" in refused(f"{HEADER}\n{ROW},\xff\n".encode("latin-1"), encoding="gbk").found


def test_latin_1_with_bytes_that_only_cp1252_has_is_refused():
    assert "cp1252" in refused(f"{HEADER},comment\n{ROW},".encode() + b"\x80\n", encoding="latin-1").remedy


@pytest.mark.parametrize(
    ("mark", "encoding", "name"),
    [
        (codecs.BOM_UTF8, "utf-8", "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
    ],
)
def test_a_byte_order_mark_decides_the_encoding(mark, encoding, name):
    found = reading(mark + f"{HEADER}\n{ROW}\n".encode(encoding))
    assert (found.encoding, len(found.observations)) == (name, 1)
    assert found.observations[0].patient_id == "P1"


def test_a_stated_encoding_against_the_byte_order_mark_is_refused():
    assert "byte-order mark" in refused(codecs.BOM_UTF8 + f"{HEADER}\n{ROW}\n".encode(), encoding="latin-1").found


def test_an_unknown_stated_encoding_zone_or_date_format_is_refused():
    for options in ({"encoding": "klingon"}, {"date_format": "%d.%m."}):
        with pytest.raises(ImportProblem):
            reading(f"{HEADER}\n{ROW}\n", **options)
    with pytest.raises(ImportProblem, match="time zone"):
        ReadOptions(timezone="Mars/Olympus", now_ms=NOW_MS)


def test_a_row_with_another_number_of_cells_is_rejected_by_line_and_shifts_nothing():
    found = labs(f"{ROW},1", ROW, "P1,2026-01-02T08:00:00Z,platelets,88", ROW, ROW)
    assert [(one.row, one.decision) for one in found] == [
        (2, "rejected"),
        (3, "accepted"),
        (4, "rejected"),
        (5, "accepted"),
        (6, "accepted"),
    ]
    assert found[0].reasons == ["ragged_row: 6 cells where the header has 5"]
    assert found[0].patient_id is None


def test_trailing_empty_cells_and_blank_lines_are_harmless():
    found = labs("", f"{ROW},,", "", ",,,,", ROW)
    assert [(one.row, one.decision) for one in found] == [(3, "accepted"), (6, "accepted")]


def test_a_line_break_inside_a_quoted_comment_is_kept_and_the_lines_still_count():
    found = labs(f'{ROW},"called\nthe ward"', f"{ROW},", header=f"{HEADER},comment")
    assert [(one.row, one.comment) for one in found] == [(2, "called\nthe ward"), (4, None)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(end):
    found = reading(end.join([HEADER, ROW, ROW]) + end).observations
    assert [one.row for one in found] == [2, 3]


def test_a_delimiter_in_the_mapping_reads_canonical_columns():
    mapping = load_mapping(b'delimiter = ";"')
    assert len(reading(f"{HEADER}\n{ROW}\n".replace(",", ";"), mapping=mapping).observations) == 1


def test_a_delimiter_in_the_mapping_that_the_file_contradicts_is_refused():
    assert (
        "semicolon" in refused(f"{HEADER}\n{ROW}\n".replace(",", ";"), mapping=load_mapping(b'delimiter = ","')).found
    )


def test_a_column_nobody_knows_is_named_in_the_notes():
    assert reading(f"{HEADER},shoe_size\n{ROW},23\n").notes == ["column 'shoe_size' is not read"]


def test_two_patients_in_one_file_are_kept_apart():
    assert [one.patient_id for one in labs(ROW, ROW.replace("P1", "P2"))] == ["P1", "P2"]


@pytest.mark.parametrize("patient", ["0012345", "NA", "None", "null", "nan", "1e5", "TRUE", "张三", "-1", "007.0"])
def test_an_id_is_kept_exactly_as_written(patient):
    assert [one.patient_id for one in labs(ROW.replace("P1", patient))] == [patient]


def test_a_row_without_a_patient_is_rejected_and_never_filled_from_the_row_above():
    found = labs(ROW, ROW.replace("P1", ""))
    assert [(one.patient_id, one.decision) for one in found] == [("P1", "accepted"), (None, "rejected")]
    assert found[1].reasons[0].startswith("no_patient")


def test_a_stated_patient_who_is_not_the_one_in_the_file_puts_identity_in_doubt():
    found = labs(ROW, patient_id="P9")
    assert found[0].decision == "review"
    assert found[0].reasons[0].startswith("identity_in_doubt")


def test_an_unknown_analyte_is_ignored_and_still_listed():
    found = labs(ROW.replace("platelets", "ferritin"))
    assert [(one.decision, one.analyte) for one in found] == [("ignored", None)]
    assert found[0].reasons[0].startswith("unknown_analyte")


@pytest.mark.parametrize("unit", ["", "mg", "g/L", "bananas"])
def test_an_unknown_or_missing_unit_is_rejected_with_the_units_to_use(unit):
    found = labs(ROW.replace("10*9/L", unit))
    assert found[0].decision == "rejected"
    assert found[0].canonical_value is None
    assert "use one of: 10*9/L" in found[0].reasons[0]


def test_an_error_names_no_patient():
    problem = refused(f"{HEADER}\nSecretName,x\nSecretName,y,z\n")
    assert "SecretName" not in str(problem)


@pytest.mark.parametrize(
    ("header", "kind"),
    [("patient_id,kind,start,end,dose,unit,note", "events"), ("patient_id,name,birth_date", "patients")],
)
def test_events_and_patients_may_be_none_as_an_export_of_a_child_without_them_says(header, kind):
    found = reading(f"{header}\n")
    assert (found.kind, found.events, found.patients, list(found.observations)) == (kind, [], [], [])
