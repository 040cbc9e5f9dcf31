"""Opening a patient or an alert is noted once per visit; what is new is told against the visit before."""

from __future__ import annotations

import streamlit as st

from khemon.actions import acknowledge, watch
from khemon.ui.parts.session import Session

_VISITS, _ALERTS = "khemon_visits", "khemon_alerts"


def patient(here: Session, key: str | None) -> int | None:
    """When this person opened the patient before this visit, UTC ms; the visit is noted. Refused for an unknown key."""
    visits: dict[str, int | None] = st.session_state.setdefault(_VISITS, {})
    if str(key) not in visits:
        patient_id = watch.patient_of(here.store, here.actor, key)
        visits[str(key)] = watch.last_visit(here.store, here.actor, patient_id)
        acknowledge.mark_seen(here.store, here.actor, patient_id, now=here.now)
    return visits[str(key)]


def alert(here: Session, alert_id: int) -> None:
    """Note that this person opened an alert, once per visit."""
    seen: set[int] = st.session_state.setdefault(_ALERTS, set())
    if alert_id not in seen:
        seen.add(alert_id)
        patient_id = watch.patient_of_alert(here.store, here.actor, alert_id)
        acknowledge.mark_seen(here.store, here.actor, patient_id, now=here.now)
