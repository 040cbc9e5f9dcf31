"""Opening a database: created, migrated, checked, refused."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path
from unittest import mock

import pytest
import sqlalchemy as sa
import sqlalchemy.dialects
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from khemon.models import QUALITIES, STATUSES, TIMINGS, StoreProblem
from khemon.store import Store, connection, tables, triggers
from khemon.store import store as opening
from khemon.store.repository.bulk import insert_rows
from khemon.units import ANALYTE_CODES
from tests import databases

pytestmark = pytest.mark.usefixtures("by_migrations")
SQLITE = sa.dialects.registry.load("sqlite")()
MIGRATIONS = Path(connection.__file__).parent / "migrations"


@contextlib.contextmanager
def raw(url: str):
    """A connection that knows nothing of the store."""
    engine = sa.create_engine(url)
    with engine.begin() as opened:
        yield opened
    engine.dispose()


def test_an_empty_database_gets_exactly_the_tables_of_this_code(store_url):
    Store(store_url).close()
    with raw(store_url) as opened:
        differences = compare_metadata(
            MigrationContext.configure(opened, opts={"compare_type": False}), tables.METADATA
        )
    assert differences == []


def test_the_newest_migration_is_the_schema_of_this_code():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    assert ScriptDirectory.from_config(config).get_current_head() == tables.SCHEMA


@pytest.mark.postgres
def test_postgresql_is_migrated_from_nothing(empty_postgres):
    Store(empty_postgres).close()
    Store(empty_postgres).close()


def test_a_new_database_of_the_tests_is_one_that_the_migrations_make(tmp_path):
    for name, made in (("migrated", databases.BY_MIGRATIONS), ("told", databases.migrate)):
        with mock.patch.object(opening, "migrate", made):
            Store(f"sqlite:///{tmp_path / name}").close()
    with (
        contextlib.closing(sqlite3.connect(tmp_path / "migrated")) as one,
        contextlib.closing(sqlite3.connect(tmp_path / "told")) as other,
    ):
        assert list(one.iterdump()) == list(other.iterdump())
        for setting in ("user_version", "application_id", "page_size", "auto_vacuum", "encoding"):
            assert one.execute(f"PRAGMA {setting}").fetchone() == other.execute(f"PRAGMA {setting}").fetchone()


def test_opening_again_changes_nothing(store_url):
    Store(store_url).close()
    with raw(store_url) as opened:
        before = sa.inspect(opened).get_table_names()
    opened_again = Store(store_url)
    with opened_again.reading() as reader:
        assert reader.patients() == []
    opened_again.close()
    with raw(store_url) as opened:
        assert sa.inspect(opened).get_table_names() == before


def test_a_newer_schema_is_refused(store_url):
    Store(store_url).close()
    with raw(store_url) as opened:
        opened.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreProblem, match="schema"):
        Store(store_url)


def test_tables_of_another_application_are_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'other.db'}"
    with raw(url) as opened:
        opened.exec_driver_sql("CREATE TABLE orders (id INTEGER)")
    with pytest.raises(StoreProblem, match="another application"):
        Store(url)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "labs.csv"
    path.write_text("patient_id,collected_at\n" * 100)
    with pytest.raises(StoreProblem):
        Store(f"sqlite:///{path}")


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://host/name", "C:\\ward.db"])
def test_a_url_of_nothing_we_can_open_is_refused_with_a_remedy(url):
    with pytest.raises(StoreProblem) as refused:
        Store(url)
    assert "sqlite:////" in refused.value.remedy


def test_a_missing_trigger_is_refused_by_name(store_url):
    Store(store_url).close()
    with raw(store_url) as opened:
        name = "result_keep_update" if opened.dialect.name == "sqlite" else "result_keep"
        opened.exec_driver_sql(f"DROP TRIGGER {name}" + ("" if opened.dialect.name == "sqlite" else " ON result"))
    with pytest.raises(StoreProblem, match=name):
        Store(store_url)


def test_a_trigger_that_lost_its_teeth_is_refused(store_url):
    Store(store_url).close()
    with raw(store_url) as opened:
        if opened.dialect.name == "sqlite":
            opened.exec_driver_sql("DROP TRIGGER audit_keep_delete")
            opened.exec_driver_sql("CREATE TRIGGER audit_keep_delete BEFORE DELETE ON audit BEGIN SELECT 1; END")
        else:
            opened.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER audit_keep")
    with pytest.raises(StoreProblem, match="audit_keep"):
        Store(store_url)


@pytest.mark.postgres
def test_an_emptied_trigger_function_is_refused(new_postgres):
    with raw(new_postgres) as opened:
        opened.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION khemon_keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$"
        )
    with pytest.raises(StoreProblem, match="triggers"):
        Store(new_postgres)


def test_an_analyte_code_with_another_meaning_is_refused(store_url, monkeypatch):
    Store(store_url).close()
    names = list(ANALYTE_CODES)
    swapped = {**ANALYTE_CODES, names[0]: 1, names[1]: 0}
    monkeypatch.setattr("khemon.store.store.ANALYTE_CODES", swapped)
    with pytest.raises(StoreProblem, match="analyte table"):
        Store(store_url)


def test_an_analyte_added_at_the_end_is_taken_in(store_url, monkeypatch):
    Store(store_url).close()
    more = {**ANALYTE_CODES, "new_marker": len(ANALYTE_CODES)}
    monkeypatch.setattr("khemon.store.store.ANALYTE_CODES", more)
    Store(store_url).close()
    with raw(store_url) as opened:
        stored = {name: code for name, code in opened.execute(sa.select(tables.analyte.c.name, tables.analyte.c.code))}
    assert stored == more


def test_codes_in_the_store_keep_their_meaning():
    """These numbers stand in databases: only appending is allowed."""
    assert STATUSES[:5] == ("preliminary", "final", "corrected", "cancelled", "entered_in_error")
    assert QUALITIES[:4] == ("", "hemolyzed", "lipemic", "clumped")
    assert QUALITIES[4:8] == ("clotted", "contaminated", "wrong_patient", "insufficient")
    assert TIMINGS[:3] == ("unknown", "trough", "random")
    assert list(ANALYTE_CODES)[:5] == ["platelets", "fibrinogen", "d_dimer", "hemoglobin", "sirolimus"]


def test_the_database_file_and_its_journal_are_for_the_owner_alone(tmp_path):
    path = tmp_path / "ward" / "khemon.db"
    store = Store(f"sqlite:///{path}")
    with store.writing() as writer:
        writer.set_setting("timezone", "Asia/Shanghai")
    modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    store.close()
    assert modes and set(modes.values()) == {0o600}


def test_a_file_that_others_may_read_is_closed_to_them(tmp_path):
    path = tmp_path / "khemon.db"
    path.touch(mode=0o644)
    Store(f"sqlite:///{path}").close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_write_ahead_logging_is_used_only_where_it_is_sound():
    before = connection.sqlite_settings(writer=True, version=(3, 51, 2))
    after = connection.sqlite_settings(writer=True, version=(3, 51, 3))
    assert (before["journal_mode"][1], before["synchronous"][0]) == ("persist", "EXTRA")
    assert (after["journal_mode"][1], after["synchronous"][0]) == ("wal", "FULL")


def test_a_setting_that_does_not_take_is_refused():
    opened = sqlite3.connect(":memory:")
    with pytest.raises(StoreProblem, match="journal_mode"):
        connection._set_sqlite(opened, {"journal_mode": ("PERSIST", "persist")})
    opened.close()


def test_every_column_of_a_strict_table_has_one_of_five_types(tmp_path):
    path = tmp_path / "khemon.db"
    Store(f"sqlite:///{path}").close()
    opened = sqlite3.connect(path)
    created = [sql for (sql,) in opened.execute("SELECT sql FROM sqlite_master WHERE type = 'table'")]
    opened.close()
    strict = [sql for sql in created if "alembic_version" not in sql]
    assert len(strict) == len(tables.METADATA.tables)
    assert all(re.search(r"STRICT\s*$", sql) for sql in strict)


@pytest.mark.parametrize("low", ["<5", float("nan"), -1.0, 10.0])
def test_a_bound_that_is_no_number_or_out_of_order_is_refused(store, low):
    kinds = {"INTEGER": 1, "REAL": 9.0, "TEXT": ""}
    values = {column.name: kinds[str(column.type.impl.compile(SQLITE))] for column in tables.result.columns}
    row = tuple((values | {"low": low}).values())
    with pytest.raises(StoreProblem, match=r"refused the work"), store.writing() as writer:
        writer._connection.execute(sa.insert(tables.patient).values(patient_no=1, patient_id="P1"))
        insert_rows(writer._connection, tables.result, [row])


def test_errors_of_the_database_do_not_quote_rows(store):
    insert = sa.insert(tables.setting).values(key="secret-name", value="secret-value")
    with pytest.raises(StoreProblem) as refused, store.writing() as writer:
        writer._connection.execute(insert)
        writer._connection.execute(insert)
    assert "secret" not in f"{refused.value!r} {refused.value.__cause__!r} {refused.value}"
    assert refused.value.__suppress_context__


def test_triggers_are_expected_for_every_protected_table():
    for dialect in ("sqlite", "postgresql"):
        names = triggers.expected_triggers(dialect)
        for table in tables.PROTECTED:
            assert any(name.startswith(f"{table.name}_keep") for name in names), (dialect, table.name)
