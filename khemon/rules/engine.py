"""evaluate: results, events and a protocol in, episodes out. One pass over whole-patient blocks; no state, no clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from khemon.rules import choosing, series
from khemon.rules.current import Limb
from khemon.rules.episodes import END, STATUS, Episodes, Parts, closed, in_order, made, nothing
from khemon.rules.findings import Findings, Found, time_at
from khemon.rules.further import Further
from khemon.rules.logic import TRUE, UNKNOWN, verdicts
from khemon.rules.rebound import rebounds
from khemon.rules.remembering import Kept, Memory, read_by
from khemon.rules.rulebook import (
    AnyOfRule,
    Comparison,
    Number,
    Protocol,
    ReboundRule,
    RunRule,
)
from khemon.rules.series import (
    NO_CLOSING,
    NO_TIME,
    NONE,
    Bools,
    Events,
    Ints,
    Patients,
    Points,
    Results,
    key_patient,
    key_time,
    keys,
    positions,
    starts_of,
)
from khemon.rules.severity import Severities
from khemon.rules.singles import Singles, set_aside
from khemon.rules.streaks import Streaks, runs
from khemon.units import ANALYTE_CODES

_NO_SINGLES = Singles.none()


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


@lru_cache
def _among(analytes: tuple[str, ...]) -> Bools:
    """By analyte code whether it is one of these."""
    found = np.zeros(np.iinfo(np.int8).max + 1, np.bool_)
    found[[ANALYTE_CODES[name] for name in analytes]] = True
    return found


def prepare(results: Results, events: Events, patient_count: int, protocol: Protocol, as_of: int) -> Prepared:
    """Cut at as_of and at each closing, choose the counting versions, drop what rules may not see, mark support."""
    known = events
    if events.kind.size:
        known = known.take(positions(events.start <= as_of))
        known = known.take(np.argsort(known.patient, kind="stable"))
    closing = choosing.closing_times(known, patient_count)
    known = known.take(positions(known.start <= closing[known.patient])) if known.kind.size else known
    rows = np.arange(results.time.size)
    results, rows = choosing.cut(results, rows, as_of)
    aside = set_aside(results, rows, closing) if protocol.reads_aside and results.quality.any() else _NO_SINGLES
    # The version that counts is chosen before the closing: it alone says when the sample was taken.
    results, rows = choosing.usable(results, rows)
    if (closing != NO_CLOSING).any():
        results, rows = choosing.cut(results, rows, closing)
    singles = _NO_SINGLES
    if protocol.read_singly:
        one_by_one = positions(_among(protocol.read_singly)[results.analyte])
        singles = Singles.of(results.take(one_by_one), rows[one_by_one]) if one_by_one.size else singles
    return Prepared(choosing.points(results, rows, known, protocol), known, closing, as_of, aside, singles)


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
    return evaluated(results, events, patients, protocol, timezone, as_of)[0]


def evaluated(
    results: Results,
    events: Events,
    patients: Patients,
    protocol: Protocol,
    timezone: str,
    as_of: int,
    memory: Kept = None,
) -> tuple[Episodes, Prepared | None]:
    """As `evaluate`, with what was judged, as `prepare` gives it, where there is one patient (more go in blocks).

    memory: what was found of that patient is kept there; what reads nothing new is not judged anew.
    """
    count = int(patients.birth_day.size)
    if count == 1:
        block = prepare(results, events, count, protocol, as_of)
        return _Evaluation(block, patients, protocol, timezone, memory).episodes(), block
    parts = Parts()
    for first, found, _ in judged_blocks(results, events, patients, protocol, timezone, as_of):
        parts.add(replace(found, patient=found.patient + np.int32(first)))
    return parts.joined(), None


def evaluated_of(block: Prepared, patients: Patients, protocol: Protocol, timezone: str) -> Episodes:
    """As `evaluate`, of what was prepared already; of one block."""
    return _Evaluation(block, patients, protocol, timezone).episodes()


def judged_blocks(
    results: Results, events: Events, patients: Patients, protocol: Protocol, timezone: str, as_of: int
) -> Iterator[tuple[int, Episodes, Prepared]]:
    """The first patient of each block of whole patients, the block's episodes and what was judged of it.

    Blocks stand in order of the patients, who are counted from the first of their block: so a block costs what it
    holds. So many patients at a time that their results fit the cache.
    """
    if not (results.patient[1:] >= results.patient[:-1]).all():
        results = results.take(np.argsort(results.patient, kind="stable"))
    events = events.take(np.argsort(events.patient, kind="stable"))
    count = int(patients.birth_day.size)
    first_rows = np.searchsorted(results.patient, np.arange(count + 1, dtype=np.int32))
    start = 0
    while start < count:
        stop = int(np.searchsorted(first_rows, first_rows[start] + series.BLOCK_ROWS, "right")) - 1
        stop = min(max(stop, start + 1), count)
        chosen = events.of_patients(start, slice(*np.searchsorted(events.patient, (start, stop))))
        own = results.of_patients(start, slice(first_rows[start], first_rows[stop]))
        block = prepare(own, chosen, stop - start, protocol, as_of)
        yield start, evaluated_of(block, patients.take(slice(start, stop)), protocol, timezone), block
        start = stop


def informative(block: Prepared, rule: Comparison) -> tuple[Points, Bools]:
    """The informative points of a run's analyte, and which of them are good."""
    points = block.of(rule.analyte)
    answers = verdicts(points.low, points.high, rule.test, rule.limit.limit)
    if points.plain and points.low is points.high:
        return points, answers.view(np.bool_)
    set_aside = (points.supported | points.preliminary) & (answers == TRUE)
    chosen = positions((answers != UNKNOWN) & ~set_aside)
    return points.take(chosen), answers[chosen] == TRUE


