"""Connections with the settings on which durability rests, set and read back each time one is made.

SQLite: the bundled library may have the WAL-reset corruption bug (fixed in 3.51.3), so WAL is used only from there;
before, a rollback journal that is kept (`PERSIST`) with `synchronous=EXTRA`. Writers begin with `BEGIN IMMEDIATE`: a
deferred one fails under contention whatever its timeout. PostgreSQL: writers queue at an advisory lock, readers see
one snapshot.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError

from khemon.models import StoreProblem
from khemon.store.problems import plain_driver_problems

BUSY_TIMEOUT_MS = 30_000
#: Holds the pages an import changes: once they spill, readers have to wait until it ends.
WRITER_CACHE_KIB = 262_144
READER_CACHE_KIB = 65_536
FIRST_SOUND_WAL = (3, 51, 3)
#: Names of the drivers that are installed with khemon.
SQLITE = ("sqlite", "sqlite+pysqlite")
POSTGRESQL = ("postgresql", "postgresql+psycopg")
#: Names the queue of writers of this application among the advisory locks of a PostgreSQL database.
WRITER_LOCK = 0x6B68656D


@dataclass(frozen=True, slots=True)
class Engines:
    """One engine for writers (their transactions queue) and one for readers (which cannot write)."""

    writing: sa.Engine
    reading: sa.Engine

    def dispose(self) -> None:
        """Closes every pooled connection."""
        self.writing.dispose()
        self.reading.dispose()


def connect(url: str) -> Engines:
    """Engines for a database URL, whose SQLite file is created; raises StoreProblem for one that is not supported."""
    parsed = _supported(url)
    return _sqlite_engines(parsed) if parsed.drivername in SQLITE else _postgres_engines(parsed)


def _supported(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        parsed = sa.URL.create("unknown")
    path = parsed.database or ":memory:"
    if parsed.drivername in SQLITE and path != ":memory:" and "\0" not in path and not parsed.query:
        return parsed
    if parsed.drivername in POSTGRESQL:
        return parsed
    raise StoreProblem(
        where="database URL",
        found="is not one that khemon can open",
        remedy="use sqlite:////folder/khemon.db or postgresql://user@host/name",
    )


def file_of(url: str) -> Path | None:
    """The file of an SQLite URL; None for a server. StoreProblem for an unsupported one."""
    parsed = _supported(url)
    return Path(str(parsed.database)) if parsed.drivername in SQLITE else None


def readers_hold_up_commits(engines: Engines) -> bool:
    """Whether a commit and those who read keep each other out: so it is in SQLite's rollback mode."""
    return engines.reading.dialect.name == "sqlite" and sqlite3.sqlite_version_info < FIRST_SOUND_WAL


def is_there(url: str) -> bool:
    """Whether a database file is there already; a server is taken to be. StoreProblem for an unsupported URL."""
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        return True
    path = str(parsed.database or "")
    return parsed.drivername not in SQLITE or "\0" in path or Path(path).exists()


def _sqlite_engines(url: sa.URL) -> Engines:
    _own_file(Path(str(url.database)))
    timeout = {"timeout": BUSY_TIMEOUT_MS / 1000}
    writing = sa.create_engine(url, hide_parameters=True, connect_args=timeout, pool_size=1, max_overflow=0)
    reading = sa.create_engine(url, hide_parameters=True, connect_args=timeout, pool_size=8, max_overflow=32)
    sa.event.listen(writing, "connect", lambda raw, _: _set_sqlite(raw, sqlite_settings(writer=True)))
    sa.event.listen(reading, "connect", lambda raw, _: _set_sqlite(raw, sqlite_settings(writer=False)))
    sa.event.listen(writing, "begin", lambda connection: _begin(connection, "BEGIN IMMEDIATE"))
    sa.event.listen(reading, "begin", lambda connection: _begin(connection, "BEGIN"))
    return Engines(writing, reading)


def _begin(connection: sa.Connection, statement: str) -> None:
    """Begins a transaction by the driver's own means, which costs an arriving result half as much."""
    with plain_driver_problems(connection), closing(connection.connection.cursor()) as cursor:
        cursor.execute(statement)


