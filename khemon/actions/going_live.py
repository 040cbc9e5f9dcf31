"""Going live: from now on a store is judged by another protocol. One transaction: the text, the audit, the alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from khemon.actions.live import change_document, chosen, live_protocol, readable, record
from khemon.actions.permitted import permitted
from khemon.actions.recompute import Ward, episodes_at, recompute
from khemon.alerts import QUIET, Move, with_floors
from khemon.models import Actor, Refused, RulebookProblem
from khemon.rules import Protocol
from khemon.rules.numbers import differing, otherwise_differing
from khemon.rules.protocols import BUILT_IN, protocol_digest
from khemon.store import Store, Writer


@permitted("go_live")
def go_live(store: Store, actor: Actor, wanted: str, reason: str, now_ms: int) -> dict[str, Any]:
    """What changed, as JSON: the protocol, the one before, their numbers, the alerts that moved by it.

    wanted: the name of a built-in protocol, or a site's file. Refused or RulebookProblem: nothing changed then.
    """
    where = f"protocol {wanted.rsplit('/', 1)[-1]}"
    if not reason.strip():
        raise Refused("--reason", "no reason was given", "say in a few words who decided this, and why")
    protocol = chosen(wanted, None)
    if protocol.base is None and protocol.name not in BUILT_IN:
        found = "it has no base, so rules that pages and alerts rely on may be missing"
        raise Refused(f"{where}, base", found, 'write base = "ward" and only the numbers that differ')
    with store.writing() as writer:
        _check_name(writer, where, protocol)
        zone = writer.setting("timezone")
        before = _as_of_now(writer, zone, now_ms, actor)
        told = f"protocol changed from {_called(before)} to {_called(protocol)}"
        earlier = readable(writer.live_protocol())
        _keep_depths(writer, earlier, protocol, zone, now_ms)
        number = record(writer, protocol, reason.strip(), actor, now_ms)
        moves = recompute(writer, None, now_ms, actor, new_protocol=told) if zone else []
        patients = writer.patient_ids()
        writer.bump_revisions(patients)
    head = {"number": number, "name": protocol.name, "version": protocol.version, "digest": protocol_digest(protocol)}
    changed = change_document(earlier, protocol)
    return {"protocol": head, "reason": reason.strip(), **changed, "patients": len(patients), "moves": _told(moves)}


def _check_name(writer: Writer, where: str, protocol: Protocol) -> None:
    """Refuses what is in use already, and a name and version that meant other numbers here."""
    digest = protocol_digest(protocol)
    history = writer.protocol_history()
    if history and history[0].protocol_digest == digest:
        raise Refused(where, f"{_called(protocol)} is in use already", "see: khemon protocol list")
    for row in history:
        if (row.name, row.version) != (protocol.name, protocol.version) or row.protocol_digest == digest:
            continue
        own = readable(row)
        if own is None or differing(own, protocol) or otherwise_differing(own, protocol):
            found = f"{_called(protocol)} was in use here with other numbers"
            raise Refused(f"{where}, version", found, "give the changed protocol a new version")


def _as_of_now(writer: Writer, zone: str | None, now_ms: int, actor: Actor) -> Protocol | None:
    """The protocol in use, after the moves that time alone made by it: what moves then moves by the change."""
    try:
        if zone:
            recompute(writer, None, now_ms, actor)
        return live_protocol(writer)
    except RulebookProblem:  # kept by a newer khemon; there is no way out but the new one
        return None


def _keep_depths(writer: Writer, before: Protocol | None, after: Protocol, zone: str | None, now_ms: int) -> None:
    """What was known at an acknowledgement, told in the bands of the new protocol."""
    if before is None or zone is None or before.common.bands == after.common.bands:
        return
    quiet = [alert for alert in writer.alerts() if alert.state in QUIET]
    patients = sorted({alert.patient_id for alert in quiet})
    old, _ = episodes_at(writer, patients, Ward(before, zone), now_ms, alerts=quiet)
    new, _ = episodes_at(writer, patients, Ward(after, zone), now_ms, alerts=quiet)
    for alert in quiet:
        kept = with_floors(alert, old[alert.patient_id], new[alert.patient_id])
        if kept != alert:
            writer.save_alert(kept)


def _called(protocol: Protocol | None) -> str:
    return "one that cannot be read" if protocol is None else f"{protocol.name} {protocol.version}"


def _told(moves: Sequence[Move]) -> list[dict[str, Any]]:
    return [
        {
            "alert": move.alert.alert_id,
            "patient_id": move.alert.patient_id,
            "rule": move.alert.rule,
            "severity": move.alert.severity,
            "move": move.move,
            "reason": move.reason,
        }
        for move in moves
    ]
