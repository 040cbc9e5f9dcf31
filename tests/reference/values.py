"""Values as intervals, comparisons with three answers, and Kleene's logic over them (definitions 1.1, 1.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

#: True, False, or None for "cannot tell".
Answer = bool | None


@dataclass(frozen=True)
class Interval:
    """Where the true value lies. `high` None means without an upper bound."""

    low: Decimal
    low_open: bool
    high: Decimal | None
    high_open: bool

    def below(self, limit: Decimal) -> Answer:
        """Whether the value is < limit."""
        if self.high is not None and (self.high < limit or (self.high == limit and self.high_open)):
            return True
        return False if self.low >= limit else None

    def above(self, limit: Decimal) -> Answer:
        """Whether the value is > limit."""
        if self.low > limit or (self.low == limit and self.low_open):
            return True
        return False if self.high is not None and self.high <= limit else None

    @property
    def low_rank(self) -> tuple[Decimal, int]:
        """A key that orders lower bounds; an open one lies just above the closed one of the same number."""
        return (self.low, 1 if self.low_open else 0)

    @property
    def high_rank(self) -> tuple[int, Decimal, int]:
        """A key that orders upper bounds; an open one lies just below the closed one of the same number."""
        if self.high is None:
            return (1, Decimal(0), 0)
        return (0, self.high, -1 if self.high_open else 0)


def interval_of(comparator: str, value: Decimal, basis: str = "") -> Interval:
    """The interval of a reported value; where a D-dimer's basis is not stated, either basis may hold."""
    highest = 2 * value if basis == "unknown" else value
    if comparator == "<":
        return Interval(Decimal(0), False, highest, True)
    if comparator == "<=":
        return Interval(Decimal(0), False, highest, False)
    if comparator == ">":
        return Interval(value, True, None, False)
    if comparator == ">=":
        return Interval(value, False, None, False)
    return Interval(value, False, highest, False)


def not_(answer: Answer) -> Answer:
    """NOT; unknown stays unknown."""
    return None if answer is None else not answer


def all_of(answers: Iterable[Answer]) -> Answer:
    """AND: one false makes it false, else one unknown makes it unknown."""
    listed = list(answers)
    if any(answer is False for answer in listed):
        return False
    return None if any(answer is None for answer in listed) else True


def any_of(answers: Iterable[Answer]) -> Answer:
    """OR: one true makes it true, else one unknown makes it unknown. Of nothing it is false."""
    listed = list(answers)
    if any(answer is True for answer in listed):
        return True
    return None if any(answer is None for answer in listed) else False
