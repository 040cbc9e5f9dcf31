"""Why an alert moved, in words for its log."""

from __future__ import annotations

from collections.abc import Sequence

from khemon.models import Alert, AlertState, Episode

_ENDINGS = ("th", "st", "nd", "rd")


def onset_moved(alert: Alert, episode: Episode) -> str | None:
    """'onset moved from … to …' in the episode's zone; None when it did not move."""
    if alert.onset == episode.onset.astimezone(alert.onset.tzinfo):
        return None
    before = alert.onset.astimezone(episode.onset.tzinfo)
    return f"onset moved from {before:%Y-%m-%d %H:%M} to {episode.onset:%Y-%m-%d %H:%M}"


def why_over(episode: Episode) -> str:
    """Why a live alert has nothing to say any more."""
    if episode.end is None:
        return "now a note"
    if episode.end_reason == "supported":
        return "lifted by transfusion"
    if episode.end_reason == "broken":
        return "a new run opened, or observation ended"
    return str(episode.end_reason).replace("_", " ")


def why_expired(alert: Alert) -> str:
    """Why an alert is open again whose time of quiet is over."""
    return "the snooze ended" if alert.state is AlertState.SNOOZED else "the acknowledgement expired"


def split_at(episode: Episode) -> str:
    """That a later-known result split the episode an alert tells of."""
    return f"split by a later-known result; now since {episode.onset:%Y-%m-%d %H:%M}"


def why_met(alert: Alert, episode: Episode, before: Episode | None, worse: Sequence[str], times: int) -> str:
    """Why an alert is open again. before: the episode it told of, as recomputed. times: how many it carries."""
    if alert.state is AlertState.RETRACTED:
        return "its ground is there again"
    if before is episode and worse:
        return "; ".join(worse)
    if before is episode and alert.state is AlertState.RESOLVED:
        return "it goes on"
    if times > 1:
        return f"met again, {_ordinal(times)} time"
    return "; ".join(filter(None, ["met anew by later results", onset_moved(alert, episode)]))


def _ordinal(number: int) -> str:
    """'3rd'; 'th' after a 1 in the tens."""
    digits = str(number)
    last = int(digits[-1])
    teen = digits[:-1].endswith(str(1))
    return digits + (_ENDINGS[0] if teen or last >= len(_ENDINGS) else _ENDINGS[last])


def why_gone(taken: Sequence[Alert]) -> str:
    """Why an alert carries nothing any more. taken: alerts that carry its episode now."""
    if taken:
        return f"joined with alert {taken[0].alert_id}: one episode"
    return "a correction, a withdrawal or a later-recorded result removed the ground"
