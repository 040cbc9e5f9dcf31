"""How alerts follow their episodes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from khemon.alerts.carrying import carriers, goes_on, is_due, overlaps, stands
from khemon.alerts.changing import by_protocol
from khemon.alerts.sayings import onset_moved, split_at, why_expired, why_gone, why_met, why_over
from khemon.alerts.states import LIVE, QUIET, RESOLVED, RETRACTED, Move, Setting, Work, moved, utc
from khemon.alerts.worsening import covered_since, is_news, why_worse
from khemon.models import SEVERITIES, Alert, Episode, EvidenceItem


def reconcile(episodes: Sequence[Episode], alerts: Sequence[Alert], setting: Setting) -> list[Move]:
    """The moves that make one patient's alerts follow its episodes; new alerts have the id 0.

    episodes: every episode of the patient as of `setting.now`. alerts: every stored alert of the patient.
    """
    moves: list[Move] = []
    for rule in sorted({episode.rule for episode in episodes} | {alert.rule for alert in alerts}):
        own = sorted((each for each in episodes if each.rule == rule), key=lambda each: utc(each.onset))
        stored = [alert for alert in alerts if alert.rule == rule]
        moves += _reconcile_rule(own, stored, setting)
    told = setting.new_protocol
    return moves if told is None else [by_protocol(move, told) for move in moves]


def _reconcile_rule(episodes: list[Episode], alerts: list[Alert], setting: Setting) -> list[Move]:
    work = Work()
    carried: dict[int, list[int]] = {}
    for index, number in enumerate(carriers(episodes, alerts, setting)):
        if number is not None:
            carried.setdefault(number, []).append(index)
    for number, alert in enumerate(alerts):
        if number in carried:
            _follow(alert, episodes, carried[number], setting, work)
        elif alert.state is not RETRACTED:
            # A new alert carries no episode that overlaps one of an alert that was there.
            taken = [place for place, own in carried.items() if any(overlaps(alert, episodes[index]) for index in own)]
            work.make(
                alert,
                "retract",
                why_gone([alerts[place] for place in taken]),
                judged_at=setting.now,
                reopened_because=None,
            )
    for number in sorted(set(carried) - set(range(len(alerts)))):
        _raise([episodes[index] for index in carried[number]], setting, work)
    return work.moves


def _facts(episode: Episode, carried: Sequence[Episode], setting: Setting) -> dict[str, Any]:
    """The fields of an alert that repeat its present episode and those it carries."""
    spans = ((each.onset, each.end) for each in carried)
    return {
        "severity": episode.severity,
        "status": episode.status,
        "onset": utc(episode.onset),
        "end": utc(episode.end) if episode.end else None,
        "end_reason": episode.end_reason,
        "text": episode.text,
        "judged_at": setting.now,
        "carried": tuple((utc(onset), utc(end) if end else None) for onset, end in spans),
        "times_met": len(carried),
    }


def _raise(carried: list[Episode], setting: Setting, work: Work) -> None:
    episode = carried[-1]
    alert = Alert(
        alert_id=0,
        patient_id=episode.patient_id,
        rule=episode.rule,
        state=moved(None, "raise"),
        note=_late_note(episode, setting),
        limbs=episode.limbs,
        worst=episode.severity,
        **_facts(episode, carried, setting),
    )
    work.moves.append(Move(alert=alert, move="raise", from_state=None, reason=alert.note))


def _late_note(episode: Episode, setting: Setting) -> str | None:
    """'collected …, received now' when the newest evidence was old when it was recorded, and nothing newer is known."""

    def times(item: EvidenceItem) -> tuple[dt.datetime, dt.datetime]:
        return utc(item.collected_at), utc(setting.recorded_at(item.result_id))

    if not episode.evidence:
        return None
    (collected, recorded), newest = max(((times(item), item) for item in episode.evidence), key=itemgetter(0))
    limit = dt.timedelta(milliseconds=setting.protocol.common.not_rechecked_after.ms)
    if recorded - collected <= limit:
        return None
    if episode.last_input_at is not None and setting.now - utc(episode.last_input_at) <= limit:
        return None
    # An alert that waited, or that time alone raised, tells of what was received before.
    local = recorded.astimezone(newest.collected_at.tzinfo)
    received = "now" if recorded >= setting.now else f"{local:%d %b %Y %H:%M}"
    return f"collected {newest.collected_at:%d %b %Y %H:%M}, received {received}"


def _follow(alert: Alert, episodes: list[Episode], indexes: list[int], setting: Setting, work: Work) -> None:
    """Bring one alert to where its episodes stand."""
    last = indexes[-1]
    active = stands(episodes, last, setting)
    active &= alert.state in LIVE or is_due(episodes[last], setting)
    carried = [episodes[index] for index in indexes]
    before = next((each for each in carried if goes_on(alert, each)), None)
    episode = carried[-1] if active else _last_told(carried, before, setting)
    link = onset_moved(alert, episode) if before is episode else None
    changes = _facts(episode, carried, setting)
    if alert.state in LIVE and active:
        _stay(alert, episode, before, changes, setting, work)
    elif alert.state in LIVE:
        over = why_over(episode) if before else why_gone(())
        changes |= _sight(alert, episode) | {"reopened_because": None}
        work.make(alert, "resolve", _said(over, link), **changes)
    elif active:
        reason = why_met(alert, episode, before, why_worse(alert, episode), len(carried))
        changes |= _anew(alert, episode, before, reason) | {"note": _late_note(episode, setting), "handed": None}
        work.make(alert, "meet", _said(reason, link), **changes)
    elif alert.state is RESOLVED and _differs(alert, changes):
        work.make(alert, "follow", link, **changes)


def _last_told(carried: list[Episode], before: Episode | None, setting: Setting) -> Episode:
    """The last episode that had a say; only a note, or one that waits, does not take over an alert that is over."""
    told = [each for each in carried if each is before or (each.severity != SEVERITIES[0] and is_due(each, setting))]
    return (told or carried)[-1]


def _stay(
    alert: Alert, episode: Episode, before: Episode | None, changes: dict[str, Any], setting: Setting, work: Work
) -> None:
    """A live alert whose episode goes on: met again, worsened, expired, or as it was."""
    quiet, news = alert.state in QUIET, is_news(alert, episode)
    worse = why_worse(alert, episode)
    again = why_met(alert, episode, before, [], changes["times_met"])
    link = onset_moved(alert, episode) if before is episode else again if news else split_at(episode)
    if quiet and news:
        reason = "; ".join([again, *worse])
        work.make(alert, "meet", reason, **changes, **_anew(alert, episode, before, reason))
    elif quiet and worse:
        reason = "; ".join(worse)
        work.make(alert, "worsen", _said(reason, link), **changes, **_anew(alert, episode, before, reason))
    elif alert.until is not None and setting.now >= alert.until:
        reason = why_expired(alert)
        seen = {"seen_at": alert.seen_at, "worst": alert.worst}
        work.make(alert, "expire", _said(reason, link), **changes, **_anew(alert, episode, before, reason) | seen)
    else:
        changes |= {"limbs": episode.limbs, **covered_since(alert, episode), **_sight(alert, episode)}
        if _differs(alert, changes):
            said = "; ".join([*worse, link] if link else worse)
            work.make(alert, "follow", said or None, **changes)


def _anew(alert: Alert, episode: Episode, before: Episode | None, reason: str) -> dict[str, Any]:
    """What an alert says that is open again, and what it no longer claims; the log keeps it."""
    forgotten = dict.fromkeys(("until", "acknowledged_at", "actor", "reason", "reason_code"))
    known = {"band_floor": {}, "known_result": 0, "taken_in": 0, "limbs": episode.limbs}
    # A further episode has a first confirmation of its own.
    confirmed = {"confirmed_acknowledged": alert.confirmed_acknowledged and before is episode}
    return forgotten | known | confirmed | _sight(alert, episode, anew=True) | {"reopened_because": reason}


def _sight(alert: Alert, episode: Episode, *, anew: bool = False) -> dict[str, Any]:
    """Whether it was seen as it is now, and else the worst severity that nobody has seen."""
    now, before = SEVERITIES.index(episode.severity), SEVERITIES.index(alert.severity)
    if alert.seen_at is not None and (anew or now > before):
        return {"seen_at": None, "worst": episode.severity}
    return {"worst": SEVERITIES[max(now, SEVERITIES.index(alert.worst or alert.severity))]}


def _differs(alert: Alert, changes: dict[str, Any]) -> bool:
    return any(getattr(alert, name) != value for name, value in changes.items() if name != "judged_at")


def _said(reason: str, link: str | None) -> str:
    return f"{reason}; {link}" if link else reason
