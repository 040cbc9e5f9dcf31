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
_STILL = Ready(
    sa.select(protocol_live.c.live_no).where(
        protocol_live.c.live_no == sa.select(sa.func.max(protocol_live.c.live_no)).scalar_subquery(),
        *(column == sa.bindparam(column.name) for column in protocol_live.c),
    )
)


def is_there(connection: sa.Connection) -> bool:
    """Whether there is one."""
    return seals_of(connection).has("protocol", WARD)


def live(connection: sa.Connection) -> LiveProtocol | None:
    """The protocol in use; None before the first. StoreProblem when it is not what was written."""
    seals, rests_on = seals_of(connection), [(WARD, "protocol")]
    known: tuple[Any, ...] | None = seals.known("protocol", WARD, rests_on)
    # The text is long: where it is the one that was read before, the database says so and does not hand it out.
    if known is None or _STILL.first(connection, **dict(zip(_NAMES, known, strict=True))) is None:
        known = _live_read(connection)
        seals.learn("protocol", WARD, rests_on, known)
    return None if known is None else LiveProtocol(*known[:-1])


def _live_read(connection: sa.Connection) -> tuple[Any, ...] | None:
    row = _NEWEST.first(connection)
    newest = seals_of(connection).expected("protocol", [WARD]).get(WARD)
    if (0 if newest is None else newest.rows) != (0 if row is None else row[0]):
        raise damage("protocol in use")
    if row is not None:
        _sound(row)
    return row


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
