"""Yes, possible, cannot tell, not met by what is known: a rule's answer for a patient now, with its reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from khemon.actions.watch.at import Looking
from khemon.actions.watch.flags import Flag
from khemon.actions.watch.known import Known
from khemon.explain.looking import Point
from khemon.figures.style import rule_words
from khemon.figures.words import ago_words, date_words, moment, short_date_words, span_words
from khemon.models import Episode
from khemon.rules.calendar import to_ms
from khemon.rules.logic import FALSE, TRUE
from khemon.rules.rulebook import AllOfRule, AnyOfRule, Comparison, ReboundRule
from khemon.units import ANALYTES


@dataclass(frozen=True, slots=True)
class Seen:
    """A point of a limb's analyte in words: when, the value, its verdict, and whether the limb does not count it."""

    at: dt.datetime
    value: str
    verdict: int
    neutral: bool


@dataclass(frozen=True, slots=True)
class LimbSeen:
    """What was last seen of a limb's analyte, and the last of it that the limb counts; None: never."""

    label: str
    counted: Seen | None
    latest: Seen | None


def open_of(episodes: Sequence[Episode], rule: str) -> Episode | None:
    """The open episode of a rule, None when there is none."""
    return next((episode for episode in reversed(episodes) if episode.rule == rule and episode.end is None), None)


def not_rechecked(known: Looking, episode: Episode) -> str:
    """`not rechecked since …` for an open episode whose input is older than the limit, else nothing."""
    last = episode.last_input_at
    limit = known.protocol.common.not_rechecked_after.ms
    if episode.end is not None or last is None or to_ms(known.now) - to_ms(last) <= limit:
        return ""
    return f"not rechecked since {short_date_words(last, known.zone, known.now)}"


def pattern_answer(
    known: Known, patient_id: str, rule: AllOfRule, episodes: Sequence[Episode], *, rule_in_full: bool = True
) -> Flag:
    """Whether an AND rule holds now: yes, possible, cannot tell, or not met by what is known; in full or shortly."""
    limbs = () if open_of(episodes, rule.name) else limbs_seen(known, patient_id, rule)
    return pattern_told(known, rule, limbs, episodes, rule_in_full=rule_in_full)


def limbs_seen(known: Known, patient_id: str, rule: AllOfRule) -> tuple[LimbSeen, ...]:
    """What was last seen of every limb of an AND rule."""
    number, now = known.index[patient_id], to_ms(known.now)
    found = []
    for limb in rule.limbs:
        series = known.series(limb)
        counted, latest = series.latest(number, now, counted=True), series.latest(number, now)
        label = ANALYTES[limb.analyte].label
        found.append(LimbSeen(label, _seen(known, limb, counted), _seen(known, limb, latest)))
    return tuple(found)


def _seen(known: Known, limb: Comparison, point: Point | None) -> Seen | None:
    if point is None:
        return None
    verdict = known.series(limb).verdict(point, limb)
    return Seen(moment(point.time), known.value_words(point.row), verdict, point.neutral)


def pattern_told(
    known: Looking,
    rule: AllOfRule,
    limbs: Sequence[LimbSeen],
    episodes: Sequence[Episode],
    *,
    rule_in_full: bool,
) -> Flag:
    """The same from what was seen of its limbs."""
    episode = open_of(episodes, rule.name)
    if episode is not None:
        stale = not_rechecked(known, episode)
        word = "yes" if episode.status == "confirmed" else "possible"
        since = f"since {short_date_words(episode.onset, known.zone, known.now)}"
        why = episode.text if rule_in_full else _shortly(episode)
        told = (since, stale, why) if rule_in_full else (since, why)
        return Flag(episode.severity, word, "; ".join(part for part in told if part))
    answers = [_current(known, limb) for limb in limbs]
    against = [words for verdict, words in answers if verdict == FALSE]
    if against:
        return Flag(None, "not met", "; ".join(against if rule_in_full else against[:1]))
    unknown = [words for verdict, words in answers if verdict != TRUE]
    return Flag("note", "cannot tell", "; ".join(unknown if rule_in_full else unknown[:1]))


def _shortly(episode: Episode) -> str:
    """What keeps a possible pattern open, without the values; nothing for a confirmed one."""
    if episode.status == "confirmed":
        return ""
    return episode.text.partition(" cannot be excluded")[0].rpartition(":")[0]


