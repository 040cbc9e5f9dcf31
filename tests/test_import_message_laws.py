"""Laws of messages: nothing is dropped, what is written reads back, a damaged file never gives other numbers."""

import datetime as dt
import json
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from khemon.importers import ReadOptions, read
from khemon.importers.staging import DECISIONS
from khemon.models import ImportProblem
from tests import workbooks
from tests.messages import LOINC, UCUM, bundle, observation

here = workbooks.here
pytestmark = pytest.mark.usefixtures("here")
#: Six laws look at twice as many files each: a third of the examples.
ONE_PLACE = settings(
    max_examples=settings().max_examples // 3,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)

OPTIONS = ReadOptions(timezone="UTC", now_ms=workbooks.NOW_MS)
UNITS = {"platelets": "10*9/L", "fibrinogen": "g/L", "d_dimer": "mg/L{FEU}", "hemoglobin": "g/L", "sirolimus": "ng/mL"}
PRINTABLE = st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp", "Cn", "Co"))
IDS = st.text(st.sampled_from("0123456789ABCÄ张-_"), min_size=1, max_size=12)
TIMES = st.integers(946_684_800, workbooks.NOW_MS // 1000).map(
    lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC)
)
NUMBERS = st.builds(lambda digits, places: Decimal(digits).scaleb(-places), st.integers(0, 10**6), st.integers(0, 4))
ROWS = st.lists(
    st.tuples(
        IDS,
        TIMES,
        st.sampled_from(list(UNITS)),
        st.sampled_from(["", "<=", ">", ">="]),
        NUMBERS,
        st.text(PRINTABLE, max_size=12),
    ),
    min_size=1,
    max_size=4,
)
#: Stands around a number until it is written without quotation marks.
MARK = "\ue000"
#: A place in a file, whatever its length.
PLACES = st.floats(0, 1, exclude_max=True)


def escaped(text, signs):
    names = dict(zip(signs, "FSRET", strict=True))
    return "".join(f"{signs[3]}{names[sign]}{signs[3]}" if sign in names else sign for sign in text)


def hl7(rows, signs="|^~\\&", end="\r", zone="+0000"):
    """A message for each row, in delimiters of its own."""
    field, component, repetition = signs[:3]
    lines = []
    for number, (patient, moment, analyte, sign, value, comment) in enumerate(rows, start=1):
        at = moment.strftime("%Y%m%d%H%M%S") + zone
        kind, said = ("SN", f"{sign}{component}{value:f}") if sign else ("NM", f"{value:f}")
        item = f"{LOINC[analyte]}{component}{analyte}{component}LN"
        head = ["MSH", signs[1:], "LAB", "H", "K", "W", at, "", f"ORU{component}R01", str(number), "P", "2.5"]
        lines.append(field.join(head))
        lines.append(field.join(["PID", "1", "", escaped(patient, signs) + component * 4 + "MR" + repetition]))
        lines.append(field.join(["OBR", "1", "", f"F{number}"]))
        lines.append(
            field.join(["OBX", "1", kind, item, "", said, UNITS[analyte], "", "", "", "", "F", "", "", at]),
        )
        lines.append(field.join(["NTE", "1", "", escaped(comment, signs)]))
    return end.join(lines) + end


def fhir(rows):
    """A bundle with a patient and an Observation for each row."""
    found = []
    for patient, moment, analyte, sign, value, comment in rows:
        quantity = {"value": f"{MARK}{value:f}{MARK}", "system": UCUM, "code": UNITS[analyte]} | (
            {"comparator": sign} if sign else {}
        )
        found.append(
            observation(
                code=LOINC[analyte],
                subject={"identifier": {"value": patient}},
                effectiveDateTime=moment.isoformat(),
                valueQuantity=quantity,
                note=[{"text": comment}],
            )
        )
    return bundle(*found).decode().replace(f'"{MARK}', "").replace(f'{MARK}"', "")


def facts(found):
    return [(one.patient_id, one.collected_ms, one.analyte, one.comparator, Decimal(one.value)) for one in found]


def wanted(rows):
    return [(who, int(at.timestamp()) * 1000, what, sign, value) for who, at, what, sign, value, _ in rows]


def numbers(found):
    """The numbers that rules would see, with analyte and time."""
    accepted = [one for one in found if one.decision == "accepted"]
    return Counter((one.collected_ms, one.analyte, one.comparator, Decimal(one.value)) for one in accepted)


@ONE_PLACE
@given(ROWS, st.sampled_from(["|^~\\&", "#*!?%", "|:;$,"]), st.sampled_from(["\r", "\n", "\r\n"]), st.booleans())
def test_results_written_as_hl7_in_any_dialect_read_back_equal(rows, signs, end, in_frames):
    text = hl7(rows, signs, end)
    content = f"\x0b{text}\x1c\r" if in_frames else text
    # A laboratory's own signs may stand in a comment or an id.
    found = read(content.encode(), "x", OPTIONS).observations
    assert facts(found) == wanted(rows)
    assert [one.comment for one in found] == [row[5].strip() or None for row in rows]
    assert [one.row for one in found] == list(range(1, len(rows) + 1))


