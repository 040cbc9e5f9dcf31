"""What the endpoints take from the rule engine: runs, rebounds and counts by week, gathered block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np

from khemon.endpoints.children import NEVER, Children, Index, Known, first_day, last_day
from khemon.endpoints.nearest import nearest
from khemon.endpoints.numbers import EndpointNumbers
from khemon.models import STATUSES, RulebookProblem
from khemon.rules import NO_TIME, STATUS_WORDS, Episodes, Prepared, Protocol, Results, informative, judged_blocks
from khemon.rules.rulebook import ReboundRule, RunRule
from khemon.rules.series import NONE, Bools, Floats, Ints, Points, key_patient, keys, positions

_STATUS = {word: code for code, word in enumerate(STATUS_WORDS)}
_PRELIMINARY = STATUSES.index("preliminary")


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of one rule in each patient, as calendar days since day 0; NEVER where there is none.

    Only runs that had not ended by day 0. onset, confirmed: of the first confirmed run; its end and day of
    confirmation. open_onset: of a provisional run that may still be confirmed. broken, unproven, unfinished: onset of
    the first run that broke, that a gap made unprovable, that the close of observation cut. first_seen, last_seen:
    informative samples since day 0; first_low: the first bad one ever.
    """

    onset: Ints
    confirmed: Ints
    open_onset: Ints
    broken: Ints
    unproven: Ints
    unfinished: Ints
    first_seen: Ints
    last_seen: Ints
    first_low: Ints


@dataclass(frozen=True, slots=True)
class Rebounds:
    """The first rebound after day 0 of each patient: days since day 0, NEVER without; over: whether it has ended."""

    onset: Ints
    confirmed: Ints
    over: Bools


@dataclass(frozen=True, slots=True)
class Values:
    """A measurement per patient (and week), NaN without one; day: since day 0.

    beyond: -1 where the result lies below the number, which is a bound, 1 where above it, 0 where it is exact.
    """

    value: Floats
    beyond: Ints
    settled: Bools
    day: Ints


@dataclass(frozen=True, slots=True)
class Judged:
    """Everything of one block, or of all."""

    platelets: Runs
    fibrinogen: Runs
    rebounds: Rebounds
    counts: Values
    baseline: Values
    fibrinogen_week: Values
    fibrinogen_above: Bools


def counted(results: Results) -> Results:
    """The results without preliminary ones, which never feed endpoints."""
    preliminary = results.status == _PRELIMINARY
    return results.take(positions(~preliminary)) if preliminary.any() else results


def reduced(protocol: Protocol, numbers: EndpointNumbers) -> Protocol:
    """The protocol with the rules alone that endpoints count. RulebookProblem when it lacks one."""
    names = (numbers.rules.response, numbers.rules.stabilization, numbers.rules.rebound)
    for name, kind in zip(names, (RunRule, RunRule, ReboundRule), strict=True):
        if not isinstance(protocol.rules.get(name), kind):
            where = f"protocol {protocol.name}, rules.{name}"
            raise RulebookProblem(where, "endpoints are counted by this rule", "use a protocol that has it")
    return protocol.model_copy(update={"rules": {name: protocol.rules[name] for name in sorted(names)}, "muting": {}})


def judged(children: Children, facts: Known, protocol: Protocol, numbers: EndpointNumbers) -> Judged:
    """What the engine says of all children, one block of them after the other."""
    rules = reduced(protocol, numbers)
    blocks = judged_blocks(
        counted(children.results), children.happenings.events, children.patients, rules, facts.timezone, facts.as_of
    )
    parts = [_Block(first, found, block, facts, rules, numbers).judged() for first, found, block in blocks]
    return joined(parts)


_Columns = TypeVar("_Columns")


def joined(parts: Sequence[_Columns]) -> _Columns:
    """The same columns, one part after the other: of blocks, or of partitions by patient."""
    found: _Columns = _joined(parts)
    return found


