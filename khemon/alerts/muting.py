"""Muting: which live alerts another rule's episode speaks for. Visible and narrow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from khemon.alerts.states import LIVE, utc
from khemon.models import Alert, Episode
from khemon.rules.rulebook import Muting, Protocol


def muted(alerts: Iterable[Alert], episodes: Iterable[Episode], protocol: Protocol, now: dt.datetime) -> dict[int, str]:
    """Which live alerts are muted, by which rule: alert id -> rule. Only a recent input mutes."""
    fresh_since = utc(now) - dt.timedelta(milliseconds=protocol.common.not_rechecked_after.ms)
    open_now = [episode for episode in episodes if episode.end is None]
    found: dict[int, str] = {}
    for alert in alerts:
        for episode in open_now:
            muting = protocol.muting.get(episode.rule)
            if muting and alert.state in LIVE and _mutes(muting, episode, alert, fresh_since):
                found.setdefault(alert.alert_id, episode.rule)
    return found


def _mutes(muting: Muting, episode: Episode, alert: Alert, fresh_since: dt.datetime) -> bool:
    if muting.while_limb and muting.while_limb not in episode.fresh_limbs:
        return False
    if muting.while_status and episode.status != muting.while_status:
        return False
    if episode.last_input_at is None or episode.last_input_at < fresh_since:
        return False
    return alert.rule in muting.mutes or (alert.rule in muting.mutes_possible and alert.status == "possible")
