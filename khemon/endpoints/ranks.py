"""What is told by rank: medians with quartiles, values beyond a reporting limit among them, and Mann-Whitney."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.endpoints.numbers import endpoint_numbers
from khemon.rules.series import Floats, Ints


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles of n values, by linear interpolation between ranks (NumPy's default, "type 7").

    median, first, third: None without values. beyond: "<" or ">" where the median itself rests on a value that was
    only reported as below or above its bound. censored: how many such values there are.
    """

    n: int
    median: float | None
    first: float | None
    third: float | None
    beyond: str = ""
    censored: int = 0


def spread(values: Floats, beyond: Ints | None = None) -> Spread:
    """The spread of values. beyond: -1 where a value is a bound that the result lies below, 1 above, 0 exact."""
    if not values.size:
        return Spread(0, None, None, None)
    numbers = endpoint_numbers().statistics
    half, quartile = float(numbers.half.value), float(numbers.quartile.value)
    first, median, third = (float(found) for found in np.quantile(values, [quartile, half, 1 - quartile]))
    signs = np.zeros(values.size, np.int64) if beyond is None else beyond
    return Spread(values.size, median, first, third, _sign_at(values, signs, half), int(np.count_nonzero(signs)))


def _sign_at(values: Floats, signs: Ints, share: float) -> str:
    """How the values that the quantile rests on were reported, if any of them was only a bound."""
    # Of equal values the exact one stands for its rank: "<5" lies below 5, ">5" above.
    order = np.lexsort((signs, values))
    place = share * (values.size - 1)
    resting = signs[order[[int(np.floor(place)), int(np.ceil(place))]]]
    if not resting.any():
        return ""
    return "<" if resting.min() < 0 else ">"


def mann_whitney_p(a: Floats | Ints, b: Floats | Ints) -> float | None:
    """The two-sided p of the Mann-Whitney U test; None where a group is empty or all values are equal.

    Normal approximation with corrections for ties and continuity; exact without ties where a group has at most eight.
    """
    if not a.size or not b.size:
        return None
    both = np.concatenate([a, b])
    if (both == both[0]).all():
        return None
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(a, b, alternative="two-sided").pvalue)
