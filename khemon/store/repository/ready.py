"""Statements that are made and compiled once, and run by the driver's own cursor: what one result needs on its way in.

Composing and compiling a statement anew costs more than SQLite takes to answer it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from khemon.store.problems import driver_problem

Rows = list[tuple[Any, ...]]


class _Text(NamedTuple):
    """A compiled statement: its text, the values that stand in it, and the names of its values where these are told
    apart by place.
    """

    sql: str
    fixed: Mapping[str, Any]
    places: Sequence[str] | None

    def given(self, values: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """The values as the driver takes them."""
        named = {**self.fixed, **values} if self.fixed else values
        return named if self.places is None else [named[name] for name in self.places]


class Ready:
    """A statement compiled once for each kind of database; `sa.bindparam` names what is given later."""

    def __init__(self, statement: sa.Executable) -> None:
        self.statement = statement
        self._texts: dict[str, _Text] = {}

    def _text(self, connection: sa.Connection) -> _Text:
        dialect = connection.dialect
        known = self._texts.get(dialect.name)
        if known is None:
            compiled: Any = self.statement.compile(dialect=dialect)  # type: ignore[attr-defined]
            fixed = {name: value for name, value in compiled.params.items() if value is not None}
            known = _Text(str(compiled), fixed, tuple(compiled.positiontup) if compiled.positional else None)
            self._texts[dialect.name] = known
        return known

    def rows(self, connection: sa.Connection, **values: Any) -> Rows:  # noqa: ANN401
        """Every row of the answer."""
        text = self._text(connection)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text.sql, text.given(values))
            return cursor.fetchall()  # type: ignore[return-value]
        except connection.dialect.loaded_dbapi.Error as error:
            raise driver_problem(error) from None
        finally:
            cursor.close()

    def first(self, connection: sa.Connection, **values: Any) -> tuple[Any, ...] | None:  # noqa: ANN401
        """The first row of the answer; None when there is none."""
        found = self.rows(connection, **values)
        return found[0] if found else None

    def run(self, connection: sa.Connection, several: Iterable[Mapping[str, Any]]) -> int:
        """Runs it once for each of these values; how many rows it met."""
        text = self._text(connection)
        given = [text.given(values) for values in several]
        cursor = connection.connection.cursor()
        try:
            cursor.executemany(text.sql, given)
            return cursor.rowcount
        except connection.dialect.loaded_dbapi.Error as error:
            raise driver_problem(error) from None
        finally:
            cursor.close()


@lru_cache(maxsize=64)
def insertion(table: sa.Table) -> Ready:
    """The insertion of a row, every column given by name."""
    return Ready(sa.insert(table))