def _joined(parts: Sequence[Any]) -> Any:  # noqa: ANN401
    first = parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    if isinstance(first, dict):
        return {name: _joined([part[name] for part in parts]) for name in first}
    names = [field.name for field in fields(first)]
    return type(first)(**{name: _joined([getattr(part, name) for part in parts]) for name in names})


class _Block:
    """One block of whole patients, counted from its first."""

    def __init__(
        self, first: int, found: Episodes, block: Prepared, facts: Known, protocol: Protocol, numbers: EndpointNumbers
    ) -> None:
        self.count = block.closing.size
        own = slice(first, first + self.count)
        self.day0, self.day0_day, self.last = facts.day0[own], facts.day0_day[own], facts.last[own]
        self.found, self.block, self.facts, self.numbers = found, block, facts, numbers
        self.rules, self.code = protocol.rules, {name: code for code, name in enumerate(protocol.rule_names)}

    def judged(self) -> Judged:
        """Everything the endpoints need of it."""
        names = self.numbers.rules
        response, stabilization = self.rules[names.response], self.rules[names.stabilization]
        assert isinstance(response, RunRule)
        assert isinstance(stabilization, RunRule)
        counts, good = informative(self.block, response)
        values, above = informative(self.block, stabilization)
        week = np.array([self.numbers.weeks.fibrinogen])
        within = np.array([dict(self.numbers.weeks.of_counts())[self.numbers.weeks.fibrinogen]])
        place, fibrinogen = self._by_week(values, week, within)
        weeks, windows = (np.array(column) for column in zip(*self.numbers.weeks.of_counts(), strict=True))
        return Judged(
            self._runs(response, counts, good),
            self._runs(stabilization, values, above),
            self._rebounds(self.code[names.rebound]),
            self._by_week(counts, weeks, windows)[1],
            self._baseline(counts),
            fibrinogen,
            np.append(above, False)[place],
        )

    def _since(self, patient: Index, times: Ints) -> Ints:
        return self.facts.day_of(times) - self.day0_day[patient]

    def _of_rule(self, code: int) -> Episodes:
        """Episodes of a rule that had not ended by day 0."""
        own = self.found.take(positions(self.found.rule == code))
        return own.take(positions((own.end == NO_TIME) | (own.end > self.day0[own.patient])))

    def _runs(self, rule: RunRule, points: Points, good: Bools) -> Runs:
        runs, n = self._of_rule(self.code[rule.name]), self.count
        onset = self._since(runs.patient, runs.onset)
        is_confirmed = runs.confirmed_at != NO_TIME
        confirmed_day = np.full(onset.size, NEVER, np.int64)
        confirmed_day[is_confirmed] = self._since(runs.patient[is_confirmed], runs.confirmed_at[is_confirmed])
        provisional = runs.status == _STATUS["provisional"]
        seen = points.day - self.day0_day[points.patient]
        latest = last_day(points.patient, seen, n)
        # Nothing seen for longer than a run may have a gap: whatever comes, this run is not confirmed any more.
        lost = self.last[runs.patient] > latest[runs.patient] + self.day0_day[runs.patient] + rule.gap.count
        is_open = provisional & (runs.end == NO_TIME) & ~lost
        cut = provisional & (runs.end != NO_TIME)
        unproven = (runs.status == _STATUS["unproven"]) | (provisional & ~is_open & ~cut)

        def first(mask: Bools, day: Ints = onset) -> Ints:
            return first_day(runs.patient[mask], day[mask], n)

        since_day0 = seen >= 0
        return Runs(
            first(is_confirmed),
            first(is_confirmed, confirmed_day),
            first(is_open),
            first(runs.status == _STATUS["broken"]),
            first(unproven),
            first(cut),
            first_day(points.patient[since_day0], seen[since_day0], n),
            latest,
            first_day(points.patient[~good], seen[~good], n),
        )

    def _rebounds(self, code: int) -> Rebounds:
        own, n = self.found.take(positions(self.found.rule == code)), self.count
        own = own.take(positions(own.onset >= self.day0[own.patient]))
        # Episodes stand in order of onset: the first of each patient is the one that counts.
        patient, at = np.unique(own.patient, return_index=True)
        own = own.take(at)
        onset, confirmed = np.full(n, NEVER, np.int64), np.full(n, NEVER, np.int64)
        over = np.zeros(n, np.bool_)
        onset[patient] = self._since(own.patient, own.onset)
        sure = own.confirmed_at != NO_TIME
        confirmed[patient[sure]] = self._since(own.patient[sure], own.confirmed_at[sure])
        over[patient] = own.end != NO_TIME
        return Rebounds(onset, confirmed, over)

    def _by_week(self, points: Points, weeks: Ints, within: Ints) -> tuple[Ints, Values]:
        """The position and the value of each patient's point nearest to the day of each week; a row per patient."""
        patient = np.repeat(np.arange(self.count), weeks.size)
        week_days = self.numbers.products.per.count * np.tile(weeks, self.count)
        day = self.day0_day[patient] + week_days
        found = nearest(points.by_day, patient, day, np.tile(within, self.count), self.last[patient])
        shape = (self.count, weeks.size)
        told = self._values(points, found.place, found.settled, patient)
        return found.place, Values(*(getattr(told, each.name).reshape(shape) for each in fields(Values)))

    def _values(self, points: Points, place: Ints, settled: Bools, patient: Ints) -> Values:
        there = place != NONE
        value, beyond = reported(points.low[place[there]], points.high[place[there]])
        values, signs = np.full(place.size, np.nan), np.zeros(place.size, np.int64)
        days = np.full(place.size, NEVER, np.int64)
        values[there], signs[there] = value, beyond
        days[there] = points.day[place[there]] - self.day0_day[patient[there]]
        return Values(values, signs, settled, days)

    def _baseline(self, points: Points) -> Values:
        """The last count until the first dose, not lifted by a transfusion if there is another; else of that day."""
        patient = np.arange(self.count)
        started = self.day0 != NO_TIME
        at = keys(patient, np.where(started, self.day0, 0))
        own = np.flatnonzero(~points.supported)
        plain = own[_latest(points.key[own], at)] if own.size else np.full(self.count, NONE)
        plain = np.where(_latest(points.key[own], at) == NONE, NONE, plain)
        any_before = _latest(points.key, at)
        after = points.key.searchsorted(at, "right")
        within = self.numbers.baseline.platelets_within.count
        place = np.full(self.count, NONE, np.int64)
        for candidate, oldest in ((after, 0), (any_before, within), (plain, within)):
            inside = (candidate != NONE) & (candidate < points.key.size)
            day = np.full(self.count, NEVER, np.int64)
            day[inside] = self.day0_day[inside] - points.day[candidate[inside]]
            mine = np.zeros(self.count, np.bool_)
            mine[inside] = key_patient(points.key[candidate[inside]]) == patient[inside]
            fits = mine & (day >= 0) & (day <= oldest) & started
            place = np.where(fits, candidate, place)
        return self._values(points, place, started, patient)


def _latest(key: Ints, at: Ints) -> Ints:
    """Position of the latest key of the same patient at or before each; -1 without one."""
    place = key.searchsorted(at, "right") - 1
    padded = np.append(key, NONE)
    found: Ints = np.where(key_patient(padded[place]) == key_patient(at), place, NONE)
    return found


def reported(low: Floats, high: Floats) -> tuple[Floats, Ints]:
    """The number that was reported of each interval, and whether it is a bound: -1 below it, 1 above it, 0 exact."""
    below, above = np.isfinite(high) & (low != high), ~np.isfinite(high)
    value = np.where(above, low, high)
    at = positions(below | above)
    if at.size:
        # An open bound lies one float inside the number reported, which takes fewer digits to write.
        outward = np.nextafter(value[at], np.where(above[at], -np.inf, np.inf))
        value[at] = [
            min(pair, key=lambda number: len(repr(number)))
            for pair in zip(value[at].tolist(), outward.tolist(), strict=True)
        ]
    return value, above.astype(np.int64) - below.astype(np.int64)
