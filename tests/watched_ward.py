"""A ward of children watched look by look, by the product's alerts and by the slow reading of section 4 beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np

from khemon import alerts as alerting
from khemon.alerts import Setting
from khemon.explain import Given, explained
from khemon.models import CLOSING_EVENTS, Alert, Episode, Refused
from khemon.rules import END_REASONS, NO_TIME, Episodes, evaluate, prepare
from khemon.rules.calendar import to_ms
from tests import reference
from tests.columns import columns
from tests.drawn import PROTOCOLS
from tests.histories import History
from tests.histories.acts import UNTILS, Acting
from tests.histories.pools import HOUR
from tests.reference import alerts as slowly

#: Words of a reason for being open again -> its kind in the slow reading.
KINDS = {
    "severity rose": "severity",
    " became ": "status",
    "a further criterion": "limb",
    "reached a lower band": "band",
    "expired": "expired",
    "the snooze ended": "expired",
    "met again": "met again",
    "met anew": "met anew",
    "its ground is there again": "ground",
    "it goes on": "goes on",
}

#: A note may mute too.
MAY_MUTE = ("kmp_rebound",)


@dataclass
class Bed:
    """One child with what the product and the slow reading make of it."""

    acting: Acting
    ledger: slowly.Ledger = field(default_factory=slowly.Ledger)
    alerts: list[Alert] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    slow_episodes: list[reference.Episode] = field(default_factory=list)
    record: slowly.Record | None = None
    setting: Setting | None = None
    log: list[str] = field(default_factory=list)


class Ward:
    """Children who share a clock; `look` lets both sides follow and says where they differ."""

    def __init__(self, watched: Sequence[Acting]) -> None:
        self.beds = [Bed(acting) for acting in watched]
        self.zone = watched[0].zone
        self.protocol = PROTOCOLS["ward"]

    def look(self, now: dt.datetime, *, last: bool = False) -> None:
        """Both sides follow what is known now; the last look also wants the past in words."""
        for bed, episodes in zip(self.beds, self._evaluated(now, last=last), strict=True):
            acting = bed.acting
            bed.episodes = episodes
            labs, events = tuple(acting.labs.values()), tuple(acting.events)
            bed.record = slowly.Record(labs, events, acting.child, acting.zone, acting.recorded_at, now)
            bed.slow_episodes = reference.evaluate(labs, events, acting.child, {"gap_days": 14}, acting.zone, now)
            bed.setting = self._setting(bed, now)
            self._follow(bed)
            bed.ledger.look(bed.slow_episodes, bed.record)

    def decide(self, bed: Bed) -> None:
        """Somebody opens the child's page, or acknowledges or snoozes alerts, on both sides alike."""
        rng = bed.acting.rng
        if rng.random() < 0.2:
            seen = {"seen_at": bed.setting.now}
            bed.alerts = [a if a.seen_at else a.model_copy(update=seen) for a in bed.alerts]
            bed.ledger.opened()
        ordered = sorted(bed.alerts, key=lambda alert: (alert.rule, alert.alert_id))
        slow = sorted(bed.ledger.alerts, key=lambda alert: alert.rule)
        for alert, other in zip(ordered, slow, strict=True):
            if rng.random() < 0.35:
                hours, snooze = rng.choice(UNTILS), rng.random() < 0.3
                until = None if hours is None else bed.setting.now + hours * HOUR
                done = self._acknowledge(bed, alert, until, snooze=snooze)
                agreed = bed.ledger.acknowledge(other, bed.record, until, snooze=snooze)
                assert done == agreed, f"acknowledge {alert.rule} until {until}: {done}, slowly {agreed}"

    def _acknowledge(self, bed: Bed, alert: Alert, until: dt.datetime | None, *, snooze: bool) -> bool:
        episode = next((e for e in bed.episodes if e.rule == alert.rule and to_ms(e.onset) == to_ms(alert.onset)), None)
        if episode is None:
            return False
        try:
            move = alerting.acknowledged(
                alert,
                episode,
                snooze=snooze,
                actor="nurse",
                reason="seen",
                until=until,
                setting=bed.setting,
                last_result=max(bed.acting.recorded_at, default=0),
            )
        except Refused:
            return False
        bed.alerts[alert.alert_id - 1] = move.alert
        return True

    def _follow(self, bed: Bed) -> None:
        for move in alerting.reconcile(bed.episodes, bed.alerts, bed.setting):
            alert = move.alert
            if alert.alert_id == 0:
                bed.alerts.append(alert.model_copy(update={"alert_id": len(bed.alerts) + 1}))
            else:
                bed.alerts[alert.alert_id - 1] = alert
            bed.log.append(f"{alert.rule} {move.move}: {move.reason}")
        mute = alerting.muted(bed.alerts, bed.episodes, self.protocol, bed.setting.now)
        bed.alerts = [alert.model_copy(update={"muted_by": mute.get(alert.alert_id)}) for alert in bed.alerts]

    def _setting(self, bed: Bed, now: dt.datetime) -> Setting:
        zone = ZoneInfo(self.zone)

        def days(first: dt.datetime, last: dt.datetime) -> int:
            return (last.astimezone(zone).date() - first.astimezone(zone).date()).days

        closed = any(event.kind in CLOSING_EVENTS and event.start <= now for event in bed.acting.events)
        return Setting(now, self.protocol, bed.acting.recorded_at.__getitem__, days, lambda _: closed)

    def _evaluated(self, now: dt.datetime, *, last: bool) -> list[list[Episode]]:
        """The engine's episodes, child by child, from one evaluation of the whole ward."""
        cases = [
            History(0, bed.acting.child, tuple(bed.acting.labs.values()), tuple(bed.acting.events), self.zone, "", now)
            for bed in self.beds
        ]
        results, events, patients = columns(cases, self.zone)
        found = evaluate(results, events, patients, self.protocol, self.zone, to_ms(now))
        prepared = prepare(results, events, len(cases), self.protocol, to_ms(now))
        ids = [case.child.patient_id for case in cases]
        received = Received([lab for case in cases for lab in case.labs])
        spoken = self._spoken(found, last=last)
        who = (ids, [True] * len(ids))
        episodes = explained(found, prepared, patients, self.protocol, self.zone, *who, received, spoken)
        own: list[list[Episode]] = [[] for _ in cases]
        for who, episode in zip(found.patient, episodes, strict=True):
            own[who].append(episode)
        return own

    def _spoken(self, found: Episodes, *, last: bool) -> np.ndarray:
        """Which episodes an alert may speak of, or be muted by; only those are put into words."""
        names = self.protocol.rule_names
        known = [{alert.rule for alert in bed.alerts} for bed in self.beds]
        rules = [names[rule] for rule in found.rule]
        followed = [rule in known[who] or rule in MAY_MUTE for who, rule in zip(found.patient, rules, strict=True)]
        broken = np.array([END_REASONS[reason] == "broken" for reason in found.end_reason], bool)
        return np.array(followed, bool) | ((found.severity > 0) & (last | broken | (found.end == NO_TIME)))


