"""Lists for a spreadsheet: read back as they were written, and nothing in them is computed."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khemon.actions.file_rows import HEAD, not_accepted_csv
from khemon.actions.import_files import Options, commit
from khemon.exporters.csv_table import csv_table, defused
from khemon.models import Actor

NURSE = Actor(name="nurse", kind="local")
NOW_MS = 1_772_700_000_000
TEXTS = st.text(st.sampled_from("=+-@＝＋\t\r\n;,\"'ab1 \0é"), max_size=8)  # noqa: RUF001


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1", "＝1", "\0=1"])  # noqa: RUF001
def test_a_cell_that_begins_as_a_formula_is_text(text):
    assert defused(text).startswith("'")


@pytest.mark.parametrize("text", ["", "80", "<5", "a=b", "P1;2026-01-01;-5;g/L", "clotted", "'=1"])
def test_other_cells_stay_as_they_are(text):
    assert defused(text) == text


def test_a_formula_behind_the_separator_of_another_country_is_text_too():
    assert defused("P1;=cmd|'/C calc'!A0;+x;-5") == "P1;'=cmd|'/C calc'!A0;'+x;-5"


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=4))
def test_every_cell_reads_back_as_what_was_written_but_for_the_apostrophes(rows):
    content = csv_table(("a", "b"), rows)
    assert content.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert read == [["a", "b"], *([defused(cell) for cell in row] for row in rows)]
    assert not [cell for row in read for cell in row if cell[:1] in "=+-@\t\r" and cell]


def test_what_an_import_did_not_accept_leaves_with_its_rows_as_they_arrived_and_is_audited(store):
    head = "Patient;Datum;Analyt;Wert;Einheit;Notiz\n"
    rows = (
        "P1;2026-03-01 08:00;Thrombozyten;80;G/L;\n",
        'P1;2026-03-01 09:00;Thrombozyten;81;bananas;"two\nlines"\n',
        "=cmd|'/C calc'!A0;2026-03-01 10:00;Thrombozyten;geronnen;G/L;Größe\n",
    )
    options = Options(now_ms=NOW_MS, timezone="UTC", encoding="cp1252")
    document = commit(store, NURSE, (head + "".join(rows)).encode("cp1252"), "=x.csv", options).document
    content = not_accepted_csv(store, NURSE, document["batch"], NOW_MS)
    first, *lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert tuple(first) == HEAD
    found = [dict(zip(HEAD, line, strict=True)) for line in lines]
    assert [(line["row"], line["decision"]) for line in found] == [("3", "rejected"), ("5", "no_value")]
    assert {line["file"] for line in found} == {"'=x.csv"}
    assert found[0]["row_as_received"] == rows[1].rstrip("\n")
    assert found[1]["row_as_received"] == "'" + rows[2].rstrip("\n")
    assert found[1]["patient_id"] == "'=cmd|'/C calc'!A0"
    assert "bananas" in found[0]["reasons"]
    with store.reading() as reader:
        last = list(reader.audit_rows())[-1]
    assert (last.action, last.object) == ("export", f"batch {document['batch']}")
    assert json.loads(last.details) == {"what": "rows that were not accepted"}
