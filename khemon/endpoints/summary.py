"""From the endpoints of children to the trial's table: groups counted, described and compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from khemon.endpoints.answers import REASONS, Answers
from khemon.endpoints.findings import Findings, Times
from khemon.endpoints.numbers import endpoint_numbers
from khemon.endpoints.proportions import Difference, Proportion, difference_of_proportions, fisher_p, wilson
from khemon.endpoints.ranks import Spread, mann_whitney_p, spread
from khemon.endpoints.survival import Curve, LogRank, kaplan_meier, log_rank
from khemon.rules.series import Bools, Floats, Ints


class Endpoint(NamedTuple):
    """An endpoint that is met or not: its name, its title, and whether more of it is better for a child."""

    name: str
    title: str
    better: Literal["more", "less"]


def catalog() -> tuple[Endpoint, ...]:
    """Every endpoint that is met or not, in the order of the table."""
    weeks = endpoint_numbers().weeks
    fibrinogen = weeks.fibrinogen
    by_week = [
        Endpoint(f"durable_response_week_{week}", f"Durable platelet response at week {week}", "more")
        for week in weeks.response
    ]
    return (
        *by_week,
        Endpoint("durable_response_ever", "Durable platelet response ever", "more"),
        Endpoint(f"fibrinogen_above_week_{fibrinogen}", f"Fibrinogen above the limit at week {fibrinogen}", "more"),
        Endpoint(
            f"fibrinogen_stabilized_week_{fibrinogen}", f"Fibrinogen stabilized, onset by week {fibrinogen}", "more"
        ),
        Endpoint("rebound", "KMP rebound (literal)", "less"),
        Endpoint("rebound_confirmed", "KMP rebound, confirmed", "less"),
        Endpoint("lesion_response_overall", "Lesion response at month 12, overall (trial, 20 %)", "more"),
        Endpoint("lesion_response_good", "Lesion response at month 12, good", "more"),
        Endpoint(
            "lesion_response_overall_nct04775173", "Lesion response at month 12, overall (NCT04775173, 10 %)", "more"
        ),
        Endpoint("quality_of_life_improved", "Quality of life improved at month 12", "more"),
        Endpoint("sequelae", "Sequelae at month 24", "less"),
        Endpoint("stopped_for_lack_of_efficacy", "Stopped before month 12 for lack of efficacy", "less"),
        Endpoint("stopped_before_month_12", "Stopped before month 12 for any reason", "less"),
        Endpoint("treatment_failure", "Treatment failure (another intervention)", "less"),
        Endpoint("any_product", "Blood product given until month 12", "less"),
    )


@dataclass(frozen=True, slots=True)
class Group:
    """Children who are told together: which patient indexes."""

    name: str
    members: Ints


@dataclass(frozen=True, slots=True)
class Tally:
    """One endpoint in one group of n randomized patients. proportion: met of n, None for an empty group.

    final: nobody is provisional or not assessable. reasons: how many of those who are not met, for which reason.
    """

    n: int
    met: int
    provisional: int
    not_assessable: int
    not_met: int
    proportion: Proportion | None
    reasons: dict[str, int]

    @property
    def final(self) -> bool:
        """Whether nothing is left to come."""
        return not (self.provisional or self.not_assessable)


def tally(answers: Answers, group: Group) -> Tally:
    """An endpoint counted in a group. The denominator is every one of it."""
    members, n = group.members, int(group.members.size)
    counts = {
        name: int(answers.of(name)[members].sum()) for name in ("met", "provisional", "not_assessable", "not_met")
    }
    others = members[~answers.of("met")[members]]
    reasons = Counter(REASONS[code] for code in answers.reason[others].tolist())
    return Tally(
        n,
        **counts,
        proportion=wilson(counts["met"], n) if n else None,
        reasons={name: reasons[name] for name in REASONS if reasons[name]},
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two groups compared: `of` less `minus`, the direction in which a positive difference favors the first group."""

    of: str
    minus: str
    difference: Difference
    fisher_p: float


def compared(endpoint: Endpoint, first: tuple[Group, Tally], second: tuple[Group, Tally]) -> Comparison | None:
    """The difference of two groups, as the trial printed it: the first less the second where more is better, else the
    second less the first. None when a group is empty."""
    (a, ours), (b, theirs) = (first, second) if endpoint.better == "more" else (second, first)
    if not (ours.n and theirs.n):
        return None
    counts = (ours.met, ours.n, theirs.met, theirs.n)
    return Comparison(a.name, b.name, difference_of_proportions(*counts), fisher_p(*counts))


@dataclass(frozen=True, slots=True)
class WeekSpread:
    """Platelets of a group at a week. of: how many there are; not_assessable: those whose count may still change."""

    week: int
    within: int
    of: int
    not_assessable: int
    spread: Spread


def platelets_by_week(found: Findings, group: Group) -> list[WeekSpread]:
    """Median and quartiles of the settled counts of a group, baseline (week 0) first."""
    numbers, counts = endpoint_numbers(), found.judged.counts
    base = found.judged.baseline
    rows = [_week(0, numbers.baseline.platelets_within.count, base.value, base.beyond, base.settled, group)]
    for place, (week, within) in enumerate(numbers.weeks.of_counts()):
        columns = (counts.value[:, place], counts.beyond[:, place], counts.settled[:, place])
        rows.append(_week(week, within, *columns, group))
    return rows


def _week(week: int, within: int, value: Floats, beyond: Ints, settled: Bools, group: Group) -> WeekSpread:
    members = group.members
    told = members[settled[members] & ~np.isnan(value[members])]
    waiting = int((~settled[members]).sum())
    return WeekSpread(week, within, int(members.size), waiting, spread(value[told], beyond[told]))


def curve(times: Times, group: Group) -> tuple[Curve, int]:
    """The Kaplan-Meier curve of a group, and how many are in it."""
    own = _timed(times, group)
    return kaplan_meier(times.days[own], times.happened[own]), int(own.size)


def same_pace(times: Times, first: Group, second: Group) -> LogRank | None:
    """The log-rank test of two groups."""
    a, b = _timed(times, first), _timed(times, second)
    return log_rank(times.days[a], times.happened[a], times.days[b], times.happened[b])


def _timed(times: Times, group: Group) -> Ints:
    return group.members[times.days[group.members] >= 0]


@dataclass(frozen=True, slots=True)
class Amount:
    """A number per patient of a group: how many patients, their sum, mean and spread."""

    n: int
    total: float
    mean: float | None
    spread: Spread


def amount(values: Floats | Ints, group: Group) -> Amount:
    """A number per patient, described; patients without one (NaN) are left out."""
    own = values[group.members].astype(np.float64)
    own = own[~np.isnan(own)]
    total = float(own.sum())
    return Amount(int(own.size), total, total / own.size if own.size else None, spread(own))


def ranked(values: Floats | Ints, first: Group, second: Group) -> float | None:
    """Mann-Whitney p of a number per patient in two groups."""
    a, b = (values[group.members].astype(np.float64) for group in (first, second))
    return mann_whitney_p(a[~np.isnan(a)], b[~np.isnan(b)])
