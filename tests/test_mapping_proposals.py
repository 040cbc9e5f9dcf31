"""What is recognized in a file: columns, items and dates; the mapping proposed changes no row; the rest is asked."""

import dataclasses
import datetime as dt
import io
import tomllib
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from khemon.importers import Mapping, ReadOptions, load_mapping, mapping_toml, read, recognized
from khemon.importers.shape import changes, shape_in
from khemon.models import ImportProblem
from tests import workbooks

here = workbooks.here
SAMPLES = Path(__file__).parent / "samples"
PATTERNS = SAMPLES / "patterns"
EXPECTED = tomllib.loads((PATTERNS / "expected.toml").read_text(encoding="utf-8"))["file"]
NOW_MS = int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp() * 1000)
PLAIN = ReadOptions(timezone="UTC", now_ms=NOW_MS)


def seen(content, **stated):
    content = content.encode() if isinstance(content, str) else content
    return recognized(content, dataclasses.replace(PLAIN, **stated))


def every_file():
    """Each file of the samples and of the corpus, with what is stated there besides a mapping."""
    cases = [(PATTERNS / case["name"], case.get("options", {})) for case in EXPECTED if "error" not in case]
    cases += [(path, {}) for path in sorted(SAMPLES.glob("*.csv"))]
    cases += [(SAMPLES / "sample_01_de_wide_latin1_semicolon.csv", {"encoding": "latin-1"})]
    cases += [(SAMPLES / "sample_02_cn_long_gbk.csv", {"encoding": "gbk"})]
    cases += [(SAMPLES / "sample_04_us_mdy_long.csv", {"date_format": "%m/%d/%Y %I:%M %p"})]
    cases += [(SAMPLES / "sample_07_transposed_dates_across.csv", {"patient_id": "0007"})]
    return [pytest.param(path, stated, id=f"{path.name} {' '.join(stated)}".strip()) for path, stated in cases]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("path", "stated"), every_file())
def test_a_proposal_used_unchanged_gives_every_row_as_reading_without_it(path, stated):
    content = path.read_bytes()
    if "mapping" in stated:
        stated = {**stated, "mapping": load_mapping(stated["mapping"].encode())}
    options = dataclasses.replace(PLAIN, **stated)
    try:
        before = read(content, path.name, options)
    except ImportProblem as problem:
        with pytest.raises(ImportProblem) if not hasattr(problem, "asks") else Asked(content, options, problem):
            recognized(content, options)
        return
    made = recognized(content, options).mapping
    assert made.patient_id is None
    again = load_mapping(mapping_toml(made).encode())
    whose = options.patient_id or (options.mapping.patient_id if options.mapping else None)
    own = dataclasses.replace(PLAIN, mapping=again, patient_id=whose, timezone=options.timezone)
    after = read(content, path.name, own)
    assert after.observations == before.observations
    assert after.events == before.events
    assert after.patients == before.patients


class Asked:
    """A file that cannot be read yet is recognized as far as it goes, with the question that stops it."""

    def __init__(self, content, options, problem):
        self.found, self.problem = recognized(content, options), problem

    def __enter__(self):
        assert [question.asks for question in self.found.questions] == [self.problem.asks]
        assert self.found.shape is None

    def __exit__(self, *_):
        return False


LONG = "Pat.-Nr.;Entnahmezeitpunkt;Analyt;Ergebnis;Einheit\n0098;14.03.2025 06:05;Thrombozyten;14;G/l\n0098;15.03.2025 07:05;Fibrinogen;0,82;g/l\n"  # fmt: skip  # noqa: E501


def test_everything_certain_of_a_file_is_proposed():
    found = seen(LONG)
    assert found.questions == ()
    assert found.mapping.model_dump(exclude_none=True) == {
        "encoding": "utf-8",
        "delimiter": ";",
        "layout": "long",
        "decimal": ",",
        "date_format": "%d.%m.%Y %H:%M",
        "columns": {
            "Pat.-Nr.": "patient_id",
            "Entnahmezeitpunkt": "collected_at",
            "Analyt": "analyte",
            "Ergebnis": "value",
            "Einheit": "unit",
        },
        "codes": {"Thrombozyten": "platelets", "Fibrinogen": "fibrinogen"},
        "units": {},
    }


