"""Who was told of a move: opening it is noted once, and audited."""

from __future__ import annotations

import datetime as dt

from khemon.actions.permitted import permitted
from khemon.actions.watch.moved import SEEN_BACK, SEEN_MOVE
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Store


@permitted("look")
def move_opened(store: Store, actor: Actor, batch: str, *, now: dt.datetime) -> None:
    """Notes that someone opened a move of results, or that it was taken back; it is not shown to them as news again."""
    with store.writing() as writer:
        row = writer.batch(batch)
        kind = SEEN_BACK if row is not None and row.undone else SEEN_MOVE
        if row is not None and writer.seen_at(kind, batch, actor.name) is None:
            writer.mark_seen(kind, batch, actor.name, to_ms(now))
            writer.audit(actor, "see_move", f"batch {batch}", {"taken_back": row.undone}, to_ms(now))
