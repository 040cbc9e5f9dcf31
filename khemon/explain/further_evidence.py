"""Which results stand behind the episodes of section 3.7, with their roles."""

from __future__ import annotations

from khemon.explain.evidence import Role, Stretch, deepest_bands, inside
from khemon.explain.knowing import Looked
from khemon.explain.looking import Point
from khemon.rules.further_rules import (
    AsideRule,
    BandRule,
    CountsDueRule,
    DropRule,
    FurtherRule,
    LevelsDueRule,
    MissingRule,
    QuestionRule,
    SettledRule,
    TrendRule,
)


def further_evidence(looked: Looked, stretch: Stretch, rule: FurtherRule) -> list[Role]:
    """The results behind an episode in order of time; `confirm`: what the one at the onset is measured by."""
    found: list[Role] = []
    if isinstance(rule, TrendRule):
        *before, now = looked.fall(rule, stretch)[0]
        found = [("confirm", point) for point in before] + [("onset", now)]
        found += [("worsen", point) for point in deepest_bands(looked.book, inside(looked.book, stretch, rule.analyte))]
        found += _ending(looked, stretch, (rule.analyte,))
    elif isinstance(rule, DropRule):
        found = _of_drop(looked, stretch, rule)
    elif isinstance(rule, AsideRule):
        spoiled = looked.spoiled_within(rule, stretch)
        found = [("onset" if point.time == stretch.onset else "worsen", point) for point in spoiled]
        waited = looked.set_aside(rule, stretch, stretch.last_inside)
        found += _ending(looked, stretch, tuple(waited))
    elif isinstance(rule, MissingRule):
        found = _of_missing(looked, stretch, rule)
    elif isinstance(rule, SettledRule):
        row = looked.run_samples(rule, stretch)
        found = [("onset" if point.time <= stretch.onset else "confirm", point) for point in row]
    elif isinstance(rule, BandRule):
        found = _of_band(looked, stretch, rule)
    elif isinstance(rule, CountsDueRule | LevelsDueRule):
        found = _of_due(looked, stretch, rule)
    elif isinstance(rule, QuestionRule):
        for asked in looked.questions(rule, stretch):
            found.append(("onset", asked.point))
            found += [("confirm", asked.before)] if asked.before is not None else []
    return sorted(dict.fromkeys(found), key=lambda role: (role[1].time, role[1].analyte, role[1].row))


def _ending(looked: Looked, stretch: Stretch, analytes: tuple[str, ...]) -> list[Role]:
    """The results at the time that ended it."""
    if stretch.closed_at is None:
        return []
    at = stretch.closed_at
    points = [looked.book.series(name).between(stretch.patient, at, at) for name in analytes]
    return [("end", point) for group in points for point in group]


def _of_drop(looked: Looked, stretch: Stretch, rule: DropRule) -> list[Role]:
    found: list[Role] = []
    for point in inside(looked.book, stretch, rule.analyte):
        _, before = looked.drop(rule, stretch.patient, point.time)
        found.append(("onset" if point.time == stretch.onset else "worsen", point))
        found += [("confirm", each) for each in before if each.time < stretch.onset]
    return found + _ending(looked, stretch, (rule.analyte,))


def _of_missing(looked: Looked, stretch: Stretch, rule: MissingRule) -> list[Role]:
    points = inside(looked.book, stretch, rule.analyte)
    found: list[Role] = [("onset", point) for point in points if point.time == stretch.onset]
    if stretch.confirmed_at not in (None, stretch.onset):
        found += [("confirm", point) for point in points if point.time == stretch.confirmed_at]
    found += [("worsen", point) for point in deepest_bands(looked.book, points)]
    return found + _ending(looked, stretch, (rule.analyte, *rule.companions))


def _of_band(looked: Looked, stretch: Stretch, rule: BandRule) -> list[Role]:
    found: list[Role] = []
    for point, _ in looked.levels(rule, stretch.patient, stretch.onset, stretch.last_inside):
        if point.time == stretch.onset:
            found.append(("onset", point))
        elif point.time == stretch.confirmed_at:
            found.append(("confirm", point))
        elif rule.graver is not None and point.low >= rule.graver.limit.limit:
            found.append(("worsen", point))
    if stretch.closed_at is not None:
        at = stretch.closed_at
        found += [("end", point) for point, _ in looked.levels(rule, stretch.patient, at, at)]
    return found


def _of_due(looked: Looked, stretch: Stretch, rule: CountsDueRule | LevelsDueRule) -> list[Role]:
    since, _ = looked.due(rule, stretch)
    analyte = rule.analyte if isinstance(rule, LevelsDueRule) else looked.knowing.run_rule(rule.run).analyte
    seen: list[Point] = looked.book.series(analyte).between(stretch.patient, since, since)
    return [("onset", point) for point in seen] + _ending(looked, stretch, (analyte,))