def test_a_column_that_is_not_read_is_shown_with_the_reason():
    found = seen("patient id;collected;test;result;unit;Fnord\n1;2025-03-14 06:05;PLT;14;G/l;x\n")
    assert [(fact.header, fact.meaning, fact.why) for fact in found.columns][-2:] == [
        ("unit", "unit", "a known header"),
        ("Fnord", "", "not known: not read"),
    ]
    assert "Fnord" not in found.mapping.columns


def test_dates_that_could_be_read_two_ways_are_a_question_with_both_readings():
    found = seen("MRN,Collected,Test,Result,Units\n1,03/04/2025 06:05,PLT,14,10*9/L\n")
    [question] = found.questions
    assert (question.asks, question.choices, question.rows) == ("date_format", ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"), 1)
    assert found.mapping.date_format is None


@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"])
def test_an_answer_becomes_part_of_the_mapping_and_closes_the_question(form):
    found = seen("MRN,Collected,Test,Result,Units\n1,03/04/2025 06:05,PLT,14,10*9/L\n", date_format=form)
    assert (found.questions, found.mapping.date_format) == ((), form)


def test_a_code_that_means_two_things_is_asked_for_and_not_proposed():
    found = seen("MRN,Collected,Test,Result,Units\n1,2025-03-04 06:05,TC,14,\n1,2025-03-04 06:05,HGB,8,g/dL\n")
    assert [(one.asks, one.about, one.choices) for one in found.questions] == [
        ("codes", "TC", ("platelets", "cholesterol"))
    ]
    assert found.mapping.codes == {"HGB": "hemoglobin"}


def test_the_code_of_a_standard_is_left_out_because_it_says_more_than_an_analyte():
    # 48066-5 is D-dimer in DDU: as an entry of [codes] it would lose its basis.
    found = seen("MRN,Collected,Code,Result,Units\n1,2025-03-04 06:05,48066-5,0.4,mg/L\n")
    assert found.mapping.codes == {}


def test_units_of_headers_are_proposed_under_units():
    found = seen("MRN,Collected,PLT (10*9/L),Fibrinogen (mg/dL)\n1,2025-03-04 06:05,14,82\n")
    assert found.mapping.columns["Fibrinogen (mg/dL)"] == "fibrinogen"
    assert found.mapping.units == {"platelets": "10*9/L", "fibrinogen": "mg/dL"}


def test_a_missing_unit_is_asked_for_by_analyte():
    found = seen("MRN,Collected,PLT\n1,2025-03-04 06:05,14\n")
    assert [(one.asks, one.about) for one in found.questions] == [("units", "platelets")]


def test_an_unknown_basis_of_d_dimer_is_asked_for():
    found = seen("MRN,Collected,Test,Result,Units\n1,2025-03-04 06:05,D-dimer,1.2,mg/L\n")
    assert [(one.asks, one.choices) for one in found.questions] == [("d_dimer_basis", ("FEU", "DDU"))]
    stated = seen(
        "MRN,Collected,Test,Result,Units\n1,2025-03-04 06:05,D-dimer,1.2,mg/L\n", mapping=Mapping(d_dimer_basis="FEU")
    )
    assert (stated.questions, stated.mapping.d_dimer_basis) == ((), "FEU")


def test_an_undecided_encoding_is_asked_with_the_header_as_each_would_show_it():
    found = seen((SAMPLES / "sample_01_de_wide_latin1_semicolon.csv").read_bytes())
    [question] = found.questions
    shown = dict(zip(question.choices, question.shown, strict=True))
    assert shown["cp1252"].endswith("Hämoglobin;Bemerkung")
    assert "鋗" in shown["gbk"]


def test_a_line_that_may_be_a_patients_is_never_shown_as_a_header():
    content = (SAMPLES / "sample_02_cn_long_gbk.csv").read_bytes()
    [question] = seen(content).questions
    shown = dict(zip(question.choices, question.shown, strict=True))
    assert shown["gbk"].startswith("姓名,病历号")
    assert shown["cp1252"] == shown["latin-1"] == ""


def test_whose_results_they_are_is_asked_and_never_proposed():
    content = (SAMPLES / "sample_07_transposed_dates_across.csv").read_bytes()
    assert [one.asks for one in seen(content).questions] == ["patient_id"]
    assert seen(content, patient_id="0007").mapping.patient_id is None
    assert seen(content, mapping=Mapping(patient_id="0007")).mapping.patient_id is None


def test_headers_that_nobody_knows_are_shown_with_what_each_may_mean():
    found = seen("Kind;Wann;Was;Wieviel\n1;2025-03-04 06:05;PLT;14\n")
    assert [question.asks for question in found.questions] == ["columns"]
    assert [fact.header for fact in found.columns] == ["Kind", "Wann", "Was", "Wieviel"]


def test_khemons_own_files_need_no_columns():
    found = seen("patient_id,kind,start\n1,transfusion,2025-03-04T06:05:00Z\n")
    assert (found.kind, found.mapping.columns, found.questions) == ("events", {}, ())


# ---- shapes ---------------------------------------------------------------------------------------------------


def shape(content, **stated):
    return seen(content, **stated).shape


def words(before, now):
    return [(change.words, change.touches) for change in changes(shape(before), shape(now))]


def test_the_same_layout_with_other_rows_has_the_same_shape():
    assert words(LONG, LONG.replace("14;G/l", "9;G/l").replace("15.03.2025 07:05", "16.03.2025 23:59")) == []


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (LONG.replace("Einheit\n", "Einheit;Fnord\n").replace("/l\n", "/l;x\n"), [("column 'fnord' is new", True)]),
        (
            "Entnahmezeitpunkt;Pat.-Nr.;Analyt;Ergebnis;Einheit\n14.03.2025 06:05;1;Thrombozyten;14;G/l\n",
            [
                ("column 'entnahmezeitpunkt' stands in another place", False),
                ("column 'pat.-nr.' stands in another place", False),
            ],
        ),
        (LONG.replace("Analyt;", "Test;"), [("column 'test' is new", True), ("column 'analyt' is gone", True)]),
        (
            LONG.replace(",", ".").replace(";", "\t"),
            [("columns are separated by '\\t', before by ';'", True), ("the decimal sign is '.', before ','", True)],
        ),
        (
            LONG.replace("14.03.2025", "03.14.2025").replace("15.03.2025", "03.15.2025"),
            [("dates have the month first, before the day first", True)],
        ),
        (
            LONG.replace("06:05", "06:05:00"),
            [("times are written as N.N.NNNN N:N:N, before as N.N.NNNN N:N (N: figures, A: words)", True)],
        ),
        (LONG.replace("Fibrinogen", "Quick"), [("item names not seen before: 'quick'", False)]),
        (LONG.replace("0,82", "<1"), []),
    ],
    ids=["one more", "reordered", "renamed", "other delimiter", "other order", "seconds", "new item", "less certain"],
)
def test_what_changed_is_said_in_words_and_whether_it_may_touch_a_row(other, expected):
    assert words(LONG, other) == expected


