"""Proportions and their differences: Wilson's interval, Newcombe's hybrid score interval, Fisher's exact test."""

from __future__ import annotations

from math import sqrt
from numbers import Integral
from typing import NamedTuple

from scipy.special import ndtri

from khemon.endpoints.numbers import endpoint_numbers
from khemon.models import Refused


class Proportion(NamedTuple):
    """A proportion with its interval, as fractions."""

    proportion: float
    low: float
    high: float


class Difference(NamedTuple):
    """A difference of two proportions with its interval, as fractions."""

    difference: float
    low: float
    high: float


def normal_quantile() -> float:
    """How many standard errors a two-sided interval reaches to either side."""
    confidence = float(endpoint_numbers().statistics.confidence.value)
    return float(ndtri((1 + confidence) / 2))


def wilson(responders: int, n: int) -> Proportion:
    """A proportion with Wilson's score interval, without continuity correction.

    Refused for a group of nobody, and for a number of responders that does not fit into the group.
    """
    responders, n = _counted(responders, n)
    z_squared = normal_quantile() ** 2
    p = responders / n
    center = (p + z_squared / (2 * n)) / (1 + z_squared / n)
    reach = sqrt(z_squared * (p * (1 - p) + z_squared / (2 * 2 * n)) / n) / (1 + z_squared / n)
    # At nobody and at everybody the limit is exact; the square root would miss it by a rounding.
    low = center - reach if responders else 0.0
    high = center + reach if responders < n else 1.0
    return Proportion(p, low, high)


def difference_of_proportions(responders_a: int, n_a: int, responders_b: int, n_b: int) -> Difference:
    """The proportion of a less that of b, with Newcombe's hybrid score interval (no continuity correction).

    As fractions. Newcombe, Stat Med 1998;17:873, method 10; it reproduces the published intervals of the trial.
    Refused for a group of nobody.
    """
    a, b = wilson(responders_a, n_a), wilson(responders_b, n_b)
    difference = a.proportion - b.proportion
    below = sqrt((a.proportion - a.low) ** 2 + (b.high - b.proportion) ** 2)
    above = sqrt((a.high - a.proportion) ** 2 + (b.proportion - b.low) ** 2)
    return Difference(difference, difference - below, difference + above)


def fisher_p(responders_a: int, n_a: int, responders_b: int, n_b: int) -> float:
    """The two-sided p of Fisher's exact test. Refused for a group of nobody."""
    # Half a second of start-up that a page without statistics does not pay.
    from scipy.stats import fisher_exact

    responders_a, n_a = _counted(responders_a, n_a)
    responders_b, n_b = _counted(responders_b, n_b)
    table = [[responders_a, n_a - responders_a], [responders_b, n_b - responders_b]]
    return float(fisher_exact(table).pvalue)


def _counted(responders: int, n: int) -> tuple[int, int]:
    """Both as whole numbers, if they are counts of a group and of some of it."""
    if not (isinstance(responders, Integral) and isinstance(n, Integral)):
        raise Refused("proportion", f"{responders!r} of {n!r} are no counts", "give whole numbers of patients")
    if n < 1:
        raise Refused("proportion", f"a group of {n}", "compare groups with somebody in them")
    if not 0 <= responders <= n:
        raise Refused("proportion", f"{responders} of {n}", "give 0 to all of the group")
    return int(responders), int(n)
