"""Whichever write or commit of an act fails, nothing of the act is kept, it is told, and the next try succeeds.

What the driver is asked for is counted, and the Nth is refused, for every N until the act comes to its end. A new
database, which takes a hundred statements, is tried at every `KHEMON_STRIDE`th of them: at all in the long form.
Backing up and restoring are tried the same way in `test_safekeeping.py`.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from khemon.actions.acknowledge import acknowledge
from khemon.actions.check import check
from khemon.actions.import_files import undo
from khemon.models import StoreProblem
from khemon.rules.calendar import from_ms
from khemon.store import Store, tables
from khemon.store.repository.seals import VERSION
from tests.shell import sqlite
from tests.test_endurance import NURSE, bring, now_of

pytestmark = pytest.mark.faults

STRIDE = int(os.environ.get("KHEMON_STRIDE", "10"))
#: What writes nothing; the last one is how the driver asks whether the server is there.
READS = ("SELECT", "PRAGMA", "SET", "SHOW", "BEGIN", "ROLLBACK", "WITH", "EXPLAIN", ";")


class Faults:
    """Counts what the driver is asked to write, and commits of it; refuses the Nth when one is named."""

    def __init__(self) -> None:
        self.count, self.nth = 0, 0
        self._writing: set[object] = set()

    def next(self, nth: int) -> None:
        self.count, self.nth = 0, nth

    @property
    def reached(self) -> bool:
        return self.count >= self.nth > 0

    def written(self, connection: object, statement: object, error: type[Exception]) -> None:
        # What is no plain text is the driver's own question about types.
        if isinstance(statement, str) and not statement.lstrip().upper().startswith(READS):
            self._writing.add(connection)
            self._passing(error)

    def committed(self, connection: object, error: type[Exception]) -> None:
        if connection in self._writing:
            self._writing.discard(connection)
            self._passing(error)

    def _passing(self, error: type[Exception]) -> None:
        self.count += 1
        if self.count == self.nth:
            raise error("disk I/O error")


def sqlite_driver(faults: Faults, arguments: Any, options: dict[str, Any]) -> sqlite3.Connection:
    class Cursor(sqlite3.Cursor):
        def execute(self, statement, *more):
            faults.written(self.connection, statement, sqlite3.OperationalError)
            return super().execute(statement, *more)

        def executemany(self, statement, *more):
            faults.written(self.connection, statement, sqlite3.OperationalError)
            return super().executemany(statement, *more)

    class Connection(sqlite3.Connection):
        def cursor(self, factory=Cursor):
            return super().cursor(factory)

        def commit(self):
            faults.committed(self, sqlite3.OperationalError)
            super().commit()

    return sqlite3.connect(*arguments, factory=Connection, **options)


def postgres_driver(faults: Faults, arguments: Any, options: dict[str, Any]):
    import psycopg

    class Cursor(psycopg.Cursor):
        def execute(self, query, *more, **named):
            faults.written(self.connection, query, psycopg.OperationalError)
            return super().execute(query, *more, **named)

        def executemany(self, query, *more, **named):
            faults.written(self.connection, query, psycopg.OperationalError)
            return super().executemany(query, *more, **named)

        def copy(self, statement, *more, **named):
            faults.written(self.connection, statement, psycopg.OperationalError)
            return super().copy(statement, *more, **named)

    class Connection(psycopg.Connection):
        def commit(self):
            faults.committed(self, psycopg.OperationalError)
            super().commit()

    return Connection.connect(*arguments, cursor_factory=Cursor, **options)


@pytest.fixture
def faults() -> Iterator[Faults]:
    """Stands between every engine made from here on and its driver."""
    found = Faults()

    def connect(dialect, record, arguments, options):
        driver = sqlite_driver if dialect.name == "sqlite" else postgres_driver
        return driver(found, arguments, options)

    sa.event.listen(sa.Engine, "do_connect", connect)
    yield found
    sa.event.remove(sa.Engine, "do_connect", connect)


@contextmanager
def content_of_database(url: str) -> Iterator[Callable[[], str]]:
    """What tells every row there is: of a file its bytes, which no refused act may touch."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        yield lambda: hashlib.sha256(path.read_bytes() if path.exists() else b"").hexdigest()
        return
    engine = sa.create_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield lambda: repr(connection.exec_driver_sql(digests_of(sa.inspect(connection).get_table_names())).all())
    engine.dispose()


