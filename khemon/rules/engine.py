"""evaluate: results, events and a protocol in, episodes out. One pass over whole-patient blocks; no state, no clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.models import EVENT_KINDS
from khemon.rules import series
from khemon.rules.current import Limb, covered, event_spans, latest
from khemon.rules.episodes import END, STATUS, Episodes, closed, joined, made, nothing
from khemon.rules.further import Further
from khemon.rules.logic import FALSE, TRUE, UNKNOWN, all_true, any_true, verdicts
from khemon.rules.rebound import rebounds
from khemon.rules.rulebook import FURTHER, AllOfRule, AnyOfRule, Comparison, PointRule, Protocol, ReboundRule, RunRule
from khemon.rules.series import (
    NO_TIME,
    NONE,
    Bools,
    Codes,
    Events,
    Ints,
    Patients,
    Points,
    Results,
    key_patient,
    key_time,
    keys,
    merged,
)
from khemon.rules.severity import Moment, Severities
from khemon.rules.shapes import Stretches, holding, leading, runs, starts_of
from khemon.rules.singles import Singles, set_aside
from khemon.units import ANALYTE_CODES


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is judged: usable points in order, the events known, when observation closes, and as of when.

    aside: results set aside for quality. singles: every usable result of the analytes that are read one by one.
    """

    points: Points
    events: Events
    closing: Ints
    as_of: int
    aside: Singles
    singles: Singles

    def of(self, analyte: str) -> Points:
        """The points of one analyte."""
        return self.points.of(analyte)


def latest_time(results: Results, events: Events) -> int:
    """The latest collection, start or end: the moment an evaluation without a stated one is made for."""
    ends = events.end[events.end != NO_TIME]
    times = [array.max() for array in (results.time, events.start, ends) if array.size]
    return int(max(times)) if times else 0


def prepare(results: Results, events: Events, patient_count: int, protocol: Protocol, as_of: int) -> Prepared:
    """Cut at as_of and at each closing, choose the counting versions, drop what rules may not see, mark support."""
    known = events.take(np.flatnonzero(events.start <= as_of))
    known = known.take(np.argsort(known.patient, kind="stable"))
    closing = series.closing_times(known, patient_count)
    known = known.take(np.flatnonzero(known.start <= closing[known.patient]))
    rows = np.arange(results.time.size)
    results, rows = series.cut(results, rows, np.full(patient_count, as_of))
    none = results.take(slice(0, 0)), rows[:0]
    aside = set_aside(results, rows, closing) if protocol.reads_aside else Singles.of(*none)
    # The version that counts is chosen before the closing: it alone says when the sample was taken.
    results, rows = series.usable(results, rows)
    results, rows = series.cut(results, rows, closing)
    codes = [ANALYTE_CODES[name] for name in protocol.read_singly]
    one_by_one = np.flatnonzero(np.isin(results.analyte, codes)) if codes else rows[:0]
    singles = Singles.of(results.take(one_by_one), rows[one_by_one])
    return Prepared(series.points(results, rows, known, protocol), known, closing, as_of, aside, singles)


def evaluate(
    results: Results,
    events: Events,
    patients: Patients,
    protocol: Protocol,
    timezone: str,
    as_of: int | None = None,
) -> Episodes:
    """Every episode of every rule, sorted by patient, rule and onset.

    results: rows of whole patients in any order; analytes with a code beyond the rules' are ignored. as_of: UTC ms;
    the latest time in the input when absent. timezone: the ward's, for days and ages. Source: definitions, section 3.
    """
    as_of = latest_time(results, events) if as_of is None else as_of
    order = None if (np.diff(results.patient) >= 0).all() else np.argsort(results.patient, kind="stable")
    results = results if order is None else results.take(order)
    events = events.take(np.argsort(events.patient, kind="stable"))
    count = int(patients.birth_day.size)
    first_rows = np.searchsorted(results.patient, np.arange(count + 1))
    parts = []
    start = 0
    while start < count:
        stop = int(np.searchsorted(first_rows, first_rows[start] + series.BLOCK_ROWS, "right")) - 1
        stop = min(max(stop, start + 1), count)
        chosen = events.take(slice(*np.searchsorted(events.patient, (start, stop))))
        block = prepare(results.take(slice(first_rows[start], first_rows[stop])), chosen, count, protocol, as_of)
        parts += _Evaluation(block, patients, protocol, timezone).episodes()
        start = stop
    return joined(parts)


