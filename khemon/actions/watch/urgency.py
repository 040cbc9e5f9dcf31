"""The order of the ward list: what is open, from the most urgent down. A table, no limits."""

from __future__ import annotations

from collections.abc import Sequence

from khemon.figures.style import SEVERITY_ORDER
from khemon.models import Episode, Severity

#: Rules by urgency, the most urgent group first. Below them stand other warnings, then those not seen when expected or
#: not rechecked, then the rest.
TIERS: tuple[tuple[str, ...], ...] = (
    ("plasma_criterion", "red_cell_criterion"),
    ("kmp_rebound",),
    ("severe_thrombocytopenia",),
    ("kmp",),
)
OTHER = len(TIERS)
NOT_SEEN = OTHER + 1
REST = NOT_SEEN + 1
_RANK = {rule: number for number, rules in enumerate(TIERS) for rule in rules} | {"blood_count_overdue": NOT_SEEN}


def rank_of(rule: str) -> int:
    """The urgency of a rule, 0 the most urgent."""
    return _RANK.get(rule, OTHER)


def tier_of(episodes: Sequence[Episode], stale: bool) -> tuple[int, tuple[Episode, ...]]:
    """The tier of a patient (0 the most urgent), and the episodes that put the patient there."""
    alarming = [episode for episode in by_urgency(episodes) if episode.severity != "note"]
    tier = min((rank_of(episode.rule) for episode in alarming), default=NOT_SEEN if stale else REST)
    return tier, tuple(episode for episode in alarming if rank_of(episode.rule) == tier)


def worst_of(severities: Sequence[Severity]) -> Severity | None:
    """The gravest of some severities, None without any."""
    return min(severities, key=SEVERITY_ORDER.index, default=None)


def by_urgency(episodes: Sequence[Episode]) -> list[Episode]:
    """Open episodes, gravest first: by severity, then by tier, then the newest."""
    still = [episode for episode in episodes if episode.end is None]
    still.sort(key=lambda episode: episode.onset, reverse=True)
    return sorted(still, key=lambda e: (SEVERITY_ORDER.index(e.severity), rank_of(e.rule)))