def _current(known: Looking, limb: LimbSeen) -> tuple[int | None, str]:
    """The verdict on the current value (None: there is none) and how to say it."""
    within = dt.timedelta(milliseconds=known.protocol.common.current_within.ms)
    if limb.counted is not None and known.now - limb.counted.at <= within:
        return limb.counted.verdict, f"{limb.label} {limb.counted.value} ({ago_words(limb.counted.at, known.now)})"
    if limb.latest is None:
        return None, f"{limb.label} never measured"
    if limb.latest.neutral and known.now - limb.latest.at <= within:
        return None, f"{limb.label} {limb.latest.value} not counted"
    return None, f"{limb.label} not measured for {span_words(known.now - limb.latest.at)}"


def criterion_answer(known: Known, patient_id: str, rule: AnyOfRule, episodes: Sequence[Episode]) -> Flag:
    """Whether a transfusion criterion is met; where it is not, what is known and how old it is, never `no`."""
    episode = open_of(episodes, rule.name)
    if episode is not None:
        word = "met" if episode.status == "confirmed" else "cannot tell"
        stale = not_rechecked(known, episode)
        return Flag(episode.severity, word, "; ".join(part for part in (episode.text, stale) if part))
    told = [_carried(known, patient_id, limb) for limb in rule.comparisons]
    told += [_recorded(known, patient_id, kind) for kind in rule.events]
    return Flag(None, "not met by what is known", "; ".join(told))


def _carried(known: Known, patient_id: str, limb: Comparison) -> str:
    """The latest usable value of a limb, however old: platelets 18 (3 h ago)."""
    label = ANALYTES[limb.analyte].label
    point = known.series(limb).latest(known.index[patient_id], to_ms(known.now))
    if point is None:
        return f"{label} never measured"
    value = known.value_words(point.row)
    return f"{label} {value} ({ago_words(moment(point.time), known.now)})"


def rebound_answer(known: Known, rule: ReboundRule, episodes: Sequence[Episode]) -> Flag:
    """Whether a rebound is open; without one, what there is to rebound from."""
    episode = open_of(episodes, rule.name)
    if episode is not None:
        since = f"since {short_date_words(episode.onset, known.zone, known.now)}"
        stale = not_rechecked(known, episode)
        return Flag(episode.severity, episode.status, "; ".join(part for part in (since, stale, episode.text) if part))
    armed = [e.confirmed_at for e in episodes if e.rule == rule.response and e.confirmed_at is not None]
    if not armed:
        return Flag(None, "not judged", "no durable response confirmed so far")
    return Flag(None, "none open", f"response confirmed {date_words(max(armed), known.zone)}")


def _recorded(known: Known, patient_id: str, kind: str) -> str:
    words = kind.replace("_", " ")
    past = [event for event in known.events[patient_id] if event.kind == kind]
    if not past:
        return f"{words} not recorded"
    ended = max(event.end or event.start for event in past)
    return f"{words} ended {ago_words(ended, known.now)}"


def headline(known: Looking, episodes: Sequence[Episode], *, in_full: bool = True) -> str:
    """The state in one sentence: what is open, gravest first; in full with what a criterion is met by."""
    parts = []
    for episode in episodes:
        stale = not_rechecked(known, episode)
        why = f": {reason_of(known, episode)}" if in_full and is_criterion(episode) else ""
        parts.append(f"{_named(episode)}{why}{f' ({stale})' if stale and not why else ''}")
    return "; ".join(parts)


def _named(episode: Episode) -> str:
    """An episode in a few words: plasma criterion met, KMP possible, KMP rebound suspected."""
    words = rule_words(episode.rule)
    if is_criterion(episode):
        return f"{words} met" if episode.status == "confirmed" else f"{words} perhaps met"
    return words if episode.status == "confirmed" else f"{words} {episode.status}"


def is_criterion(episode: Episode) -> bool:
    """Whether an episode is of a transfusion criterion."""
    return episode.rule.endswith("_criterion")


def reason_of(known: Looking, episode: Episode) -> str:
    """Why an episode stands, in the fewest words: the limbs of a criterion, else since when."""
    if is_criterion(episode):
        return episode.text.partition(": ")[2]
    return f"since {short_date_words(episode.onset, known.zone, known.now)}"
