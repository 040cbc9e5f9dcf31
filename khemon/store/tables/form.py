"""How a table of the store is written down: strict in SQLite, five column types, names of keys and indexes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={"ix": "%(table_name)s_%(column_0_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s"}
)


def column(
    name: str, kind: type[sa.types.TypeEngine[Any]], *, key: bool = False, null: bool = False, of: str | None = None
) -> sa.Column[Any]:
    """A column; `of`: the key it refers to."""
    reference = [] if of is None else [sa.ForeignKey(of)]
    return sa.Column(name, kind, *reference, primary_key=key, nullable=null, autoincrement=False)


def table(name: str, *parts: sa.schema.SchemaItem, clustered: bool = False) -> sa.Table:
    """A table; `clustered`: its rows lie in the order of its key."""
    return sa.Table(name, METADATA, *parts, sqlite_strict=True, sqlite_with_rowid=not clustered)
