"""The stretches of point rules, criteria and patterns over one block, with what was known last in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from khemon.rules.current import Limbs, covered, event_spans, latest
from khemon.rules.episodes import END, STATUS, Episodes, made, nothing
from khemon.rules.logic import FALSE, all_true, any_true, verdicts
from khemon.rules.moments import padded
from khemon.rules.points import with_any
from khemon.rules.rulebook import AllOfRule, AnyOfRule, PointRule, Protocol
from khemon.rules.series import (
    NO_TIME,
    NONE,
    Bools,
    Codes,
    Ints,
    Points,
    key_patient,
    key_time,
    merged,
    positions,
    starts_of,
)
from khemon.rules.shapes import Stretches, held, leading

if TYPE_CHECKING:
    from khemon.rules.engine import Prepared


@dataclass(frozen=True, slots=True)
class Found:
    """Episodes of a rule whose severity is not judged yet.

    places: for each limb of the rule, in its order, the place (counted from 1; 0: none) of the latest counted point
    when each episode was last evaluated before its end, however old.
    """

    episodes: Episodes
    places: tuple[Ints, ...]


class Findings:
    """What the rules of 3.1 to 3.4 find in one block."""

    def __init__(self, block: Prepared, protocol: Protocol) -> None:
        self.block = block
        self.limbs = Limbs(block.points, protocol.common.current_within.ms)
        self.code = {name: code for code, name in enumerate(protocol.rule_names)}

    def of(self, rule: PointRule | AnyOfRule | AllOfRule) -> Found:
        """The episodes of a rule."""
        if isinstance(rule, PointRule):
            return self._point(rule)
        return self._any_of(rule) if isinstance(rule, AnyOfRule) else self._all_of(rule)

    def _point(self, rule: PointRule) -> Found:
        points = self.block.of(rule.analyte)
        found = held(verdicts(points.low, points.high, rule.test, rule.limit.limit), points.start)
        reason = END["resolved"] if points.plain else _reason(points.supported, found)
        return Found(self._episodes(rule.name, points.key, found, reason), (found.last + 1,))

    def _any_of(self, rule: AnyOfRule) -> Found:
        listed = [self.block.of(limb.analyte) for limb in rule.comparisons]
        spans = [event_spans(self.block.events, kind, self.block.closing, self.block.as_of) for kind in rule.events]
        if listed and not any(starts.size for starts, _, _ in spans):
            spans = []
        bounds = [bound for starts, stops, ended in spans for bound in (starts, stops[ended])]
        at, start, places = _with_bounds(listed, bounds) if spans else self._at_moments(listed)
        answers = [
            padded(FALSE, verdicts(points.low, points.high, limb.test, limb.limit.limit)).take(place)
            for limb, points, place in zip(rule.comparisons, listed, places, strict=True)
        ]
        answers += [covered(at, starts, stops).view(np.int8) for starts, stops, _ in spans]
        found = held(any_true(answers), start)
        reason = END["resolved"] if self.block.points.plain else _reason(_lifted(at, listed), found)
        return Found(self._episodes(rule.name, at, found, reason), tuple(place.take(found.last) for place in places))

    def _at_moments(self, listed: list[Points]) -> tuple[Ints, Bools, list[Ints]]:
        """Keys at which points of the lists lie, where a patient begins, and the place of the latest of each list."""
        moments = self.block.points.moments
        places = [points.latest() for points in listed]
        chosen = with_any(listed)
        if chosen is None:
            return moments.key, moments.start, places
        at = moments.key.take(chosen)
        return at, starts_of(key_patient(at)), [place.take(chosen) for place in places]

    def _all_of(self, rule: AllOfRule) -> Found:
        limbs = [self.limbs.of(limb) for limb in rule.limbs]
        moments = self.block.points.moments
        resolving = np.zeros(moments.key.size, np.bool_)
        can_open = resolving
        for limb in limbs:
            if limb.comparison.analyte in rule.resolves_on:
                resolving[limb.counted.moment.take(positions(limb.answers == FALSE))] = True
            if limb.comparison.analyte == rule.leading:
                can_open = limb.current != 0
        answers, key, start = all_true([limb.verdict for limb in limbs]), moments.key, moments.start
        chosen = with_any([limb.counted for limb in limbs])
        if chosen is not None:
            answers, can_open, resolving = answers.take(chosen), can_open.take(chosen), resolving.take(chosen)
            key = key.take(chosen)
            start = starts_of(key_patient(key))
        found, excluded = leading(answers, can_open, resolving, start)
        reason = np.where(excluded, END["excluded"], END["resolved"])
        last = found.last if chosen is None else chosen.take(found.last)
        places = tuple(limb.counted.so_far.take(last) for limb in limbs)
        return Found(self._episodes(rule.name, key, found, reason), places)

    def _episodes(self, rule: str, key: Ints, found: Stretches, reason: Codes | np.int8) -> Episodes:
        if not found.first.size:
            return nothing(self.code[rule])
        onset = key.take(found.first)
        return made(
            self.code[rule],
            key_patient(onset),
            key_time(onset),
            time_at(key, found.confirmed),
            time_at(key, found.end),
            np.where(found.confirmed == NONE, STATUS["possible"], STATUS["confirmed"]),
            reason,
            np.int8(0),
        )


def time_at(key: Ints, position: Ints) -> Ints:
    """The time at each position; NO_TIME for NONE."""
    if not position.size:
        return position
    return np.where(position == NONE, NO_TIME, key_time(key.take(position, mode="clip")))


def _with_bounds(listed: list[Points], bounds: list[Ints]) -> tuple[Ints, Bools, list[Ints]]:
    """Keys of points and bounds, where a patient begins, and the place of the latest point of each list there."""
    at = merged([points.key for points in listed] + bounds)
    return at, starts_of(key_patient(at)), [latest(points, at) + 1 for points in listed]


def _lifted(at: Ints, listed: list[Points]) -> Bools:
    """At which of the keys a point lies that a product lifts."""
    lifted = np.zeros(at.size, np.bool_)
    for points in listed:
        lifted[at.searchsorted(points.key[points.supported])] = True
    return lifted


def _reason(supported: Bools, found: Stretches) -> Codes:
    """Why each stretch ended: at a supported result, or at another."""
    return np.where(padded(False, supported).take(found.end + 1), END["supported"], END["resolved"])
