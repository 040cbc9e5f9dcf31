"""What stands beside a result in columns of signs, and in columns that nothing reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from khemon.importers.claims import letters
from khemon.importers.grid import Grid
from khemon.importers.layout import Columns
from khemon.importers.materials import WORD
from khemon.importers.numbers import refuses, vocabulary
from khemon.importers.signs import plain_text
from khemon.importers.staging import REVIEW, Observation, worse
from khemon.units import folded_name

#: What a column of comparators holds; the last says that the value is as it stands.
SIGNS = ("<", ">", "<=", ">=", "=")
#: A number of an order or a sample says nothing of its result.
A_NUMBER = re.compile(r"[^\s\d]*\d\S*")
#: The longest sign.
SIGN = 2
#: A longer text is no word of a status, and no remark about one result.
LONGEST = 40


def join_signs(grid: Grid, columns: Columns) -> None:
    """Puts the sign of a column of comparators before the value beside it."""
    sign, value = columns.at.get("comparator"), columns.at.get("value")
    if sign is None or value is None:
        return
    for cells in grid.rows:
        told, text = cells[sign].strip(), cells[value].strip()
        if text and told and plain_text(told) != "=" and not plain_text(text).startswith(plain_text(told)):
            cells[value] = f"{told} {text}"


def hold_beside(grid: Grid, columns: Columns, found: list[Observation]) -> list[Observation]:
    """The observations; held where an unread cell of their row takes them back, or says more than they do."""
    told: dict[int, list[tuple[str, str]]] = {}
    for index in columns.unread:
        said = _said(grid.header[index], {cells[index] for cells in grid.rows})
        for line, cells in zip(grid.lines, grid.rows, strict=True) if said else ():
            if words := said.get(cells[index]):
                reason = f"said_beside: {_name(grid, index)}, which is not read, {words}; confirm, correct or reject"
                told.setdefault(line, []).append((plain_text(cells[index].strip()), reason))
    for one in found if told else ():
        for text, reason in told.get(one.row, ()) if one.value is not None else ():
            if text != one.comparator:
                one.reasons.append(reason)
                one.decision = worse(one.decision, REVIEW)
    return found


def _name(grid: Grid, index: int) -> str:
    return f"column {grid.header[index]!r}" if grid.header[index] else f"column {index + 1}"


def _said(header: str, texts: set[str]) -> dict[str, str]:
    """What the cells of an unread column say that no reader of a result may miss, by their text."""
    filled = {text for text in texts if text.strip()}
    if filled and not is_flag(header) and all(len(text.strip()) <= SIGN for text in filled):
        signs = {text: plain_text(text.strip()) for text in filled}
        if set(signs.values()) <= set(SIGNS):
            return {text: f"says {sign!r}" for text, sign in signs.items() if sign != "="}
    return dict(_words(header, filled))


def is_flag(header: str) -> bool:
    """Whether a column only says how values stand to their reference ranges."""
    return letters(header) in _flags()


@cache
def _flags() -> frozenset[str]:
    return frozenset(map(letters, vocabulary()["flags"]["headers"]))


@cache
def _listed(name: str) -> frozenset[str]:
    return frozenset(map(folded_name, vocabulary()["beside"][name]))


def _words(header: str, filled: set[str]) -> Iterator[tuple[str, str]]:
    """What the texts say that take a result back, doubt its sample, or name another material than blood."""
    own = WORD.findall(folded_name(header))
    taken_back = not _listed("taken_back").isdisjoint(own)
    valid = not _listed("valid").isdisjoint(own)
    for text in filled:
        folded = folded_name(text)
        if len(folded) > LONGEST:
            continue
        if taken_back and folded not in _listed("no"):
            yield text, "is filled in"
        elif folded in _listed("words") or (valid and folded in _listed("no")) or _refuses(folded):
            yield text, f"says {folded!r}"


def _refuses(folded: str) -> bool:
    """Whether a text refuses the result beside it."""
    return not A_NUMBER.fullmatch(folded) and refuses(folded)
