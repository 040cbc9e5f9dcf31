"""Alerts as they would have come about under a protocol: the store looked at day by day, with what was known then."""

from __future__ import annotations

from collections.abc import Iterable

from khemon.actions.protocol_told import Told, told_of_alert
from khemon.actions.recompute import Ward, episodes_at, setting_of
from khemon.alerts import LIVE, reconcile
from khemon.models import SEVERITIES, Alert, AlertState, Severity
from khemon.rules.calendar import to_ms
from khemon.store import Store


def replayed(store: Store, ward: Ward, steps: Iterable[int]) -> list[Told]:
    """Every alert that comes about when the store is looked at in these moments (UTC milliseconds), in order.

    Each look knows what was recorded by then. Nobody acknowledges. Severity is the worst an alert had while live.
    """
    alerts: list[Alert] = []
    worst: dict[int, Severity] = {}
    for at_ms in steps:
        with store.reading() as reader:  # one for each look: a commit may have to wait for a reader
            by_patient, givens = episodes_at(reader, None, ward, at_ms, known_at_ms=at_ms, alerts=alerts)
        by_patient |= {alert.patient_id: [] for alert in alerts if alert.patient_id not in by_patient}
        setting = setting_of(ward, givens, at_ms)
        own: dict[str, list[Alert]] = {}
        for alert in alerts:
            own.setdefault(alert.patient_id, []).append(alert)
        for patient_id, episodes in by_patient.items():
            for move in reconcile(episodes, own.get(patient_id, []), setting):
                alert = move.alert
                if alert.alert_id:
                    alerts[alert.alert_id - 1] = alert
                else:
                    alert = alert.model_copy(update={"alert_id": len(alerts) + 1})
                    alerts.append(alert)
                if alert.state in LIVE:
                    worst[alert.alert_id] = _graver(worst.get(alert.alert_id), alert.severity)
    return [told_of_alert(alert, worst[alert.alert_id], _gone(alert)) for alert in alerts]


def _graver(one: Severity | None, other: Severity) -> Severity:
    return other if one is None or SEVERITIES.index(other) > SEVERITIES.index(one) else one


def _gone(alert: Alert) -> int | None:
    """When an alert that is over without an end of its episode was found so."""
    over = alert.state is AlertState.RETRACTED or (alert.state not in LIVE and alert.end is None)
    return to_ms(alert.judged_at) if over else None
