"""Silent changes are found: by row, by batch, by structure; and faults leave all of an import or nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa

from khemon.models import StoreProblem
from khemon.store import Store, tables
from khemon.store.integrity import check
from khemon.store.triggers import create_triggers
from tests.store_rows import HOUR, NURSE, bring, child, event, lab, undo


@pytest.fixture
def filled(store) -> Store:
    first = bring(store, [lab(10), lab(10), lab(12, decision="review"), lab("<5", at=2 * HOUR)])
    bring(store, [lab(10), lab(20, at=3 * HOUR)])
    bring(store, [event("sirolimus", dose="0.8")])
    bring(store, [child(name="Ana", birth_date="2025-11-02")])
    undo(store, first.batch)
    with store.writing() as writer:
        for number in range(3):
            writer.audit(NURSE, "import", f"batch {number}", {}, number)
    return store


def tamper(store: Store, *statements: str) -> None:
    """Changes rows as someone with the database in hands would: without the triggers, which are put back."""
    engine = sa.create_engine(store.url)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET session_replication_role = replica")
        else:
            for name in [
                row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ]:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.exec_driver_sql(statement)
        if connection.dialect.name == "sqlite":
            create_triggers(connection, [table.name for table in tables.PROTECTED])
    engine.dispose()


def test_a_sound_store_has_no_findings(filled):
    assert check(filled) == []


CHANGES = {
    "a value": ("UPDATE result SET high = 90, text = '90' WHERE text = '20'", "result 200000001"),
    "a bound alone": ("UPDATE result SET low = low / 2 WHERE text = '20'", "result 200000001"),
    "a time": ("UPDATE result SET collected_ms = collected_ms + 1 WHERE text = '20'", "result 200000001"),
    "a patient": ("UPDATE event_version SET start_ms = start_ms + 1", "event_version 300000000"),
    "a birth date": (
        "UPDATE patient_version SET fields = replace(fields, '2025', '2024')",
        "patient_version 400000000",
    ),
    "a kept row": ("UPDATE fate SET decision = 'ignored' WHERE decision = 'review'", "fate 100000002"),
    "a digest": ("UPDATE result SET digest = digest + 1 WHERE text = '20'", "result 200000001"),
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_silent_change_is_found_at_its_row(filled, name):
    statement, where = CHANGES[name]
    tamper(filled, statement)
    assert where in [finding.where for finding in check(filled) if finding.what == "digest"]


@pytest.mark.parametrize("table", ["result", "fate", "event_version", "patient_version"])
def test_a_removed_row_is_found_at_its_batch(filled, table):
    key = tables.METADATA.tables[table].primary_key.columns.keys()[-1]
    tamper(filled, "DELETE FROM settlement", f"DELETE FROM {table} WHERE {key} = (SELECT min({key}) FROM {table})")
    assert {"digest", "counts"} <= {finding.what for finding in check(filled)}


def test_a_removed_restored_row_is_found_at_its_undoing(filled):
    tamper(filled, "DELETE FROM result WHERE restored_by IS NOT NULL")
    assert {finding.what for finding in check(filled)} == {"digest"}
    assert "undoing of batch number 1" in [finding.where for finding in check(filled)]


def test_a_changed_audit_entry_is_named(filled):
    tamper(filled, "UPDATE audit SET actor = 'someone' WHERE sequence = 2")
    assert [(each.what, each.where) for each in check(filled)] == [("audit", "audit entry 2")]


def test_counts_that_do_not_add_up_are_found(filled):
    tamper(filled, """UPDATE batch SET counts = replace(counts, '"read": 4', '"read": 5')""")
    assert {finding.what for finding in check(filled)} == {"counts", "digest"}


def test_a_changed_raw_file_is_found(filled):
    other = "zeroblob(9)" if filled.url.startswith("sqlite") else "'x'::bytea"
    tamper(filled, f"UPDATE raw_file SET compressed = {other} WHERE sha256 = (SELECT min(sha256) FROM raw_file)")
    assert [finding.what for finding in check(filled)] == ["file"]


def test_findings_hold_no_patient_data(filled):
    tamper(filled, "UPDATE result SET comment = 'Ana'", "UPDATE patient_version SET fields = '{}'")
    assert "Ana" not in str(check(filled)) and "P1" not in str(check(filled))


def test_a_dropped_trigger_is_found_while_the_store_is_open(filled):
    engine = sa.create_engine(filled.url)
    with engine.begin() as connection:
        sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql("DROP TRIGGER fate_keep_delete" if sqlite else "DROP TRIGGER fate_keep ON fate")
    engine.dispose()
    assert [finding.what for finding in check(filled)] == ["trigger"]


def test_a_page_torn_out_of_the_file_is_found_or_refused(tmp_path):
    path = tmp_path / "khemon.db"
    store = Store(f"sqlite:///{path}")
    bring(store, [lab(number + 1, at=number * HOUR) for number in range(2_000)])
    store.close()
    whole = path.read_bytes()
    for place in range(8_192, len(whole), 40_960):
        path.write_bytes(whole[:place] + bytes(4_096) + whole[place + 4_096 :])
        try:
            damaged = Store(f"sqlite:///{path}")
        except StoreProblem:
            continue
        try:
            assert check(damaged) != [], place
        except StoreProblem:
            continue
        finally:
            damaged.close()


def test_a_locked_database_is_waited_for_and_then_refused_plainly(tmp_path, monkeypatch):
    monkeypatch.setattr("khemon.store.connection.BUSY_TIMEOUT_MS", 50)
    path = tmp_path / "khemon.db"
    store = Store(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreProblem, match="SQLITE_BUSY") as refused:
            bring(store, [lab(10)])
        other.execute("ROLLBACK")
    assert "nothing was saved" in refused.value.remedy
    bring(store, [lab(10)])
    store.close()


@pytest.mark.faults
def test_a_full_disk_keeps_nothing_of_the_import_and_the_store_stays_readable(tmp_path):
    path = tmp_path / "khemon.db"
    store = Store(f"sqlite:///{path}")
    bring(store, [lab(10)])
    with store.writing() as writer:
        pages = writer._connection.exec_driver_sql("PRAGMA page_count").scalar()
        writer._connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(StoreProblem, match="SQLITE_FULL"):
        bring(store, [lab(number + 1, at=number) for number in range(5_000)])
    with store.reading() as reader:
        assert (len(reader.batches()), len(reader.results_for())) == (1, 1)
    assert check(store) == []
    store.close()
