"""Every number of a protocol by its path, as a site file writes it and `khemon protocol show` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from khemon.rules.parameters import Number
from khemon.rules.rulebook import Protocol

#: What a protocol calls itself, and what it says in words, wherever it stands: no verdict depends on it.
_HEAD = ("name", "version", "base")
_WORDS = ("title", "words", "source", "misleads_if", "criterion", "called", "asks")


class Difference(NamedTuple):
    """A number that two protocols have differently; None where one of them has none at that path."""

    path: str
    before: Number | None
    after: Number | None


def is_number(value: object) -> bool:
    """Whether a block of a file is one number: a table with a value."""
    return isinstance(value, Mapping) and "value" in value


def entry_names(entries: Sequence[Any]) -> list[str]:
    """What the entries of a list are called in a path: by analyte or event where those differ, else 1, 2, …"""
    names = [each.get("analyte") or each.get("event") if isinstance(each, Mapping) else None for each in entries]
    if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
        return [str(name) for name in names]
    return [str(number) for number in range(1, len(entries) + 1)]


def leaves(block: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number and every other single value of a block, with its path."""
    if is_number(block) or not isinstance(block, Mapping | list | tuple):
        yield path, block
        return
    items = block.items() if isinstance(block, Mapping) else zip(entry_names(block), block, strict=True)
    for name, value in items:
        yield from leaves(value, f"{path}.{name}" if path else str(name))


def numbers_of(protocol: Protocol) -> dict[str, Number]:
    """Path to number, in the order of the rulebook."""
    found = leaves(protocol.model_dump())
    return {path: Number.model_validate(value) for path, value in found if is_number(value)}


def differing(before: Protocol, after: Protocol) -> list[Difference]:
    """The numbers that differ in value or unit, in the order of the rulebook; another source alone is no difference."""
    old, new = numbers_of(before), numbers_of(after)
    pairs = (Difference(path, old.get(path), new.get(path)) for path in dict.fromkeys([*old, *new]))
    return [pair for pair in pairs if _plain(pair.before) != _plain(pair.after)]


def otherwise_differing(before: Protocol, after: Protocol) -> list[str]:
    """Paths of everything else that judges and differs: severities, tests, lists. Words and sources are left out."""
    old, new = _others(before), _others(after)
    return [path for path in dict.fromkeys([*old, *new]) if old.get(path) != new.get(path)]


def _plain(number: Number | None) -> tuple[Any, str] | None:
    return None if number is None else (number.value, number.unit)


def _others(protocol: Protocol) -> dict[str, Any]:
    found = leaves(protocol.model_dump(exclude=set(_HEAD)))
    return {path: value for path, value in found if not is_number(value) and path.split(".")[-1] not in _WORDS}