def digests_of(names: list[str]) -> str:
    """The query for a digest of every table's rows."""
    rows = "md5(coalesce(string_agg(each::text, '|' ORDER BY each::text), ''))"
    return " UNION ALL ".join(f"SELECT '{name}', {rows} FROM \"{name}\" each" for name in sorted(names))


def refused_at_each(
    faults: Faults, content: Callable[[], str], act: Callable[[], object], stride: int = 1, first: int = 1
) -> int:
    """Does the act with ever later refusals until it succeeds; how many writes and commits it has."""
    before = content()
    for nth in itertools.count(first, stride):
        faults.next(nth)
        try:
            act()
        except StoreProblem as problem:
            assert faults.reached, f"write {nth}"
            assert "nothing was saved" in problem.remedy or "try again" in problem.remedy, f"write {nth}"
            assert content() == before, f"write {nth} of {faults.count}"
        else:
            assert not faults.reached, f"write {nth} was refused and nobody was told"
            return faults.count
        finally:
            faults.nth = 0
    raise AssertionError


def take(store: Store) -> None:
    bring(store, 1)


def answer(store: Store) -> None:
    now = from_ms(now_of(5))
    with store.reading() as reader:
        first = min(alert.alert_id for alert in reader.alerts() if alert.state == "open")
    acknowledge(store, NURSE, first, "seen by the team", now=now)


def take_back(store: Store) -> None:
    with store.reading() as reader:
        last = reader.batches()[-1].batch
    undo(store, NURSE, last, now_of(6))


@pytest.mark.parametrize("act", [take, answer, take_back])
def test_whichever_write_or_commit_is_refused_nothing_of_it_is_kept_and_the_next_try_succeeds(store_url, faults, act):
    store = Store(store_url)
    bring(store, 0)
    with content_of_database(store_url) as content:
        before = content()
        writes = refused_at_each(faults, content, lambda: act(store))
        assert writes >= 4 and content() != before
    assert check(store, NURSE, now_of(7))["sound"]
    store.close()


def opened(url: str) -> None:
    Store(url).close()


@pytest.mark.usefixtures("by_migrations")
def test_whichever_write_of_a_new_database_is_refused_it_stays_empty_and_the_next_try_succeeds(tmp_path, faults, seed):
    url = sqlite(tmp_path)
    with content_of_database(url) as content:
        Path(tmp_path / "khemon.db").touch(0o600)
        first = random.Random(seed).randrange(STRIDE) + 1
        writes = refused_at_each(faults, content, lambda: opened(url), STRIDE, first)
    assert writes > 60
    opened(url)


def test_whichever_write_of_a_migration_is_refused_the_records_stay_as_they_were(store_url, faults):
    store = Store(store_url)
    bring(store, 0)
    before = seals(store_url)
    store.close()
    older(store_url)
    with content_of_database(store_url) as content:
        assert refused_at_each(faults, content, lambda: opened(store_url)) >= 4
    assert seals(store_url) == before
    store = Store(store_url)
    assert check(store, NURSE, now_of(2))["sound"]
    store.close()


def older(url: str) -> None:
    """Makes a database of schema 0005 of one of today: that was before what should be there was counted."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE seal")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0005'")
    engine.dispose()


def seals(url: str) -> list:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        # But for what tells one version of stored episodes from another: it is drawn, and begins anew.
        counted = sa.select(tables.seal).where(tables.seal.c.kind != VERSION)
        found = sorted(map(tuple, connection.execute(counted)))
    engine.dispose()
    return found