class _Evaluation:
    """One block: the episodes of each rule, in the order in which rules need each other."""

    def __init__(
        self, block: Prepared, patients: Patients, protocol: Protocol, timezone: str, memory: Kept = None
    ) -> None:
        self.block = block
        self.memory = Memory.of(block, protocol, timezone, memory)
        self.patients = patients
        self.protocol = protocol
        self.timezone = timezone
        self.made: dict[str, Episodes] = {}
        self.streaks: dict[str, Streaks] = {}
        self.confirmations: dict[str, Ints] = {}
        self.findings = Findings(block, protocol)
        self.severities = Severities(self.findings, patients, protocol, timezone, self.made)

    def episodes(self) -> Episodes:
        """The episodes of every rule, severities judged, closings applied, in order."""
        rules, found = self.protocol.sorts, dict[str, Found]()
        for run in rules.runs:
            recalled = self.memory.recall(run.name, self._run, run, run.analyte)
            self.made[run.name], self.confirmations[run.name] = recalled
        for rule in rules.found:
            events, find = isinstance(rule, AnyOfRule), self.findings.of
            found[rule.name] = self.memory.recall(rule.name, find, rule, *read_by(rule), events=events)
            self.made[rule.name] = found[rule.name].episodes
        for rebound in rules.rebounds:
            read = (rebound.analyte, rebound.companion, self._run_rule(rebound.response).analyte)
            self.made[rebound.name] = self.memory.recall(rebound.name, self._rebound, rebound, *read, events=True)
        # Some severities go by what is open of another rule.
        judged = dict(self.made)
        for rule in rules.found:
            judged[rule.name] = judged[rule.name].judged(self.severities.of(rule, found[rule.name]))
        further = Further(self.block, self.patients, self.protocol, self.timezone, self.made)
        further.memory = self.memory
        judged |= {rule.name: further.episodes_of(rule) for rule in rules.further}
        parts = [judged[name] for name in sorted(judged)]
        return closed(in_order(parts, self.patients.birth_day.size), self.block.closing)

    def _run_rule(self, name: str) -> RunRule:
        rule = self.protocol.rules[name]
        assert isinstance(rule, RunRule)
        return rule

    def _streaks(self, name: str) -> Streaks:
        """The streaks of a run's analyte; they speak of moments of this block, so they are not remembered."""
        if name not in self.streaks:
            self.streaks[name] = Streaks.of(*informative(self.block, self._run_rule(name)))
        return self.streaks[name]

    def _run(self, rule: RunRule) -> tuple[Episodes, Ints]:
        """The episodes of a run, and the keys at which it was confirmed."""
        streaks = self._streaks(rule.name)
        points = streaks.points
        found = runs(streaks, rule.lasts.count, rule.samples.count, rule.gap.count)
        is_confirmed, broke = found.confirmed != NONE, found.end != NONE
        confirmations = points.key.take(found.confirmed[is_confirmed])
        status = np.full(found.first.size, STATUS["provisional"])
        status[broke] = STATUS["broken"]
        status[found.gap] = STATUS["unproven"]
        status[is_confirmed] = STATUS["confirmed"]
        onset = points.key.take(found.first)
        end = time_at(points.key, np.where(found.gap, found.last, found.end))
        reason = np.where(found.gap, END["gap"], np.where(is_confirmed, END["ended"], END["broken"]))
        severity = self.severities.of_runs(rule, points, found, broke & ~is_confirmed)
        code, confirmed_at = self.findings.code[rule.name], time_at(points.key, found.confirmed)
        since = time_at(points.key, found.stretch_first)
        columns = (key_patient(onset), key_time(onset), confirmed_at, end, status, reason, severity, since)
        return made(code, *columns), confirmations

    def _rebound(self, rule: ReboundRule) -> Episodes:
        streaks, confirmed = self._streaks(rule.response), self.confirmations[rule.response]
        arming = confirmed
        if self.block.events.kind.size:
            told = self.block.events.of(rule.documented_by)
            arming = np.sort(np.concatenate([confirmed, keys(told.patient, told.start)]))
        armed = arming[starts_of(key_patient(arming))]
        if not streaks.first.size or not armed.size:
            return nothing(self.findings.code[rule.name])
        found = rebounds(streaks, armed, confirmed, self._companion_keys(rule, streaks), rule)
        is_confirmed = found.confirmed_at != NO_TIME
        watched = np.where(found.last_good, STATUS["isolated"], STATUS["suspected"])
        status = np.where(is_confirmed, STATUS["confirmed"], watched)
        reason = np.where(found.recovered, END["recovered"], END["isolated"])
        severity = self.severities.of_rebounds(rule, is_confirmed, found.last_good, found.settled)
        columns = (found.patient, found.onset, found.confirmed_at, found.end, status, reason, severity)
        return made(self.findings.code[rule.name], *columns)

    def _companion_keys(self, rule: ReboundRule, streaks: Streaks) -> Ints:
        """Keys at which a streak of low counts lasts and both count and companion are certainly low."""
        low_count = self._limb(rule.analyte, rule.limit)
        companion = self._limb(rule.companion, rule.companion_limit)
        counts, moments = streaks.points, self.block.points.moments
        both = (low_count.verdict == TRUE) & (companion.verdict == TRUE)
        at = positions(both & (counts.present | companion.counted.present))
        latest = counts.latest().take(at) - 1
        lasting = (latest != NONE) & ~streaks.is_good.take(streaks.number(latest))
        low_keys: Ints = moments.key.take(at[lasting])
        return low_keys

    def _limb(self, analyte: str, limit: Number) -> Limb:
        return self.findings.limbs.of(Comparison(analyte=analyte, limit=limit))
