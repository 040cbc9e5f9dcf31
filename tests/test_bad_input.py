"""Bad files through the commands: place, finding and remedy; nothing half-stored, nothing dropped, no patient named.

What the grammar makes of every single cell stands in the tests of the importers; here it goes the whole way.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import random
import sys
from pathlib import Path

import pytest

from tests.shell import Said, imported, khemon, spawned, sqlite

#: A child's id and name that no message may repeat.
CANARY, NAME = "CANARY-0071", "Canaria Secret"
HEADER = "patient_id,collected_at,analyte,value,unit"
TIME = "2026-01-01T08:00:00+00:00"
ROW = f"{CANARY},{TIME},platelets,25,10*9/L"
OTHER = f"{CANARY},2026-01-02T08:00:00+00:00,platelets,45,10*9/L"
EVENTS = "patient_id,kind,start,end,note"
FUTURE = (dt.datetime.now(dt.UTC) + dt.timedelta(days=3)).isoformat()


def csv(*rows: str, header: str = HEADER, end: str = "\n") -> bytes:
    return (end.join([header, *rows]) + end).encode()


def lab(value: str = "25", *, patient=CANARY, at=TIME, analyte="platelets", unit="10*9/L") -> str:
    return ",".join([patient, at, analyte, value, unit])


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite(tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labs.csv"


def batches(url: str) -> list[dict]:
    return khemon("batches", "--db", url, "--json").document["batches"]


def patients(url: str, zone: str = "UTC") -> list[str]:
    said = khemon("status", "--db", url, "--json")
    return [each["patient_id"] for each in said.document["patients"]] if said.code == 0 else []


def assert_no_patient(said: Said) -> None:
    for text in (said.out, said.err):
        assert CANARY.casefold() not in text.casefold()
        assert NAME.casefold() not in text.casefold()


def assert_refused(said: Said, name: str) -> dict:
    """A file-level failure as the contract has it."""
    assert (said.code, list(said.document)) == (2, ["file", "error"])
    assert said.document["file"] == name
    assert list(said.error) == ["where", "found", "remedy"]
    assert all(said.error.values())
    assert said.error["found"] in said.err and "Traceback" not in said.err
    assert_no_patient(said)
    return said.error


# ---- files that cannot be trusted as a whole --------------------------------------------------------------------

BINARY = random.Random(7).randbytes(4_000)
FILES: dict[str, tuple[bytes, str]] = {
    "empty file": (b"", "file"),
    "blank lines only": (b"\n \r\n\n", "file"),
    "header only": (csv(), "line 1"),
    "binary file": (BINARY, "file"),
    "binary tail": (csv(ROW) + BINARY, ""),
    "501 columns": (csv(ROW, header=",".join([HEADER, *(f"c{n}" for n in range(496))])), "line 1"),
    "a million columns": (csv(ROW, header="c," * 1_000_000), "line 1"),
    "ragged rows": (csv(ROW + ",1,2", ROW + ",3", ROW), "line 2"),
    "unclosed quote": (csv(f'"{NAME},{TIME},platelets,25,10*9/L', ROW, ROW), "line 2"),
    "quote closed in the next row": (csv(ROW, f'{CANARY},{TIME},platelets,"25,10*9/L', f'"{ROW}'), "line 3"),
    "text after a closing quote": (csv(f'"{CANARY}"x,{TIME},platelets,25,10*9/L'), "line 2"),
    "NUL bytes": (csv(ROW, lab(patient=f"{CANARY}\0")), "line 3, character 12"),
    "control characters": (csv(lab(patient=f"{CANARY}\x1b[31m")), "line 2, character 12"),
    "invalid UTF-8": (csv(ROW) + f"{CANARY},{TIME},platelets,25,µL\n".encode("latin-1"), "line 3"),
    "UTF-16 without a mark": (csv(ROW).decode().encode("utf-16-le"), "file"),
    "UTF-8 cut in a letter": (csv(lab(patient="张三"))[:-44] + b"\xe5", "line 2"),
    "semicolons": (csv(ROW).replace(b",", b";"), "line 1"),
    "tabs": (csv(ROW).replace(b",", b"\t"), "line 1"),
    "colons": (csv(ROW).replace(b",", b":"), "line 1"),
    "no header": (csv(ROW, OTHER, header=ROW), "line 1"),
    "no header, equal cells": (csv(f"{NAME},{NAME},25", header=f"{NAME},{NAME},25"), "line 1"),
    "no unit column": (csv(f"{CANARY},{TIME},platelets,25", header="patient_id,collected_at,analyte,value"), "line 1"),
    "no time column": (csv(f"{CANARY},platelets,25,10*9/L", header="patient_id,analyte,value,unit"), "line 1"),
    "no patient column": (csv(f"{TIME},platelets,25,10*9/L", header=HEADER[11:]), "line 1"),
    "a column twice": (csv(f"{ROW},30", header=f"{HEADER},Value"), "line 1"),
    "two byte-order marks": (b"\xef\xbb\xbf" * 2 + csv(ROW), "line 1"),
    "a line of ten megabytes": (csv(ROW, CANARY * 1_000_000), "line 3"),
    "a first line of ten megabytes": (CANARY.encode() * 1_000_000, "line 1"),
    "a cell of two megabytes": (csv(lab(patient=CANARY * 200_000)), "line 2"),
    "an id of 10,000 characters": (csv(lab(patient=CANARY * 1_000)), "line 2, column 1"),
    "rows parted by U+2028": (csv(ROW, ROW).replace(b"\nC", "\u2028C".encode()), ""),
    "a picture": (b"\x89PNG\r\n\x1a\n" + BINARY, "file"),
    "a workbook": (b"PK\x03\x04" + BINARY, "file"),
    "a web page": (f"<html><body>{NAME}</body></html>".encode(), "file"),
    "JSON that is no table": (json.dumps({"patient_id": CANARY, "name": [NAME]}).encode(), "file"),
    "HL7": (f"MSH|^~\\&|LAB|\rPID|1||{CANARY}||{NAME}\r".encode(), "file"),
}


@pytest.mark.parametrize("name", list(FILES))
def test_a_file_that_cannot_be_trusted_is_refused_whole(url, path, name):
    content, where = FILES[name]
    path.write_bytes(content)
    error = assert_refused(imported(path, url), "labs.csv")
    assert error["where"].startswith(where)
    assert (batches(url), patients(url)) == ([], [])
    assert assert_refused(khemon("evaluate", path, "--json"), "labs.csv") == error


@pytest.mark.parametrize("name", ["header only", "unclosed quote", "NUL bytes", "invalid UTF-8", "ragged rows"])
def test_what_was_stored_before_stays_as_it_was(url, path, name):
    path.write_bytes(csv(ROW))
    imported(path, url)
    before = khemon("status", "--db", url, "--as-of", "2026-02-01T00:00Z", "--json").out
    path.write_bytes(FILES[name][0])
    assert imported(path, url).code == 2
    assert khemon("status", "--db", url, "--as-of", "2026-02-01T00:00Z", "--json").out == before
    assert len(batches(url)) == 1
    assert khemon("check", "--db", url, "--json").document["sound"]


@pytest.mark.parametrize("option", ["--events", "--patients"])
@pytest.mark.parametrize("name", ["empty file", "binary file", "invalid UTF-8", "a file of results", "not there"])
def test_evaluate_names_the_file_that_is_bad(tmp_path, path, option, name):
    path.write_bytes(csv(ROW))
    second = tmp_path / "second.csv"
    if name != "not there":
        second.write_bytes(csv(ROW) if name == "a file of results" else FILES[name][0])
    assert_refused(khemon("evaluate", path, option, second, "--json"), "second.csv")


@pytest.mark.parametrize("kind", ["missing", "folder", "loop", "dangling link", "empty name"])
def test_a_path_that_is_no_readable_file_is_refused(tmp_path, url, kind):
    path = {"folder": tmp_path, "empty name": Path()}.get(kind, tmp_path / "nix.csv")
    if kind in ("loop", "dangling link"):
        path.symlink_to(path if kind == "loop" else tmp_path / "gone.csv")
    for said in (imported(path, url), khemon("evaluate", path, "--json")):
        assert (said.code, list(said.document)) == (2, ["file", "error"])
        assert said.error["remedy"]
    assert batches(url) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such names")
def test_a_file_whose_name_is_no_text_is_read(tmp_path, url):
    path = tmp_path / "Pr\udcfcfung.csv"
    path.write_bytes(csv(ROW))
    said = imported(path, url)
    assert (said.code, said.document["file"]) == (0, "Pr\\udcfcfung.csv")
    assert khemon("evaluate", path, "--json").code == 0


def test_a_link_to_a_file_is_read(tmp_path, url, path):
    path.write_bytes(csv(ROW))
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    assert imported(link, url).code == 0


# ---- rows that cannot be used, or need a person -----------------------------------------------------------------

ROWS: dict[str, tuple[str, str, str]] = {
    "unknown analyte": (lab(analyte="zinc"), "ignored", "unknown_analyte"),
    "unknown unit": (lab(unit="bananas"), "rejected", "unknown_unit"),
    "missing unit": (lab(unit=""), "rejected", "unknown_unit"),
    "decimal comma": (lab('"1,5"'), "rejected", "unreadable_number"),
    "underscore": (lab("1_000"), "rejected", "unreadable_number"),
    "nan": (lab("nan"), "rejected", "unreadable_number"),
    "infinity": (lab("Infinity"), "rejected", "unreadable_number"),
    "below zero": (lab("<0"), "rejected", ""),
    "negative": (lab("-5"), "rejected", "unreadable_number"),
    "exponent": (lab("1E5"), "rejected", "unreadable_number"),
    "beyond all floats": (lab("1e400"), "rejected", "unreadable_number"),
    "hexadecimal": (lab("0x10"), "rejected", "unreadable_number"),
    "arabic digits": (lab("٣٥"), "rejected", "unreadable_number"),
    "superscript": (lab("²"), "rejected", "unreadable_number"),
    "fraction": (lab("½"), "rejected", "unreadable_number"),
    "right to left": (lab("\u202e58"), "rejected", "unreadable_number"),
    "formula": (lab("=1+1"), "rejected", "unreadable_number"),
    "comparator alone": (lab(">"), "rejected", "unreadable_number"),
    "two comparators": (lab("<<5"), "rejected", "unreadable_number"),
    "25 digits": (lab("1" * 25), "rejected", "unreadable_number"),
    "24 digits": (lab("1" * 24), "review", "hard_limit"),
    "future date": (lab(at=FUTURE), "review", "future_time"),
    "skipped by daylight saving": (lab(at="2026-03-29T02:30:00"), "review", ""),
    "doubled by daylight saving": (lab(at="2025-10-26T02:30:00"), "review", ""),
    "no time": (lab(at=""), "rejected", "no_time"),
    "words for a time": (lab(at="yesterday"), "rejected", "unreadable_time"),
    "30 February": (lab(at="2026-02-30T08:00:00Z"), "rejected", "unreadable_time"),
    "leap second": (lab(at="2026-06-30T23:59:60Z"), "rejected", "unreadable_time"),
    "an offset of 99 hours": (lab(at="2026-01-01T08:00:00+99:99"), "rejected", "unreadable_time"),
    "epoch seconds": (lab(at="1767254400"), "rejected", "unreadable_time"),
    "year 1": (lab(at="0001-01-01T00:00:00Z"), "review", "implausible_time"),
    "year 9999": (lab(at="9999-12-31T23:59:59-14:00"), "review", ""),
    "day or month": (lab(at="02/03/2026 08:00"), "review", ""),
    "date alone": (lab(at="2026-01-01"), "review", "no_time_of_day"),
    "no patient": (lab(patient=""), "rejected", "no_patient"),
    "blank patient": (lab(patient='"  "'), "rejected", "no_patient"),
    "clotted": (lab("clotted"), "no_value", ""),
}


@pytest.mark.parametrize("name", list(ROWS))
def test_a_bad_row_has_its_fate_and_reason_and_spoils_no_other(url, path, name):
    row, decision, code = ROWS[name]
    path.write_bytes(csv(ROW, row, OTHER))
    said = khemon("import", path, "--db", url, "--timezone", "Europe/Berlin", "--json")
    document = said.document
    assert said.code == (1 if decision in ("rejected", "review", "conflict") else 0)
    assert [each["decision"] for each in document["rows"]] == ["accepted", decision, "accepted"]
    assert document["counts"]["read"] == sum(document["counts"].values()) - document["counts"]["read"] == 3
    told = document["rows"][1]
    assert told["row"] == 3
    assert any(reason.startswith(code) for reason in told["reasons"]) or (not code and decision == "no_value")
    assert said.err == ""
    read = khemon("evaluate", path, "--timezone", "Europe/Berlin", "--json")
    assert read.code == 1
    assert [(each["row"], each["decision"]) for each in read.document["not_used"]] == [(3, decision)]
    assert CANARY not in read.err
    assert khemon("check", "--db", url, "--json").document["sound"]


def test_ragged_rows_among_good_ones_are_rejected_by_line(url, path):
    path.write_bytes(csv(ROW, f"{CANARY},{TIME}", OTHER, f"{lab('30', at='2026-01-03T08:00:00Z')},surplus"))
    rows = imported(path, url).document["rows"]
    assert [(each["row"], each["decision"]) for each in rows] == [
        (2, "accepted"),
        (3, "rejected"),
        (4, "accepted"),
        (5, "rejected"),
    ]


def test_every_row_of_a_file_of_nothing_but_bad_rows_is_kept(url, path):
    path.write_bytes(csv(*(row for row, *_ in ROWS.values())))
    document = khemon("import", path, "--db", url, "--timezone", "Europe/Berlin", "--json").document
    assert [each["row"] for each in document["rows"]] == list(range(2, len(ROWS) + 2))
    assert document["counts"]["accepted"] == 0
    assert batches(url)[0]["counts"] == document["counts"]


#: Rows of events.csv, their decision and the start of a reason.
EVENT_ROWS = {
    "no start": (f"{CANARY},plasma,,,", "rejected", "no_time"),
    "end before start": (f"{CANARY},sirolimus,2026-01-02T08:00Z,2026-01-01T08:00Z,", "rejected", "end_before_start"),
    "unknown kind": (f"{CANARY},leeches,{TIME},,", "rejected", "unknown_kind"),
    "no patient": (f",plasma,{TIME},,", "rejected", "no_patient"),
    "future start": (f"{CANARY},plasma,{FUTURE},,", "review", "future_time"),
    "year 9999": (f"{CANARY},plasma,{TIME},9999-12-31T23:59Z,", "review", "implausible_time"),
    "skipped hour": (f"{CANARY},plasma,2026-03-29T02:30:00,,", "review", ""),
    "date alone": (f"{CANARY},plasma,2026-01-01,,", "review", "no_time_of_day"),
}


@pytest.mark.parametrize("name", list(EVENT_ROWS))
def test_a_bad_event_has_its_fate_and_reason(url, path, name):
    row, decision, code = EVENT_ROWS[name]
    path.write_bytes(csv(f"{CANARY},plasma,{TIME},,", row, header=EVENTS))
    said = khemon("import", path, "--db", url, "--timezone", "Europe/Berlin", "--json")
    first, second = said.document["rows"]
    assert (said.code, said.err, first["decision"], second["decision"]) == (1, "", "accepted", decision)
    assert any(reason.startswith(code) for reason in second["reasons"])
    labs = path.with_name("other.csv")
    labs.write_bytes(csv(ROW))
    read = khemon("evaluate", labs, "--events", path, "--timezone", "Europe/Berlin", "--json")
    assert read.code == 1
    assert [(each["file"], each["row"]) for each in read.document["not_used"]] == [("labs.csv", 3)]


def test_overlapping_courses_and_results_after_death_are_kept(url, path):
    courses = [f"{CANARY},sirolimus,2026-01-0{day}T08:00Z,2026-02-0{day}T08:00Z," for day in (1, 2, 3)]
    path.write_bytes(csv(*courses, f"{CANARY},death,2025-12-01T08:00Z,,", header=EVENTS))
    assert imported(path, url).document["counts"]["accepted"] == 4
    path.write_bytes(csv(ROW, OTHER))
    assert imported(path, url).document["counts"]["accepted"] == 2
    assert khemon("alerts", "--db", url, "--json").document == {"alerts": []}
    assert khemon("check", "--db", url, "--json").document["sound"]


# ---- whose results these are ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["NA", "None", "null", "nan", "0012345", "1e5", "-1", "=1+1", "<b>", "a,b", "张三"])
def test_an_id_is_kept_to_the_letter(url, path, name):
    path.write_bytes(csv(lab(patient=f'"{name}"')))
    assert imported(path, url).document["rows"][0]["patient_id"] == name
    assert patients(url) == [name]
    read = khemon("evaluate", path, "--json").document
    assert [each["patient_id"] for each in read["patients"]] == [name]


def test_ids_that_look_alike_are_kept_apart(url, path):
    ids = ["7", "07", "007", "p7", "P7", "7.0", "\uff307"]
    path.write_bytes(csv(*(lab(str(20 + number), patient=name) for number, name in enumerate(ids))))
    assert imported(path, url).document["counts"]["accepted"] == len(ids)
    assert patients(url) == sorted(ids)


def test_blanks_around_an_id_are_not_part_of_it(url, path):
    path.write_bytes(csv(lab(patient=f" {CANARY}"), lab(patient=f"{CANARY} "), lab(patient=f"{CANARY}\u00a0")))
    counts = imported(path, url).document["counts"]
    assert (counts["accepted"], counts["duplicate"], patients(url)) == (1, 2, [CANARY])


def test_two_patients_in_one_file_are_kept_apart(url, path):
    path.write_bytes(csv(lab("25"), lab("250", patient="P2"), lab("26", at="2026-01-02T08:00:00Z")))
    imported(path, url)
    told = khemon("status", "--db", url, "--json").document["patients"]
    low = {each["patient_id"]: "thrombocytopenia" in {e["rule"] for e in each["episodes"]} for each in told}
    assert low == {CANARY: True, "P2": False}


def test_a_name_in_a_column_that_is_not_read_goes_nowhere(url, path, tmp_path):
    path.write_bytes(csv(f"{NAME},{ROW}", header=f"surname,{HEADER}"))
    said = imported(path, url)
    assert said.code == 0
    assert NAME not in said.out + said.err


# ---- what is odd but certain ------------------------------------------------------------------------------------

SAME = {
    "line feeds": csv(ROW, OTHER),
    "carriage returns": csv(ROW, OTHER, end="\r"),
    "both": csv(ROW, OTHER, end="\r\n"),
    "mixed": csv(ROW, OTHER).replace(b"\n", b"\r\n", 1),
    "no last line end": csv(ROW, OTHER).rstrip(),
    "blank lines": csv("", ROW, ",,,,", OTHER, ""),
    "byte-order mark": b"\xef\xbb\xbf" + csv(ROW, OTHER),
    "UTF-16 with its mark": csv(ROW, OTHER).decode().encode("utf-16"),
    "another case": csv(ROW, OTHER, header=HEADER.upper()),
    "blanks in the header": csv(ROW, OTHER, header=HEADER.replace(",", " , ")),
    "quoted": csv(*(",".join(f'"{cell}"' for cell in row.split(",")) for row in (ROW, OTHER))),
    "another order": csv(
        *(",".join(reversed(row.split(","))) for row in (ROW, OTHER)), header=",".join(reversed(HEADER.split(",")))
    ),
    "a surplus column": csv(f"{ROW},22", f"{OTHER},22", header=f"{HEADER},shoe_size"),
    "trailing empty cells": csv(f"{ROW},,", f"{OTHER},,"),
}


@pytest.mark.parametrize("name", list(SAME))
def test_the_same_table_in_another_dress_is_read_the_same(url, path, name):
    path.write_bytes(SAME[name])
    said = imported(path, url)
    assert (said.code, said.err) == (0, "")
    told = [(each["patient_id"], each["collected_at"], each["text"]) for each in said.document["rows"]]
    assert told == [(CANARY, TIME, "25"), (CANARY, "2026-01-02T08:00:00+00:00", "45")]


def test_thousands_of_equal_rows_are_one_result(url, path):
    path.write_bytes(csv(*[ROW] * 10_000))
    counts = imported(path, url).document["counts"]
    assert (counts["accepted"], counts["duplicate"]) == (1, 9_999)
    assert khemon("evaluate", path, "--json").code == 0


def test_times_before_1970_are_times(url, path):
    path.write_bytes(csv(lab(at="1969-12-31T23:59:59Z"), lab("26", at="1950-05-05T00:00:00Z")))
    assert imported(path, url).document["counts"]["accepted"] == 2
    assert khemon("check", "--db", url, "--json").document["sound"]


# ---- databases --------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Place:
    """Something that stands where a database should."""

    content: bytes | None
    mode: int = 0o644


PLACES = {
    "random bytes": Place(BINARY),
    "a text file": Place(csv(ROW)),
    "the start of a database": Place(b"SQLite format 3\0" + bytes(84)),
    "a folder": Place(None),
}


@pytest.mark.parametrize("name", list(PLACES))
def test_what_is_no_database_is_refused_and_left_as_it_is(tmp_path, path, name):
    path.write_bytes(csv(ROW))
    place, wanted = tmp_path / "khemon.db", PLACES[name]
    if wanted.content is None:
        place.mkdir()
    else:
        place.write_bytes(wanted.content)
        place.chmod(wanted.mode)
    before = place.stat().st_mode
    for command in (("import", path, "--timezone", "UTC"), ("status",), ("check",), ("alerts",), ("undo", "x")):
        said = khemon(*command, "--db", sqlite(tmp_path), "--json")
        assert (said.code, said.out, "Remedy: " in said.err) == (2, "", True)
        assert_no_patient(said)
    assert place.stat().st_mode == before
    assert wanted.content is None or place.read_bytes() == wanted.content


@pytest.mark.parametrize("part", [0.01, 0.3, 0.9])
def test_a_truncated_database_is_refused(tmp_path, path, url, part):
    path.write_bytes(csv(ROW, OTHER))
    imported(path, url)
    whole = (tmp_path / "khemon.db").read_bytes()
    (tmp_path / "khemon.db").write_bytes(whole[: int(len(whole) * part)])
    for command in (("import", path), ("status",), ("check",)):
        said = khemon(*command, "--db", url, "--json")
        assert (said.code, "Remedy: " in said.err) == (2, True)


URLS = (
    "khemon.db",
    "sqlite://",
    "sqlite:///:memory:",
    "mysql://ward:hunter2@127.0.0.1/ward",
    "postgres://ward:hunter2@127.0.0.1:1/ward",
    "postgresql://ward:hunter2@127.0.0.1:1/ward",
    "postgresql://ward:hunter2@127.0.0.1:nonsense/ward",
    "postgresql+psycopg2://ward:hunter2@127.0.0.1:1/ward",
    "postgresql+asyncpg://ward:hunter2@127.0.0.1:1/ward",
    "sqlite+aiosqlite:///ward.db",
    "sqlite:///ward.db?mode=ro",
    "sqlite:///file:ward.db?mode=memory&uri=true",
    "sqlite:///a\0b",
)


@pytest.mark.parametrize("url", URLS)
def test_a_database_that_cannot_be_opened_is_refused_without_its_password(tmp_path, path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    path.write_bytes(csv(ROW))
    said = khemon("import", path, "--db", url, "--timezone", "UTC", "--json")
    assert (said.code, said.out, "Remedy: " in said.err) == (2, "", True)
    assert "hunter2" not in said.err
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "option",
    [
        ("--mapping", "nix.toml"),
        ("--mapping", "."),
        ("--encoding", "klingon"),
        ("--encoding", "zlib"),
        ("--date-format", "%Q"),
        ("--date-format", "%d%d%m%Y"),
        ("--on-conflict", "win"),
        ("--timezone", "Mars/Olympus"),
    ],
    ids=" ".join,
)
def test_an_option_that_cannot_hold_is_refused_and_nothing_is_stored(tmp_path, url, path, option):
    path.write_bytes(csv(ROW))
    said = khemon("import", path, "--db", url, "--timezone", "UTC", "--json", *option)
    assert said.code == 2
    assert_no_patient(said)
    assert batches(url) == []


def test_as_a_process_no_failure_shows_a_traceback_or_a_patient(tmp_path, path):
    path.write_bytes(FILES["invalid UTF-8"][0])
    said = spawned("import", path, "--db", sqlite(tmp_path), "--timezone", "UTC", "--json")
    assert_refused(said, "labs.csv")
