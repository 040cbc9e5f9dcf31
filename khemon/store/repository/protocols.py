"""Which protocol the store is judged by, and which ones it was judged by before."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from khemon.models import Actor, StoreProblem
from khemon.store.digests import row_digest, text_digest
from khemon.store.repository.bulk import next_number
from khemon.store.repository.ready import Ready
from khemon.store.repository.sealing import note_rows
from khemon.store.repository.seals import WARD, damage, seals_of
from khemon.store.rows import LiveProtocol
from khemon.store.tables import protocol_live

_NAMES = [column.name for column in protocol_live.columns]
_TEXT, _DIGEST = _NAMES.index("text"), _NAMES.index("protocol_digest")
_NEWEST_FIRST = sa.select(protocol_live).order_by(protocol_live.c.live_no.desc())
_NEWEST = Ready(_NEWEST_FIRST.limit(1))
_ANY = Ready(sa.select(protocol_live.c.live_no).limit(1))


def is_there(connection: sa.Connection) -> bool:
    """Whether there is one."""
    return _ANY.first(connection) is not None


def live(connection: sa.Connection) -> LiveProtocol | None:
    """The protocol in use; None before the first. StoreProblem when it is not what was written."""
    row = _NEWEST.first(connection)
    newest = seals_of(connection).expected("protocol", [WARD]).get(WARD)
    if (0 if newest is None else newest.rows) != (0 if row is None else row[0]):
        raise damage("protocol in use")
    return None if row is None else _sound(row)


def history(connection: sa.Connection) -> list[LiveProtocol]:
    """Every protocol that was in use, the newest first."""
    return [_sound(tuple(row)) for row in connection.execute(_NEWEST_FIRST)]


def add(connection: sa.Connection, text: str, name: str, version: str, actor: Actor, reason: str, at_ms: int) -> int:
    """Makes a protocol the one in use; its number in the history."""
    number = next_number(connection, protocol_live.c.live_no)
    row = (number, at_ms, name, version, text_digest(text), text, actor.name, actor.kind, reason)
    whole = (*row, row_digest(row))
    connection.execute(sa.insert(protocol_live).values(whole))
    note_rows(seals_of(connection), "protocol", [whole])
    return number


def damaged(connection: sa.Connection) -> list[int]:
    """Numbers of those that are not what was written."""
    return [row.live_no for row in connection.execute(_NEWEST_FIRST) if not _is_sound(tuple(row))]


@lru_cache(maxsize=16)
def _is_sound(row: tuple[Any, ...]) -> bool:
    # Remembered by everything in the row: the text is long, and it is read with every arriving result.
    *values, digest = row
    return (row_digest(tuple(values)), text_digest(row[_TEXT])) == (digest, row[_DIGEST])


def _sound(row: tuple[Any, ...]) -> LiveProtocol:
    if not _is_sound(row):
        found, remedy = "is not what was written: its digest differs", "run khemon check and restore a backup"
        raise StoreProblem(where=f"protocol in use, number {row[0]}", found=found, remedy=remedy)
    return LiveProtocol(*row[:-1])
