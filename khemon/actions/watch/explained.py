"""An episode with everything behind it: the rule in words, its numbers, the samples, what is missing, the source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from khemon.actions.watch.rulebook import NumberLine, rule_sheet
from khemon.figures.words import date_words
from khemon.models import Episode, EvidenceItem, GroundEvent, GroundResult, Grounds, Severity
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
_ENTRIES = {
    "birth_date": "date of birth",
    "day0": "day 0",
    "followed_until": "followed until",
    "sirolimus_target": "sirolimus target",
}
NOTHING = Grounds(results=(), events=(), entries=(), not_counted=())
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
class EventLine:
    """One event behind an episode."""

    kind: str
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One episode for reading.

    rests_on: the results beside the evidence that it takes to tell the episode again; with the evidence, the events and
    the entries of the register they are enough.
    """

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
    rests_on: tuple[EvidenceLine, ...]
    events: tuple[EventLine, ...]
    entries: tuple[str, ...]
    missing: tuple[str, ...]
    not_counted: tuple[str, ...]
    source: str
    misleads_if: str
    protocol: str


def _evidence(item: EvidenceItem, zone: ZoneInfo) -> EvidenceLine:
    return _line(ROLE_WORDS[item.role], item, zone)


def _line(role: str, item: EvidenceItem | GroundResult, zone: ZoneInfo) -> EvidenceLine:
    label = ANALYTES[item.analyte].label
    return EvidenceLine(role, label, item.value, item.unit, date_words(item.collected_at, zone))


def _event(event: GroundEvent, zone: ZoneInfo) -> EventLine:
    until = date_words(event.end, zone) if event.end else ""
    return EventLine(event.kind.replace("_", " "), date_words(event.start, zone), until)


def explained(episode: Episode, protocol: Protocol, zone: ZoneInfo, stale: str = "") -> Explained:
    """The episode with its rule. stale: `not rechecked since …`, if so."""
    until = ""
    if episode.end is not None:
        reason = _END_WORDS.get(episode.end_reason or "", episode.end_reason or "")
        until = f"{date_words(episode.end, zone)} ({reason})"
    told = {item.result_id for item in episode.evidence}
    grounds = episode.grounds or NOTHING
    return replace(
        explained_rule(episode.rule, protocol),
        severity=episode.severity,
        status=episode.status,
        text=episode.text,
        since=date_words(episode.onset, zone),
        until=until,
        stale=stale,
        evidence=tuple(_evidence(item, zone) for item in episode.evidence),
        rests_on=tuple(_line("it rests on", item, zone) for item in grounds.results if item.result_id not in told),
        events=tuple(_event(event, zone) for event in grounds.events),
        entries=tuple(_ENTRIES[name] for name in grounds.entries),
        missing=tuple(ANALYTES[name].label for name in episode.missing),
        not_counted=grounds.not_counted,
        source=episode.source,
    )


def explained_rule(rule: str, protocol: Protocol) -> Explained:
    """A rule alone, for an episode that is not there any more."""
    sheet = rule_sheet(protocol.rules[rule])
    return Explained(
        rule=rule,
        title=sheet.title,
        severity=protocol.rules[rule].severity,
        status="",
        text="",
        since="",
        until="",
        stale="",
        words=sheet.words,
        numbers=sheet.numbers,
        evidence=(),
        rests_on=(),
        events=(),
        entries=(),
        missing=(),
        not_counted=(),
        source=sheet.source,
        misleads_if=sheet.misleads_if,
        protocol=protocol.called,
    )
