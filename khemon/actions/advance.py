"""The moves that time alone makes: expired acknowledgements, criteria not rechecked, companions still missing."""

from __future__ import annotations

from typing import Any

from khemon.actions.recompute import SYSTEM, recompute
from khemon.models import Actor, Refused
from khemon.rules.calendar import from_ms
from khemon.store import Store, Writer

#: When time last moved something. A clock before it is put on record, so that a wrong clock can be found.
_LAST = "advanced_to_ms"


def advance(store: Store, now_ms: int, actor: Actor = SYSTEM, part: tuple[int, int] | None = None) -> dict[str, Any]:
    """What moved by now, in one transaction: {"now", "moves": [...]}. Nothing is written when nothing moves.

    part: which part of the children (from 0), and of how many; all of them without it. Refused without a time zone. A
    clock that stands before the last move is audited once, and followed.
    """
    with store.writing() as writer:
        zone = writer.setting("timezone")
        if zone is None:
            raise Refused("advance", "this store has no time zone yet", "import a file with --timezone first")
        went_back = _went_back(writer, now_ms, actor)
        moves = recompute(writer, None if part is None else _part_of(writer, *part), now_ms, actor)
        if moves or went_back:
            writer.set_setting(_LAST, str(now_ms))
    made = [{"alert": move.alert.alert_id, "move": move.move, "reason": move.reason} for move in moves]
    return {"now": from_ms(now_ms, zone).isoformat(), "moves": made}


def _part_of(writer: Writer, which: int, of: int) -> list[str]:
    """Ids of a part of the children, with those of whom only alerts are left: all parts together are everybody."""
    return sorted({*writer.patient_ids(), *(alert.patient_id for alert in writer.alerts())})[which::of]


def _went_back(writer: Writer, now_ms: int, actor: Actor) -> bool:
    last = int(writer.setting(_LAST) or now_ms)
    if now_ms >= last:
        return False
    writer.audit(actor, "clock_went_back", "store", {"last_ms": last, "now_ms": now_ms}, now_ms)
    return True
