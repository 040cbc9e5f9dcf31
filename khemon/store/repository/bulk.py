"""Many rows at once, by the driver's own means: no object is made per row."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

import sqlalchemy as sa

from khemon.store.problems import plain_driver_problems

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


def next_number(connection: sa.Connection, column: sa.Column[int]) -> int:
    """The number after the highest in a column; writers queue, so it is free."""
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(column), 0))).scalar_one()) + 1


def only(statement: sa.Select[Any], column: sa.ColumnElement[Any], values: list[Any] | None) -> sa.Select[Any]:
    """The statement for these values of a column; None: for all."""
    return statement if values is None else statement.where(column.in_(values))
