"""Copies of a store: always one SQLite file with every row as it stands, whatever kind of database it came from.

Digests, seals and the audit chain are made of plain values, so they hold in a copy and in what is restored from it.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from khemon.models import Refused, StoreProblem
from khemon.store.problems import driver_problem
from khemon.store.tables import METADATA, analyte

if TYPE_CHECKING:
    from khemon.store.store import Store

#: Pages of the database copied before others get their turn.
STEP_PAGES = 1_024
#: Rows copied at once; files lie in some of them.
ROWS = 500


@contextmanager
def plain_disk_problems(path: Path) -> Iterator[None]:
    """Turns what the operating system says about a file into a StoreProblem."""
    try:
        yield
    except FileExistsError:
        raise Refused(path.name, "is there already", "choose another name: nothing is overwritten") from None
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        remedy = "make room; nothing was changed" if full else "check the folder; nothing was changed"
        raise StoreProblem(path.name, f"cannot be written ({error.strerror or type(error).__name__})", remedy) from None


def copy_out(engine: sa.Engine, path: Path) -> None:
    """One snapshot of a database as a new SQLite file for its owner alone, through to the disk."""
    with plain_disk_problems(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        if engine.dialect.name == "sqlite":
            with engine.connect() as connection:
                copy_file(connection.connection.driver_connection, path)  # type: ignore[arg-type]
        else:
            _copy_rows_out(engine, path)
        flush(path)


def copy_file(source: sqlite3.Connection, path: Path) -> None:
    """Copies an SQLite database while others use it: what they commit meanwhile makes the copy begin anew."""
    try:
        with closing(sqlite3.connect(path)) as target:
            source.backup(target, pages=STEP_PAGES)
            target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise driver_problem(error) from None


def _copy_rows_out(engine: sa.Engine, path: Path) -> None:
    from khemon.store.store import Store

    made = Store(f"sqlite:///{path}")
    try:
        with engine.begin() as source, made.writing() as writer:
            _copy_rows(source, writer._connection)
    finally:
        made.close()
    with closing(sqlite3.connect(path)) as target:
        target.execute("PRAGMA journal_mode = DELETE")


def _copy_rows(source: sa.Connection, target: sa.Connection) -> None:
    """Every row of every table; codes of analytes that both know are there already."""
    known = set(target.execute(sa.select(analyte.c.code)).scalars())
    for table in METADATA.sorted_tables:
        found = source.execute(sa.select(table).execution_options(yield_per=ROWS))
        for part in found.mappings().partitions(ROWS):
            rows = [dict(row) for row in part if table is not analyte or row["code"] not in known]
            if rows:
                target.execute(sa.insert(table), rows)


def copy_in(connection: sa.Connection, path: Path, aside: str | None) -> None:
    """Fills a PostgreSQL database from a copy; what was there is kept in a schema of another name."""
    from khemon.store.integrity import check_reader
    from khemon.store.repository import Reader
    from khemon.store.repository.seals import begin
    from khemon.store.store import Store, migrate

    if aside is not None:
        connection.exec_driver_sql(f'ALTER SCHEMA public RENAME TO "{aside}"')
        connection.exec_driver_sql("CREATE SCHEMA public")
        migrate(connection)
    copy: Store = Store(f"sqlite:///{path}")
    try:
        with copy.reading() as source:
            _copy_rows(source._connection, connection)
    finally:
        copy.close()
    begin(connection)
    found = check_reader(Reader(connection))
    if found:
        what = f"is not what was backed up ({found[0].what}: {found[0].where})"
        raise StoreProblem("restored database", what, "nothing was changed; report it")


def flush(path: Path) -> None:
    """Writes a file, and that it is there, through to the disk."""
    for each in (path, path.parent):
        opened = os.open(each, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def put_in_place(temporary: Path, path: Path) -> None:
    """Gives a finished file its name, unless there is one of that name; all at once, through to the disk."""
    with plain_disk_problems(path):
        os.link(temporary, path)
        flush(path)
        temporary.unlink()


def replace_file(temporary: Path, path: Path, aside: Path | None) -> None:
    """Puts a finished database file in the place of another one, which is kept under the name `aside`.

    At every moment one whole file has the name. Whoever has the old one open must have ended before.
    """
    with plain_disk_problems(path):
        if aside is not None:
            os.link(path, aside)
        for suffix in ("-journal", "-wal", "-shm"):  # SQLite would play an old journal back into the new file
            beside = Path(f"{path}{suffix}")
            if aside is None:
                beside.unlink(missing_ok=True)
            elif beside.exists():
                beside.replace(f"{aside}{suffix}")
        temporary.replace(path)
        flush(path)


def remove(path: Path) -> None:
    """Takes a file and what SQLite put beside it away, if they are there."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        with suppress(OSError):
            Path(f"{path}{suffix}").unlink()


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else reads or writes an SQLite file meanwhile, and nothing half written is left in its journal."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=1)) as held:
        try:
            held.execute("PRAGMA locking_mode = EXCLUSIVE")
            held.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise driver_problem(error) from None
        except sqlite3.DatabaseError:  # so damaged that SQLite does not know it: nobody can have it open
            pass
        yield


def copy_of(path: Path, made: Path) -> None:
    """A copy of a finished file, for its owner alone, through to the disk."""
    with plain_disk_problems(made):
        os.close(os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        shutil.copyfile(path, made)
        flush(made)


def is_blank(path: Path) -> bool:
    """Whether a file is a database without a table, as one of no bytes is; what is no database at all is not."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as opened:
        try:
            return opened.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
        except sqlite3.Error:
            return False


def settle_file(path: Path) -> None:
    """Leaves an SQLite file that nobody has open as one file, without a journal beside it."""
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("PRAGMA journal_mode = DELETE")
    with plain_disk_problems(path):
        flush(path)
