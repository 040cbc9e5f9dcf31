"""What the dashboard would say: every patient's episodes and alerts as of a time, as known at a time."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

from khemon.actions.evaluation import episode_document
from khemon.actions.live import installed_differs
from khemon.actions.permitted import permitted
from khemon.actions.recompute import episodes_at, ward_of
from khemon.models import Actor, Alert, Refused
from khemon.rules.calendar import from_ms
from khemon.store import Store


@permitted("look")
def status(
    store: Store,
    actor: Actor,
    *,
    now_ms: int,
    patient_id: str | None = None,
    as_of_ms: int | None = None,
    known_at_ms: int | None = None,
) -> dict[str, Any]:
    """The document of `status --json`. as_of cuts by collection (without it: now), known_at by recording."""
    moment = now_ms if as_of_ms is None else as_of_ms
    with store.reading() as reader:
        ward = ward_of(reader)
        if patient_id is not None and patient_id not in reader.patient_ids():
            raise Refused("--patient", "there is no such patient in this store", "list all with: khemon status")
        wanted = None if patient_id is None else [patient_id]
        by_patient, _ = episodes_at(reader, wanted, ward, moment, known_at_ms)
        alerts = reader.alerts(patient_ids=list(by_patient))
        held = reader.held(known_at_ms)
        differs = installed_differs(reader.live_protocol())
    note = {} if differs is None else {"note": differs}
    waiting = Counter(row.patient_id for row in held)
    told: dict[str, list[dict[str, Any]]] = {}
    for alert in alerts:
        told.setdefault(alert.patient_id, []).append(alert_document(alert, ward.timezone))
    patients = [
        {
            "patient_id": known,
            "episodes": [episode_document(episode) for episode in episodes],
            "alerts": told.get(known, []),
            "held": waiting[known],
        }
        for known, episodes in sorted(by_patient.items())
    ]
    return {
        "protocol": {"name": ward.protocol.name, "version": ward.protocol.version} | note,
        "as_of": from_ms(moment, ward.timezone).isoformat(),
        "known_at": None if known_at_ms is None else from_ms(known_at_ms, ward.timezone).isoformat(),
        "timezone": ward.timezone,
        "patients": patients,
    }


def alert_document(alert: Alert, timezone: str) -> dict[str, Any]:
    """An alert as the command line prints it, times in a zone."""
    inner = {
        "band_floor",
        "known_result",
        "taken_in",
        "confirmed_acknowledged",
        "carried",
        "limbs",
        "judged_at",
        "worst",
        "handed",
    }
    document = {"alert": alert.alert_id} | alert.model_dump(exclude=inner | {"alert_id"})
    document["handed_to"] = alert.handed.to if alert.handed else None
    zone = ZoneInfo(timezone)
    for name, value in document.items():
        document[name] = value.astimezone(zone).isoformat() if isinstance(value, dt.datetime) else value
    return document


@permitted("look")
def alerts(store: Store, actor: Actor, states: list[str] | None = None) -> dict[str, Any]:
    """The document of `alerts --json`: most severe first, then the newest."""
    order = {"critical": 0, "warning": 1, "note": 2}
    with store.reading() as reader:
        found = reader.alerts(states)
        zone = reader.setting("timezone") or "UTC"
    found.sort(key=lambda alert: (order[alert.severity], -alert.onset.timestamp(), alert.alert_id))
    return {"alerts": [alert_document(alert, zone) for alert in found]}
