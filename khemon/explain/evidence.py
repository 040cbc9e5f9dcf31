"""Which results opened, confirmed, worsened, mended and closed an episode."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from khemon.explain.looking import Book, Point
from khemon.models import EvidenceRole
from khemon.rules.episodes import END_REASONS, Episodes
from khemon.rules.further_rules import FurtherRule
from khemon.rules.logic import FALSE, TRUE
from khemon.rules.rulebook import AllOfRule, AnyOfRule, Comparison, PointRule, ReboundRule, RunRule
from khemon.rules.series import NO_TIME

AnyRule = PointRule | AnyOfRule | AllOfRule | RunRule | ReboundRule | FurtherRule


@dataclass(frozen=True, slots=True)
class Stretch:
    """An episode as times: UTC ms, None when absent; `until` is the last moment that belongs to it.

    `since`: for a run the first good sample since the last bad one, gaps included; else the onset.
    """

    rule: AnyRule
    patient: int
    onset: int
    confirmed_at: int | None
    end: int | None
    end_reason: str
    until: int
    since: int

    @property
    def closed_at(self) -> int | None:
        """When a result, not the closing of observation, ended it; None when none did."""
        return None if self.end_reason == "observation_ended" else self.end

    @property
    def last_inside(self) -> int:
        """The last millisecond at which it was open."""
        return self.until if self.closed_at is None else self.until - 1


Role = tuple[EvidenceRole, Point]


def stretch_of(book: Book, found: Episodes, index: int) -> Stretch:
    """The times of one of some episodes."""
    patient, end, confirmed = int(found.patient[index]), int(found.end[index]), int(found.confirmed_at[index])
    now = min(book.prepared.as_of, int(book.prepared.closing[patient]))
    return Stretch(
        book.protocol.rules[book.protocol.rule_names[found.rule[index]]],
        patient,
        int(found.onset[index]),
        None if confirmed == NO_TIME else confirmed,
        None if end == NO_TIME else end,
        END_REASONS[found.end_reason[index]],
        now if end == NO_TIME else end,
        int(found.since[index]),
    )


def evidence_of(book: Book, stretch: Stretch) -> list[Role]:
    """The results behind an episode with their roles, in order of time; each result once per role."""
    rule = stretch.rule
    if isinstance(rule, AllOfRule):
        found = _of_all(book, stretch, rule)
    elif isinstance(rule, AnyOfRule):
        found = _of_any(book, stretch, rule)
    elif isinstance(rule, ReboundRule):
        found = _of_rebound(book, stretch, rule)
    else:
        found = _of_samples(book, stretch)
    return sorted(dict.fromkeys(found), key=lambda role: (role[1].time, role[1].analyte, role[1].row))


def deepest_bands(book: Book, points: Sequence[Point]) -> list[Point]:
    """The points of an analyte in an episode that reach a band deeper than any before them; the first is none."""
    if not points:
        return []
    depths = band_depths(book, points[0].analyte, points)
    deepest, found = depths[0], []
    for point, depth in zip(points, depths, strict=True):
        if depth > deepest:
            found.append(point)
            deepest = depth
    return found


def band_depths(book: Book, analyte: str, points: Iterable[Point]) -> list[int]:
    """How many of the analyte's bands each of its values certainly lies below."""
    limits = book.band_limits(analyte)
    return [len(limits) - bisect_right(limits, point.high) for point in points]


def inside(book: Book, stretch: Stretch, analyte: str) -> list[Point]:
    """The points of an analyte from the onset to the last moment of the episode."""
    return book.series(analyte).between(stretch.patient, stretch.onset, stretch.last_inside)


def standing(book: Book, stretch: Stretch, analyte: str) -> list[Point]:
    """The point of a criterion or an AND, collected before the onset, that still stood at the onset; if any."""
    limb = next((limb for limb in book.limbs(stretch.rule) if limb.analyte == analyte), None)
    if limb is None or isinstance(stretch.rule, PointRule | RunRule):
        return []
    if isinstance(stretch.rule, AnyOfRule):
        latest = book.series(analyte).latest(stretch.patient, stretch.onset)
        found = [latest] if latest else []
    else:
        found = currents(book, stretch.patient, (limb,), stretch.onset)
    return [point for point in found if point.time < stretch.onset]


def _at(book: Book, stretch: Stretch, limb: Comparison, time: int | None) -> list[Point]:
    if time is None:
        return []
    return book.series(limb.analyte, limb).between(stretch.patient, time, time)


