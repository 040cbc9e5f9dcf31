"""What is written stays as it was written: protected tables refuse every way of changing a row."""

from __future__ import annotations

import sqlite3

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from khemon.models import Alert, AlertState, StoreProblem
from khemon.store import AccountRow, Store, tables
from khemon.store.column_types import time_of
from tests.store_rows import HOUR, NURSE, bring, child, event, lab, undo

PROTECTED = [table.name for table in tables.PROTECTED]


def an_alert(**changes) -> Alert:
    values = {
        "alert_id": 0,
        "patient_id": "P1",
        "rule": "kmp_rebound",
        "state": AlertState.OPEN,
        "severity": "critical",
        "status": "confirmed",
        "onset": time_of(HOUR),
        "end": None,
        "end_reason": None,
        "text": "Platelets 85 (<100)",
        "judged_at": time_of(HOUR),
    }
    return Alert(**values | changes)


def fill(store: Store) -> None:
    """Leaves a row in every protected table."""
    first = bring(store, [lab(10), lab(10), lab(7, decision="review")])
    bring(store, [lab(10), lab(20, at=2 * HOUR)])
    bring(store, [event()])
    bring(store, [child(name="Ana")])
    undo(store, first.batch)
    with store.writing() as writer:
        alert = writer.save_alert(an_alert())
        writer.add_alert_move(alert.alert_id, at_ms=1, actor=NURSE, move="open", from_state=None, to_state="open")
        writer.audit(NURSE, "import", "batch 1", {}, 1)
        writer.add_protocol("{}", "ward", "1", actor=NURSE, reason="decided", at_ms=1)
        writer.add_mapping("Lab A", 'decimal = ","', "", "[]", actor=NURSE, reason="first", at_ms=1)
        number = writer.add_account("Ann", actor=NURSE, at_ms=1)
        writer.add_account_state(AccountRow(number, "Ann", "invited", ("viewer",)), actor=NURSE)
        writer.record_decisions(first.batch, [(100_000_002, "rejected", None, "not ours")])


@pytest.fixture
def stranger(store, store_url):
    """A connection without any of the store's settings, as from a shell."""
    fill(store)
    engine = sa.create_engine(store_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.parametrize("act", ["UPDATE", "DELETE"])
def test_no_row_of_a_protected_table_is_updated_or_deleted(stranger, act):
    for name in PROTECTED:
        column = next(iter(tables.METADATA.tables[name].columns)).name
        statement = f"UPDATE {name} SET {column} = {column}" if act == "UPDATE" else f"DELETE FROM {name}"
        before = stranger.exec_driver_sql(f"SELECT * FROM {name}").all()
        assert before, name
        stranger.rollback()
        with pytest.raises(DBAPIError, match=f"protected table {name}: {act} refused"):
            stranger.exec_driver_sql(statement)
        stranger.rollback()
        assert stranger.exec_driver_sql(f"SELECT * FROM {name}").all() == before


@pytest.mark.parametrize("recursive", ["OFF", "ON"])
@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE", "UPDATE OR REPLACE"])
def test_sqlite_does_not_replace_a_row_whatever_the_verb(tmp_path, recursive, verb):
    store = Store(f"sqlite:///{tmp_path / 'khemon.db'}")
    fill(store)
    store.close()
    opened = sqlite3.connect(tmp_path / "khemon.db")
    opened.execute(f"PRAGMA recursive_triggers = {recursive}")
    for name in PROTECTED:
        before = opened.execute(f"SELECT * FROM {name}").fetchall()
        column = opened.execute(f"SELECT * FROM {name}").description[-1][0]
        insert = f"{verb} INTO {name} SELECT * FROM {name} LIMIT 1"
        statement = f"{verb} {name} SET {column} = {column}" if verb.startswith("UPDATE") else insert
        with pytest.raises(sqlite3.IntegrityError, match=f"protected table {name}"):
            opened.execute(statement)
        assert opened.execute(f"SELECT * FROM {name}").fetchall() == before
    opened.close()


@pytest.mark.parametrize("key", ["batch", "patient", "analyte"])
def test_sqlite_does_not_replace_a_row_by_its_second_key(tmp_path, key):
    """A name is unique too: replacing by it would take away the row with that name under another number."""
    store = Store(f"sqlite:///{tmp_path / 'khemon.db'}")
    fill(store)
    store.close()
    opened = sqlite3.connect(tmp_path / "khemon.db")
    number, *_ = tables.METADATA.tables[key].primary_key.columns.keys()
    columns = [column.name for column in tables.METADATA.tables[key].columns]
    values = ", ".join("900" if name == number else name for name in columns)
    with pytest.raises(sqlite3.IntegrityError, match=f"protected table {key}: row exists"):
        opened.execute(f"INSERT OR REPLACE INTO {key} SELECT {values} FROM {key} LIMIT 1")
    opened.close()


@pytest.mark.postgres
def test_postgresql_refuses_truncate_and_insert_on_conflict(new_postgres):
    store = Store(new_postgres)
    fill(store)
    store.close()
    engine = sa.create_engine(new_postgres)
    for name in PROTECTED:
        key = ", ".join(tables.METADATA.tables[name].primary_key.columns.keys())
        column = list(tables.METADATA.tables[name].columns)[-1].name
        insert = f"INSERT INTO {name} SELECT * FROM {name} LIMIT 1"
        replace = f"{insert} ON CONFLICT ({key}) DO UPDATE SET {column} = excluded.{column}"
        for statement in (f"TRUNCATE {name} CASCADE", replace):
            with pytest.raises(DBAPIError, match="protected table"), engine.begin() as connection:
                connection.exec_driver_sql(statement)
    engine.dispose()


def test_the_reader_cannot_write(store):
    with pytest.raises(StoreProblem), store.reading() as reader:
        reader._connection.execute(sa.insert(tables.setting).values(key="timezone", value="UTC"))
