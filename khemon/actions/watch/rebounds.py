"""Rebound review: every rebound with its status, nadir, time from the response, and what went before it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from khemon.actions.permitted import permitted
from khemon.actions.watch.alerts import LOOK_BACK, AlertLine, alert_lines
from khemon.actions.watch.answers import not_rechecked
from khemon.actions.watch.damaged import despite_damage
from khemon.actions.watch.known import Known
from khemon.actions.watch.lead_up import LeadUp, lead_up
from khemon.actions.watch.setting import Setting, setting_of
from khemon.figures.style import SEVERITY_ORDER
from khemon.figures.words import ago_words, date_words, span_words, unit_words
from khemon.models import Actor, Episode, Patient, Severity
from khemon.rules.rulebook import ReboundRule
from khemon.store import Reader, Store
from khemon.units import ANALYTES


@dataclass(frozen=True, slots=True)
class ReboundLine:
    """One rebound. alert: what people decided about it, None where it never had an alert or its alert went on."""

    key: int
    patient_id: str
    patient: str
    severity: Severity
    status: str
    text: str
    since: str
    age: str
    literal: str
    confirmed: str
    ended: str
    stale: str
    nadir: str
    from_response: str
    lead_up: LeadUp
    alert: AlertLine | None


@dataclass(frozen=True, slots=True)
class ReboundReview:
    """What the rebound page shows. counts: of the open ones by status."""

    setting: Setting
    revision: int
    as_of: str
    words: tuple[str, ...]
    open: tuple[ReboundLine, ...]
    over: tuple[ReboundLine, ...]
    counts: dict[str, int]
    responses: int
    damaged: tuple[str, ...]


@permitted("look")
def rebound_review(store: Store, actor: Actor, now: dt.datetime) -> ReboundReview:
    """Every rebound of every child: open ones by severity, then those that ended, the newest first."""
    return despite_damage(store, lambda reader: _review(reader, now))


def _review(reader: Reader, now: dt.datetime) -> ReboundReview:
    setting = setting_of(reader)
    numbers = reader.patient_numbers()
    rules = [rule for rule in setting.protocol.rules.values() if isinstance(rule, ReboundRule)]
    standing = reader.patients(_with_rebound(reader, rules))
    patients = [each for each in standing if numbers[each.patient_id] not in reader.left_out]
    known = Known(reader, patients, setting.protocol, setting.zone, now)
    told = known.told({name for rule in rules for name in (rule.name, rule.response)})
    alerts = alert_lines(reader, setting, now, [each.patient_id for each in patients])
    lines = []
    for patient in patients:
        own = told.get(patient.patient_id, [])
        for rule in rules:
            decided = [line for line in alerts if line.key == numbers[patient.patient_id] and line.rule == rule.name]
            child = _Child(known, patient, numbers[patient.patient_id], rule, own, decided)
            lines += [(episode, child.line(episode)) for episode in own if episode.rule == rule.name]
    lines.sort(key=lambda pair: pair[0].onset, reverse=True)
    still = [pair for pair in lines if pair[0].end is None]
    still.sort(key=lambda pair: SEVERITY_ORDER.index(pair[0].severity))
    return ReboundReview(
        setting=setting,
        revision=reader.revision(),
        as_of=date_words(now, setting.zone),
        words=tuple(rule.words for rule in rules),
        open=tuple(line for _, line in still),
        over=tuple(line for episode, line in lines if episode.end is not None),
        counts=dict(Counter(line.status for _, line in still)),
        responses=_responses(reader, rules, told),
        damaged=tuple(reader.left_out_ids()),
    )


def _with_rebound(reader: Reader, rules: Sequence[ReboundRule]) -> list[str] | None:
    """Ids of the children to look at: those with a rebound in the store; None: all of them."""
    found = [reader.patients_with(rule.name) for rule in rules]
    return None if None in found else sorted({name for names in found for name in names or ()})


def _responses(reader: Reader, rules: Sequence[ReboundRule], told: Mapping[str, Sequence[Episode]]) -> int:
    """How many children had a confirmed durable response."""
    found = [reader.patients_with(rule.response, "confirmed") for rule in rules]
    if None not in found:
        return len({name for names in found for name in names or ()})
    names = {rule.response for rule in rules}
    return sum(any(each.rule in names and each.confirmed_at is not None for each in own) for own in told.values())


class _Child:
    """The rebounds of one child."""

    def __init__(
        self,
        known: Known,
        patient: Patient,
        key: int,
        rule: ReboundRule,
        episodes: Sequence[Episode],
        alerts: Sequence[AlertLine],
    ) -> None:
        self.known, self.patient, self.key, self.rule = known, patient, key, rule
        self.episodes, self.alerts = episodes, alerts

    def line(self, episode: Episode) -> ReboundLine:
        """One rebound."""
        known, zone = self.known, self.known.zone
        events = known.events[self.patient.patient_id]
        onset = next((item for item in episode.evidence if item.role == "onset"), None)
        return ReboundLine(
            key=self.key,
            patient_id=self.patient.patient_id,
            patient=self.patient.name or self.patient.patient_id,
            severity=episode.severity,
            status=episode.status,
            text=episode.text,
            since=date_words(episode.onset, zone),
            age=ago_words(episode.onset, known.now),
            literal="" if onset is None else f"{ANALYTES[onset.analyte].label} {onset.value} {unit_words(onset.unit)}",
            confirmed=date_words(episode.confirmed_at, zone) if episode.confirmed_at else "",
            ended=self._ended(episode),
            stale=not_rechecked(known, episode),
            nadir=self._nadir(episode),
            from_response=self._from_response(episode),
            lead_up=lead_up(events, episode.onset, episode.onset - LOOK_BACK, zone),
            alert=self._alert(episode),
        )

    def _ended(self, episode: Episode) -> str:
        if episode.end is None:
            return ""
        return f"{date_words(episode.end, self.known.zone)} ({(episode.end_reason or '').replace('_', ' ')})"

    def _alert(self, episode: Episode) -> AlertLine | None:
        since = date_words(episode.onset, self.known.zone)
        return next((alert for alert in self.alerts if alert.since == since), None)

    def _nadir(self, episode: Episode) -> str:
        """The least reassuring count of the rebound, and when."""
        last = episode.end or self.known.now
        own = [
            sample
            for sample in self.known.samples(self.patient.patient_id, episode.onset)
            if sample.analyte == self.rule.analyte and sample.counted and episode.onset <= sample.at <= last
        ]
        if not own:
            return ""
        lowest = min(own, key=lambda sample: (sample.high, sample.low, sample.at))
        after = lowest.at - episode.onset
        when = "at its onset" if not after else f"{span_words(after)} after its onset"
        return f"{lowest.words}, {date_words(lowest.at, self.known.zone)} ({when})"

    def _from_response(self, episode: Episode) -> str:
        """How long after which response, in calendar days of the ward."""
        zone, day = self.known.zone, episode.onset.astimezone(self.known.zone).date()
        found = [
            (each.confirmed_at, each.onset)
            for each in self.episodes
            if each.rule == self.rule.response and each.confirmed_at is not None and each.confirmed_at < episode.onset
        ]
        events = self.known.events[self.patient.patient_id]
        documented = [
            each.start for each in events if each.kind == self.rule.documented_by and each.start < episode.onset
        ]
        if found and (not documented or max(found)[0] > max(documented)):
            confirmed, began = max(found)
            first, since = (at.astimezone(zone).date() for at in (confirmed, began))
            words = f"{(day - first).days} d after the response was confirmed ({date_words(confirmed, zone)})"
            return f"{words}; {(day - since).days} d after it began"
        if documented:
            first = max(documented).astimezone(zone).date()
            return f"{(day - first).days} d after a response was documented ({date_words(max(documented), zone)})"
        return "after an earlier rebound that stayed isolated"