def _of_samples(book: Book, stretch: Stretch) -> list[Role]:
    """Points and runs: the sample at each turn."""
    [limb] = book.limbs(stretch.rule)
    found: list[Role] = [("onset", point) for point in _at(book, stretch, limb, stretch.onset)]
    if stretch.confirmed_at != stretch.onset:
        found += [("confirm", point) for point in _at(book, stretch, limb, stretch.confirmed_at)]
    if isinstance(stretch.rule, PointRule):
        found += [("worsen", point) for point in deepest_bands(book, inside(book, stretch, limb.analyte))]
    return found + [("end", point) for point in _at(book, stretch, limb, stretch.closed_at)]


def _of_any(book: Book, stretch: Stretch, rule: AnyOfRule) -> list[Role]:
    found: list[Role] = []
    for limb in rule.comparisons:
        series = book.series(limb.analyte)
        points = inside(book, stretch, limb.analyte)
        held_before = False
        for point in points:
            verdict = series.verdict(point, limb)
            if point.time == stretch.onset and verdict != FALSE:
                found.append(("onset", point))
            elif verdict == TRUE and point.time == stretch.confirmed_at:
                found.append(("confirm", point))
            elif verdict == TRUE and not held_before:
                found.append(("worsen", point))
            held_before = verdict == TRUE
        found += [("worsen", point) for point in deepest_bands(book, points)]
        found += [("end", point) for point in _at(book, stretch, limb, stretch.closed_at)]
    return found


def currents(book: Book, patient: int, limbs: Iterable[Comparison], time: int) -> list[Point]:
    """The current (recent, counted) point of each limb at a time."""
    within = book.protocol.common.current_within.ms
    points = [book.series(limb.analyte, limb).latest(patient, time, within, counted=True) for limb in limbs]
    return [point for point in points if point is not None]


def _of_all(book: Book, stretch: Stretch, rule: AllOfRule) -> list[Role]:
    found: list[Role] = [("onset", point) for point in currents(book, stretch.patient, rule.limbs, stretch.onset)]
    if stretch.confirmed_at is not None and stretch.confirmed_at != stretch.onset:
        now = currents(book, stretch.patient, rule.limbs, stretch.confirmed_at)
        found += [("confirm", point) for point in now]
    for limb in rule.limbs:
        points = book.series(limb.analyte, limb).between(stretch.patient, stretch.onset, stretch.last_inside)
        counted = [point for point in points if not point.neutral]
        found += [("worsen", point) for point in deepest_bands(book, counted)]
    return found + [("end", point) for point, _ in closing(book, stretch, rule)]


def closing(book: Book, stretch: Stretch, rule: AllOfRule) -> list[tuple[Point, Comparison]]:
    """The results that ended an AND, with their limbs: any certainly false one while possible, else a resolving one."""
    found = []
    for limb in rule.limbs:
        if stretch.confirmed_at is None or limb.analyte in rule.resolves_on:
            points = [point for point in _at(book, stretch, limb, stretch.closed_at) if not point.neutral]
            series = book.series(limb.analyte, limb)
            found += [(point, limb) for point in points if series.verdict(point, limb) == FALSE]
    return found


def informative(book: Book, stretch: Stretch, limb: Comparison, first: int, last: int) -> list[tuple[Point, bool]]:
    """The informative samples of a limb's analyte in [first, last], each with whether it is bad (below the limit)."""
    series = book.series(limb.analyte, limb)
    points = series.between(stretch.patient, first, last)
    judged = [(point, series.verdict(point, limb)) for point in points if not point.neutral]
    return [(point, verdict == TRUE) for point, verdict in judged if verdict in (TRUE, FALSE)]


def _of_rebound(book: Book, stretch: Stretch, rule: ReboundRule) -> list[Role]:
    count, companion = book.limbs(rule)
    samples = informative(book, stretch, count, stretch.onset, stretch.last_inside)
    found: list[Role] = []
    was_bad = True
    for point, bad in samples:
        if point.time == stretch.onset:
            found.append(("onset", point))
        elif bad != was_bad and not (stretch.confirmed_at and point.time >= stretch.confirmed_at):
            found.append(("worsen" if bad else "mend", point))
        was_bad = bad
    found += [("worsen", point) for point in deepest_bands(book, [point for point, _ in samples])]
    if stretch.confirmed_at is not None:
        later = stretch.confirmed_at if stretch.confirmed_at != stretch.onset else None
        found += [("confirm", point) for point, _ in samples if point.time == later]
        series = book.series(companion.analyte, companion)
        for point in currents(book, stretch.patient, (companion,), stretch.confirmed_at):
            if series.verdict(point, companion) == TRUE:
                found.append(("confirm", point))
    if stretch.closed_at is not None:
        found += [
            ("end", point) for point, _ in informative(book, stretch, count, stretch.closed_at, stretch.closed_at)
        ]
    return found