def test_a_column_that_was_not_read_is_not_missed():
    wider = LONG.replace("Einheit\n", "Einheit;Fnord\n").replace("/l\n", "/l;x\n")
    assert words(wider, LONG) == [("column 'fnord' is gone", False)]


def test_dates_across_have_one_shape_however_many_there_are():
    one = "Analyte,Unit,2025-03-04 06:05\nPLT,10*9/L,14\n"
    two = "Analyte,Unit,2025-03-05 06:05,2025-03-06 06:05\nPLT,10*9/L,14,15\n"
    assert changes(shape(one, patient_id="1"), shape(two, patient_id="2")) == []


def test_a_workbook_is_another_layout_than_a_text():
    book = openpyxl.Workbook()
    for row in (line.split(";") for line in LONG.splitlines()):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    assert ("the format is xlsx, before csv", True) in words(LONG, out.getvalue())


@given(st.lists(st.text(max_size=20), max_size=8))
def test_a_shape_comes_back_from_its_text(headers):
    own = shape(LONG)
    other = dataclasses.replace(own, tables=(tuple((header, "") for header in headers),), items=tuple(headers))
    assert shape_in(other.text()) == other


@pytest.mark.parametrize("text", ["{}", "[]", "x", '{"tables": 3}', '{"tables": [[1]], "times": [], "items": []}'])
def test_what_is_no_shape_is_refused(text):
    with pytest.raises(ImportProblem, match="not the shape of a file"):
        shape_in(text)


