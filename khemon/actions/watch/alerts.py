"""The review queue: alerts by urgency with their evidence, what people decided, and what nobody has seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from khemon.actions.permitted import permitted
from khemon.actions.watch.alert_lines import NO_PAGE, AlertLine, alert_lines, is_resolved_unseen, lines_of
from khemon.actions.watch.answers import not_rechecked
from khemon.actions.watch.at import At
from khemon.actions.watch.damaged import despite_damage
from khemon.actions.watch.explained import Explained, explained, explained_rule
from khemon.actions.watch.keeping import Keeper, keeper_in
from khemon.actions.watch.known import Known
from khemon.actions.watch.lead_up import LeadUp, lead_up
from khemon.actions.watch.setting import Setting, setting_of
from khemon.alerts import LIVE, lasting, reasons
from khemon.figures.timeline import TimelineData, timeline_data
from khemon.figures.words import DAY, HOUR, date_words, moment, span_words
from khemon.models import Actor, Alert, AlertState, Episode, Refused
from khemon.store import Reader, Store

__all__ = ["LOOK_BACK", "NO_PAGE", "AlertLine", "AlertView", "ReviewQueue", "alert_lines", "is_resolved_unseen"]
#: How much of the time before an alert its small timeline shows.
LOOK_BACK = 28 * DAY
_SPANS = (4 * HOUR, 8 * HOUR, 12 * HOUR, DAY, 2 * DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY)


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """What the alerts page lists."""

    setting: Setting
    revision: int
    as_of: str
    to_review: tuple[AlertLine, ...]
    quiet: tuple[AlertLine, ...]
    muted: tuple[AlertLine, ...]
    unseen: tuple[AlertLine, ...]
    closed: tuple[AlertLine, ...]
    damaged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MoveLine:
    """One move in an alert's log."""

    at: str
    who: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert opened: the episode behind it, the weeks before, its log, and how long an acknowledgement may last."""

    line: AlertLine
    explained: Explained | None
    timeline: TimelineData
    lead_up: LeadUp
    moves: tuple[MoveLine, ...]
    can_acknowledge: bool
    durations: tuple[tuple[str, dt.timedelta], ...]
    reasons: tuple[tuple[str, str], ...]


@permitted("look")
def review_queue(store: Store, actor: Actor, now: dt.datetime) -> ReviewQueue:
    """Every alert in the list it belongs to."""
    keeper = keeper_in(store.kept)
    with keeper.lock:
        return despite_damage(store, lambda reader: _queue(reader, keeper, now))


def _queue(reader: Reader, keeper: Keeper, now: dt.datetime) -> ReviewQueue:
    setting = setting_of(reader)
    alerts = reader.alerts()
    lines = lines_of(reader, alerts, setting, now, standing=_standing(reader, keeper, setting, alerts, now))
    live = [line for line in lines if line.state == AlertState.OPEN]
    over = [line for line in lines if line.state in (AlertState.RESOLVED, AlertState.RETRACTED)]
    unseen = {alert.alert_id for alert in alerts if is_resolved_unseen(alert)}
    return ReviewQueue(
        setting=setting,
        revision=reader.revision(),
        as_of=date_words(now, setting.zone),
        to_review=tuple(line for line in live if not line.muted_by),
        quiet=tuple(line for line in lines if line.state in (AlertState.ACKNOWLEDGED, AlertState.SNOOZED)),
        muted=tuple(line for line in live if line.muted_by),
        unseen=tuple(line for line in over if line.alert_id in unseen),
        closed=tuple(line for line in over if line.alert_id not in unseen),
        damaged=tuple(reader.left_out_ids()),
    )


def _standing(
    reader: Reader, keeper: Keeper, setting: Setting, alerts: Sequence[Alert], now: dt.datetime
) -> dict[str, tuple[Episode, ...]]:
    """Patient id to the open episodes, of those with an alert that is not over."""
    numbers = {name: number for name, number in reader.patient_numbers().items() if number not in reader.left_out}
    names = sorted({alert.patient_id for alert in alerts if alert.state in LIVE} & numbers.keys())
    keeper.begin(reader, setting, numbers)
    return keeper.standing(reader, At(setting.protocol, setting.zone, now.astimezone(dt.UTC)), names, numbers)


@permitted("look")
def alert_view(store: Store, actor: Actor, alert_id: int, now: dt.datetime) -> AlertView:
    """One alert with everything needed to decide on it. Refused for an unknown one."""
    with store.reading() as reader:
        setting = setting_of(reader)
        alert = reader.alert(alert_id)
        if alert is None:
            raise Refused("alert", "no alert has this number", "open it from the list")
        patient = reader.patient(alert.patient_id)
        line = next(line for line in alert_lines(reader, setting, now, [alert.patient_id]) if line.alert_id == alert_id)
        known = Known(reader, [] if patient is None else [patient], setting.protocol, setting.zone, now)
        episodes = known.episodes(in_full=True).get(alert.patient_id, [])
        own = [episode for episode in episodes if episode.rule == alert.rule and episode.onset == alert.onset]
        lasts, at_most = lasting(alert, setting.protocol)
        start, end = alert.onset - LOOK_BACK, min(alert.end or now, now) + DAY
        return AlertView(
            line=line,
            explained=_explained(known, setting, alert, own),
            timeline=timeline_data(
                known.samples(alert.patient_id),
                known.events[alert.patient_id],
                episodes,
                setting.protocol,
                setting.zone,
                (start, end),
                now,
                analytes=_analytes(own),
                born=patient.birth_date if patient else None,
                sex=patient.sex if patient else None,
            ),
            lead_up=lead_up(known.events[alert.patient_id], alert.onset, start, setting.zone),
            moves=tuple(_moves(reader, alert_id, setting)),
            can_acknowledge=alert.state in LIVE,
            durations=tuple(_durations(lasts, at_most)),
            reasons=tuple((code, reason.words) for code, reason in reasons().items()),
        )


def _explained(known: Known, setting: Setting, alert: Alert, own: Sequence[Episode]) -> Explained | None:
    """The episode behind an alert; where a correction took it away, its rule with what the alert said."""
    if own:
        return explained(own[0], setting.protocol, setting.zone, not_rechecked(known, own[0]))
    if alert.rule not in setting.protocol.rules:
        return None
    since, until = (date_words(time, setting.zone) if time else "" for time in (alert.onset, alert.end))
    rule = explained_rule(alert.rule, setting.protocol)
    return replace(rule, severity=alert.severity, status=alert.status, text=alert.text, since=since, until=until)


@permitted("look")
def patient_of_alert(store: Store, actor: Actor, alert_id: int) -> str:
    """The id of the patient an alert is about. Refused for an unknown one."""
    with store.reading() as reader:
        alert = reader.alert(alert_id)
    if alert is None:
        raise Refused("alert", "no alert has this number", "open it from the list")
    return alert.patient_id


def _analytes(episodes: Sequence[Episode]) -> tuple[str, ...]:
    """Platelets first, then what the evidence names."""
    named = {item.analyte: None for episode in episodes for item in episode.evidence}
    return tuple(dict.fromkeys(["platelets", *named]))


def _moves(reader: Reader, alert_id: int, setting: Setting) -> list[MoveLine]:
    found = []
    for move in reader.alert_moves(alert_id):
        states = f"{move.from_state} → {move.to_state}" if move.from_state else move.to_state
        at = date_words(moment(move.at_ms), setting.zone)
        found.append(MoveLine(at, move.actor, f"{move.move.replace('_', ' ')} ({states})", move.reason or ""))
    return found


def _durations(lasts: dt.timedelta, at_most: dt.timedelta) -> Iterator[tuple[str, dt.timedelta]]:
    """How long an alert may be acknowledged: the protocol's own duration first, then shorter and longer ones."""
    usual = min(lasts, at_most)
    yield f"{span_words(usual)} (as the protocol has it)", usual
    for span in _SPANS:
        if span != usual and span <= at_most:
            yield span_words(span), span
