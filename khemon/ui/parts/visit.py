"""Opening a patient or an alert is noted once per visit; what is new is told against the visit before."""

from __future__ import annotations

import streamlit as st

from khemon.actions import viewing, watch
from khemon.ui.parts.session import Session

_VISITS, _ALERTS, _NOTED = "khemon_visits", "khemon_alerts", "khemon_noted"


def patient(here: Session, key: str | None) -> int | None:
    """When this person opened the patient before this visit, UTC ms; the visit is noted. Refused for an unknown key."""
    if here.present is not None:
        _note(here.live, watch.patient_of(here.store, here.actor, key), "patient page, looking back", opened=False)
        return None
    visits: dict[str, int | None] = st.session_state.setdefault(_VISITS, {})
    patient_id = watch.patient_of(here.store, here.actor, key)
    first = str(key) not in visits
    if first:
        visits[str(key)] = watch.last_visit(here.store, here.actor, patient_id)
    _note(here, patient_id, "patient page", opened=first)
    return visits[str(key)]


def alert(here: Session, alert_id: int) -> None:
    """Note that this person opened an alert, once per visit; looking back sees no alert as it stands now."""
    if here.present is not None:
        _note(
            here.live,
            watch.patient_of_alert(here.store, here.actor, alert_id),
            "alerts page, looking back",
            opened=False,
        )
        return
    seen: set[int] = st.session_state.setdefault(_ALERTS, set())
    patient_id = watch.patient_of_alert(here.store, here.actor, alert_id)
    _note(here, patient_id, "alerts page", opened=alert_id not in seen)
    seen.add(alert_id)


def _note(here: Session, patient_id: str, where: str, *, opened: bool) -> None:
    """Once a quarter of an hour, or when something is opened: every move of the mouse runs the page again."""
    noted: dict[str, int] = st.session_state.setdefault(_NOTED, {})
    quarter = viewing.quarter_of(here.now)
    if opened or noted.get(patient_id) != quarter:
        noted[patient_id] = quarter
        viewing.looked_at(here.store, here.actor, patient_id, where, here.now, opened=opened)