class Received:
    """Results by row of the columns; an id is the child's own row."""

    def __init__(self, labs: list[reference.Lab]) -> None:
        self.labs = labs

    def given(self, row: int) -> Given:
        """The result in that row of the columns."""
        lab = self.labs[row]
        text = f"{lab.comparator}{lab.value}"
        return Given(lab.row, text, "", text)


def by_product(bed: Bed) -> list[tuple[object, ...]]:
    """How the product's alerts stand: the first of a rule first."""
    ordered = sorted(bed.alerts, key=lambda alert: (alert.rule, alert.alert_id))
    return [(*plain_alert(alert), alert.muted_by) for alert in ordered]


def plain_alert(alert: Alert) -> tuple[object, ...]:
    """How one of the product's alerts stands."""
    said = alert.reopened_because or ""
    reopened = frozenset(kind for words, kind in KINDS.items() if words in said)
    over = alert.state == "resolved"
    not_seen = over and alert.worst == "critical" and alert.seen_at is None
    lifted = over and alert.end_reason == "supported"
    late = alert.note is not None
    return (*stand(alert, alert.state.value, alert, reopened), late, not_seen, lifted, alert.times_met)


def plain_slowly(alert: slowly.Alert) -> tuple[object, ...]:
    """How one of the slow reading's alerts stands."""
    told = stand(alert, alert.state, alert.episode, alert.reopened)
    return (*told, alert.late, alert.not_seen, alert.lifted, len(alert.carried))


def stand(alert: Alert | slowly.Alert, state: str, episode: Callable, reopened: frozenset[str]) -> tuple[object, ...]:
    """What every reading of an alert says in the same words."""
    quiet = alert.until if state in ("acknowledged", "snoozed") else None
    times = [time and time.astimezone(dt.UTC) for time in (episode.onset, episode.end, quiet)]
    return (alert.rule, state, episode.status, episode.severity, episode.end_reason, *times, reopened)


def by_slow_reading(bed: Bed) -> list[tuple[object, ...]]:
    """How the slow reading's alerts stand, in the same words."""
    ordered = sorted(bed.ledger.alerts, key=lambda alert: alert.rule)
    chart = bed.record.chart
    return [(*plain_slowly(alert), slowly.muters(alert, bed.slow_episodes, chart)) for alert in ordered]


def differences(bed: Bed) -> list[str]:
    """Where product and slow reading differ, in words; empty when they agree."""
    product, slow = by_product(bed), by_slow_reading(bed)
    if len(product) != len(slow):
        return [f"product {product}", f"slowly  {slow}"]
    found = []
    for one, other in zip(product, slow, strict=True):
        muted, muters = one[-1], other[-1]
        agreed = one[:-1] == other[:-1] and ((muted is None) == (not muters)) and (muted is None or muted in muters)
        found += [] if agreed else [f"product {one}", f"slowly  {other}"]
    return found


def lines(bed: Bed) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """What had ended before it was recorded: as the product says, and as the slow reading says."""
    product = alerting.recorded_after_it_ended(bed.episodes, bed.alerts, bed.setting.protocol, bed.setting.recorded_at)
    slow = bed.ledger.recorded_after_it_ended(bed.slow_episodes, bed.record)
    both = ([(e.rule, e.onset.astimezone(dt.UTC)) for e in found] for found in (product, slow))
    first, second = (sorted(found) for found in both)
    return first, second
