"""A printed page leaves: made from what the screen says, on record with its digest before anybody has it."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from khemon.actions.exporting import put_on_record, refuse_existing, write_files
from khemon.actions.handover.patient_sheet import patient_sheet
from khemon.actions.handover.ward_sheet import ward_sheet
from khemon.actions.permitted import permitted
from khemon.actions.viewing import record_view
from khemon.actions.watch import DEFAULT_WINDOW, patient_view, ward_board
from khemon.models import Actor, Refused
from khemon.reports import printed
from khemon.rules import Protocol
from khemon.rules.calendar import to_ms
from khemon.store import Store


@dataclass(frozen=True, slots=True)
class Handover:
    """A page that was printed. name: for a file, without anything that tells who the child is."""

    name: str
    content: bytes
    as_of: str
    protocol: str

    @property
    def sha256(self) -> str:
        """The digest that stands in the audit."""
        return hashlib.sha256(self.content).hexdigest()

    def document(self, name: str) -> dict[str, Any]:
        """What the command tells of it: {"files": [{"file", "sha256"}], "as_of", "protocol"}."""
        return {"files": [{"file": name, "sha256": self.sha256}], "as_of": self.as_of, "protocol": self.protocol}


@permitted("export")
def handover_of_patient(
    store: Store,
    actor: Actor,
    patient_id: str,
    *,
    as_of: dt.datetime,
    now: dt.datetime,
    window: str = DEFAULT_WINDOW,
    place: Path | None = None,
    fonts: Path | None = None,
) -> Handover:
    """One page about a child as of a moment (aware), printed now; into a new file where a place is given.

    fonts: a folder with the site's own fonts. Refused for an unknown child, and where something is at that place.
    """
    if place is not None:
        refuse_existing(place)
    with store.reading() as reader:
        key = reader.patient_numbers().get(patient_id)
        if key is None or reader.patient(patient_id) is None:
            raise Refused("patient", "there is no such patient in this store", "list all with: khemon status")
        begun = {alert.alert_id for alert in reader.alerts(None, [patient_id]) if alert.onset <= as_of}
    view = patient_view(store, actor, key, as_of, window)
    view = replace(view, alerts=tuple(line for line in view.alerts if line.alert_id in begun))
    sheet = patient_sheet(view, actor, as_of, now, window)
    made = _printed(printed(sheet, fonts), f"handover-{key}", as_of, view.setting.protocol)
    details = {"as_of": as_of.isoformat(), "files": [{"file": made.name, "sha256": made.sha256}]}
    put_on_record(store, actor, "handover_patient", f"patient {patient_id}", details, now)
    return _left(made, place)


@permitted("export")
def handover_of_ward(
    store: Store,
    actor: Actor,
    ward: str | None,
    *,
    as_of: dt.datetime,
    now: dt.datetime,
    place: Path | None = None,
    fonts: Path | None = None,
) -> Handover:
    """The list of a ward (None: of all), as of a moment (aware), printed now; Refused for a ward that has no child.

    A child without a ward on record stands on every ward's list. Each child on it counts as looked at.
    """
    if place is not None:
        refuse_existing(place)
    if ward is not None and ward not in wards_to_print(store, actor):
        raise Refused("ward", "no child is on a ward of that name", "write it as the patients' file does, or * for all")
    with store.reading() as reader:
        shown = {each.patient_id for each in reader.patients() if ward is None or each.ward in (None, ward)}
    board = ward_board(store, actor, as_of)
    sheet = ward_sheet(board, ward, shown, actor, as_of, now)
    made = _printed(printed(sheet, fonts), "handover-ward", as_of, board.setting.protocol)
    listed = [line.patient_id for line in board.on_ward if line.patient_id in shown]
    details = {"as_of": as_of.isoformat(), "children": len(listed)}
    details |= {"files": [{"file": made.name, "sha256": made.sha256}]}
    with store.writing() as writer:
        writer.audit(actor, "handover_ward", f"ward {ward or '*'}", details, to_ms(now))
        for patient_id in listed:
            record_view(writer, actor, patient_id, "printed ward list", now)
    return _left(made, place)


@permitted("export")
def wards_to_print(store: Store, actor: Actor) -> tuple[str, ...]:
    """The wards that have a list: as the children's own rows name them."""
    with store.reading() as reader:
        return tuple(sorted({each.ward for each in reader.patients() if each.ward}))


def _printed(content: bytes, name: str, as_of: dt.datetime, protocol: Protocol) -> Handover:
    stamp = as_of.strftime("%Y-%m-%d-%H%M")
    return Handover(f"{name}-{stamp}.pdf", content, as_of.isoformat(), protocol.called)


def _left(made: Handover, place: Path | None) -> Handover:
    if place is not None:
        write_files({place.name: (made.content, 1)}, place, folder=False)
    return made
