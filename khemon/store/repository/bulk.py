"""Many rows at once, by the driver's own means: no object is made per row."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from itertools import islice
from typing import Any

import sqlalchemy as sa

from khemon.store.problems import plain_driver_problems
from khemon.store.repository.ready import Ready, Rows, insertion

#: Numbers or texts in one IN list.
LIST_LENGTH = 5_000


@contextmanager
def without_collection() -> Iterator[None]:
    """Leaves garbage alone meanwhile: looking for cycles among so many new rows costs a fifth of an import."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Inserts rows of plain values in column order; sorted by the primary key they go in fastest."""
    if not rows:
        return
    if len(rows) == 1:
        columns = [column.name for column in table.columns]
        insertion(table).run(connection, [dict(zip(columns, row, strict=True)) for row in rows])
        return
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    if connection.dialect.name == "postgresql":
        _copy(connection, f'COPY "{table.name}" ({names}) FROM STDIN', rows)
        return
    # One row a statement: with triggers SQLite first materializes a statement of many.
    marks = ", ".join("?" * len(table.columns))
    connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', list(rows))


def _copy(connection: sa.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    with (
        plain_driver_problems(connection),
        closing(connection.connection.cursor()) as cursor,
        cursor.copy(statement) as copy,
    ):
        for row in rows:
            copy.write_row(row)


def fetch_plain(connection: sa.Connection, statement: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """The rows of a query as plain tuples from the driver. Only numbers may be bound in the statement."""
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    with plain_driver_problems(connection), closing(connection.connection.cursor()) as cursor:
        cursor.execute(str(compiled))
        return cursor.fetchall()  # type: ignore[return-value]


def chunks(values: Iterable[Any], length: int = LIST_LENGTH) -> Iterator[list[Any]]:
    """The values in lists of at most `length`."""
    rest = iter(values)
    while chunk := list(islice(rest, length)):
        yield chunk


@lru_cache(maxsize=64)
def _highest(column: sa.Column[int]) -> Ready:
    return Ready(sa.select(sa.func.coalesce(sa.func.max(column), 0)))


def next_number(connection: sa.Connection, column: sa.Column[int]) -> int:
    """The number after the highest in a column; writers queue, so it is free."""
    return int(_highest(column).rows(connection)[0][0]) + 1


def only(statement: sa.Select[Any], column: sa.ColumnElement[Any], values: list[Any] | None) -> sa.Select[Any]:
    """The statement for these values of a column; None: for all."""
    return statement if values is None else statement.where(column.in_(values))


class ReadyOf:
    """A query that is asked for one number in a column, for many of them, or (None) for all rows."""

    def __init__(self, query: sa.Select[Any], column: sa.Column[int]) -> None:
        self._column = column
        self._all = Ready(query)
        self._one = Ready(query.where(column == sa.bindparam("number")))
        self._query = query

    def rows(self, connection: sa.Connection, numbers: Iterable[int] | None, **values: int) -> Rows:
        """The rows for these numbers; in the order of the query within each 5,000 of them."""
        if numbers is None:
            return self._all.rows(connection, **values)
        asked = list(numbers)
        if len(asked) == 1:
            return self._one.rows(connection, number=asked[0], **values)
        query = self._query.params(**values) if values else self._query
        return [row for chunk in chunks(asked) for row in fetch_plain(connection, query.where(self._column.in_(chunk)))]
