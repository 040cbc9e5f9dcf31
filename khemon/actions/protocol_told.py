"""One thing a protocol tells of a child: an episode, or an alert as it came about in a replay."""

from __future__ import annotations

from typing import NamedTuple

from khemon.models import SEVERITIES, Alert, Episode, Severity
from khemon.rules.calendar import to_ms


class Told(NamedTuple):
    """Rule, child, time (UTC milliseconds; no end: it lasts), status and severity."""

    patient_id: str
    rule: str
    status: str
    severity: Severity
    onset: int
    end: int | None
    text: str

    @property
    def key(self) -> tuple[str, str]:
        """Child and rule."""
        return self.patient_id, self.rule

    @property
    def alerts(self) -> bool:
        """Whether it is grave enough for an alert."""
        return self.severity != SEVERITIES[0]

    def stood(self, start_ms: int, end_ms: int) -> bool:
        """Whether it stood at some time between these, both inside."""
        return self.onset <= end_ms and (self.end is None or self.end >= start_ms)

    def overlaps(self, other: Told) -> bool:
        """Whether both stood at some time."""
        return (other.end is None or self.onset <= other.end) and (self.end is None or other.onset <= self.end)


def told_of(episode: Episode) -> Told:
    """An episode as it stands."""
    end = None if episode.end is None else to_ms(episode.end)
    head = (episode.patient_id, episode.rule, episode.status, episode.severity)
    return Told(*head, to_ms(episode.onset), end, episode.text)


def told_of_alert(alert: Alert, worst: Severity, gone_ms: int | None) -> Told:
    """An alert with the worst severity it had. gone_ms: when it was found without ground."""
    onset = min([to_ms(start) for start, _ in alert.carried] or [to_ms(alert.onset)])
    end = gone_ms if gone_ms is not None else None if alert.end is None else to_ms(alert.end)
    return Told(alert.patient_id, alert.rule, alert.status, worst, onset, end, alert.text)