def _own_file(path: Path) -> None:
    """Creates the file for its owner alone. One that is there is not opened: closing it would drop SQLite's locks."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        kind = path.stat().st_mode
    except OSError as error:
        raise _unusable(str(error.strerror)) from error
    if not stat.S_ISREG(kind):
        raise _unusable("not a file")
    if not os.access(path, os.R_OK | os.W_OK):
        raise _unusable("no permission")


def _unusable(found: str) -> StoreProblem:
    found = f"cannot be opened for writing ({found})"
    return StoreProblem(where="database file", found=found, remedy="choose another path with --db")


def close_to_others(url: sa.URL) -> None:
    """Takes the rights of others away from an SQLite file and its journal, once it has proved to be a store."""
    if url.drivername not in SQLITE:
        return
    for suffix in ("", "-journal", "-wal", "-shm"):
        path = Path(f"{url.database}{suffix}")
        try:
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unusable(str(error.strerror)) from error


def sqlite_settings(
    *, writer: bool, version: tuple[int, ...] = sqlite3.sqlite_version_info
) -> dict[str, tuple[str, Any]]:
    """Pragma to (value as written, value as read back) for a library version."""
    journal = ("WAL", "wal") if version >= FIRST_SOUND_WAL else ("PERSIST", "persist")
    synchronous = ("FULL", 2) if version >= FIRST_SOUND_WAL else ("EXTRA", 3)
    cache = -(WRITER_CACHE_KIB if writer else READER_CACHE_KIB)
    return {
        "busy_timeout": (str(BUSY_TIMEOUT_MS), BUSY_TIMEOUT_MS),
        "journal_mode": journal,
        "synchronous": synchronous,
        "cache_size": (str(cache), cache),
        "foreign_keys": ("ON", 1),
        "recursive_triggers": ("ON", 1),
        "trusted_schema": ("OFF", 0),
        "cell_size_check": ("ON", 1),
        "mmap_size": ("0", 0),
        "query_only": ("OFF", 0) if writer else ("ON", 1),
    }


def _set_sqlite(raw: sqlite3.Connection, settings: dict[str, tuple[str, Any]]) -> None:
    raw.isolation_level = None  # the driver begins no transaction by itself; the begin event does
    for pragma, (value, _) in settings.items():
        raw.execute(f"PRAGMA {pragma} = {value}")
    for pragma, (_, expected) in settings.items():
        # A library built without memory mapping answers nothing, which is as good as 0.
        answer = raw.execute(f"PRAGMA {pragma}").fetchone() or (0,)
        if answer[0] != expected:
            raise StoreProblem(
                where=f"SQLite setting {pragma}",
                found=f"is {answer[0]} after it was set to {expected}",
                remedy="use a local disk and an unmodified SQLite library",
            )


def _postgres_engines(url: sa.URL) -> Engines:
    options: dict[str, Any] = {"hide_parameters": True, "pool_pre_ping": True}
    try:
        writing = sa.create_engine(url, pool_size=4, max_overflow=8, **options)
    except ImportError as error:
        raise StoreProblem(
            where="database URL",
            found="is of PostgreSQL, whose driver is not installed",
            remedy="install khemon with its extra: khemon[postgres]",
        ) from error
    reading = sa.create_engine(url, isolation_level="REPEATABLE READ", pool_size=8, max_overflow=32, **options)
    sa.event.listen(writing, "connect", lambda raw, _: _set_postgres(raw, writer=True))
    sa.event.listen(reading, "connect", lambda raw, _: _set_postgres(raw, writer=False))
    sa.event.listen(
        writing, "begin", lambda connection: connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
    )
    return Engines(writing, reading)


def _set_postgres(raw: DBAPIConnection, *, writer: bool) -> None:
    with closing(raw.cursor()) as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute("SET idle_in_transaction_session_timeout = '10min'")
        cursor.execute("SET lock_timeout = '60s'")
        if not writer:
            cursor.execute("SET default_transaction_read_only = on")
        for name, sound in (
            ("server_encoding", ("UTF8",)),
            ("fsync", ("on",)),
            ("full_page_writes", ("on",)),
            ("synchronous_commit", ("on", "remote_write", "remote_apply", "local")),
        ):
            cursor.execute(f"SHOW {name}")
            value = str((cursor.fetchone() or ("",))[0])
            if value not in sound:
                raise StoreProblem(
                    where=f"PostgreSQL setting {name}",
                    found=f"is {value}",
                    remedy=f"set it to {sound[0]} on the server",
                )
    raw.commit()
