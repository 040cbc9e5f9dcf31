"""Columns of a wide table that stand for an analyte, and where their units stand: in the header or beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from khemon.importers.items import WITH_UNIT, named_analytes, with_unit
from khemon.importers.numbers import vocabulary
from khemon.units import folded, folded_name


@dataclass(frozen=True, slots=True)
class AnalyteColumn:
    """A column of a wide table: position, header, the item it stands for, the unit its header names, and the position
    of a column for its units, such as `PLT unit` beside `PLT`."""

    index: int
    header: str
    item: str
    unit: str = ""
    unit_at: int = -1


def analyte_column(index: int, header: str) -> AnalyteColumn | None:
    """The column, if a header names an analyte, alone or with its unit; else None."""
    if named_analytes(header):
        return AnalyteColumn(index, header, header)
    match = WITH_UNIT.fullmatch(folded(header))
    if match and named_analytes(match[1]):
        return AnalyteColumn(index, header, match[1], match[2] or match[3])
    item, unit = with_unit(header)
    return AnalyteColumn(index, header, item, unit) if unit else None


def with_units_beside(
    columns: Sequence[AnalyteColumn], header: Sequence[str], units: Sequence[int]
) -> list[AnalyteColumn]:
    """The columns, each with the position of the one for its units: of its own, or the only one beside an only one."""
    found = [replace(column, unit_at=_units_beside(column, header)) for column in columns]
    if len(found) == 1 and found[0].unit_at < 0 and len(units) == 1:
        return [replace(found[0], unit_at=units[0])]
    return found


def _units_beside(column: AnalyteColumn, header: Sequence[str]) -> int:
    """The position of the column that holds the units of another; -1 when there is none."""
    own = folded_name(column.header)
    for index, name in enumerate(header):
        rest = folded_name(name).replace("_", " ").removeprefix(own) if index != column.index else ""
        if rest.strip(" -()") in _unit_words() and len(rest) < len(name.strip()):
            return index
    return -1


@cache
def _unit_words() -> frozenset[str]:
    return frozenset(map(folded_name, vocabulary()["headers"]["unit"]))
