"""Which alert carries which episode, and which episodes alert at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from math import inf

from khemon.alerts.states import LIVE, RETRACTED, Setting, utc
from khemon.models import SEVERITIES, Alert, Episode
from khemon.rules.rulebook import AllOfRule, AnyOfRule, Protocol


def carriers(episodes: Sequence[Episode], alerts: Sequence[Alert], setting: Setting) -> list[int | None]:
    """For each episode of one rule which alert carries it: an index into alerts, beyond them a new one, or None."""
    found: list[int | None] = []
    # Of several that were retracted the one that went last comes back: it is the one people knew.
    order = [
        (alert.state not in LIVE, -alert.judged_at.timestamp() if alert.state is RETRACTED else -inf, number)
        for number, alert in enumerate(alerts)
    ]
    preference = [number for *_, number in sorted(order)]
    for index, episode in enumerate(episodes):
        own = next((number for number in preference if overlaps(alerts[number], episode)), None)
        if own is None and index and _soon(episodes[index - 1], episode, setting):
            own = found[index - 1]
        if own is None and stands(episodes, index, setting) and is_due(episode, setting):
            # Only the last of a rule's episodes can stand, so there is one new alert at most.
            own = len(alerts)
        found.append(own)
    return found


def overlaps(alert: Alert, episode: Episode) -> bool:
    """Whether an episode overlaps one that the alert carries: it is the same episode, recomputed."""
    return any(_overlap(alert, onset, end, episode) for onset, end in alert.carried)


def goes_on(alert: Alert, episode: Episode) -> bool:
    """Whether an episode overlaps the one that the alert tells of now."""
    return _overlap(alert, alert.onset, alert.end, episode)


def _overlap(alert: Alert, onset: dt.datetime, end: dt.datetime | None, episode: Episode) -> bool:
    # An episode without an end lasts; one whose ground was removed was known until then.
    if end is None and alert.state is RETRACTED:
        end = max(alert.judged_at, onset)
    return (episode.end is None or onset <= episode.end) and (end is None or episode.onset <= end)


def _soon(before: Episode, episode: Episode, setting: Setting) -> bool:
    """Whether an episode opens so soon after the previous one of its rule that the same alert carries it."""
    within = setting.protocol.common.same_alert_within.count
    return before.end is not None and setting.days_between(before.end, episode.onset) <= within


def stands(episodes: Sequence[Episode], index: int, setting: Setting) -> bool:
    """Whether an episode is one that has an alert: of severity warning or critical, and not over."""
    return episodes[index].severity != SEVERITIES[0] and not is_over(episodes, index, setting)


def is_over(episodes: Sequence[Episode], index: int, setting: Setting) -> bool:
    """Whether nothing of an episode stands any more. episodes: all of one rule, in order.

    A run that broke is news until the next run opens or observation closes: its warning is about its end.
    """
    episode = episodes[index]
    if episode.end_reason == "broken":
        return index + 1 < len(episodes) or setting.is_closed(episode.patient_id)
    return episode.end is not None


def due(episode: Episode, setting: Setting) -> dt.datetime:
    """When an episode alerts: at once, or some hours after the leading result of a possible with one missing."""
    rule = setting.protocol.rules[episode.rule]
    if not (isinstance(rule, AllOfRule) and episode.missing):
        return utc(episode.onset)
    # The first to be recorded: what arrives later does not put the alert off.
    leading = {item.result_id for item in episode.evidence if item.analyte == rule.leading}
    leading |= {result_id for analyte, _, result_id in episode.bands if analyte == rule.leading}
    recorded = [utc(setting.recorded_at(result_id)) for result_id in leading]
    delay = dt.timedelta(milliseconds=setting.protocol.common.companion_alerts_after.ms)
    return min(recorded) + delay


def is_due(episode: Episode, setting: Setting) -> bool:
    """Whether an episode has lasted until it alerts; one that ended while it waited never does."""
    until = setting.now if episode.end is None else min(setting.now, utc(episode.end))
    return until >= due(episode, setting)


def recorded_after_it_ended(
    episodes: Sequence[Episode],
    alerts: Sequence[Alert],
    protocol: Protocol,
    recorded_at: Callable[[int], dt.datetime],
) -> list[Episode]:
    """A patient's episodes that would have alerted, but had ended before their evidence was recorded: a line each.

    Nobody could know of an episode before all that opened it was recorded; what ended it may have been known before.
    A criterion that an event opened alerts as soon as that is recorded: without an alert it had ended by then.
    """
    found = []
    for episode in episodes:
        if episode.severity == SEVERITIES[0] or episode.end is None:
            continue
        recorded = [utc(recorded_at(item.result_id)) for item in episode.evidence if item.role == "onset"]
        told = any(alert.rule == episode.rule and overlaps(alert, episode) for alert in alerts)
        by_event = isinstance(protocol.rules.get(episode.rule), AnyOfRule) and not recorded
        if not told and (by_event or any(time >= episode.end for time in recorded)):
            found.append(episode)
    return found
