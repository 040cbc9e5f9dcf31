"""A long labs.csv is read and stored as columns: everything about it is what row by row gives."""

from __future__ import annotations

import datetime as dt
import math
import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from khemon.actions import recompute
from khemon.actions.check import check
from khemon.actions.import_files import Options, record
from khemon.importers import Reading, ReadOptions, read
from khemon.importers.in_columns import InColumns
from khemon.models import Actor, ImportProblem
from khemon.store import ImportMeta, Store
from khemon.store.digests import row_digest, row_digests
from khemon.store.repository.bulk import insert_rows
from khemon.store.repository.seals import VERSION
from khemon.store.tables import METADATA
from tests.store_rows import bring, lab

NOW_MS = int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp() * 1000)
OPTIONS = ReadOptions(timezone="Europe/Berlin", now_ms=NOW_MS)
ACTOR = Actor(name="test", kind="system")
HEADER = ["patient_id", "collected_at", "analyte", "value", "unit"]
MORE = ["specimen_id", "status", "quality", "timing"]

#: Times apart by hours and some that are in doubt, missing or later than now.
TIMES = st.integers(0, 40).map(lambda hour: (dt.datetime(2026, 3, 28, tzinfo=dt.UTC) + hour * STEP).isoformat())
STEP = dt.timedelta(hours=1)
DOUBTFUL = st.sampled_from(["", "2026-03-29 02:30", "2026-03-28", "03/04/2026 08:00", "2027-01-01T00:00Z", "soon"])
SAID = st.sampled_from(
    [
        ("platelets", "25", "10*9/L"),
        ("platelets", " 25 ", "10*9/L"),
        ("platelets", "<10", "10*9/L"),
        ("platelets", "27000", "10*9/L"),
        ("platelets", "clumped", "10*9/L"),
        ("fibrinogen", "0.4", "g/L"),
        ("fibrinogen", "40", "mg/dL"),
        ("fibrinogen", "", "g/L"),
        ("d_dimer", "20", "mg/L{FEU}"),
        ("d_dimer", "0", "mg/L{FEU}"),
        ("hemoglobin", "60", "g/L"),
        ("hemoglobin", "6", "g/l of blood"),
        ("shoe size", "21", "cm"),
    ]
)
IDS = st.sampled_from(["P1", "P2", " P2", "007", "", "x" * 65])
TAGS = st.tuples(
    st.sampled_from(["", "", "S1", "S2"]),
    st.sampled_from(["", "final", "preliminary", "corrected", "cancelled", "odd"]),
    st.sampled_from(["", "", "clotted", "odd"]),
    st.sampled_from(["", "trough", "odd"]),
)
ROWS = st.lists(st.tuples(IDS, TIMES | TIMES | TIMES | DOUBTFUL, SAID, TAGS), min_size=1, max_size=40)
FILES = st.tuples(ROWS, st.booleans(), st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["", "\n", "\n,,,,\n"]))


def content_of(file) -> bytes:
    rows, tagged, end, behind = file
    header = HEADER + MORE if tagged else HEADER
    lines = [",".join((who, when, *said, *(tags if tagged else ()))) for who, when, said, tags in rows]
    return (end.join([",".join(header), *lines]) + behind).encode()


def quoted(content: bytes) -> bytes:
    """The same table with a quotation mark in it, which is read row by row."""
    return content.replace(b"patient_id", b'"patient_id"', 1)


def reading_of(content: bytes) -> Reading | ImportProblem:
    try:
        return read(content, "labs.csv", OPTIONS)
    except ImportProblem as problem:
        return problem


