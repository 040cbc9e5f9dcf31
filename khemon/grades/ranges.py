"""What a number may be, exactly: a range of decimals whose open ends stay open."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from khemon.units import EXACT

#: A number, and whether it is meant itself (0) or what lies just below (-1) or just above (1) it; compared as pairs.
Position = tuple[Decimal, int]
INFINITE = Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class Range:
    """Everything between two positions, both included; `87` is one position, `<0.5` ends just below 0.5."""

    low: Position
    high: Position

    @property
    def is_exact(self) -> bool:
        """Whether it is one number."""
        return self.low == self.high


_BEYOND_ALL: Position = (INFINITE, 0)
#: A limit of normal that was not given: any number above zero.
NOT_GIVEN = Range((Decimal(0), 1), _BEYOND_ALL)


def range_of(comparator: str, value: Decimal) -> Range:
    """The range of a number with its comparator; ValueError for a negative number, `<0` or an unknown comparator."""
    if value < 0 or (comparator == "<" and value == 0):
        raise ValueError("a result cannot lie below zero")
    ranges = {
        "": Range((value, 0), (value, 0)),
        "<": Range((Decimal(0), 0), (value, -1)),
        "<=": Range((Decimal(0), 0), (value, 0)),
        ">": Range((value, 1), (INFINITE, 0)),
        ">=": Range((value, 0), (INFINITE, 0)),
    }
    if comparator not in ranges:
        raise ValueError(f"unknown comparator {comparator!r}")
    return ranges[comparator]


def scaled(position: Position, factor: Decimal) -> Position:
    """The position times a factor above zero, exact."""
    number, side = position
    return EXACT.multiply(number, factor), side
