"""Birth dates that stand beside results: they tell whether a result is of the patient whose id it bears."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

_YEAR_FIRST = re.compile(r"(\d{4})[-./年]?(\d{1,2})[-./月]?(\d{1,2})(?!\d)", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})[-./](\d{1,2})[-./](\d{4}|\d{2})(?!\d)", re.ASCII)
_CENTURIES = ("19", "20")
_YEAR_DIGITS = 4


@lru_cache(maxsize=4096)
def possible_days(text: str) -> frozenset[dt.date]:
    """Every day that a birth date may mean, whichever of its parts is the day; none for what is no date in figures."""
    plain = text.strip()
    if found := _YEAR_FIRST.match(plain):
        return _days([(found[1], found[2], found[3])])
    if found := _YEAR_LAST.match(plain):
        years = [found[3]] if len(found[3]) == _YEAR_DIGITS else [century + found[3] for century in _CENTURIES]
        return _days([(year, *parts) for year in years for parts in ((found[1], found[2]), (found[2], found[1]))])
    return frozenset()


def _days(stated: list[tuple[str, str, str]]) -> frozenset[dt.date]:
    found = set()
    for parts in stated:
        try:
            found.add(dt.date(*map(int, parts)))
        except ValueError:
            continue
    return frozenset(found)
