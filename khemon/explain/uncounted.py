"""Results that were seen and not counted, in words, each with its reason."""

from __future__ import annotations

from khemon.explain.evidence import Stretch
from khemon.explain.knowing import Looked
from khemon.explain.looking import Point, limbs_of
from khemon.explain.naming import Naming
from khemon.models import QUALITIES
from khemon.rules.further_rules import CountsDueRule, SettledRule, TrendRule
from khemon.rules.logic import FALSE, TRUE
from khemon.rules.rulebook import AllOfRule, Comparison, ReboundRule, RunRule


def not_counted(naming: Naming, looked: Looked, stretch: Stretch) -> list[str]:
    """From shortly before the onset on: set aside, lifted, preliminary, undecided; in order of time."""
    found: list[tuple[int, str]] = []
    first = stretch.onset - naming.book.protocol.common.current_within.ms
    for limb in _read(looked, stretch):
        found += _set_aside(naming, looked, stretch, limb.analyte, first)
        series = naming.book.series(limb.analyte, limb)
        for point in series.doubtful(stretch.patient, limb, first, stretch.until):
            words = _why(naming, stretch, point, limb, series.verdict(point, limb))
            found += [(point.time, words)] if words else []
    return [words for _, words in sorted(found)]


def _read(looked: Looked, stretch: Stretch) -> list[Comparison]:
    """The comparisons whose results a rule reads."""
    rule = stretch.rule
    if isinstance(rule, TrendRule | SettledRule | CountsDueRule):
        return list(limbs_of(looked.knowing.run_rule(rule.run)))
    return list(limbs_of(rule))


def _why(naming: Naming, stretch: Stretch, point: Point, limb: Comparison, verdict: int) -> str:
    """Why a rule that counts samples passes a doubtful one over; empty where it does not."""
    composite = isinstance(stretch.rule, AllOfRule | ReboundRule)
    runs = isinstance(stretch.rule, RunRule | TrendRule | SettledRule | CountsDueRule)
    good = verdict == TRUE if runs else verdict == FALSE
    if (runs or composite) and good:
        return naming.not_counted(stretch.patient, point)
    counts = isinstance(stretch.rule, ReboundRule) and point.analyte == stretch.rule.analyte
    if (runs or counts) and verdict not in (TRUE, FALSE):
        return f"{naming.named(point, limb)} on {naming.moment(point.time)}: not counted"
    return ""


def _set_aside(naming: Naming, looked: Looked, stretch: Stretch, analyte: str, first: int) -> list[tuple[int, str]]:
    found = []
    for point, quality in looked.spoiled(analyte, stretch.patient, first, stretch.until):
        spoiled = QUALITIES[quality].replace("_", " ")
        found.append((point.time, f"{naming.labeled(point)} on {naming.moment(point.time)}, {spoiled}: set aside"))
    return found
