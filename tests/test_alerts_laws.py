"""Laws of alerts, tried on random histories that arrive in any order and are corrected, withdrawn and acknowledged."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from collections import Counter

import pytest

from khemon.alerts import LIVE, QUIET
from khemon.models import SEVERITIES, Alert, Episode
from tests.histories import make_history
from tests.histories.pools import POOLS
from tests.reference import Event, Lab
from tests.watched_child import WatchedChild

WALKS = 60
HOUR = dt.timedelta(hours=1)
STEPS = tuple(dt.timedelta(hours=hours) for hours in (1, 4, 23, 24, 25, 72, 24 * 7, 24 * 8, 24 * 30))
WORSE = {("possible", "confirmed"), ("suspected", "confirmed"), ("isolated", "suspected"), ("isolated", "confirmed")}
LEADING = {"kmp": "platelets", "consumptive_coagulopathy": "fibrinogen"}
RUNS = ("durable_platelet_response", "fibrinogen_stabilization")


@dataclasses.dataclass
class Before:
    """What was known when an alert was acknowledged, and when it was last looked at."""

    until: dt.datetime
    acknowledged_at: dt.datetime
    latest: dict[str, int]
    episode: Episode
    results: set[int]


class Walk:
    """A random history that becomes known step by step; beside it the page's own view of what must be open."""

    def __init__(self, seed: int, happened: Counter[str]) -> None:
        self.rng = random.Random(seed)
        self.happened = happened
        history = make_history(seed % 20_000, protocol="ward")
        self.child = WatchedChild(history.zone, history.child.birth_date, history.child.diagnosis)
        self.child.now = min(lab.collected_at for lab in history.labs)
        self.waiting: list[Lab | Event] = sorted([*history.labs, *history.events], key=_time)
        self.quiet: dict[int, Before] = {}
        acts = {
            self.arrive: 12,
            self.arrive_out_of_order: 3,
            self.correct: 3,
            self.withdraw: 2,
            self.withdraw_event: 1,
            self.pass_time: 3,
            self.acknowledge: 8,
            self.child.opened: 1,
        }
        self.acts = [act for act, weight in acts.items() for _ in range(weight)]

    def go(self) -> None:
        """Until everything has arrived, and some steps more."""
        steps = 10
        while steps:
            act = self.rng.choice(self.acts)
            act()
            self.happened[act.__name__] += 1
            for law in (each for each in dir(self) if each.startswith("law_")):
                getattr(self, law)()
            steps -= not self.waiting

    # ---- what happens -----------------------------------------------------------------------------------------

    def arrive(self) -> None:
        """The next results and events arrive, one by one or in one import."""
        count = self.rng.choice((1, 1, 2, 3, 6))
        new, self.waiting = self.waiting[:count], self.waiting[count:]
        self._arrive(new, together=self.rng.random() < 0.7)

    def arrive_out_of_order(self) -> None:
        """Results from anywhere arrive; what was before them will be late."""
        start = self.rng.randrange(len(self.waiting) + 1)
        count = self.rng.randrange(1, 8)
        new = self.waiting[start : start + count]
        del self.waiting[start : start + count]
        self._arrive(new, together=True)

    def _arrive(self, new: list[Lab | Event], *, together: bool) -> None:
        for each in new:
            self.child.now = max(self.child.now, _time(each))
            if isinstance(each, Event):
                self.child.events.append(each)
            else:
                self.child.record(each)
            if not together:
                self._look()
        self._look()

    def correct(self) -> None:
        """A result is corrected to another value, or its sample to another time."""
        if not self.child.labs:
            return
        number = self.rng.choice(list(self.child.labs))
        old = self.child.labs[number]
        named = dataclasses.replace(old, specimen=old.specimen or f"corrected {number}")
        self.child.labs[number] = named
        value = self.rng.choice(POOLS[old.analyte][self.rng.choice(("low", "good", "any"))])
        time = old.collected_at
        if self.rng.random() < 0.2:
            time = min(self.child.now, time.astimezone(dt.UTC) + self.rng.choice((-1, 1)) * self.rng.choice(STEPS))
        self.child.record(dataclasses.replace(named, value=value, comparator="", status="corrected", collected_at=time))
        self._look()

    def withdraw(self) -> None:
        """An import is undone: its results are as if they had never come."""
        for _ in range(self.rng.choice((1, 1, 3, 8))):
            if self.child.labs:
                del self.child.labs[self.rng.choice(list(self.child.labs))]
        self._look()

    def withdraw_event(self) -> None:
        """An event is taken back, a closing too."""
        if self.child.events:
            self.child.events.pop(self.rng.randrange(len(self.child.events)))
        self._look()

    def pass_time(self) -> None:
        """The clock moves, and the server looks."""
        self.child.now += self.rng.choice(STEPS)
        self._look()

    def acknowledge(self) -> None:
        """Someone quiets some live alerts."""
        for alert in [alert for alert in self.child.alerts if alert.state in LIVE and self.rng.random() < 0.6]:
            hours = self.rng.choice((None, None, 1, 24, 72))
            until = None if hours is None else self.child.now + hours * HOUR
            quiet = self.child.acknowledge(alert.rule, until=until, snooze=self.rng.random() < 0.3)
            episode = self._told(quiet)
            latest = {analyte: depth for analyte, depth, _ in episode.bands}
            known = set(self.child.recorded)
            self.quiet[quiet.alert_id] = Before(quiet.until, self.child.now, latest, episode, known)

    def _look(self):
        """The alerts follow; what was quiet and is not any more must have a reason, and the other way round."""
        before = {alert.alert_id: alert for alert in self.child.alerts}
        self.child.reconcile()
        # As the store keeps them.
        self.child.alerts = [Alert.model_validate_json(each.model_dump_json()) for each in self.child.alerts]
        assert set(before) <= {alert.alert_id for alert in self.child.alerts}, "an alert is never deleted"
        for number, known in list(self.quiet.items()):
            self._judge_quiet(self.child.alerts[number - 1], known)

    def _judge_quiet(self, alert: Alert, known: Before):
        if alert.state not in LIVE:
            self.happened[f"quiet, then {alert.state}"] += 1
            del self.quiet[alert.alert_id]
            return
        episode = self._told(alert)
        must, may = self._reasons(alert, episode, known)
        if alert.state == "open":
            for reason in must or may:
                self.happened[f"re-opened: {reason}"] += 1
            assert must or may, f"re-opened without a reason: {alert.reopened_because}"
            assert alert.reopened_because
            del self.quiet[alert.alert_id]
            return
        assert not must, f"still quiet, although {must}"
        assert alert.until - known.until == 0 * HOUR, "the acknowledgement is as it was"
        known.episode, known.results = episode, set(self.child.recorded)

    def _reasons(self, alert: Alert, episode: Episode, known: Before) -> tuple[list[str], list[str]]:
        """Why it must be open, and why it may be."""
        must, may = [], []
        if self.child.now >= known.until:
            must.append("it expired")
        if SEVERITIES.index(episode.severity) > SEVERITIES.index(known.episode.severity):
            must.append("severity rose")
        if (known.episode.status, episode.status) in WORSE:
            must.append("status")
        if set(episode.limbs) - set(known.episode.limbs):
            must.append("a further limb")
        for analyte, depth, number in episode.bands:
            if depth > known.latest.get(analyte, 0):
                (may if number in known.results else must).append("a lower band")
        for analyte, depth in {analyte: depth for analyte, depth, _ in episode.bands}.items():
            if depth > known.latest.get(analyte, 0):
                must.append("now in a lower band")
        onset = [item.result_id for item in episode.evidence if item.role == "onset"]
        if episode.onset > known.acknowledged_at and not set(onset) & known.results:
            must.append("met again")
        mended = {item.result_id for item in episode.evidence if item.role == "mend"}
        if mended - {item.result_id for item in known.episode.evidence if item.role == "mend"}:
            may.append("mended in between")
        return must, may

    # ---- what always holds ------------------------------------------------------------------------------------

    def _told(self, alert: Alert) -> Episode:
        """The episode that an alert tells of."""
        same = [
            each for each in self.child.episodes() if each.rule == alert.rule and each.onset - alert.onset == 0 * HOUR
        ]
        assert len(same) == 1, (alert, same)
        return same[0]

    def _standing(self) -> list[Episode]:
        """Every episode that has a say now: of severity warning or critical, open, or a run that broke last."""
        own = {}
        for each in self.child.episodes():
            own.setdefault(each.rule, []).append(each)
        closed = any(each.kind in ("death", "transfer_out", "follow_up_end") for each in self.child.events)
        found = []
        for name, episodes in own.items():
            last = episodes[-1]
            news = name in RUNS and last.end_reason == "broken" and not closed
            if last.severity != "note" and (last.end is None or news):
                found.append(last)
        return found

    def _waits(self, episode: Episode) -> bool:
        """Whether it is a possible for a missing companion, within 4 h of its leading result."""
        if episode.status != "possible" or not episode.missing:
            return False
        leading = LEADING[episode.rule]
        numbers = {number for analyte, _, number in episode.bands if analyte == leading}
        numbers |= {item.result_id for item in episode.evidence if item.role == "onset" and item.analyte == leading}
        return all(self.child.now < self.child.recorded[number] + 4 * HOUR for number in numbers)

    def law_every_standing_episode_has_one_live_alert_and_no_other_is_live(self):
        live = [alert for alert in self.child.alerts if alert.state in LIVE]
        assert len({alert.rule for alert in live}) == len(live)
        standing = {each.rule: each for each in self._standing()}
        for alert in live:
            episode = standing[alert.rule]
            assert (alert.onset - episode.onset, alert.status, alert.severity) == (
                0 * HOUR,
                episode.status,
                episode.severity,
            )
            assert (alert.text, alert.end_reason) == (episode.text, episode.end_reason)
        missing = set(standing) - {alert.rule for alert in live}
        assert all(self._waits(standing[name]) for name in missing), missing

    def law_live_alerts_are_those_of_a_look_from_scratch(self):
        live, scratch = (_plain(alerts) for alerts in (self.child.alerts, self.child.from_scratch()))
        assert scratch <= live
        # What alerted once does not go quiet because its first result was withdrawn or its companion with it.
        waiting = {each.rule for each in self._standing() if self._waits(each)}
        assert {name for name, *_ in live - scratch} <= waiting

    def law_a_second_look_moves_nothing(self):
        assert self.child.reconcile() == []

    def law_every_alert_makes_sense_by_itself(self):
        for alert in self.child.alerts:
            assert alert.times_met == len(alert.carried) > 0
            if alert.state in QUIET:
                assert alert.actor and alert.reason and alert.until > self.child.now
            else:
                assert alert.state in ("resolved", "retracted") or alert.until is None
            if alert.state in LIVE:
                assert alert.severity != "note"

    def law_no_episode_is_carried_by_two_alerts_that_still_count(self):
        for each in self.child.episodes():
            carrying = [
                alert
                for alert in self.child.alerts
                if alert.rule == each.rule
                and alert.state != "retracted"
                and any(onset - each.onset == 0 * HOUR for onset, _ in alert.carried)
            ]
            assert len(carrying) <= 1, (each, carrying)

    def law_who_is_muted_is_live_and_not_the_one_that_mutes(self):
        for name, muter in self.child.muted().items():
            assert name != muter
            assert self.child.live(name)


def _time(each: Lab | Event) -> dt.datetime:
    return (each.start if isinstance(each, Event) else each.collected_at).astimezone(dt.UTC)


def _plain(alerts: list[Alert]) -> set[tuple[object, ...]]:
    return {
        (alert.rule, alert.onset.astimezone(dt.UTC), alert.severity, alert.status)
        for alert in alerts
        if alert.state in LIVE
    }


@pytest.mark.parametrize("part", range(3))
def test_alerts_follow_what_is_known(seed, nightly, part):
    happened: Counter[str] = Counter()
    for number in range(WALKS * (30 if nightly else 1) // 3):
        walk = seed + 3 * number + part
        try:
            Walk(walk, happened).go()
        except Exception as error:
            error.add_note(f"walk {walk}")
            raise
    wanted = {"quiet, then resolved", "re-opened: it expired"}
    assert wanted <= set(happened), f"the walks lead past too little: {happened}"
