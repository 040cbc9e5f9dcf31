"""A store: opened once per process, it hands out readers (one snapshot) and writers (one transaction)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from khemon.models import Refused, StoreProblem
from khemon.store import copies
from khemon.store.connection import Engines, close_to_others, connect, readers_hold_up_commits
from khemon.store.gaps import Gaps
from khemon.store.later import Act, Later
from khemon.store.problems import plain_problems
from khemon.store.repository import BoundReader, Moment, PastBoundReader, PastReader, Reader, Writer
from khemon.store.repository.children import Children
from khemon.store.repository.seals import begin
from khemon.store.tables import SCHEMA, analyte
from khemon.store.triggers import trigger_differences
from khemon.store.turns import Turns
from khemon.units import ANALYTE_CODES


class Store:
    """An open database of schema `SCHEMA` whose triggers and settings are as they should be."""

    #: What this process worked out of the rows and keeps until they change, by name. None: nothing may be kept.
    kept: dict[str, Any] | None = None

    def __init__(self, url: str) -> None:
        self.url = url
        self.kept = {}
        self._children = Children()
        #: Why nothing may be written by this process; empty when everything may.
        self._held: list[str] = []
        #: Why nobody knows whether it is sound; empty when the last check was made, or none is due yet.
        self._doubted: list[str] = []
        self._engines: Engines = connect(url)
        self._gaps = Gaps(needed=readers_hold_up_commits(self._engines))
        self._turns = Turns(self._engines.writing)
        try:
            with plain_problems():
                self._prepare()
            close_to_others(self._engines.writing.url)
            self._later = Later(self.writing)
        except BaseException:
            self._engines.dispose()
            raise

    def close(self) -> None:
        """Closes every connection; the store cannot be used afterwards."""
        self._later.stop()
        self._turns.close()
        self._engines.dispose()

    def copy_to(self, path: Path) -> None:
        """Writes one snapshot of the store into a new SQLite file; others read and write meanwhile."""
        with plain_problems():
            copies.copy_out(self._engines.reading, path)

    def take_from(self, path: Path, *, aside: str | None) -> None:
        """Fills this PostgreSQL database with the rows of a copy, in one transaction, and checks them before it ends.

        aside: the name of the schema under which what was there is kept; None where there is nothing.
        """
        with plain_problems(), self._engines.writing.begin() as connection:
            copies.copy_in(connection, path, aside)

    def is_empty(self) -> bool:
        """Whether nothing was ever recorded."""
        with self.reading() as reader:
            return reader.audit_head()[0] == 0 and not reader.batches()

    def hold(self, because: str) -> None:
        """Refuses every writing of this process from now on; reading goes on, and compares what it reads."""
        self._held[:] = [because]
        self._doubted.clear()

    def doubt(self, because: str) -> None:
        """Notes that a check could not be made; what was held or allowed stays so."""
        self._doubted[:] = [because]

    def release(self) -> None:
        """Allows writing again: a check was made, and found nothing."""
        self._held.clear()
        self._doubted.clear()

    @property
    def held_because(self) -> str | None:
        """Why nothing may be written by this process; None when everything may."""
        return self._held[0] if self._held else None

    @property
    def doubted_because(self) -> str | None:
        """Why nobody knows whether the store is sound; None when the last check was made."""
        return self._doubted[0] if self._doubted else None

    def later(self, act: Act) -> None:
        """Writes soon, in a transaction of its own, without anybody waiting; `close` writes what is left."""
        self._later.put(act)

    def settle(self) -> None:
        """Waits until what was left for later is written."""
        self._later.settle()

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader of one snapshot. Keep it short: in SQLite's rollback mode a commit waits for it."""
        with self._gaps.reading(), plain_problems(), self._engines.reading.begin() as connection:
            begin(connection)
            yield Reader(connection)

    def bound_to(self, wards: Sequence[str], name: str, open_since_ms: int) -> BoundStore:
        """This store as a person bound to wards reads it, with the patients opened with a reason since then."""
        return BoundStore(self, wards, name, open_since_ms)

    def looking_back(self, moment: Moment) -> PastStore:
        """This store as it stood at a moment of the past; nothing can be written through it."""
        return PastStore(self, moment)

    @contextmanager
    def writing(self, *, keep: bool = True) -> Iterator[Writer]:
        """A writer in its own transaction: kept at the end, taken back on an exception or when `keep` is false."""
        if self.held_because is not None:
            raise StoreProblem("database", f"is read-only: {self.held_because}", "nothing was saved")
        with ExitStack() as around, plain_problems(), self._turns.begin() as connection:
            seals = begin(connection, self._children)
            yield Writer(connection)
            seals.write()
            if keep:
                around.enter_context(self._gaps.committing())
            else:
                connection.get_transaction().rollback()  # type: ignore[union-attr]
        if keep:  # what was not committed is not to be met again
            self._children.keep(seals.read, seals.facts, seals.numbers)

    def _prepare(self) -> None:
        with self._engines.reading.begin() as connection:
            behind = _schema_version(connection) != SCHEMA or bool(_new_analytes(connection))
        if behind:
            with self._engines.writing.begin() as connection:
                migrate(connection)
        with self._engines.reading.begin() as connection:
            different = trigger_differences(connection)
        if different:
            raise StoreProblem(
                where=f"triggers {', '.join(different)}",
                found="are missing or changed, so stored results may have been altered",
                remedy="restore a backup, or have the database examined",
            )


