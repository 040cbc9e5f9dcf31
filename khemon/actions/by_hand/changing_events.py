"""Correcting an event, recording its end, or setting it out: a new version, with the reason; nothing is changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from khemon.actions.by_hand import checks
from khemon.actions.by_hand.chains import Chains
from khemon.actions.by_hand.entering import refuse_stored
from khemon.actions.by_hand.forms import EventForm
from khemon.actions.by_hand.recording import Decided, Deed, Recorded, record
from khemon.actions.permitted import permitted
from khemon.models import Actor, Refused
from khemon.rules.calendar import from_ms, to_ms
from khemon.store import EventEntry, Reader, Store

EDITABLE = ("kind", "start", "end", "dose", "unit", "note")


@permitted("record")
def edit_event(
    store: Store,
    actor: Actor,
    patient_id: str,
    number: int,
    changes: Mapping[str, str],
    reason: str,
    *,
    now: dt.datetime,
    sure: bool = False,
) -> Recorded:
    """Stores what a person says an event was, in place of the version that was shown.

    number: of that version. changes: field of `EDITABLE` to its new text, empty for nothing; the others stay. Refused
    when somebody said something else about the event since.
    """
    why = checks.checked_reason(reason)
    if unknown := [name for name in changes if name not in EDITABLE]:
        raise Refused(unknown[0], "this cannot be changed", "void the event, and enter the right one")
    with store.writing() as writer:
        chains, zone = Chains(writer), checks.zone_of(writer)
        old = present(writer, chains, patient_id, number)
        form = EventForm(patient_id, **_kept(old, zone) | dict(changes))
        rows = checks.read_events(writer, [form], to_ms(now))
        if _said_of(rows[0]) == _said_of(old):
            raise Refused("correction", "nothing differs from what is stored", "say what is to be changed")
        others = [entry for entry in writer.event_entries(patient_id) if not entry.out and entry != old]
        if (rows[0].kind, rows[0].start_ms) != (old.kind, old.start_ms):
            refuse_stored(rows[0], others, zone)
        checks.ask(checks.event_questions(rows[0], to_ms(now), zone), sure=sure)
        decided: list[Decided] = [(row, "edited", 0) for row in sorted(chains.behind(old.rows))]
        rows[0].reasons.append(f"edited: {why}")
        deed = Deed("edit_event", patient_id, old.source, why, events=rows, decided=decided, before=_before(old))
        return record(writer, actor, deed, now, zone)


@permitted("record")
def void_event(store: Store, actor: Actor, patient_id: str, number: int, reason: str, *, now: dt.datetime) -> Recorded:
    """Sets an event out as entered in error: no rule sees it, and no file brings it back."""
    why = checks.checked_reason(reason)
    with store.writing() as writer:
        chains = Chains(writer)
        old = present(writer, chains, patient_id, number)
        decided: list[Decided] = [(row, "voided", None) for row in sorted(chains.behind(old.rows))]
        deed = Deed("void_event", patient_id, old.source, why, decided=decided, before=_before(old))
        return record(writer, actor, deed, now, checks.zone_of(writer))


def present(reader: Reader, chains: Chains, patient_id: str, number: int) -> EventEntry:
    """The event as shown; Refused when it is none, or when somebody said something else about it since, by name."""
    where = f"event {number}"
    checks.known_patient(reader, patient_id)
    entry = next((entry for entry in reader.event_entries(patient_id) if number in entry.rows), None)
    if entry is None:
        raise Refused(where, "this patient has no such event", "choose one of those that are stored")
    chains.refuse_changed(where, number)
    if entry.out:
        chains.refuse_changed(where, next(row for row in entry.rows if chains.decision(row)))
    if entry.version != number:
        raise Refused(where, f"{chains.who(entry.version)} said more about it since", "look at what is stored now")
    return entry


def _kept(old: EventEntry, zone: str) -> dict[str, str]:
    """The columns of events.csv for a stored event."""
    end = "" if old.end_ms is None else from_ms(old.end_ms, zone).isoformat()
    said = {"dose": old.dose or "", "unit": old.unit or "", "note": old.note or ""}
    return {"kind": old.kind, "start": from_ms(old.start_ms, zone).isoformat(), "end": end, **said}


def _said_of(row: Any) -> tuple[object, ...]:  # noqa: ANN401
    return (row.kind, row.start_ms, row.end_ms, row.dose, row.unit, row.note)


def _before(old: EventEntry) -> dict[str, Any]:
    return {"kind": old.kind, "start_ms": old.start_ms, "end_ms": old.end_ms, "dose": old.dose, "unit": old.unit}
