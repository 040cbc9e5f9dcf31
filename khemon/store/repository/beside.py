"""Rows that repeat each other in most of their columns: what they repeat is given to the driver once.

It stands in a table of the connection's own while they are inserted; nobody else sees it, and it goes with the
transaction. What the driver is given for every row costs more than SQLite takes to look up the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa

from khemon.store.problems import plain_driver_problems
from khemon.store.repository.bulk import BLOCK, shifted

#: Rows of one statement.
ROWS_AT_ONCE = 128


class Beside:
    """Inserts rows of a table of which so many columns are kept under a place, in SQLite."""

    def __init__(self, connection: sa.Connection, table: sa.Table, given: Sequence[str], kept: Sequence[str]) -> None:
        self._connection = connection
        self._width = len(given) + 1
        at = {name: f"v.column{place}" for place, name in enumerate(given, start=1)}
        at |= {name: f's."{name}"' for name in kept}
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        read = ", ".join(at.get(column.name, "NULL") for column in table.columns)
        self._head = f'INSERT INTO "{table.name}" ({names}) SELECT {read} FROM (VALUES '
        # From the left: in the order given; a place without a row gives columns of nothing, which the table refuses.
        self._tail = f") v LEFT JOIN temp.beside s ON s.place = v.column{self._width}"

    def insert(self, columns: Sequence[Sequence[Any]], places: Sequence[int]) -> None:
        """Inserts rows given as columns, the place of the rest of each behind them."""
        width, length = self._width, len(places)
        cells: list[Any] = [None] * (length * width)
        for place, values in enumerate((*columns, places)):
            cells[place::width] = values
        row = f"({', '.join(f'?{place}' for place in range(1, width + 1))})"
        full = (length - length % ROWS_AT_ONCE) * width
        with plain_driver_problems(self._connection), closing(self._connection.connection.cursor()) as cursor:
            for several, some in ((ROWS_AT_ONCE, cells[:full]), (1, cells[full:])):
                rows = ", ".join(shifted(row, place * width) for place in range(several))
                together = [some[at : at + several * width] for at in range(0, len(some), several * width)]
                cursor.executemany(f"{self._head}{rows}{self._tail}", together)


@contextmanager
def kept_beside(
    connection: sa.Connection, table: sa.Table, given: Sequence[str], kept: Mapping[str, Sequence[Any]]
) -> Iterator[Beside]:
    """What inserts rows of a table by the columns `given`, the others but those without a value being kept beside."""
    names = ", ".join(f'"{name}"' for name in kept)
    marks = ", ".join("?" * (len(kept) + 1))
    with plain_driver_problems(connection), closing(connection.connection.cursor()) as cursor:
        cursor.execute(f"CREATE TEMP TABLE beside (place INTEGER PRIMARY KEY, {names})")
        rows = [(place, *row) for place, row in enumerate(zip(*kept.values(), strict=True))]
        cursor.executemany(f"INSERT INTO temp.beside VALUES ({marks})", rows)
    yield Beside(connection, table, given, list(kept))
    with plain_driver_problems(connection), closing(connection.connection.cursor()) as cursor:
        cursor.execute("DROP TABLE temp.beside")


def pays(connection: sa.Connection, length: int) -> bool:
    """Whether so many rows are worth a table beside."""
    return connection.dialect.name == "sqlite" and length > BLOCK