@given(FILES)
def test_columns_hold_what_reading_row_by_row_finds(file):
    found, expected = reading_of(content_of(file)), reading_of(quoted(content_of(file)))
    if isinstance(expected, ImportProblem):
        assert str(found) == str(expected)
        return
    assert isinstance(found.observations, InColumns) and not isinstance(expected.observations, InColumns)
    assert [found.observations.seen(place) for place in range(len(found.observations))] == expected.observations
    assert list(found.observations) == expected.observations
    assert found.observations[-1] is found.observations[len(expected.observations) - 1]
    for name in ("kind", "format", "source", "mapping_digest", "encoding", "layout", "notes"):
        assert getattr(found, name) == getattr(expected, name)


@pytest.mark.parametrize(
    "text",
    [
        "patient_id,collected_at,analyte,value,unit\nP1,2026-01-01T08:00Z,platelets,5,10*9/L,more\n",
        "patient_id,collected_at,analyte,value,unit,comment\nP1,2026-01-01T08:00Z,platelets,5,10*9/L,seen\n",
        "patient_id,collected_at,analyte,value,unit\nP1,2026-01-01T08:00Z,platelets,5,10*9/L\nÄ,,,,\n",
        "patient_id;collected_at;analyte;value;unit\nP1;2026-01-01T08:00Z;platelets;5;10*9/L\n",
        "a title\npatient_id,collected_at,analyte,value,unit\nP1,2026-01-01T08:00Z,platelets,5,10*9/L\n",
        "patient_id,collected_at,analyte,value,unit\nP1,2026-01-01T08:00Z,platelets,5,10*9/L\n"
        "patient_id,collected_at,analyte,value,unit\nP1,2026-01-01T09:00Z,platelets,5,10*9/L\n",
        "patient_id,collected_at,analyte,value,unit\n\n",
    ],
)
def test_a_table_that_is_not_plain_is_read_as_ever(text):
    found = reading_of(text.encode())
    assert isinstance(found, ImportProblem) or not isinstance(found.observations, InColumns)


def test_a_file_longer_than_a_block_keeps_its_line_numbers():
    lines = [
        f"P{number % 7},2026-01-0{1 + number % 9}T08:00Z,platelets,{number % 90 + 5},10*9/L" for number in range(30_000)
    ]
    found = reading_of("\n".join([",".join(HEADER), *lines[:20_000], "", *lines[20_000:]]).encode())
    assert isinstance(found.observations, InColumns)
    assert list(found.observations.lines) == [*range(2, 20_002), *range(20_003, 30_003)]
    assert found.observations.seen(29_999).text == "34"


def tables(store: Store) -> dict[str, list[tuple]]:
    """Everything in the store but names drawn at random and the file itself."""
    found = {}
    with store.reading() as reader:
        for table in (table for table in METADATA.sorted_tables if table.name != "raw_file"):
            columns = [column for column in table.c if column.name not in ("batch", "sha256")]
            rows = [tuple(row) for row in reader._connection.execute(sa.select(*columns))]
            found[table.name] = sorted((row for row in rows if "batch " not in repr(row)), key=repr)
    del found["audit"]
    # The marks of these hold the drawn name of a batch, or follow from it; that of stored episodes is drawn itself.
    drawn = ("batch", "batch_row", "audit", VERSION)
    found["seal"] = [row for row in found["seal"] if not set(drawn) & set(row)]
    return found


def imported(store: Store, contents, *, rows) -> list:
    """What several files of readings leave behind, each given to the store as `rows` makes of it."""
    told = []
    for number, content in enumerate(contents):
        reading = reading_of(content)
        if isinstance(reading, ImportProblem):
            continue
        now_ms = NOW_MS + number
        meta = ImportMeta("labs.csv", content, None, "", "labs", "csv", now_ms, ACTOR)
        given_rows = rows(reading.observations)
        options = Options(now_ms=now_ms, on_conflict="supersede" if number % 2 else "hold")
        outcome, alerts = record(store, meta, Reading("labs", "csv", given_rows), options, "Europe/Berlin", keep=True)
        told += [outcome.counts, outcome.patient_ids, outcome.new_patient_ids, alerts, list(given_rows)]
    return told


