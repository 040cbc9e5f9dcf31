"""Small counts: where so few children stand behind a number that it can give one away. It takes rows of the document.

Five is the usual limit of offices that publish counts; it is khemon's own choice here, and no clinical number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from khemon.models import Refused

FEW = 5
FEW_WORDS = f"fewer than {FEW} children"
HIDDEN = f"hidden (<{FEW})"

Row = Mapping[str, Any]


def is_few(*counts: int) -> bool:
    """Whether one of these is a count of at least one child, and of fewer than five."""
    return any(0 < count < FEW for count in counts)


def few_in_share(group: Row) -> bool:
    """Of a proportion: whether few are in it, or few are not: who is left over is known from the denominator."""
    return is_few(group["n"], group["met"], group["provisional"], group["not_assessable"], group["not_met"])


def few_measured(group: Row) -> bool:
    """Of a median or mean: whether it rests on few children."""
    return is_few(group["n"])


def few_with_event(group: Row, size: int) -> bool:
    """Of a time to an event in a group of that size: whether few had it, few had not, or few were not at risk."""
    return is_few(group["n"], group["events"], group["n"] - group["events"], size - group["n"])


def few_in_class(row: Row) -> bool:
    """Of classes: whether few are in one of them."""
    return is_few(*(count for name, count in row.items() if name not in ("scheme", "group")))


def few_in_group(document: Row) -> list[str]:
    """The groups that have few children: nothing about them can be told without telling of single ones."""
    return [group["group"] for group in document["groups"] if is_few(group["n"])]


def refuse_small_groups(document: Row) -> None:
    """Refused where a whole group is so small that every number of it tells of single children."""
    if few_in_group(document):
        found = f"a group of {FEW_WORDS} cannot be told without telling of single ones"
        raise Refused("small counts", found, "group otherwise, or filter that group out; or take it along unhidden")
