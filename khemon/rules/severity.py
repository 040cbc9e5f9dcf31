"""How severe an episode is at the moment it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from khemon.models import SEVERITIES
from khemon.rules.calendar import day_numbers
from khemon.rules.current import Limb, covered, event_spans, latest, recent
from khemon.rules.episodes import STATUS, Episodes
from khemon.rules.findings import Findings, Found
from khemon.rules.logic import FALSE, TRUE, certainly, verdicts
from khemon.rules.moments import not_before, padded, place_since
from khemon.rules.rulebook import AllOfRule, AnyOfRule, PointRule, Protocol, ReboundRule, RunRule
from khemon.rules.series import NO_TIME, NONE, Bools, Codes, Ints, Patients, Points, key_patient, keys
from khemon.rules.streaks import Runs

if TYPE_CHECKING:
    from khemon.rules.engine import Prepared

_CODE = {word: np.int8(code) for code, word in enumerate(SEVERITIES)}
_NO_BIRTH_DAY = np.iinfo(np.int32).min


@dataclass(frozen=True, slots=True)
class Moment:
    """When the severity of each episode is judged.

    An open episode is judged as of the evaluation (or of the closing of observation), with everything known then.
    An ended one is judged as it last stood: at its end, without what was collected at its end (`inclusive` False).
    """

    time: Ints
    key: Ints
    inclusive: Bools

    @classmethod
    def of(cls, found: Episodes, block: Prepared) -> Moment:
        """The moments of some episodes whose closings were not applied yet."""
        is_open = found.end == NO_TIME
        now = np.minimum(block.closing[found.patient], block.as_of)
        time = np.where(is_open, now, found.end)
        return cls(time, keys(found.patient, time), is_open)


class Severities:
    """The severity of the episodes of each shape over one block."""

    def __init__(
        self,
        findings: Findings,
        patients: Patients,
        protocol: Protocol,
        timezone: str,
        episodes: dict[str, Episodes],
    ) -> None:
        self.block = findings.block
        self.limbs = findings.limbs
        self.patients = patients
        self.protocol = protocol
        self.timezone = timezone
        self.episodes = episodes

    def of(self, rule: PointRule | AnyOfRule | AllOfRule, found: Found) -> Codes | np.int8:
        """Severity codes of what was found of a rule, one or one for all, as of the moment of each episode."""
        if not found.episodes.size:
            return _CODE[rule.severity]
        if isinstance(rule, PointRule):
            return self._of_point(rule, found)
        if isinstance(rule, AnyOfRule):
            return self._of_any(rule, found)
        return self._of_all(rule, found)

    def _of_point(self, rule: PointRule, found: Found) -> Codes | np.int8:
        if rule.raised is None:
            return _CODE[rule.severity]
        points = self.block.of(rule.analyte)
        at = found.places[0] - 1
        beyond = certainly(points.low.take(at), points.high.take(at), rule.test, rule.raised.limit.limit)
        moment = Moment.of(found.episodes, self.block)
        for other in rule.raised.unless_open:
            beyond &= ~self._is_open(self.episodes[other], moment)
        return np.where(beyond, _CODE[rule.raised.severity], _CODE[rule.severity])

    def _is_open(self, others: Episodes, moment: Moment) -> Bools:
        """Whether an episode of another rule is open at each moment (just before it where not inclusive)."""
        if not others.size:
            return np.zeros(moment.time.size, np.bool_)
        onset = keys(others.patient, others.onset)
        position = onset.searchsorted(moment.key + moment.inclusive, "left") - 1
        same = (position >= 0) & (key_patient(onset[position]) == key_patient(moment.key))
        end = others.end[position]
        is_open: Bools = same & ((end == NO_TIME) | (end > moment.time - ~moment.inclusive))
        return is_open

    def _of_any(self, rule: AnyOfRule, found: Found) -> Codes:
        """The severity, or the lower one while every limb that holds (with none certain: may hold) is too old."""
        recheck = self.protocol.common.not_rechecked_after.ms
        moment = Moment.of(found.episodes, self.block)
        fresh = {answer: np.zeros(moment.key.size, np.bool_) for answer in (True, False)}
        certain = np.zeros(moment.key.size, np.bool_)
        for comparison, place in zip(rule.comparisons, found.places, strict=True):
            points = self.block.of(comparison.analyte)
            answers = verdicts(points.low, points.high, comparison.test, comparison.limit.limit)
            answer = padded(FALSE, answers).take(place)
            young = points.padded_key.take(place) >= moment.key - recheck
            certain |= answer == TRUE
            fresh[True] |= (answer == TRUE) & young
            fresh[False] |= (answer != FALSE) & young
        for kind in rule.events if self.block.events.kind.size else ():
            starts, stops, _ = event_spans(self.block.events, kind, self.block.closing, self.block.as_of)
            at = moment.key - ~moment.inclusive
            is_open = covered(at, starts, stops)
            # A limb is as old as its event's start; judged just before the end, it is older by that millisecond.
            young_stops = starts + recheck + 1
            young = covered(at, starts, np.minimum(stops, young_stops)) & (
                moment.inclusive | covered(at, starts, np.minimum(stops, young_stops - 1))
            )
            certain |= is_open
            fresh[True] |= is_open & young
        rechecked = np.where(certain, fresh[True], fresh[False])
        return np.where(rechecked, _CODE[rule.severity], _CODE[rule.severity_not_rechecked])

    def _of_all(self, rule: AllOfRule, found: Found) -> Codes | np.int8:
        if rule.severity_neonate is not None:
            return self._of_neonates(rule, found.episodes)
        if rule.severity_confirmed is None:
            return _CODE[rule.severity]
        moment = Moment.of(found.episodes, self.block)
        limbs = [self.limbs.of(limb) for limb in rule.limbs]
        earliest = not_before(moment.key, self.protocol.common.current_within.ms)
        current = [
            place_since(limb.counted.padded_key, place, earliest)
            for limb, place in zip(limbs, found.places, strict=True)
        ]
        answers = [limb.by_place.take(place) for limb, place in zip(limbs, current, strict=True)]
        leads = next(place for place, limb in enumerate(rule.limbs) if limb.analyte == rule.leading)
        low = answers.pop(leads) == TRUE
        del limbs[leads]
        confirmed = found.episodes.status == STATUS["confirmed"]
        suspicious = answers[0] == TRUE
        for answer in answers[1:]:
            suspicious |= (answer == TRUE) & self._latest_is_neutral(limbs[0], moment)
        grave = np.where(confirmed, np.logical_or.reduce([answer != FALSE for answer in answers]), low & suspicious)
        return np.where(grave, _CODE[rule.severity_confirmed], _CODE[rule.severity])

    def _latest_is_neutral(self, limb: Limb, moment: Moment) -> Bools:
        if limb.points.plain or not limb.points.key.size:
            return np.zeros(moment.time.size, np.bool_)
        any_at = recent(limb.points, moment.key, self.protocol.common.current_within.ms, moment.inclusive)
        is_neutral = ~np.isin(limb.points.key, limb.counted.key, assume_unique=True)
        found: Bools = (any_at != NONE) & is_neutral[any_at]
        return found

    def _of_neonates(self, rule: AllOfRule, found: Episodes) -> Codes:
        severity = np.full(found.size, _CODE[rule.severity])
        born = self.patients.birth_day[found.patient]
        if (born == _NO_BIRTH_DAY).all():
            return severity
        moment = Moment.of(found, self.block)
        age = day_numbers(moment.time, self.timezone).astype(np.int64) - born
        neonate = (born != _NO_BIRTH_DAY) & (age < self.protocol.common.neonate_under.count)
        for comparison in rule.neonate_unless if neonate.any() else ():
            own = next((limb for limb in rule.limbs if limb.analyte == comparison.analyte), comparison)
            counted = self.limbs.of(own).counted
            # The rule's own analyte is read as last seen: a grave value does not calm by getting old.
            if own in rule.limbs:
                position = latest(counted, moment.key, moment.inclusive)
            else:
                position = recent(counted, moment.key, self.protocol.common.current_within.ms, moment.inclusive)
            beyond = verdicts(counted.low, counted.high, comparison.test, comparison.limit.limit) == TRUE
            neonate &= ~((position != NONE) & np.append(beyond, False)[position])
        severity[neonate] = _CODE[rule.severity_neonate or rule.severity]
        return severity

    def of_runs(self, rule: RunRule, points: Points, found: Runs, broke: Bools) -> Codes:
        """A run's severity: raised when it broke late, highest when the count that broke it is certainly low."""
        severity = np.full(found.first.size, _CODE[rule.severity])
        if rule.breaks is None or not found.first.size:
            return severity
        days = points.day[found.end].astype(np.int64) - points.day[found.stretch_first]
        late = broke & (days >= rule.breaks.after.count)
        low = certainly(points.low[found.end], points.high[found.end], "<", rule.breaks.low.limit)
        severity[late] = _CODE[rule.breaks.severity]
        severity[late & low] = _CODE[rule.breaks.severity_low]
        return severity

    @staticmethod
    def of_rebounds(rule: ReboundRule, confirmed: Bools, last_good: Bools, settled: Bools) -> Codes:
        """A rebound's severity from its status, its latest count, and whether good ones in a row settled it."""
        severity = np.full(confirmed.size, _CODE[rule.severity])
        severity[confirmed & ~last_good] = _CODE[rule.severity_confirmed]
        severity[(~confirmed & last_good) | settled] = _CODE[rule.severity_isolated]
        return severity
