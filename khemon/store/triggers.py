"""The triggers that keep protected rows as they were written, and their comparison with those a database has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa

from khemon.store.tables import PROTECTED

POSTGRES_FUNCTION = "khemon_keep"
#: Raises for every statement that would change or remove rows, also one that matches none.
POSTGRES_FUNCTION_BODY = (
    "BEGIN RAISE EXCEPTION USING MESSAGE = 'protected table ' || TG_TABLE_NAME || ': ' || TG_OP || ' refused'; END"
)


def expected_triggers(dialect: str) -> dict[str, str]:
    """Trigger name to the statement that creates it."""
    return {name: sql for table in PROTECTED for name, sql in table_triggers(table, dialect).items()}


def table_triggers(table: sa.Table, dialect: str) -> dict[str, str]:
    """The triggers of one table."""
    if dialect == "sqlite":
        return _sqlite_triggers(table)
    name = f"{table.name}_keep"
    acts = f"CREATE TRIGGER {name} BEFORE DELETE OR UPDATE OR TRUNCATE ON public.{table.name}"
    return {name: f"{acts} FOR EACH STATEMENT EXECUTE FUNCTION {POSTGRES_FUNCTION}()"}


def _sqlite_triggers(table: sa.Table) -> dict[str, str]:
    triggers = {}
    for act in ("UPDATE", "DELETE"):
        name = f"{table.name}_keep_{act.lower()}"
        triggers[name] = (
            f"CREATE TRIGGER {name} BEFORE {act} ON {table.name}"
            f" BEGIN SELECT RAISE(ABORT, 'protected table {table.name}: {act} refused'); END"
        )
    # INSERT OR REPLACE deletes in silence where recursive triggers are off, as in a foreign shell.
    name = _key_guard(table)
    taken = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table.name} WHERE " + " AND ".join(f"{column} = NEW.{column}" for column in key) + ")"
        for key in _unique_keys(table)
    )
    triggers[name] = (
        f"CREATE TRIGGER {name} BEFORE INSERT ON {table.name} WHEN {taken}"
        f" BEGIN SELECT RAISE(ABORT, 'protected table {table.name}: row exists'); END"
    )
    return triggers


def _key_guard(table: sa.Table) -> str:
    """The name of the trigger that refuses an existing key; PostgreSQL needs none."""
    return f"{table.name}_keep_key"


def _unique_keys(table: sa.Table) -> list[list[str]]:
    keys = [[column.name for column in table.primary_key.columns]]
    uniques = (part for part in table.constraints if isinstance(part, sa.UniqueConstraint))
    return keys + sorted([column.name for column in unique.columns] for unique in uniques)


def create_triggers(connection: sa.Connection, names: Iterable[str]) -> None:
    """Creates the triggers of these protected tables, which exist."""
    wanted = set(names)
    for table in PROTECTED:
        if table.name in wanted:
            for statement in table_triggers(table, connection.dialect.name).values():
                connection.exec_driver_sql(statement)


@contextmanager
def key_guard_aside(connection: sa.Connection, table: sa.Table) -> Iterator[None]:
    """The block may only INSERT, and does so without the trigger that refuses an existing key; it stands again after.

    A plain INSERT refuses an existing key by the key itself. The trigger is there for what others may say instead
    (INSERT OR REPLACE), and nobody else can write meanwhile: this transaction holds the one lock for writing, and
    what it commits has the trigger; whatever breaks it off leaves the database as it was. A trigger that is not as it
    should be is left as it is found, for the next opening to tell.
    """
    name = _key_guard(table)
    statement = table_triggers(table, connection.dialect.name).get(name)
    if statement is None or _sqlite_present(connection).get(name) != statement:
        yield
        return
    connection.exec_driver_sql(f"DROP TRIGGER main.{name}")
    try:
        yield
    except BaseException:
        # The transaction is to be taken back. Where SQLite has done so by itself the trigger is there already.
        with suppress(sa.exc.DBAPIError):
            connection.exec_driver_sql(statement)
        raise
    connection.exec_driver_sql(statement)


def trigger_differences(connection: sa.Connection) -> list[str]:
    """Names of triggers that are missing, changed, switched off or not ours; empty when all is as it should be."""
    dialect = connection.dialect.name
    expected = expected_triggers(dialect)
    present = _sqlite_present(connection) if dialect == "sqlite" else _postgres_present(connection)
    return sorted(name for name in expected.keys() | present.keys() if expected.get(name) != present.get(name))


def _sqlite_present(connection: sa.Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    return {name: sql for name, sql in rows}


def _postgres_present(connection: sa.Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql(
        "SELECT t.tgname, pg_get_triggerdef(t.oid), t.tgenabled, f.proname, f.prosrc"
        " FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace"
    )
    present = {}
    for name, definition, enabled, function, body in rows:
        sound = enabled == "O" and (function, body) == (POSTGRES_FUNCTION, POSTGRES_FUNCTION_BODY)
        present[name] = definition if sound else f"-- switched off or changed: {definition}"
    return present
