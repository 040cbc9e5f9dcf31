"""What a person does about an alert: acknowledge it with a reason, snooze it, open it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from khemon.actions import signatures
from khemon.actions.permitted import permitted
from khemon.actions.recompute import episodes_at, setting_of, ward_of
from khemon.alerts import Move, acknowledged, handed_over
from khemon.models import Actor, Alert, Episode, Refused
from khemon.rules.calendar import to_ms
from khemon.store import Reader, Store, Writer


@permitted("acknowledge")
def acknowledge(
    store: Store,
    actor: Actor,
    alert_id: int,
    reason: str,
    until: dt.datetime | None = None,
    *,
    now: dt.datetime,
    snooze: bool = False,
    code: str | None = None,
    seen: str | None = None,
    confirmed: signatures.Confirmed | None = None,
) -> Alert:
    """The alert, acknowledged (or snoozed: quiet unless it gets worse) until a time; Refused if not allowed.

    until: aware; without it the protocol's own duration for the rule and status. code: a reason of the rulebook's list.
    seen, confirmed: of a critical alert the digest of what was on screen, and that the password was typed just now.
    """
    with store.writing() as writer:
        ward = ward_of(writer)
        alert = _alert(writer, alert_id)
        by_patient, givens = episodes_at(writer, [alert.patient_id], ward, to_ms(now))
        episode = _present(alert, by_patient[alert.patient_id])
        setting = setting_of(ward, givens, to_ms(now))
        move = acknowledged(
            alert,
            episode,
            snooze=snooze,
            actor=actor.name,
            reason=reason,
            until=until,
            setting=setting,
            last_result=writer.last_result(alert.patient_id),
            code=code,
        )
        paper = signatures.shown_of(alert, episode, ward.protocol)
        signed = signatures.signature_of(alert, paper, actor, move.move, seen=seen, confirmed=confirmed, now=now)
        saved = writer.save_alert(move.alert)
        _log(writer, actor, move, saved, episode, to_ms(now), signed)
        writer.bump_revisions([alert.patient_id])
    return saved


@permitted("acknowledge")
def snooze(
    store: Store, actor: Actor, alert_id: int, reason: str, until: dt.datetime | None = None, *, now: dt.datetime
) -> Alert:
    """The alert, quiet unless it gets worse, until a time."""
    return acknowledge(store, actor, alert_id, reason, until, now=now, snooze=True)


@permitted("acknowledge")
def hand_over(store: Store, actor: Actor, alert_id: int, to: str, note: str = "", *, now: dt.datetime) -> Alert:
    """The alert, handed over to somebody in words: it stays as open or quiet as it was, and says whose it is."""
    with store.writing() as writer:
        move = handed_over(_alert(writer, alert_id), to=to, note=note, actor=actor.name, now=now)
        saved = writer.save_alert(move.alert)
        assert saved.handed is not None
        told = {"severity": saved.severity, "status": saved.status, "to": saved.handed.to, "note": saved.handed.note}
        _write(writer, actor, move, saved, told, to_ms(now))
        writer.bump_revisions([saved.patient_id])
    return saved


@permitted("look")
def mark_seen(store: Store, actor: Actor, patient_id: str, *, now: dt.datetime) -> None:
    """Note that someone opened a patient, and with it every alert of that patient."""
    with store.writing() as writer:
        see(writer, actor, patient_id, now)


def see(writer: Writer, actor: Actor, patient_id: str, now: dt.datetime, alert_id: int | None = None) -> None:
    """Note it in a transaction that has begun. alert_id: nothing but this alert was opened."""
    writer.mark_seen("patient", patient_id, actor.name, to_ms(now))
    unseen = [
        alert
        for alert in writer.alerts(patient_ids=[patient_id])
        if alert.seen_at is None and alert_id in (None, alert.alert_id)
    ]
    for alert in unseen:
        writer.save_alert(alert.model_copy(update={"seen_at": now}))
        writer.mark_seen("alert", alert.alert_id, actor.name, to_ms(now))
    if unseen:
        seen = {"alerts": [alert.alert_id for alert in unseen]}
        writer.audit(actor, "see_alerts", f"patient {patient_id}", seen, to_ms(now))
        # The ward list tells what nobody has seen; nothing of the child itself has changed.
        writer.bump_revisions([])


def _alert(reader: Reader, alert_id: int) -> Alert:
    found = reader.alert(alert_id)
    if found is None:
        raise Refused(f"alert {alert_id}", "there is no such alert", "list them with: khemon alerts")
    return found


def _present(alert: Alert, episodes: list[Episode]) -> Episode:
    """The episode an alert follows now."""
    found = [e for e in episodes if e.rule == alert.rule and to_ms(e.onset) == to_ms(alert.onset)]
    if not found:
        where, remedy = f"alert {alert.alert_id}", "run khemon advance and look again"
        raise Refused(where, "its episode is no longer there", remedy)
    return found[0]


def _log(
    writer: Writer, actor: Actor, move: Move, saved: Alert, episode: Episode, at_ms: int, signed: dict[str, Any]
) -> None:
    shown: dict[str, Any] = {
        **signed,
        "severity": saved.severity,
        "code": saved.reason_code,
        "status": saved.status,
        "text": saved.text,
        "until": saved.until.isoformat() if saved.until else None,
        "evidence": [item.result_id for item in episode.evidence],
    }
    _write(writer, actor, move, saved, shown, at_ms, signed)


def _write(
    writer: Writer,
    actor: Actor,
    move: Move,
    saved: Alert,
    shown: dict[str, Any],
    at_ms: int,
    signed: dict[str, Any] | None = None,
) -> None:
    writer.add_alert_move(
        saved.alert_id,
        at_ms=at_ms,
        actor=actor,
        move=move.move,
        from_state=move.from_state,
        to_state=saved.state,
        reason=move.reason,
        details=shown,
    )
    writer.audit(actor, move.move, f"alert {saved.alert_id}", shown | {"reason": move.reason}, at_ms)
