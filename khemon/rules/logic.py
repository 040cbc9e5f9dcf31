"""Three-valued comparisons over arrays of intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    """TRUE, FALSE or UNKNOWN for each interval."""
    answer = np.full(low.size, UNKNOWN, np.int8)
    answer[certainly(low, high, test, limit)] = TRUE
    answer[certainly_not(low, high, test, limit)] = FALSE
    return answer


def any_true(answers: list[Codes], absent: list[NDArray[np.bool_]]) -> Codes:
    """Kleene OR over answers; an absent one takes no part; without any the answer is FALSE."""
    result = np.zeros(answers[0].size, np.int8)
    for answer, missing in zip(answers, absent, strict=True):
        heard = np.where(missing, FALSE, answer)
        result = np.where((result == TRUE) | (heard == TRUE), TRUE, np.maximum(result, heard)).astype(np.int8)
    return result


def all_true(answers: list[Codes]) -> Codes:
    """Kleene AND over answers."""
    result = np.ones(answers[0].size, np.int8)
    for answer in answers:
        result = np.where((result == FALSE) | (answer == FALSE), FALSE, np.maximum(result, answer)).astype(np.int8)
    return result
