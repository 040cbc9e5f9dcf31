"""One alert in a list: what it says, since when, whose it is, and what keeps it quiet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from zoneinfo import ZoneInfo

from khemon.actions.watch.answers import not_rechecked
from khemon.actions.watch.at import At
from khemon.actions.watch.setting import Setting
from khemon.actions.watch.urgency import rank_of
from khemon.alerts import LIVE, QUIET, muted, standing_at
from khemon.figures.style import SEVERITY_ORDER, rule_words
from khemon.figures.words import HOUR, ago_words, date_words, moment, plain_dates, short_date_words
from khemon.models import Alert, AlertState, Episode, Severity
from khemon.rules.calendar import to_ms
from khemon.store import Reader

NO_PAGE = 0
#: How the note of a late alert ends, and the moves by which it comes.
_NOW, _COMING = "now", ("raise", "meet")
#: Patient id to the episodes that are open as of a moment.
Standing = Mapping[str, Sequence[Episode]]
NOTHING: Standing = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Quiet:
    """Why an alert is quiet: how, by whom, since when, until when, and the reason given."""

    how: str
    by: str
    since: str
    until: str
    why: str


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert in a list. key: the patient's key in addresses; NO_PAGE when nothing of the patient stands any more."""

    alert_id: int
    key: int
    patient: str
    rule: str
    severity: Severity
    status: str
    state: str
    text: str
    evidence: str
    since: str
    age: str
    ended: str
    muted_by: str
    decided: str
    handed: str
    quiet: Quiet | None
    reopened: str
    times_met: int
    note: str
    recheck: str
    unseen: bool


def is_resolved_unseen(alert: Alert) -> bool:
    """Whether a critical alert ended before anyone opened it."""
    return (
        alert.state is AlertState.RESOLVED and (alert.worst or alert.severity) == "critical" and alert.seen_at is None
    )


def unseen_words(alerts: Sequence[Alert], zone: ZoneInfo, now: dt.datetime) -> tuple[str, ...]:
    """Criticals that ended before anyone opened them, the last first: what it was, from when to when, and by what."""
    ended = [alert for alert in alerts if is_resolved_unseen(alert)]
    ended.sort(key=lambda alert: (alert.end or alert.judged_at, alert.onset), reverse=True)
    return tuple(_ended_words(alert, zone, now) for alert in ended)


def _ended_words(alert: Alert, zone: ZoneInfo, now: dt.datetime) -> str:
    end = "now a note" if alert.end is None else f"to {short_date_words(alert.end, zone, now)}"
    what = f"{rule_words(alert.rule)}{'' if alert.status == 'confirmed' else f' {alert.status}'}"
    return f"{what}, {short_date_words(alert.onset, zone, now)} {end}: {_evidence(alert)}"


def alert_lines(
    reader: Reader, setting: Setting, now: dt.datetime, patient_ids: Sequence[str] | None = None
) -> tuple[AlertLine, ...]:
    """Alerts by urgency (of all patients, or of these), each with what mutes it now.

    Those of a child whose every import was taken back stay readable; that child has no page.
    """
    return lines_of(reader, reader.alerts(None, patient_ids), setting, now, patient_ids)


def lines_of(
    reader: Reader,
    found: Sequence[Alert],
    setting: Setting,
    now: dt.datetime,
    patient_ids: Sequence[str] | None = None,
    standing: Standing = NOTHING,
) -> tuple[AlertLine, ...]:
    """The same of alerts that were read already: every one of these patients. standing: their open episodes."""
    numbers = reader.patient_numbers()
    at = At(setting.protocol, setting.zone, now)
    alerts = [as_of(alert, standing, at) for alert in found]
    names = {patient.patient_id: patient.name or "" for patient in reader.patients(patient_ids)}
    onsets = {(alert.patient_id, alert.rule): alert.onset for alert in alerts if alert.state in LIVE}
    lines = []
    for alert in sorted(alerts, key=urgency_of):
        who = names.get(alert.patient_id) or alert.patient_id
        quiet = _quiet(alert, onsets.get((alert.patient_id, alert.muted_by or "")), setting)
        line = _line(alert, numbers.get(alert.patient_id, NO_PAGE), who, setting, now, quiet)
        lines.append(replace(line, recheck=_recheck(alert, standing, at), note=_note(reader, alert, at)))
    return tuple(lines)


def as_of(alert: Alert, standing: Standing, at: At) -> Alert:
    """An alert as a page has to show it at a time, moved or not: neither quiet nor muted for longer than it may be."""
    alert = standing_at(alert, at.now)
    if alert.muted_by is None or alert.state not in LIVE or alert.patient_id not in standing:
        return alert
    by = muted([alert], standing[alert.patient_id], at.protocol, at.now)
    return alert.model_copy(update={"muted_by": by.get(alert.alert_id)})


