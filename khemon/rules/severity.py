"""How severe an episode is at the moment it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from khemon.models import SEVERITIES
from khemon.rules.calendar import day_numbers
from khemon.rules.current import Limb, covered, event_spans, latest, recent
from khemon.rules.episodes import STATUS, Episodes
from khemon.rules.logic import FALSE, TRUE, certainly, verdicts
from khemon.rules.rulebook import AllOfRule, AnyOfRule, Comparison, PointRule, Protocol, ReboundRule, RunRule
from khemon.rules.series import NO_TIME, NONE, Bools, Codes, Ints, Patients, Points, key_patient, keys
from khemon.rules.shapes import Runs

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
        block: Prepared,
        patients: Patients,
        protocol: Protocol,
        timezone: str,
        by_analyte: dict[str, Points],
        episodes: dict[str, Episodes],
    ) -> None:
        self.block = block
        self.patients = patients
        self.protocol = protocol
        self.timezone = timezone
        self.by_analyte = by_analyte
        self.episodes = episodes

    def of(self, rule: PointRule | AnyOfRule | AllOfRule, found: Episodes, moment: Moment) -> Codes:
        """Severity codes of the episodes of a rule, at their moments."""
        if isinstance(rule, PointRule):
            return self._of_point(rule, found, moment)
        if isinstance(rule, AnyOfRule):
            return self._of_any(rule, found, moment)
        return self._of_all(rule, found, moment)

    def _of_point(self, rule: PointRule, found: Episodes, moment: Moment) -> Codes:
        severity = np.full(found.size, _CODE[rule.severity])
        if rule.raised is None:
            return severity
        points = self.by_analyte[rule.analyte]
        position = latest(points, moment.key, moment.inclusive)
        beyond = certainly(points.low, points.high, rule.test, rule.raised.limit.limit)[position]
        for other in rule.raised.unless_open:
            beyond &= ~self._is_open(self.episodes[other], moment)
        severity[beyond] = _CODE[rule.raised.severity]
        return severity

    def _is_open(self, others: Episodes, moment: Moment) -> Bools:
        """Whether an episode of another rule is open at each moment (just before it where not inclusive)."""
        if not others.size:
            return np.zeros(moment.time.size, np.bool_)
        onset = keys(others.patient, others.onset)
        position = np.searchsorted(onset, moment.key + moment.inclusive, "left") - 1
        at = np.maximum(position, 0)
        same = (position >= 0) & (key_patient(onset[at]) == key_patient(moment.key))
        end = others.end[at]
        is_open: Bools = same & ((end == NO_TIME) | (end > moment.time - ~moment.inclusive))
        return is_open

    def _of_any(self, rule: AnyOfRule, found: Episodes, moment: Moment) -> Codes:
        """The severity, or the lower one while every limb that holds (with none certain: may hold) is too old."""
        recheck = self.protocol.common.not_rechecked_after.ms
        fresh = {answer: np.zeros(found.size, np.bool_) for answer in (True, False)}
        certain = np.zeros(found.size, np.bool_)
        for limb in rule.comparisons:
            points = self.by_analyte[limb.analyte]
            if not points.key.size:
                continue
            position = latest(points, moment.key, moment.inclusive)
            answer = Limb(limb, points, points).judge(points, position)
            answer[position == NONE] = FALSE
            young = moment.time - points.time[position] <= recheck
            certain |= answer == TRUE
            fresh[True] |= (answer == TRUE) & young
            fresh[False] |= (answer != FALSE) & young
        for kind in rule.events:
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

    def _of_all(self, rule: AllOfRule, found: Episodes, moment: Moment) -> Codes:
        if rule.severity_neonate is not None:
            return self._of_neonates(rule, moment, found.patient)
        severity = np.full(found.size, _CODE[rule.severity])
        if rule.severity_confirmed is None:
            return severity
        lead, *rest = [Limb.of(limb, self.by_analyte[limb.analyte]) for limb in self._leading_first(rule)]
        answers = [limb.verdict(moment.key, self.protocol, moment.inclusive) for limb in rest]
        confirmed = found.status == STATUS["confirmed"]
        severity[confirmed & ~np.logical_and.reduce([answer == FALSE for answer in answers])] = _CODE[
            rule.severity_confirmed
        ]
        low = lead.verdict(moment.key, self.protocol, moment.inclusive) == TRUE
        suspicious = answers[0] == TRUE
        for answer in answers[1:]:
            suspicious |= (answer == TRUE) & self._latest_is_neutral(rest[0], moment)
        severity[~confirmed & low & suspicious] = _CODE[rule.severity_confirmed]
        return severity

    @staticmethod
    def _leading_first(rule: AllOfRule) -> list[Comparison]:
        return sorted(rule.limbs, key=lambda limb: limb.analyte != rule.leading)

    def _latest_is_neutral(self, limb: Limb, moment: Moment) -> Bools:
        within = self.protocol.common.current_within.ms
        any_at = recent(limb.points, moment.key, within, moment.inclusive)
        if not limb.points.key.size:
            return np.zeros(moment.time.size, np.bool_)
        is_neutral = ~np.isin(limb.points.key, limb.counted.key, assume_unique=True)
        found: Bools = (any_at != NONE) & is_neutral[any_at]
        return found

    def _of_neonates(self, rule: AllOfRule, moment: Moment, patient: NDArray[np.int32]) -> Codes:
        born = self.patients.birth_day[patient]
        age = day_numbers(moment.time, self.timezone).astype(np.int64) - born
        neonate = (born != _NO_BIRTH_DAY) & (age < self.protocol.common.neonate_under.count)
        for comparison in rule.neonate_unless:
            points = self.by_analyte[comparison.analyte]
            own = next((limb for limb in rule.limbs if limb.analyte == comparison.analyte), comparison)
            counted = Limb.of(own, points).counted
            # The rule's own analyte is read as last seen: a grave value does not calm by getting old.
            if own in rule.limbs:
                position = latest(counted, moment.key, moment.inclusive)
            else:
                position = recent(counted, moment.key, self.protocol.common.current_within.ms, moment.inclusive)
            beyond = verdicts(counted.low, counted.high, comparison.test, comparison.limit.limit) == TRUE
            neonate &= ~((position != NONE) & np.append(beyond, False)[position])
        return np.where(neonate, _CODE[rule.severity_neonate or rule.severity], _CODE[rule.severity])

    def of_runs(self, rule: RunRule, points: Points, found: Runs, broke: Bools) -> Codes:
        """A run's severity: raised when it broke late, highest when the count that broke it is certainly low."""
        severity = np.full(found.first.size, _CODE[rule.severity])
        if rule.breaks is None or not found.first.size:
            return severity
        days = points.day[found.end].astype(np.int64) - points.day[found.stretch_first]
        late = broke & (days >= rule.breaks.after.count)
        low = certainly(points.low, points.high, "<", rule.breaks.low.limit)[found.end]
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
