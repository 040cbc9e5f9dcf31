"""In which ways an episode is worse than when its alert was acknowledged."""

from __future__ import annotations

from typing import Any

from khemon.alerts.states import QUIET
from khemon.models import SEVERITIES, Alert, Episode

#: Changes of status that break through an acknowledgement.
_WORSE_STATUS = frozenset(
    {("possible", "confirmed"), ("suspected", "confirmed"), ("isolated", "suspected"), ("isolated", "confirmed")}
)


def why_worse(alert: Alert, episode: Episode) -> list[str]:
    """In which ways an episode is worse than when its alert was acknowledged, in words; empty when it is not."""
    found = []
    if SEVERITIES.index(episode.severity) > SEVERITIES.index(alert.severity):
        found.append(f"severity rose from {alert.severity} to {episode.severity}")
    if (alert.status, episode.status) in _WORSE_STATUS:
        found.append(f"{alert.status} became {episode.status}")
    mended = [item for item in episode.evidence if item.role == "mend" and item.result_id > alert.known_result]
    if alert.known_result and mended and alert.status == episode.status == "suspected":
        found.append("isolated became suspected")
    further = [limb.replace("_", " ") for limb in episode.limbs if limb not in alert.limbs]
    if further:
        found.append(f"a further criterion is met: {', '.join(further)}")
    for analyte, depth in newest_depths(alert, episode).items():
        if alert.known_result and depth > alert.band_floor.get(analyte, 0):
            found.append(f"{analyte.replace('_', '-')} reached a lower band")
    return found


def is_news(alert: Alert, episode: Episode) -> bool:
    """Whether a live alert's episode opened after the acknowledgement, by results nobody knew of then."""
    taken_in = max(alert.taken_in, alert.known_result)
    known = [item for item in episode.evidence if item.role == "onset" and item.result_id <= taken_in]
    return episode.onset > (alert.acknowledged_at or alert.judged_at) and not known


def newest_depths(alert: Alert, episode: Episode) -> dict[str, int]:
    """By analyte the deepest band among the results recorded since the acknowledgement, and the latest of all.

    The latest one counts although it was known: a withdrawal may have left it standing.
    """
    latest = {analyte: depth for analyte, depth, _ in episode.bands}
    deepest = dict(latest)
    for analyte, depth, result_id in episode.bands:
        if result_id > alert.known_result:
            deepest[analyte] = max(depth, deepest[analyte])
    return deepest


def covered_since(alert: Alert, episode: Episode) -> dict[str, Any]:
    """For a quiet alert what its acknowledgement covers: the last result, none of which was worse, and standing bands.

    A depth known only by a result that was withdrawn since is none: when it is reached in truth, that is news.
    """
    if alert.state not in QUIET:
        return {}
    covered = (result_id for _, _, result_id in episode.bands)
    floors = {}
    for analyte, floor in alert.band_floor.items():
        standing = (depth for name, depth, _ in episode.bands if name == analyte)
        floors[analyte] = min(floor, max(standing, default=0))
    return {"taken_in": max([alert.taken_in, alert.known_result, *covered]), "band_floor": floors}
