"""The trigger against replaced rows steps aside for a bulk import, and nobody can tell, except by the time it takes."""

from __future__ import annotations

import datetime as dt
import sqlite3

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from khemon.actions.import_files import Options, commit, preview
from khemon.models import Actor, StoreProblem
from khemon.store import Store
from khemon.store.repository import intake_columns
from khemon.store.repository.beside import kept_beside
from khemon.store.repository.bulk import BLOCK
from khemon.store.repository.seals import VERSION
from khemon.store.tables import result
from khemon.store.triggers import key_guard_aside, trigger_differences

NOW_MS = int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp() * 1000)
ACTOR = Actor(name="test", kind="system")
START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
AGAIN = "INTO result SELECT * FROM result ORDER BY result_id LIMIT 1"


def long_file(rows: int = BLOCK + 1) -> bytes:
    times = ((START + number * dt.timedelta(minutes=30)).isoformat() for number in range(rows))
    lines = (f"P{number % 7},{time},platelets,{50 + number % 200},10*9/L" for number, time in enumerate(times))
    return "\n".join(["patient_id,collected_at,analyte,value,unit", *lines]).encode()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "khemon.db"


@pytest.fixture
def lite(path):
    store = Store(f"sqlite:///{path}")
    yield store
    store.close()


def guards(path) -> list[str]:
    with sqlite3.connect(path) as opened:
        return [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE name = 'result_keep_key'")]


def test_after_a_bulk_import_every_trigger_stands_and_refuses(lite, path):
    assert commit(lite, ACTOR, long_file(), "a.csv", Options(now_ms=NOW_MS, timezone="UTC")).counts["accepted"] > BLOCK
    with lite.reading() as reader:
        assert trigger_differences(reader._connection) == []
    stranger = sqlite3.connect(path)
    for verb in ("INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE"):
        with pytest.raises(sqlite3.IntegrityError, match="protected table result: row exists"):
            stranger.execute(f"{verb} {AGAIN}")
    stranger.close()


@pytest.mark.parametrize("way", ["preview", "error"])
def test_a_bulk_import_that_is_not_kept_leaves_the_trigger(lite, path, monkeypatch, way):
    options = Options(now_ms=NOW_MS, timezone="UTC")
    if way == "preview":
        preview(lite, ACTOR, long_file(), "a.csv", options)
    else:
        monkeypatch.setattr(intake_columns, "note_results_read", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            commit(lite, ACTOR, long_file(), "a.csv", options)
    assert guards(path) == ["result_keep_key"]


def test_a_process_that_ends_in_the_middle_leaves_the_trigger(lite, path):
    engine = sa.create_engine(f"sqlite:///{path}")
    connection = engine.raw_connection().driver_connection
    connection.isolation_level = None
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DROP TRIGGER result_keep_key")
    connection.close()  # as the system does for a process that was killed
    assert guards(path) == ["result_keep_key"]


def test_while_it_is_aside_an_existing_key_is_refused_and_the_trigger_comes_back(lite, path):
    commit(lite, ACTOR, long_file(3), "a.csv", Options(now_ms=NOW_MS, timezone="UTC"))
    with lite.writing() as writer:
        connection = writer._connection
        with pytest.raises(IntegrityError, match="UNIQUE"), key_guard_aside(connection, result):
            connection.exec_driver_sql(f"INSERT {AGAIN}")
        # Whoever goes on after the error has the trigger in the same transaction.
        with pytest.raises(IntegrityError, match="row exists"):
            connection.exec_driver_sql(f"INSERT OR REPLACE {AGAIN}")
    assert guards(path) == ["result_keep_key"]


def test_an_error_that_ended_the_transaction_is_told_as_it_is(lite):
    with pytest.raises(ZeroDivisionError), lite.writing() as writer:  # noqa: SIM117
        with key_guard_aside(writer._connection, result):
            writer._connection.exec_driver_sql("ROLLBACK")
            raise ZeroDivisionError


def test_while_it_is_aside_nobody_else_writes_or_misses_it(lite, path):
    commit(lite, ACTOR, long_file(3), "a.csv", Options(now_ms=NOW_MS, timezone="UTC"))
    stranger = sqlite3.connect(path, timeout=0, isolation_level=None)
    stranger.execute(f"EXPLAIN INSERT OR REPLACE {AGAIN}")
    with lite.writing() as writer, key_guard_aside(writer._connection, result):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            stranger.execute(f"INSERT OR REPLACE {AGAIN}")
        assert guards(path) == ["result_keep_key"]
    with pytest.raises(sqlite3.IntegrityError, match="protected table result"):
        stranger.execute(f"INSERT OR REPLACE {AGAIN}")
    stranger.close()


def test_a_trigger_that_somebody_changed_is_left_as_it_is_found(lite, path):
    with sqlite3.connect(path) as stranger:
        stranger.execute("DROP TRIGGER result_keep_key")
        stranger.execute("CREATE TRIGGER result_keep_key BEFORE INSERT ON result WHEN 0 BEGIN SELECT 1; END")
    commit(lite, ACTOR, long_file(), "a.csv", Options(now_ms=NOW_MS, timezone="UTC"))
    with lite.reading() as reader:
        assert trigger_differences(reader._connection) == ["result_keep_key"]


def test_a_small_import_leaves_the_schema_alone(lite, path):
    def cookie() -> int:
        with sqlite3.connect(path) as opened:
            return opened.execute("PRAGMA schema_version").fetchone()[0]

    before = cookie()
    commit(lite, ACTOR, long_file(20), "a.csv", Options(now_ms=NOW_MS, timezone="UTC"))
    assert cookie() == before


def odd_file(rows: int = BLOCK + 500) -> bytes:
    """A long file with specimens, rows read one by one, repeated rows and rows that are held."""
    lines = ["patient_id,collected_at,analyte,value,unit,specimen_id,status"]
    for number in range(rows):
        value = f"<{number % 90 + 1}" if number % 17 == 0 else "clotted" if number % 97 == 0 else 50 + number % 200
        zone = "+02:00" if number % 13 == 0 else "Z"
        time = (START + number // 2 * dt.timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%S") + zone
        specimen = f"S{number // 2}" if number % 3 else ""
        status = ("", "preliminary", "final")[number % 3]
        lines.append(f"P{number % 7},{time},platelets,{value},10*9/L,{specimen},{status}")
        lines += lines[-1:] * (number % 101 == 0)
    return "\n".join(lines).encode()


def dump(path) -> dict[str, list[tuple]]:
    """Every row, but for the seals that tell one version of stored episodes from another: they are drawn."""
    with sqlite3.connect(path) as opened:
        names = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: sorted(opened.execute(f'SELECT * FROM "{name}"'), key=repr) for name in names}
    return rows | {"seal": [row for row in rows["seal"] if row[1] != VERSION]}


def test_what_rows_repeat_is_stored_as_if_each_were_given_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("secrets.token_hex", lambda _: "the same batch")
    asked, stored = [], []
    for beside in (True, False):
        monkeypatch.setattr(intake_columns, "pays", lambda *_, beside=beside: asked.append(beside) or beside)
        path = tmp_path / f"{beside}.db"
        store = Store(f"sqlite:///{path}")
        counts = commit(store, ACTOR, odd_file(), "a.csv", Options(now_ms=NOW_MS, timezone="UTC")).counts
        store.close()
        stored.append(dump(path))
    assert asked == [True, False]
    assert counts["read"] > counts["accepted"] + counts["duplicate"] > counts["accepted"] > BLOCK
    assert stored[0] == stored[1]


def test_nothing_is_left_beside_after_an_import(lite):
    commit(lite, ACTOR, long_file(), "a.csv", Options(now_ms=NOW_MS, timezone="UTC"))
    with lite.writing() as writer:
        left = writer._connection.exec_driver_sql("SELECT name FROM sqlite_temp_master").all()
    assert left == []


def test_a_place_with_nothing_beside_it_is_refused_not_left_out(lite):
    table = sa.Table("setting", sa.MetaData(), sa.Column("key"), sa.Column("value"))
    with pytest.raises(StoreProblem, match="NOT NULL"), lite.writing() as writer:  # noqa: SIM117
        with kept_beside(writer._connection, table, ["key"], {"value": ["a", "b"]}) as beside:
            beside.insert([["one", "two", "three"]], [1, 0, 2])
    with lite.writing(keep=False) as writer:
        with kept_beside(writer._connection, table, ["key"], {"value": ["a", "b"]}) as beside:
            beside.insert([["one", "two"]], [1, 0])
        rows = writer._connection.exec_driver_sql("SELECT key, value FROM setting ORDER BY key").all()
    assert [tuple(row) for row in rows] == [("one", "b"), ("two", "a")]
