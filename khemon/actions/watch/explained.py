"""An episode with everything behind it: the rule in words, its numbers, the samples, what is missing, the source."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from khemon.actions.watch.rulebook import NumberLine, rule_sheet
from khemon.figures.words import date_words
from khemon.models import Episode, EvidenceItem, Severity
from khemon.rules import Protocol
from khemon.units import ANALYTES

#: What an evidence role means, in words.
ROLE_WORDS = {
    "onset": "opened it",
    "confirm": "confirmed it",
    "worsen": "made it worse",
    "mend": "made it better",
    "end": "ended it",
}
_END_WORDS = {
    "resolved": "resolved",
    "supported": "lifted by transfusion",
    "excluded": "excluded",
    "broken": "broken",
    "gap": "unproven: too long without a result",
    "ended": "ended",
    "isolated": "isolated",
    "recovered": "recovered",
    "observation_ended": "observation ended",
}


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One result behind an episode, as received."""

    role: str
    analyte: str
    value: str
    unit: str
    at: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One episode for reading."""

    rule: str
    title: str
    severity: Severity
    status: str
    text: str
    since: str
    until: str
    stale: str
    words: str
    numbers: tuple[NumberLine, ...]
    evidence: tuple[EvidenceLine, ...]
    missing: tuple[str, ...]
    source: str
    misleads_if: str
    protocol: str


def _evidence(item: EvidenceItem, zone: ZoneInfo) -> EvidenceLine:
    label = ANALYTES[item.analyte].label
    return EvidenceLine(ROLE_WORDS[item.role], label, item.value, item.unit, date_words(item.collected_at, zone))


def explained(episode: Episode, protocol: Protocol, zone: ZoneInfo, stale: str = "") -> Explained:
    """The episode with its rule. stale: `not rechecked since …`, if so."""
    sheet = rule_sheet(protocol.rules[episode.rule])
    until = ""
    if episode.end is not None:
        reason = _END_WORDS.get(episode.end_reason or "", episode.end_reason or "")
        until = f"{date_words(episode.end, zone)} ({reason})"
    evidence = tuple(_evidence(item, zone) for item in episode.evidence)
    return Explained(
        rule=episode.rule,
        title=sheet.title,
        severity=episode.severity,
        status=episode.status,
        text=episode.text,
        since=date_words(episode.onset, zone),
        until=until,
        stale=stale,
        words=sheet.words,
        numbers=sheet.numbers,
        evidence=evidence,
        missing=tuple(ANALYTES[name].label for name in episode.missing),
        source=episode.source,
        misleads_if=sheet.misleads_if,
        protocol=protocol.called,
    )
