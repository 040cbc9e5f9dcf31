"""Correcting what the register says of a child: a new row of the register, with the reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from khemon.actions.by_hand import checks
from khemon.actions.by_hand.recording import BY_HAND, Deed, Recorded, record
from khemon.actions.permitted import permitted
from khemon.importers import PatientRow, ReadOptions, read_by_hand
from khemon.models import Actor, Patient, Refused
from khemon.rules.calendar import to_ms
from khemon.store import Reader, Store

EDITABLE = tuple(name for name in Patient.model_fields if name != "patient_id")


@permitted("record")
def edit_patient(
    store: Store, actor: Actor, patient_id: str, changes: Mapping[str, str], reason: str, *, now: dt.datetime
) -> Recorded:
    """Stores what the register says of a child from now on; fields that are not given stay."""
    why = checks.checked_reason(reason)
    if unknown := [name for name in changes if name not in EDITABLE]:
        raise Refused(unknown[0], "the register has no such field", f"use one of: {', '.join(EDITABLE)}")
    if empty := [name for name, text in changes.items() if not text.strip()]:
        raise Refused(empty[0], "it is empty, and an empty field says nothing", "say what is right")
    with store.writing() as writer:
        old = checks.known_patient(writer, patient_id)
        row = _read(writer, {"patient_id": old.patient_id, **changes}, to_ms(now))
        before = old.model_dump(mode="json", include=set(changes))
        if Patient(**old.model_dump(exclude=set(row.fields)), **row.fields) == old:
            raise Refused("correction", "nothing differs from what is stored", "say what is to be changed")
        deed = Deed("edit_patient", old.patient_id, BY_HAND, why, patients=[row], before={"fields": sorted(before)})
        return record(writer, actor, deed, now, checks.zone_of(writer))


def _read(reader: Reader, typed: Mapping[str, str], now_ms: int) -> PatientRow:
    """The row as a file would give it; Refused for what it would be held for."""
    options = ReadOptions(timezone=checks.zone_of(reader), now_ms=now_ms)
    [row] = read_by_hand("patients", [typed], options).patients
    if row.decision != "accepted":
        code, _, sentence = row.reasons[0].partition(": ")
        raise Refused("register", sentence or code.replace("_", " "), "write dates as 2026-01-31")
    return row