# ---- hostile files --------------------------------------------------------------------------------------------

DAMAGE = [
    b";",
    b",",
    b"\t",
    b'"',
    b"\n",
    b"\\",
    b"=",
    b"]",
    b"\xff",
    b"\0",
    b"Patient",
    b"PLT",
    b"Unit",
    b"03/04/2025 06:05",
    b"TC",
    b"",
]
SMALL = [path.read_bytes() for path in sorted(PATTERNS.glob("*.csv")) if path.stat().st_size < 400]
HOSTILE = ["<img src=x onerror=alert(1)>", "**bold** [x](javascript:1)", "=HYPERLINK(1)", '"]\n[codes]', "a" * 1000, "\u202egnp", "`x`", "$x^2$", "'''", "#", "\\", "\\u0041"]  # fmt: skip  # noqa: E501


@pytest.mark.parametrize("header", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_header_is_quoted_and_changes_no_row(header):
    cell = '"' + header.replace('"', '""').replace("\n", " ") + '"'
    text = LONG.replace("Einheit\n", f"Einheit;{cell}\n").replace("/l\n", "/l;x\n")
    found = seen(text)
    again = load_mapping(mapping_toml(found.mapping).encode())
    assert again == found.mapping
    assert again.codes == {"Thrombozyten": "platelets", "Fibrinogen": "fibrinogen"}
    [change] = changes(shape(LONG), found.shape)
    assert len(change.words) < 80
    assert change.words.isprintable()


def test_a_quotation_mark_that_nobody_closes_still_leaves_the_encoding_a_question():
    [question] = seen(b'"Patient";Wann;H\xe4moglobin;"\n').questions
    assert question.asks == "encoding"


@given(st.data())
def test_damaged_bytes_are_a_problem_in_words_or_a_proposal_that_changes_no_row(data):
    content = bytearray(data.draw(st.sampled_from(SMALL)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 6))] = data.draw(st.sampled_from(DAMAGE))
    try:
        found = seen(bytes(content))
    except ImportProblem:
        return
    again = load_mapping(mapping_toml(found.mapping).encode())
    assert again == found.mapping
    if found.shape is not None:
        with_it = dataclasses.replace(PLAIN, mapping=again)
        before, after = read(bytes(content), "x", PLAIN), read(bytes(content), "x", with_it)
        assert (list(after.observations), after.events) == (list(before.observations), before.events)
        assert changes(found.shape, recognized(bytes(content), with_it).shape) == []


def test_five_hundred_columns_are_recognized_and_five_hundred_and_one_refused():
    more = [f"Extra {number}" for number in range(495)]
    text = LONG.replace("Einheit\n", ";".join(["Einheit", *more]) + "\n").replace("/l\n", "/l" + ";x" * 495 + "\n")
    found = seen(text)
    assert (len(found.columns), len(found.mapping.columns)) == (500, 5)
    with pytest.raises(ImportProblem, match="501 columns"):
        seen(text.replace("Einheit;", "Einheit;One;").replace("/l;", "/l;y;"))


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(ImportProblem, match="the same name"):
        seen(LONG.replace("Analyt;", "Einheit;"))


def test_a_column_named_flag_is_left_alone_by_a_proposal_too():
    text = LONG.replace("Einheit\n", "Einheit;Flag\n").replace("/l\n", "/l;>\n")
    found = seen(text)
    again = dataclasses.replace(PLAIN, mapping=found.mapping)
    assert changes(found.shape, recognized(text.encode(), again).shape) == []
