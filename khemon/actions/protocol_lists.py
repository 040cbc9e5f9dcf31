"""Which protocols there are, which one a store is judged by and since when, and every number of one."""

from __future__ import annotations

from typing import Any

from khemon.actions.live import built_in, chosen, installed_differs, number_document
from khemon.actions.permitted import permitted
from khemon.models import Actor
from khemon.rules import Protocol
from khemon.rules.calendar import from_ms
from khemon.rules.numbers import differing, numbers_of
from khemon.rules.protocols import BUILT_IN, protocol_digest
from khemon.store import LiveProtocol, Store


@permitted("read_rules")
def listed(store: Store | None, actor: Actor) -> dict[str, Any]:
    """{"built_in": [...], "live": {...} or null, "history": [...]}: the document of `protocol list --json`."""
    shipped = [_head(built_in(name)) for name in reversed(BUILT_IN)]
    if store is None:
        return {"built_in": shipped, "live": None, "history": [], "note": None}
    with store.reading() as reader:
        zone = reader.setting("timezone") or "UTC"
        rows = reader.protocol_history()
    history = [_row(row, zone) for row in rows]
    note = installed_differs(rows[0] if rows else None)
    return {"built_in": shipped, "live": history[0] if history else None, "history": history, "note": note}


@permitted("read_rules")
def shown(store: Store | None, actor: Actor, wanted: str) -> dict[str, Any]:
    """Every number with unit and source, and where it differs from the base: the document of `protocol show --json`."""
    if store is None:
        return _numbers(chosen(wanted, None))
    with store.reading() as reader:
        return _numbers(chosen(wanted, reader))


def base_of(protocol: Protocol) -> Protocol | None:
    """The installed protocol that this one changes; None for one of its own."""
    return None if protocol.base not in BUILT_IN else built_in(str(protocol.base))


def _numbers(protocol: Protocol) -> dict[str, Any]:
    base = base_of(protocol)
    changed = {} if base is None else {pair.path: pair.before for pair in differing(base, protocol)}
    numbers = [
        {"path": path, **(number_document(number) or {}), "base": number_document(changed.get(path))}
        for path, number in numbers_of(protocol).items()
    ]
    return _head(protocol) | {"base": protocol.base, "numbers": numbers}


def _head(protocol: Protocol) -> dict[str, Any]:
    named = {"name": protocol.name, "version": protocol.version, "title": protocol.title}
    return named | {"digest": protocol_digest(protocol)}


def _row(row: LiveProtocol, zone: str) -> dict[str, Any]:
    since = from_ms(row.at_ms, zone).isoformat()
    named = {"name": row.name, "version": row.version, "digest": row.protocol_digest, "since": since}
    return named | {"actor": row.actor, "reason": row.reason}
