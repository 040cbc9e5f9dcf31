"""The record of what was done: read, narrowed, verified."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from khemon.actions.permitted import account_of, permitted
from khemon.actions.viewing import who_saw
from khemon.models import Actor, Refused
from khemon.rules.calendar import from_ms
from khemon.store import AuditRow, Reader, Store, verify_audit


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: of a child, by a person, of an action, from a time until (not with) another."""

    patient_id: str | None = None
    actor: str | None = None
    action: str | None = None
    from_ms: int | None = None
    until_ms: int | None = None

    def takes(self, row: AuditRow, objects: set[str] | None) -> bool:
        """Whether an entry is one of them; `objects`: what belongs to the child."""
        return (
            (objects is None or row.object in objects)
            and self.actor in (None, row.actor)
            and self.action in (None, row.action)
            and (self.from_ms is None or row.at_ms >= self.from_ms)
            and (self.until_ms is None or row.at_ms < self.until_ms)
        )


@permitted("audit")
def audit(store: Store, actor: Actor, wanted: Wanted, *, verify: bool, known_head: str | None) -> dict[str, Any]:
    """The document of `audit --json`: {"head", "entries"} and with `verify` {"sound", "finding"}.

    known_head: `sequence:hash` as an earlier verification or a backup told it; it must still stand in the chain.
    """
    whole_record(store, actor)
    with store.reading() as reader:
        zone = reader.setting("timezone") or "UTC"
        entries = [_entry(row, zone) for row in wanted_rows(reader, wanted)]
        sequence, head = reader.audit_head()
        document: dict[str, Any] = {"head": {"sequence": sequence, "hash": head}, "entries": entries}
        return document | (_verified(reader, known_head) if verify or known_head else {})


def whole_record(store: Store, actor: Actor) -> None:
    """Refused to a person bound to wards: the record speaks of every ward, and a part of a chain proves nothing."""
    if actor.kind == "account" and account_of(store, actor).wards:
        found = "is bound to wards, and the record speaks of all of them"
        raise Refused("account", found, "ask an administrator who is bound to none")


def wanted_rows(reader: Reader, wanted: Wanted) -> list[AuditRow]:
    """The entries that are wanted, in order. Refused for a child that is not known."""
    objects = None if wanted.patient_id is None else _objects_of(reader, wanted.patient_id)
    return [row for row in reader.audit_rows() if wanted.takes(row, objects)]


def _verified(reader: Reader, known_head: str | None) -> dict[str, Any]:
    finding = verify_audit(reader)
    told = None if finding is None else {"what": finding.what, "where": finding.where, "found": finding.found}
    if told is None and known_head is not None:
        told = _against(reader, known_head)
    return {"sound": told is None, "finding": told}


def _against(reader: Reader, known_head: str) -> dict[str, Any] | None:
    """What is wrong with the chain against a head that was noted elsewhere."""
    number, _, head = known_head.partition(":")
    if not number.isdecimal() or not head:
        raise Refused("--known-head", "is not written as sequence:hash", "copy it from khemon audit --verify")
    row = next(iter(reader.audit_rows(after=int(number) - 1)), None) if int(number) else None
    if int(number) and (row is None or row.sequence != int(number)):
        return {"what": "audit", "where": f"audit entry {number}", "found": "is missing: its head was noted elsewhere"}
    if row is not None and row.hash != head:
        return {"what": "audit", "where": f"audit entry {number}", "found": "is not the one whose head was noted"}
    return None


@permitted("audit")
def seen_by(store: Store, actor: Actor, patient_id: str) -> dict[str, Any]:
    """The document of `audit --who-saw`. Refused for an unknown child."""
    whole_record(store, actor)
    with store.reading() as reader:
        _objects_of(reader, patient_id)
        return {"patient_id": patient_id, "seen_by": who_saw(reader, patient_id)}


def _objects_of(reader: Reader, patient_id: str) -> set[str]:
    """What entries about a child name: it, its alerts, the imports that speak of it."""
    batches = {batch.batch_no: batch.batch for batch in reader.batches()}
    own = reader.recorded_of(patient_id)
    if not own:
        raise Refused("patient", "there is no such patient in this store", "list all with: khemon status")
    named = {f"batch {batches[number]}" for number in own}
    alerts = {f"alert {alert.alert_id}" for alert in reader.alerts(patient_ids=[patient_id])}
    return {f"patient {patient_id}"} | named | alerts


def _entry(row: AuditRow, zone: str) -> dict[str, Any]:
    return {
        "sequence": row.sequence,
        "at": from_ms(row.at_ms, zone).isoformat(),
        "actor": row.actor,
        "kind": row.actor_kind,
        "action": row.action,
        "object": row.object,
        "details": json.loads(row.details),
        "hash": row.hash,
    }
