"""Which limbs of a criterion hold, and how old they are."""

from __future__ import annotations

from khemon.explain.evidence import Stretch
from khemon.explain.looking import Book, Point
from khemon.rules.logic import TRUE, UNKNOWN
from khemon.rules.rulebook import AnyOfRule, Comparison


class Holding:
    """Which limbs of a criterion hold at the last moment of a stretch."""

    def __init__(self) -> None:
        self.results: list[tuple[Comparison, Point]] = []
        self.events: list[tuple[str, int]] = []
        self.fresh: bool
        self.since: int
        self.certain: list[str] = []
        self.certain_fresh: list[str] = []


def holding_limbs(book: Book, stretch: Stretch, rule: AnyOfRule) -> Holding:
    """The limbs that are true, or undecided when none is true, with their ages at the stretch's last moment."""
    found = Holding()
    recheck = book.protocol.common.not_rechecked_after.ms
    now, last = stretch.until, stretch.last_inside
    undecided = []
    for limb in rule.comparisons:
        point = book.series(limb.analyte).latest(stretch.patient, last)
        if point is None:
            continue
        verdict = book.series(limb.analyte).verdict(point, limb)
        if verdict == TRUE:
            found.results.append((limb, point))
            found.certain.append(limb.analyte)
            found.certain_fresh += [limb.analyte] * (now - point.time <= recheck)
        elif verdict == UNKNOWN:
            undecided.append((limb, point))
    for kind in rule.events:
        for span in book.spans(stretch.patient, kind):
            if span.start <= last and (span.end is None or span.end > last):
                found.events.append((kind, span.start))
                found.certain.append(kind)
                found.certain_fresh += [kind] * (now - span.start <= recheck)
    if not found.certain:
        found.results = undecided
    times = [point.time for _, point in found.results] + [start for _, start in found.events]
    found.since = max(times, default=stretch.onset)
    found.fresh = now - found.since <= recheck
    return found