def a_row(value: str, hour: int = 8, patient: str = "P1", **tags: str):
    told = tuple(tags.get(name, "") for name in MORE)
    return patient, f"2026-05-01T{hour:02}:00Z", ("platelets", value, "10*9/L"), told


#: One file says the same twice, and two values of one time; the next says one of them again, and another, and corrects.
REPEATED = [a_row("25"), a_row("90", 9), a_row("25"), a_row("30", 9), a_row("40", 10, "P2"), a_row("27000", 11)]
AGAIN = [a_row("25"), a_row("26", 10, "P2"), a_row("41", 10, "P2", status="corrected"), a_row("12", 12)]


@settings(max_examples=8)
@example([(REPEATED, False, "\n", ""), (AGAIN, True, "\n", ""), (REPEATED, False, "\r\n", "\n")])
@given(st.lists(FILES, min_size=1, max_size=3))
def test_columns_are_stored_and_judged_as_rows_are(files):
    contents = [content_of(file) for file in files]
    found = []
    for rows in (lambda observations: observations, list):
        with tempfile.TemporaryDirectory() as folder:
            store = Store(f"sqlite:///{Path(folder) / 'khemon.db'}")
            told = imported(store, contents, rows=rows)
            found.append((told, tables(store)))
            assert check(store, ACTOR, NOW_MS + len(contents))["findings"] == []
            store.close()
    assert found[0] == found[1]


def test_columns_are_stored_as_rows_are_on_either_database(store):
    lines = "\n".join(
        f"P{number % 3},2026-05-{1 + number:02}T08:00Z,platelets,{5 + number},10*9/L" for number in range(31)
    )
    imported(store, [f"{','.join(HEADER)}\n{lines}\n".encode()], rows=lambda observations: observations)
    assert check(store, ACTOR, NOW_MS)["findings"] == []
    with store.reading() as reader:
        assert [row.text for row in reader.results_of("P1")] == [str(5 + number) for number in range(1, 31, 3)]


def test_patients_evaluated_some_at_once_are_those_evaluated_together(store, monkeypatch):
    lines = "\n".join(f"P{number % 9},2026-05-{1 + number // 2:02}T08:00Z,platelets,5,10*9/L" for number in range(60))
    monkeypatch.setattr(recompute, "PATIENTS_AT_ONCE", 2)
    imported(store, [f"{','.join(HEADER)}\n{lines}\n".encode()], rows=lambda observations: observations)
    with store.reading() as reader:
        assert {alert.patient_id for alert in reader.alerts()} == {f"P{number}" for number in range(9)}
    assert check(store, ACTOR, NOW_MS)["findings"] == []


VALUES = st.sampled_from([None, -1, 0, 1, 7])
TEXTS = st.sampled_from([None, "", "a", "it's", "?1", "ä"])


@settings(max_examples=30)
@given(st.lists(st.tuples(VALUES, VALUES, TEXTS, st.sampled_from(["", "a", "it's", "?1"])), min_size=1, max_size=80))
def test_rows_come_out_as_they_went_in(drawn):
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'khemon.db'}")
        bring(store, [lab(1)])
        table = METADATA.tables["episode"]
        rows = [
            (number, 1, said, number, "open", "info", one, other, text, said, "trial", None, "[]", "[]", "[]")
            for number, (one, other, text, said) in enumerate(drawn, start=1)
        ]
        with store.writing() as writer:
            insert_rows(writer._connection, table, rows)
        with store.reading() as reader:
            assert [tuple(row) for row in reader._connection.execute(sa.select(table))] == rows
        store.close()


@given(
    st.lists(
        st.tuples(st.integers(-(2**62), 2**62), st.floats(allow_nan=False), st.text(), st.none(), st.just(math.inf)),
        min_size=1,
    )
)
def test_digests_of_many_rows_are_those_of_each(rows):
    assert row_digests(map(repr, rows)) == [row_digest(row) for row in rows]