class BoundStore(Store):
    """An open store whose readers show no patient of another ward. Writers are whole: acts check what they name."""

    def __init__(self, store: Store, wards: Sequence[str], name: str, open_since_ms: int) -> None:
        self.url = store.url
        self.kept = store.kept
        self._engines = store._engines
        self._children = store._children
        self._gaps = store._gaps
        self._turns = store._turns
        self._later = store._later
        self._held = store._held
        self._doubted = store._doubted
        self._bound = (tuple(wards), name, open_since_ms)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader of one snapshot of what the person may see."""
        with self._gaps.reading(), plain_problems(), self._engines.reading.begin() as connection:
            begin(connection)
            yield BoundReader(connection, *self._bound)

    def close(self) -> None:
        """Leaves the store open: it belongs to others too."""


class PastStore(Store):
    """An open store whose readers look back to a moment. The past cannot be written."""

    def __init__(self, store: Store, moment: Moment, bound: tuple[Sequence[str], str, int] | None = None) -> None:
        self.url = store.url
        self._engines = store._engines
        self._gaps = store._gaps
        self._held = store._held
        self._doubted = store._doubted
        self._moment = moment
        self._bound = getattr(store, "_bound", None) if bound is None else bound

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader of one snapshot as of the moment."""
        with self._gaps.reading(), plain_problems(), self._engines.reading.begin() as connection:
            begin(connection)
            bound = self._bound
            reader = PastReader(connection) if bound is None else PastBoundReader(connection, *bound)
            reader.look_back(self._moment)
            yield reader

    def bound_to(self, wards: Sequence[str], name: str, open_since_ms: int) -> PastStore:  # type: ignore[override]
        """The same as a person bound to wards reads it."""
        return PastStore(self, self._moment, (tuple(wards), name, open_since_ms))

    @contextmanager
    def writing(self, *, keep: bool = True) -> Iterator[Writer]:
        """Refused: what is past cannot be changed."""
        raise Refused("looking back", "nothing can be done in the past", "go back to now, and do it there")
        yield

    def later(self, act: Act) -> None:
        """Refused: what is past cannot be changed."""
        with self.writing():
            pass

    def close(self) -> None:
        """Leaves the store open: it belongs to others too."""


def _schema_version(connection: sa.Connection) -> str | None:
    """The schema of the database; None for an empty one. Raises StoreProblem for a foreign or newer one."""
    names = sa.inspect(connection).get_table_names()
    if "alembic_version" not in names:
        if names:
            raise StoreProblem(
                where="database", found="holds tables of another application", remedy="choose an empty one"
            )
        return None
    versions = list(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars())
    if versions != [SCHEMA] and (len(versions) != 1 or versions[0] > SCHEMA):
        raise StoreProblem(
            where="database",
            found=f"has schema {versions}, this khemon knows up to {SCHEMA}",
            remedy="use the newer khemon",
        )
    return str(versions[0])


def migrate(connection: sa.Connection) -> None:
    """Brings an older schema and analyte table up to this code's, unless another process was first."""
    if _schema_version(connection) != SCHEMA:
        from alembic import command  # slow to import and rarely needed
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    new = _new_analytes(connection)
    if new:
        connection.execute(sa.insert(analyte), [{"code": code, "name": name} for name, code in new.items()])


def _new_analytes(connection: sa.Connection) -> dict[str, int]:
    """Analytes this code knows and the database does not; StoreProblem when a code means another one there."""
    stored = {name: code for code, name in connection.execute(sa.select(analyte.c.code, analyte.c.name))}
    new = {name: code for name, code in ANALYTE_CODES.items() if name not in stored}
    if any(ANALYTE_CODES.get(name) != code for name, code in stored.items()) or set(new.values()) & set(
        stored.values()
    ):
        raise StoreProblem(
            where="analyte table",
            found="gives codes another meaning than this khemon does",
            remedy="use the khemon that wrote this database; new analytes go to the end of analytes.toml",
        )
    return new
