"""How the files of each laboratory are read: versions of its mapping, never changed, the last one in use."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from khemon.models import Actor, StoreProblem
from khemon.store.digests import row_digest
from khemon.store.repository.bulk import next_number
from khemon.store.repository.sealing import note_rows
from khemon.store.repository.seals import seals_of
from khemon.store.rows import MappingVersion
from khemon.store.tables import mapping_version

_NEWEST_FIRST = sa.select(mapping_version).order_by(mapping_version.c.mapping_no.desc())


def versions(connection: sa.Connection, source: str | None = None) -> list[MappingVersion]:
    """Every version of a laboratory's mapping, or of all, the newest first. StoreProblem when one was changed."""
    asked = _NEWEST_FIRST if source is None else _NEWEST_FIRST.where(mapping_version.c.source == source)
    return [_sound(tuple(row)) for row in connection.execute(asked)]


def add(
    connection: sa.Connection,
    source: str,
    text: str,
    mapping_digest: str,
    shape: str,
    actor: Actor,
    reason: str,
    at_ms: int,
) -> int:
    """Makes a mapping the one that is proposed for a laboratory's files; its version, counted from 1."""
    number = next_number(connection, mapping_version.c.mapping_no)
    mine = sa.select(sa.func.coalesce(sa.func.max(mapping_version.c.version), 0))
    version = int(connection.execute(mine.where(mapping_version.c.source == source)).scalar_one()) + 1
    row = (number, source, version, text, mapping_digest, shape, at_ms, actor.name, actor.kind, reason)
    whole = (*row, row_digest(row))
    connection.execute(sa.insert(mapping_version).values(whole))
    note_rows(seals_of(connection), "mapping", [whole])
    return version


def damaged(connection: sa.Connection) -> list[int]:
    """Numbers of those that are not what was written."""
    return [row.mapping_no for row in connection.execute(_NEWEST_FIRST) if not _is_sound(tuple(row))]


def _is_sound(row: tuple[Any, ...]) -> bool:
    return bool(row_digest(row[:-1]) == row[-1])


def _sound(row: tuple[Any, ...]) -> MappingVersion:
    if not _is_sound(row):
        found, remedy = "is not what was written: its digest differs", "run khemon check and restore a backup"
        raise StoreProblem(where=f"mapping, number {row[0]}", found=found, remedy=remedy)
    return MappingVersion(*row[:-1])
