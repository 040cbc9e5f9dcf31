"""Opening a patient or an alert is noted once per visit; what is new is told against the visit before."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import streamlit as st

from khemon.actions import viewing, watch
from khemon.ui.parts.session import Session

_VISITS, _ALERTS, _NOTED = "khemon_visits", "khemon_alerts", "khemon_noted"
#: Who comes back to a page after so long has begun another visit, whether or not the window stayed open.
_VISIT_ENDS = dt.timedelta(minutes=30)


@dataclass(slots=True)
class _Visit:
    """A visit under way: what was known of the visits before it, and when its page was last drawn."""

    before: watch.Visits
    drawn: dt.datetime


def patient(here: Session, key: str | None) -> watch.Visits:
    """When the patient's page was opened before this visit; the visit is noted. Refused for an unknown key."""
    if here.present is not None:
        _note(here.live, watch.patient_of(here.store, here.actor, key), "patient page, looking back", opened=False)
        return watch.Visits(None, None)
    visits: dict[str, _Visit] = st.session_state.setdefault(_VISITS, {})
    patient_id = watch.patient_of(here.store, here.actor, key)
    visit = visits.get(str(key))
    opened = visit is None or here.now - visit.drawn > _VISIT_ENDS
    if visit is None or opened:
        visit = visits[str(key)] = _Visit(watch.last_visits(here.store, here.actor, patient_id), here.now)
    visit.drawn = here.now
    _note(here, patient_id, "patient page", opened=opened, whole=True)
    return visit.before


def alert(here: Session, alert_id: int) -> None:
    """Note that this person opened an alert, and none else of the child, once per visit; a look back notes no sight."""
    if here.present is not None:
        _note(
            here.live,
            watch.patient_of_alert(here.store, here.actor, alert_id),
            "alerts page, looking back",
            opened=False,
        )
        return
    drawn: dict[int, dt.datetime] = st.session_state.setdefault(_ALERTS, {})
    opened = alert_id not in drawn or here.now - drawn[alert_id] > _VISIT_ENDS
    patient_id = watch.patient_of_alert(here.store, here.actor, alert_id)
    drawn[alert_id] = here.now
    _note(here, patient_id, "alerts page", opened=opened, alert_id=alert_id)


def _note(
    here: Session, patient_id: str, where: str, *, opened: bool, whole: bool = False, alert_id: int | None = None
) -> None:
    """Once a quarter of an hour, or when something is opened: every move of the mouse runs the page again."""
    noted: dict[str, int] = st.session_state.setdefault(_NOTED, {})
    quarter = viewing.quarter_of(here.now)
    if opened or noted.get(patient_id) != quarter:
        noted[patient_id] = quarter
        more: dict[str, Any] = {"opened": opened, "whole": opened and whole, "alert_id": alert_id}
        viewing.looked_at(here.store, here.actor, patient_id, where, here.now, **more)