@ONE_PLACE
@given(ROWS)
def test_results_written_as_fhir_read_back_equal(rows):
    found = read(fhir(rows).encode(), "x", OPTIONS).observations
    assert facts(found) == wanted(rows)
    assert [one.comment for one in found] == [row[5].strip() or None for row in rows]
    assert [one.row for one in found] == list(range(2, len(rows) + 2))


@ONE_PLACE
@given(ROWS, PLACES, st.integers(0, 255), st.sampled_from([hl7, fhir]))
def test_a_changed_byte_changes_at_most_the_number_it_stands_in(rows, place, byte, written):
    content = bytearray(written(rows).encode())
    before = numbers(read(bytes(content), "x", OPTIONS).observations)
    content[int(place * len(content))] = byte
    try:
        reading = read(bytes(content), "x", OPTIONS)
    except ImportProblem:
        return
    assert {one.decision for one in reading.observations} <= set(DECISIONS)
    assert (numbers(reading.observations) - before).total() <= 1
    for one in reading.observations:
        if one.decision == "accepted":
            assert Decimal(one.value) == Decimal(one.text.strip().lstrip("<>= "))


@ONE_PLACE
@given(ROWS, PLACES, st.sampled_from(["|", "^", "~", "\\", "&", "\r", "\n", "\x0b", "", "\r\n", "OBX|"]))
def test_a_stray_or_lost_separator_in_hl7_never_makes_an_accepted_number_that_was_not_there(rows, place, stray):
    text = hl7(rows)
    before = numbers(read(text.encode(), "x", OPTIONS).observations)
    if stray:
        at = int(place * len(text))
        text = text[:at] + stray + text[at:]
    else:
        separators = [at for at, sign in enumerate(text) if sign in "|^~\\&\r"]
        at = separators[int(place * len(separators))]
        text = text[:at] + text[at + 1 :]
    try:
        reading = read(text.encode(), "x", OPTIONS)
    except ImportProblem:
        return
    assert not numbers(reading.observations) - before


@ONE_PLACE
@given(ROWS, PLACES, st.sampled_from([",", '"', ":", "{", "}", "[", "]", "\n", "\\", " ", "."]))
def test_a_stray_sign_in_fhir_never_makes_an_accepted_number_that_was_not_there(rows, place, stray):
    text = fhir(rows)
    before = numbers(read(text.encode(), "x", OPTIONS).observations)
    at = int(place * len(text))
    # A point between two figures is another number.
    if stray == "." and text[at - 1 : at].isdigit():
        return
    try:
        reading = read((text[:at] + stray + text[at:]).encode(), "x", OPTIONS)
    except ImportProblem:
        return
    assert not numbers(reading.observations) - before


CELLS = st.text(PRINTABLE, max_size=8) | st.sampled_from(
    [
        "",
        "14",
        "<5",
        ">^20",
        "1^-^2",
        "777-3^X^LN",
        "PLT",
        "10*9/L",
        "20250314060500",
        "F",
        "C",
        "W",
        "NM",
        "SN",
        "clotted",
    ]
)


@ONE_PLACE
@given(st.lists(st.lists(CELLS, max_size=16), min_size=1, max_size=8))
def test_every_obx_has_exactly_one_fate_whatever_stands_in_its_fields(rows):
    segments = ["MSH|^~\\&|L|H|K|W|2025||ORU^R01", "PID|1||7", *("|".join(["OBX", *row]) for row in rows)]
    found = read("\r".join(segments).encode(), "x", OPTIONS).observations
    assert [one.row for one in found] == list(range(1, len(rows) + 1))
    assert all(one.reasons for one in found if one.decision != "accepted")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | CELLS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "unit", "code", "coding", "text", "reference", "identifier"]), inner
        )
    ),
    max_leaves=6,
)
NAMES = [
    "status",
    "code",
    "subject",
    "effectiveDateTime",
    "valueQuantity",
    "valueString",
    "note",
    "component",
    "specimen",
]


@ONE_PLACE
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), JUNK, max_size=5), min_size=1, max_size=5))
def test_every_observation_is_a_row_or_several_whatever_its_parts_hold(rows):
    content = bundle(*({"resourceType": "Observation"} | row for row in rows))
    found = read(content, "x", OPTIONS).observations
    assert {one.row for one in found} == set(range(2, len(rows) + 2))
    assert all(one.decision != "accepted" for one in found)
    assert json.loads(content)["entry"][0]["resource"]["resourceType"] == "Patient"
