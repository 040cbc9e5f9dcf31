"""The protocol a store is judged by: the text it keeps, never a file beside it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from khemon.models import Actor, Refused, RulebookProblem
from khemon.rules import Protocol, load_protocol
from khemon.rules.numbers import Difference, differing, otherwise_differing
from khemon.rules.parameters import Number
from khemon.rules.protocols import BUILT_IN, protocol_digest, protocol_of_text, protocol_text
from khemon.store import LiveProtocol, Reader, Writer

SYSTEM = Actor(name="khemon", kind="system")
#: The word for the store's own protocol where a name or a file may stand.
LIVE = "live"
#: What a store is judged by when nobody ever decided otherwise.
_FIRST = "ward"
_FIRST_REASON = "in use from the first evaluation; nobody chose another one"


@lru_cache(maxsize=16)
def read_text(text: str) -> Protocol:
    """The protocol of a stored text. RulebookProblem with the way out when this khemon cannot read it."""
    try:
        return protocol_of_text(text)
    except RulebookProblem as problem:
        remedy = 'use the khemon that wrote it, or decide anew: khemon protocol live ward --reason "…"'
        raise RulebookProblem(
            "protocol in use", f"cannot be read by this khemon ({problem.where})", remedy
        ) from problem


@lru_cache(maxsize=4)
def built_in(name: str) -> Protocol:
    """A protocol that comes with khemon."""
    return load_protocol(name)


def live_protocol(reader: Reader) -> Protocol:
    """The protocol the store is judged by; the installed ward protocol until the first evaluation is on record."""
    row = reader.live_protocol()
    return built_in(_FIRST) if row is None else read_text(row.text)


def chosen(wanted: str, reader: Reader | None) -> Protocol:
    """The protocol of a name or a file, or the store's own for `live`. RulebookProblem for a wrong one."""
    if wanted == LIVE:
        if reader is None:
            raise Refused(
                "protocol live", "there is no store to ask", "name a protocol or a file, or the store by --db"
            )
        return live_protocol(reader)
    return built_in(wanted) if wanted in BUILT_IN else load_protocol(wanted)


def keep_first_protocol(writer: Writer, now_ms: int) -> None:
    """Puts the installed ward protocol on record when the store has none: a newer khemon then changes nothing."""
    if not writer.has_protocol():
        record(writer, built_in(_FIRST), _FIRST_REASON, SYSTEM, now_ms)


def record(writer: Writer, protocol: Protocol, reason: str, actor: Actor, now_ms: int) -> int:
    """Makes a protocol the one in use, with its audit entry: the old and the new numbers. Its number in the history."""
    before = writer.live_protocol()
    text = protocol_text(protocol)
    number = writer.add_protocol(text, protocol.name, protocol.version, actor=actor, reason=reason, at_ms=now_ms)
    details: dict[str, Any] = {"digest": protocol_digest(protocol), "reason": reason, "before": _head(before)}
    details |= change_document(readable(before), protocol)
    writer.audit(actor, "protocol_live", f"protocol {protocol.name} {protocol.version}", details, now_ms)
    return number


def readable(row: LiveProtocol | None) -> Protocol | None:
    """The protocol of a row; None for none, or one that this khemon cannot read."""
    try:
        return None if row is None else read_text(row.text)
    except RulebookProblem:
        return None


def change_document(before: Protocol | None, after: Protocol) -> dict[str, Any]:
    """{"numbers": [{"path", "before", "after"}], "other": [path]}: what differs; nothing without one before."""
    if before is None:
        return {"numbers": [], "other": []}
    numbers = [number_change(pair) for pair in differing(before, after)]
    return {"numbers": numbers, "other": otherwise_differing(before, after)}


def number_change(pair: Difference) -> dict[str, Any]:
    """A number that differs, for JSON; each side {"value", "unit", "source"} or null."""
    return {"path": pair.path, "before": number_document(pair.before), "after": number_document(pair.after)}


def number_document(number: Number | None) -> dict[str, Any] | None:
    """A number for JSON: exact value as text; source null marks khemon's own choice."""
    return None if number is None else {"value": number.words, "unit": number.unit, "source": number.source}


def _head(row: LiveProtocol | None) -> dict[str, str] | None:
    return None if row is None else {"name": row.name, "version": row.version, "digest": row.protocol_digest}


def installed_differs(row: LiveProtocol | None) -> str | None:
    """How the installed protocol differs from the one in use, or from what that one changes; None when it does not."""
    if row is None:
        return None
    own = readable(row)
    name = row.name if own is None else own.name if own.name in BUILT_IN else own.base
    if name not in BUILT_IN:
        return None
    installed = built_in(str(name))
    if own is not None and own.name not in BUILT_IN:
        changed = [pair.path for pair in differing(own, installed) if pair.before is None or not pair.before.set_by]
        if not changed and not otherwise_differing(own, installed):
            return None
    elif protocol_digest(installed) == row.protocol_digest:
        return None
    else:
        changed = [] if own is None else [pair.path for pair in differing(own, installed)]
    numbers = f"; other numbers: {', '.join(changed)}" if changed else ""
    return (
        f"this khemon brings {installed.name} {installed.version}; the store keeps {row.name} {row.version} as it was"
        f"{numbers}. It changes only by: khemon protocol live"
    )
