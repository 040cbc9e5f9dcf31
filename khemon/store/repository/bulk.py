"""Many rows at once, by the driver's own means: no object is made per row."""

from __future__ import annotations

import gc
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa

from khemon.store.column_types import Integer, Real, Text, Utc
from khemon.store.problems import plain_driver_problems
from khemon.store.repository.ready import Ready, Rows, insertion

#: Numbers or texts in one IN list.
LIST_LENGTH = 5_000
#: Rows for which one statement is composed.
BLOCK = 8_192
#: So few rows are not worth a statement of their own.
FEW = 8
#: Rows of one statement.
ROWS_AT_ONCE = 32
#: Numbers of one statement that is kept ready.
_ASKED_AT_ONCE = 64
#: What the driver is given instead of nothing, by type of column.
_ABSENT: dict[type, str | int] = {Text: "", Integer: -1, Utc: -1}
#: Texts that may stand in a statement as they are.
_HARMLESS = re.compile(r"[\w\[\], .]*", re.ASCII)


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
    if len(rows) < FEW:
        columns = [column.name for column in table.columns]
        insertion(table).run(connection, [dict(zip(columns, row, strict=True)) for row in rows])
        return
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    if connection.dialect.name == "postgresql":
        _copy(connection, f'COPY "{table.name}" ({names}) FROM STDIN', rows)
        return
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        insert_columns(connection, table, list(zip(*block, strict=True)), len(block))


class Same(NamedTuple):
    """A column in which one value stands throughout."""

    value: Any


Column = Sequence[Any] | Same


def insert_columns(connection: sa.Connection, table: sa.Table, columns: Sequence[Column], length: int) -> None:
    """Inserts so many rows, given as columns in the order of the table's; sorted by the primary key they go in fastest.

    What the driver is given for every row costs more than SQLite takes to store it, nothing at all costs most. So a
    column of one value stands in the statement, and two columns of the same values are given once.
    """
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    if connection.dialect.name == "postgresql":
        whole = ([column.value] * length if isinstance(column, Same) else column for column in columns)
        _copy(connection, f'COPY "{table.name}" ({names}) FROM STDIN', zip(*whole, strict=True))
        return
    given: list[_Given] = []
    marks = [_mark(into, column, given, length) for into, column in zip(table.columns, columns, strict=True)]
    row, width = f"({', '.join(marks)})", len(given)
    cells: list[Any] = [None] * (length * width)
    for place, each in enumerate(given):
        cells[place::width] = each.values
    full = (length - length % ROWS_AT_ONCE) * width
    with plain_driver_problems(connection), closing(connection.connection.cursor()) as cursor:
        for several, some in ((ROWS_AT_ONCE, cells[:full]), (1, cells[full:])):
            places = ", ".join(shifted(row, place * width) for place in range(several))
            together = [some[at : at + several * width] for at in range(0, len(some), several * width)]
            cursor.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES {places}', together)


class _Given(NamedTuple):
    """What the driver is given for every row, and the column it goes into."""

    into: sa.Column[Any]
    values: Sequence[Any]


def shifted(row: str, by: int) -> str:
    """The places of a row in a statement, so many places on."""
    return re.sub(r"\?(\d+)", lambda place: f"?{int(place[1]) + by}", row)


def _mark(into: sa.Column[Any], column: Column, given: list[_Given], length: int) -> str:
    """What stands for a column in the statement; it is added to what is given for every row if it has to be."""
    alone = isinstance(column, Same) or (column[0] == column[-1] and column.count(column[0]) == length)
    first = column.value if isinstance(column, Same) else column[0]
    literal = _literal(first) if alone and not into.primary_key else None
    if literal is not None:
        return literal
    values: Sequence[Any] = [first] * length if isinstance(column, Same) else column
    for place, other in enumerate(given, start=1):
        if type(into.type) is type(other.into.type) and _the_same(into, values, other.values):
            return f"?{place}"
    instead = _ABSENT.get(type(into.type))
    if into.nullable and None in values and instead is not None and instead not in values:
        given.append(_Given(into, [instead if value is None else value for value in values]))
        return f"NULLIF(?{len(given)}, {_literal(instead)})"
    given.append(_Given(into, values))
    return f"?{len(given)}"


def _literal(value: Any) -> str | None:  # noqa: ANN401
    """A value as it is written in a statement; None for one that has to be given beside it."""
    if value is None:
        return "NULL"
    if type(value) is int:
        return str(value)
    return f"'{value}'" if type(value) is str and _HARMLESS.fullmatch(value) else None


def _the_same(into: sa.Column[Any], one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two columns hold the same texts, or the same floats bit by bit: 0.0 equals -0.0 and is another value."""
    if one is other or (one[0], one[-1]) != (other[0], other[-1]):
        return one is other
    if isinstance(into.type, Text):
        return one == other
    floats = isinstance(into.type, Real) and not into.nullable
    return floats and array("d", one).tobytes() == array("d", other).tobytes()


def _copy(connection: sa.Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
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


class ReadyIn:
    """A query that is asked for some numbers in a column, so many at a time."""

    def __init__(self, query: sa.Select[Any], column: sa.Column[int]) -> None:
        self._names = [f"number_{place}" for place in range(_ASKED_AT_ONCE)]
        self._some = Ready(query.where(column.in_([sa.bindparam(name) for name in self._names])))

    def rows(self, connection: sa.Connection, numbers: Iterable[int]) -> Rows:
        """The rows for these numbers, in no order."""
        found: Rows = []
        for chunk in chunks(numbers, _ASKED_AT_ONCE):
            # The last of them stands in the places that are left: it is found once all the same.
            filled = chunk + chunk[-1:] * (_ASKED_AT_ONCE - len(chunk))
            found += self._some.rows(connection, **dict(zip(self._names, filled, strict=True)))
        return found