def _recheck(alert: Alert, standing: Standing, at: At) -> str:
    """`not rechecked since …` where its text does not say so: what the clock alone moves is told as of the page."""
    if alert.state not in LIVE or "not rechecked" in alert.text:
        return ""
    own = (
        each
        for each in standing.get(alert.patient_id, ())
        if each.rule == alert.rule and to_ms(each.onset) == to_ms(alert.onset)
    )
    return "; ".join(filter(None, (not_rechecked(at, episode) for episode in own)))


def _note(reader: Reader, alert: Alert, at: At) -> str:
    """What was said of an alert as it came; `received now` is told with its time when that is no longer now."""
    words = alert.note or ""
    if alert.state not in LIVE or not words.endswith(_NOW):
        return words
    came = max((move.at_ms for move in reader.alert_moves(alert.alert_id) if move.move in _COMING), default=None)
    if came is None or at.now - moment(came) <= HOUR:
        return words
    return f"{words.removesuffix(_NOW)}{date_words(moment(came), at.zone)}"


def _evidence(alert: Alert) -> str:
    """What an alert says, in the fewest words: of a criterion what it is met by."""
    met_by = alert.text.partition(": ")[2] if alert.rule.endswith("_criterion") else ""
    return plain_dates(met_by or alert.text)


def _quiet(alert: Alert, muter_since: dt.datetime | None, setting: Setting) -> Quiet | None:
    """What keeps an alert quiet; None for one that waits for a decision, or is over. muter_since: of what mutes it."""
    zone = setting.zone
    if alert.state in QUIET and alert.acknowledged_at is not None:
        how = "acknowledged" if alert.state is AlertState.ACKNOWLEDGED else "quiet unless it gets worse"
        until = date_words(alert.until, zone) if alert.until else "it gets worse"
        return Quiet(how, alert.actor or "", date_words(alert.acknowledged_at, zone), until, alert.reason or "")
    if alert.muted_by is None or alert.state not in LIVE:
        return None
    muter = rule_words(alert.muted_by)
    since = date_words(alert.onset if muter_since is None else max(alert.onset, muter_since), zone)
    return Quiet(f"muted by {muter}", "the rulebook", since, f"{muter} ends or is not rechecked", "")


def _handed(alert: Alert, setting: Setting) -> str:
    """To whom it was handed over, by whom and when."""
    told = alert.handed
    if told is None or alert.state not in LIVE:
        return ""
    words = f"handed over to {told.to} by {told.by} on {date_words(told.at, setting.zone)}"
    return f"{words}: {told.note}" if told.note else words


def urgency_of(alert: Alert) -> tuple[int, int, float]:
    """What alerts are sorted by: severity, then rule, then the newest first."""
    return SEVERITY_ORDER.index(alert.severity), rank_of(alert.rule), -alert.onset.timestamp()


def _line(alert: Alert, key: int, who: str, setting: Setting, now: dt.datetime, quiet: Quiet | None) -> AlertLine:
    zone = setting.zone
    decided = ""
    if alert.state in (AlertState.ACKNOWLEDGED, AlertState.SNOOZED) and alert.acknowledged_at is not None:
        verb = "acknowledged" if alert.state is AlertState.ACKNOWLEDGED else "quiet unless worse,"
        until = f" until {date_words(alert.until, zone)}" if alert.until else ""
        decided = f"{verb} by {alert.actor} on {date_words(alert.acknowledged_at, zone)}{until}: {alert.reason}"
    ended = ""
    if alert.end is not None:
        reason = "lifted by transfusion" if alert.end_reason == "supported" else (alert.end_reason or "")
        ended = f"{date_words(alert.end, zone)} ({reason.replace('_', ' ')})"
    return AlertLine(
        alert_id=alert.alert_id,
        key=key,
        patient=who,
        rule=alert.rule,
        severity=alert.severity,
        status=alert.status,
        state=alert.state.value,
        text=alert.text,
        evidence=_evidence(alert),
        since=date_words(alert.onset, zone),
        age=ago_words(alert.onset, now),
        ended=ended,
        muted_by=rule_words(alert.muted_by) if alert.muted_by and alert.state in LIVE else "",
        decided=decided,
        handed=_handed(alert, setting),
        quiet=quiet,
        reopened=alert.reopened_because or "",
        times_met=alert.times_met,
        note="",
        recheck="",
        unseen=is_resolved_unseen(alert),
    )
