"""How alerts follow their episodes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from khemon.alerts.states import ACKNOWLEDGED, LIVE, QUIET, RESOLVED, RETRACTED, Move, Setting, Work, moved
from khemon.alerts.worsening import floors_since, why_worse
from khemon.models import SEVERITIES, Alert, Episode
from khemon.rules.rulebook import AllOfRule, Protocol, RunRule

_RETRACTED_BECAUSE = "a correction, a withdrawal or a later-recorded result removed the ground"


def reconcile(episodes: Sequence[Episode], alerts: Sequence[Alert], setting: Setting) -> list[Move]:
    """The moves that make one patient's alerts follow its episodes; new alerts have the id 0.

    episodes: every episode of the patient as of `setting.now`. alerts: every stored alert of the patient.
    """
    moves: list[Move] = []
    for rule in sorted({episode.rule for episode in episodes} | {alert.rule for alert in alerts}):
        own = sorted((episode for episode in episodes if episode.rule == rule), key=lambda episode: episode.onset)
        stored = [alert for alert in alerts if alert.rule == rule]
        moves += _reconcile_rule(own, stored, setting)
    return moves


def _reconcile_rule(episodes: list[Episode], alerts: list[Alert], setting: Setting) -> list[Move]:
    work = Work()
    owners = _owners(episodes, alerts, setting)
    by_owner: dict[int, list[int]] = {}
    for index, owner in enumerate(owners):
        if owner is not None:
            by_owner.setdefault(owner, []).append(index)
    for number, alert in enumerate(alerts):
        if number in by_owner:
            _follow(alert, episodes, by_owner[number], setting, work)
        elif alert.state is not RETRACTED:
            work.make(alert, "retract", _why_gone(alert, alerts, by_owner, episodes), judged_at=setting.now)
    for number in sorted(owner for owner in by_owner if owner >= len(alerts)):
        _raise(episodes, by_owner[number], setting, work)
    return work.moves


def _owners(episodes: list[Episode], alerts: list[Alert], setting: Setting) -> list[int | None]:
    """For each episode which alert carries it: an index into alerts, beyond them a new one, None for none."""
    owners: list[int | None] = []
    next_new = len(alerts)
    order = [(alert.state not in LIVE, alert.state is RETRACTED, number) for number, alert in enumerate(alerts)]
    preference = [number for _, _, number in sorted(order)]
    for index, episode in enumerate(episodes):
        owner = next((number for number in preference if _overlaps(alerts[number], episode)), None)
        if owner is None and index and owners[index - 1] is not None and _soon(episodes[index - 1], episode, setting):
            owner = owners[index - 1]
        if owner is None and _alertable(episodes, index, setting):
            owner, next_new = next_new, next_new + 1
        owners.append(owner)
    return owners


def _overlaps(alert: Alert, episode: Episode) -> bool:
    for onset, end in alert.carried:
        until = max(end or alert.judged_at, onset)
        if onset <= (episode.end or until) and episode.onset <= until:
            return True
    return False


def _soon(before: Episode, episode: Episode, setting: Setting) -> bool:
    """Whether an episode opens so soon after the previous one of its rule that the same alert carries it."""
    within = setting.protocol.common.same_alert_within.count
    return before.end is not None and setting.days_between(before.end, episode.onset) <= within


def is_over(episodes: Sequence[Episode], index: int, protocol: Protocol) -> bool:
    """Whether nothing of an episode stands any more.

    A run that broke is news until the next run opens: its warning is about its end.
    """
    episode = episodes[index]
    if episode.end_reason == "broken" and isinstance(protocol.rules[episode.rule], RunRule):
        return index + 1 < len(episodes)
    return episode.end is not None


def _alertable(episodes: list[Episode], index: int, setting: Setting) -> bool:
    episode = episodes[index]
    if episode.severity == SEVERITIES[0] or is_over(episodes, index, setting.protocol):
        return False
    return setting.now >= _due(episode, setting)


def _due(episode: Episode, setting: Setting) -> dt.datetime:
    """When an episode alerts: at once, or some hours after the leading result of a possible with one missing."""
    rule = setting.protocol.rules[episode.rule]
    if not (isinstance(rule, AllOfRule) and episode.status == "possible" and episode.missing):
        return episode.onset
    leading = [item for item in episode.evidence if item.role == "onset" and item.analyte == rule.leading]
    recorded = [setting.recorded_at(item.result_id) for item in leading]
    delay = dt.timedelta(milliseconds=setting.protocol.common.companion_alerts_after.ms)
    return max(recorded) + delay if recorded else episode.onset


def _facts(episode: Episode, setting: Setting) -> dict[str, Any]:
    """The fields of an alert that repeat its present episode."""
    return {
        "severity": episode.severity,
        "status": episode.status,
        "onset": episode.onset,
        "end": episode.end,
        "end_reason": episode.end_reason,
        "text": episode.text,
        "judged_at": setting.now,
    }


def _carried(episodes: list[Episode], indexes: list[int]) -> tuple[tuple[dt.datetime, dt.datetime | None], ...]:
    return tuple((episodes[index].onset, episodes[index].end) for index in indexes)


def _raise(episodes: list[Episode], indexes: list[int], setting: Setting, work: Work) -> None:
    episode = episodes[indexes[-1]]
    alert = Alert(
        alert_id=0,
        patient_id=episode.patient_id,
        rule=episode.rule,
        state=moved(None, "raise"),
        carried=_carried(episodes, indexes),
        times_met=len(indexes),
        note=_late_note(episode, setting),
        limbs=episode.limbs,
        **_facts(episode, setting),
    )
    work.moves.append(Move(alert=alert, move="raise", from_state=None, reason=alert.note))


def _late_note(episode: Episode, setting: Setting) -> str | None:
    """'collected …, received now' when the newest evidence was old when it was recorded."""
    newest = max(episode.evidence, key=lambda item: item.collected_at, default=None)
    if newest is None:
        return None
    limit = dt.timedelta(milliseconds=setting.protocol.common.not_rechecked_after.ms)
    if setting.recorded_at(newest.result_id) - newest.collected_at <= limit:
        return None
    return f"collected {newest.collected_at:%d %b %Y %H:%M}, received now"


def _follow(alert: Alert, episodes: list[Episode], indexes: list[int], setting: Setting, work: Work) -> None:
    """Bring one alert to where its episodes stand."""
    index = indexes[-1]
    episode = episodes[index]
    active = episode.severity != SEVERITIES[0] and not is_over(episodes, index, setting.protocol)
    if alert.state not in LIVE and active and setting.now < _due(episode, setting):
        active = False
    changes = _facts(episode, setting) | {"carried": _carried(episodes, indexes), "times_met": len(indexes)}
    if alert.state in LIVE and active:
        _stay(alert, episode, changes, setting, work)
    elif alert.state in LIVE:
        work.make(alert, "resolve", _why_over(episode), **changes, reopened_because=None)
    elif active:
        reason = _why_met(alert, episode, len(indexes))
        work.make(alert, "meet", reason, **changes, **_forgotten(), limbs=episode.limbs, reopened_because=reason)
    elif alert.state is RESOLVED and _differs(alert, changes):
        work.make(alert, "follow", _onset_moved(alert, episode), **changes)


def _stay(alert: Alert, episode: Episode, changes: dict[str, Any], setting: Setting, work: Work) -> None:
    """A live alert whose episode goes on: worsened, expired, or as it was."""
    worse = why_worse(alert, episode)
    if alert.state in QUIET and worse:
        reason = "; ".join(worse)
        work.make(alert, "worsen", reason, **changes, **_forgotten(), limbs=episode.limbs, reopened_because=reason)
        return
    if alert.state in QUIET and alert.until is not None and setting.now >= alert.until:
        reason = "the acknowledgement expired" if alert.state is ACKNOWLEDGED else "the snooze ended"
        work.make(alert, "expire", reason, **changes, **_forgotten(), limbs=episode.limbs, reopened_because=reason)
        return
    changes |= {"limbs": episode.limbs, **floors_since(alert, episode)}
    if _differs(alert, changes):
        work.make(alert, "follow", _onset_moved(alert, episode), **changes)


def _forgotten() -> dict[str, Any]:
    """What a re-opened alert no longer claims; the log keeps it."""
    return {"until": None, "acknowledged_at": None, "actor": None, "reason": None, "band_floor": {}, "known_result": 0}


def _differs(alert: Alert, changes: dict[str, Any]) -> bool:
    return any(getattr(alert, name) != value for name, value in changes.items() if name != "judged_at")


def _onset_moved(alert: Alert, episode: Episode) -> str | None:
    if alert.onset == episode.onset:
        return None
    return f"onset moved from {alert.onset:%Y-%m-%d %H:%M} to {episode.onset:%Y-%m-%d %H:%M}"


def _why_over(episode: Episode) -> str:
    if episode.end is None:
        return "now a note"
    if episode.end_reason == "supported":
        return "lifted by transfusion"
    return "a new run opened" if episode.end_reason == "broken" else str(episode.end_reason).replace("_", " ")


def _why_met(alert: Alert, episode: Episode, times: int) -> str:
    if alert.state is RETRACTED:
        return "its ground is there again"
    if any(onset == episode.onset for onset, _ in alert.carried):
        return "it goes on"
    return f"met again, {_ordinal(times)} time"


def _ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    teen = 10 < number % 100 < 14
    return f"{number}{'th' if teen else endings.get(number % 10, 'th')}"


def _why_gone(alert: Alert, alerts: list[Alert], by_owner: dict[int, list[int]], episodes: list[Episode]) -> str:
    for owner, indexes in by_owner.items():
        if owner < len(alerts) and any(_overlaps(alert, episodes[index]) for index in indexes):
            return f"joined with alert {alerts[owner].alert_id}: one episode"
    return _RETRACTED_BECAUSE