class _Evaluation:
    """One block: the episodes of each rule, in the order in which rules need each other."""

    def __init__(self, block: Prepared, patients: Patients, protocol: Protocol, timezone: str) -> None:
        self.block = block
        self.patients = patients
        self.protocol = protocol
        self.timezone = timezone
        self.code = {name: code for code, name in enumerate(protocol.rule_names)}
        self.by_analyte = {name: block.of(name) for name in self._analytes()}
        self.made: dict[str, Episodes] = {}
        self.confirmations: dict[str, Ints] = {}
        self.severities = Severities(block, patients, protocol, timezone, self.by_analyte, self.made)

    def _analytes(self) -> set[str]:
        named: set[str] = set()
        for rule in self._core():
            if isinstance(rule, AllOfRule):
                named |= {limb.analyte for limb in (*rule.limbs, *rule.neonate_unless)}
            elif isinstance(rule, AnyOfRule):
                named |= {limb.analyte for limb in rule.comparisons}
            else:
                named |= {rule.analyte}
        return named

    def episodes(self) -> list[Episodes]:
        """The episodes of every rule, severities judged, closings applied."""
        shapes = (RunRule, AllOfRule, ReboundRule, AnyOfRule, PointRule)
        for shape in shapes:
            for rule in self._core():
                if isinstance(rule, shape):
                    self.made[rule.name] = self._episodes_of(rule)
        judged = [self._judged(name, found) for name, found in self.made.items()]
        further = Further(self.block, self.patients, self.protocol, self.timezone, self.made)
        judged += [further.episodes_of(rule) for rule in self.protocol.rules.values() if isinstance(rule, FURTHER)]
        return [closed(found, self.block.closing) for found in judged]

    def _core(self) -> list[PointRule | AnyOfRule | AllOfRule | RunRule | ReboundRule]:
        """The rules of sections 3.1 to 3.6."""
        return [rule for rule in self.protocol.rules.values() if not isinstance(rule, FURTHER)]

    def _episodes_of(self, rule: PointRule | AnyOfRule | AllOfRule | RunRule | ReboundRule) -> Episodes:
        if isinstance(rule, PointRule):
            return self._point(rule)
        if isinstance(rule, AnyOfRule):
            return self._any_of(rule)
        if isinstance(rule, AllOfRule):
            return self._all_of(rule)
        return self._run(rule) if isinstance(rule, RunRule) else self._rebound(rule)

    def _point(self, rule: PointRule) -> Episodes:
        points = self.by_analyte[rule.analyte]
        answers = verdicts(points.low, points.high, rule.test, rule.limit.limit)
        found = holding(answers, points.patient)
        reason = np.where(points.supported[found.end], END["supported"], END["resolved"])
        return self._stretches(rule.name, points.key, found, reason)

    def _stretches(self, rule: str, key: Ints, found: Stretches, reason: Codes) -> Episodes:
        time = key_time(key)
        first, confirmed, end = found.first, found.confirmed, found.end
        return made(
            self.code[rule],
            key_patient(key[first]),
            time[first],
            np.where(confirmed == NONE, NO_TIME, time[confirmed]) if time.size else time,
            np.where(end == NONE, NO_TIME, time[end]) if time.size else time,
            np.where(confirmed == NONE, STATUS["possible"], STATUS["confirmed"]),
            reason,
            np.zeros(first.size, np.int8),
        )

    def _any_of(self, rule: AnyOfRule) -> Episodes:
        listed = [self.by_analyte[limb.analyte] for limb in rule.comparisons]
        spans = [event_spans(self.block.events, kind, self.block.closing, self.block.as_of) for kind in rule.events]
        bounds = [bound for starts, stops, ended in spans for bound in (starts, stops[ended])]
        at = merged([points.key for points in listed] + bounds)
        answers, absent = [], []
        for limb, points in zip(rule.comparisons, listed, strict=True):
            position = latest(points, at)
            answers.append(Limb(limb, points, points).judge(points, position))
            absent.append(position == NONE)
        for starts, stops, _ in spans:
            is_open = covered(at, starts, stops)
            answers.append(is_open.astype(np.int8))
            absent.append(~is_open)
        found = holding(any_true(answers, absent), key_patient(at))
        lifted = np.zeros(at.size, np.bool_)
        for points in listed:
            lifted[np.searchsorted(at, points.key[points.supported])] = True
        reason = np.where(np.append(lifted, False)[found.end], END["supported"], END["resolved"])
        return self._stretches(rule.name, at, found, reason)

    def _all_of(self, rule: AllOfRule) -> Episodes:
        limbs = {limb.analyte: Limb.of(limb, self.by_analyte[limb.analyte]) for limb in rule.limbs}
        at = merged([limb.counted.key for limb in limbs.values()])
        verdict = {name: limb.verdict(at, self.protocol) for name, limb in limbs.items()}
        lead = limbs[rule.leading].current(at, self.protocol) != NONE
        resolving = np.zeros(at.size, np.bool_)
        for name in rule.resolves_on:
            limb = limbs[name]
            fresh = verdicts(limb.counted.low, limb.counted.high, limb.comparison.test, limb.comparison.limit.limit)
            resolving[np.searchsorted(at, limb.counted.key[fresh == FALSE])] = True
        found, excluded = leading(all_true(list(verdict.values())), lead, resolving, key_patient(at))
        reason = np.where(excluded, END["excluded"], END["resolved"])
        return self._stretches(rule.name, at, found, reason)

    def _informative(self, rule: Comparison) -> tuple[Points, Bools]:
        """The informative points of a run's analyte, and which of them are good."""
        points = self.by_analyte[rule.analyte]
        answers = verdicts(points.low, points.high, rule.test, rule.limit.limit)
        set_aside = (points.supported | points.preliminary) & (answers == TRUE)
        chosen = np.flatnonzero((answers != UNKNOWN) & ~set_aside)
        return points.take(chosen), answers[chosen] == TRUE

    def _run(self, rule: RunRule) -> Episodes:
        points, good = self._informative(rule)
        found = runs(good, points.day, points.patient, rule.lasts.count, rule.samples.count, rule.gap.count)
        is_confirmed, broke = found.confirmed != NONE, found.end != NONE
        self.confirmations[rule.name] = points.key[found.confirmed[is_confirmed]]
        time = points.time
        status = np.full(found.first.size, STATUS["provisional"])
        status[broke] = STATUS["broken"]
        status[found.gap] = STATUS["unproven"]
        status[is_confirmed] = STATUS["confirmed"]
        end = np.full(found.first.size, NO_TIME)
        end[broke] = time[found.end[broke]]
        end[found.gap] = time[found.last[found.gap]]
        reason = np.where(found.gap, END["gap"], np.where(is_confirmed, END["ended"], END["broken"]))
        confirmed_at = np.full(found.first.size, NO_TIME)
        confirmed_at[is_confirmed] = time[found.confirmed[is_confirmed]]
        severity = self.severities.of_runs(rule, points, found, broke & ~is_confirmed)
        patient, since = points.patient[found.first], time[found.stretch_first]
        onset = time[found.first]
        return made(self.code[rule.name], patient, onset, confirmed_at, end, status, reason, severity, since)

    def _rebound(self, rule: ReboundRule) -> Episodes:
        response = self.protocol.rules[rule.response]
        assert isinstance(response, RunRule)
        platelets, good = self._informative(response)
        events = self.block.events
        told = events.take(np.flatnonzero(events.kind == EVENT_KINDS.index(rule.documented_by)))
        confirmed = self.confirmations[rule.response]
        arming = np.sort(np.concatenate([confirmed, keys(told.patient, told.start)]))
        armed = arming[starts_of(key_patient(arming))]
        if not platelets.key.size or not armed.size:
            return nothing(self.code[rule.name])
        found = rebounds(platelets, good, armed, confirmed, self._companion_keys(rule, platelets, good), rule)
        is_confirmed = found.confirmed_at != NO_TIME
        watched = np.where(found.last_good, STATUS["isolated"], STATUS["suspected"])
        status = np.where(is_confirmed, STATUS["confirmed"], watched)
        reason = np.where(found.recovered, END["recovered"], END["isolated"])
        severity = self.severities.of_rebounds(rule, is_confirmed, found.last_good, found.settled)
        columns = (found.patient, found.onset, found.confirmed_at, found.end, status, reason, severity)
        return made(self.code[rule.name], *columns)

    def _companion_keys(self, rule: ReboundRule, counts: Points, good: Bools) -> Ints:
        """Keys at which a streak of low counts lasts and both count and companion are certainly low."""
        low_count = Limb.of(Comparison(analyte=rule.analyte, limit=rule.limit), self.by_analyte[rule.analyte])
        companion = Limb.of(
            Comparison(analyte=rule.companion, limit=rule.companion_limit), self.by_analyte[rule.companion]
        )
        at = merged([counts.key, companion.counted.key])
        position = latest(counts, at)
        lasting = (position != NONE) & ~good[position]
        both = (low_count.verdict(at, self.protocol) == TRUE) & (companion.verdict(at, self.protocol) == TRUE)
        low_keys: Ints = at[lasting & both]
        return low_keys

    def _judged(self, name: str, found: Episodes) -> Episodes:
        rule = self.protocol.rules[name]
        if not isinstance(rule, PointRule | AnyOfRule | AllOfRule) or not found.size:
            return found
        moment = Moment.of(found, self.block)
        severity = self.severities.of(rule, found, moment)
        return made(
            self.code[name],
            found.patient,
            found.onset,
            found.confirmed_at,
            found.end,
            found.status,
            found.end_reason,
            severity,
            found.since,
        )
