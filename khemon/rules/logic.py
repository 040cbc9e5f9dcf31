"""Three-valued comparisons over arrays of intervals.

The codes are chosen so that small whole numbers can be counted with: choosing value by value is far slower.
"""

from __future__ import annotations

import numpy as np

from khemon.rules.series import Bools, Codes, Floats

FALSE, TRUE, UNKNOWN = np.int8(0), np.int8(1), np.int8(2)


def certainly(low: Floats, high: Floats, test: str, limit: float) -> Bools:
    """Where `value test limit` holds for the whole interval."""
    if test == "<":
        return high < limit
    return low > limit if test == ">" else low >= limit


def certainly_not(low: Floats, high: Floats, test: str, limit: float) -> Bools:
    """Where `value test limit` fails for the whole interval."""
    if test == "<":
        return low >= limit
    return high <= limit if test == ">" else high < limit


def verdicts(low: Floats, high: Floats, test: str, limit: float) -> Codes:
    """TRUE, FALSE or UNKNOWN for each interval. When low and high are one array every value is exact: never UNKNOWN."""
    holds: Codes = certainly(low, high, test, limit).view(np.int8)
    if low is high:
        return holds
    fails = certainly_not(low, high, test, limit)
    # 2 for neither; what holds takes 1 away, what fails takes all.
    return (UNKNOWN - holds) * ~fails


def any_true(answers: list[Codes]) -> Codes:
    """Kleene OR over answers: TRUE outweighs UNKNOWN, and that FALSE."""
    result = _weights(answers[0])
    for answer in answers[1:]:
        result = np.maximum(result, _weights(answer))
    return _weights(result)


def _weights(codes: Codes) -> Codes:
    """The codes with TRUE and UNKNOWN (1 and 2, so two bits) in each other's place."""
    return (codes >> 1) | ((codes & 1) << 1)


def all_true(answers: list[Codes]) -> Codes:
    """Kleene AND over answers: a product that is 0 with any FALSE, 1 of TRUE alone, and more with an UNKNOWN."""
    result = answers[0]
    for answer in answers[1:]:
        result = np.minimum(result * answer, UNKNOWN)
    return result
