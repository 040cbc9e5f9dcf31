"""Where a table begins in a text file, and where the next page or table begins below it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from khemon.importers.grid import DELIMITERS, MAX_COLUMNS, cells_of, check_lengths, find_delimiter
from khemon.importers.labels import patient_label
from khemon.importers.layout import count_known, find_columns, fits
from khemon.importers.mapping import Mapping
from khemon.importers.staging import PATIENTS
from khemon.models import ImportProblem

#: A table begins within so many lines that are not blank.
SEARCHED = 60
#: Rows that may tell which column holds the items.
SAMPLED = 40


@dataclass(frozen=True, slots=True)
class Finder:
    """Knows a header when it sees one."""

    mapping: Mapping | None
    is_date: Callable[[str], bool]

    def known(self, header: list[str]) -> int:
        """How many of the cells mean something."""
        return count_known(header, self.mapping)

    def kind(self, cells: list[str], below: list[list[str]]) -> str | None:
        """The kind of table the cells begin; None for cells that are no header."""
        header = [cell.strip() for cell in cells]
        if len(header) > MAX_COLUMNS or not any(header):
            return None
        return fits(header, self.mapping, self.is_date, below)


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return cells_of(line, delimiter)
    except csv.Error:
        return []


def _headers(lines: list[str], finder: Finder) -> Iterator[tuple[int, str, str | None]]:
    """Index, delimiter and kind of each line near the top, in each way of splitting it that knows some names."""
    stated = finder.mapping.delimiter if finder.mapping else None
    near = [index for index, line in enumerate(lines[: SEARCHED * 10]) if line.strip()][:SEARCHED]
    for index in near:
        counts = {
            delimiter: finder.known(_split(lines[index], delimiter)) for delimiter in (stated or "",) if delimiter
        }
        counts = counts or {delimiter: finder.known(_split(lines[index], delimiter)) for delimiter in DELIMITERS}
        for delimiter in sorted(counts, key=lambda sign: -counts[sign]):
            yield index, delimiter, finder.kind(_split(lines[index], delimiter), _below(lines, index, delimiter))


def _below(lines: list[str], index: int, delimiter: str) -> list[list[str]]:
    return [_split(line, delimiter) for line in lines[index + 1 : index + 1 + SAMPLED]]


def find_start(lines: list[str], finder: Finder) -> tuple[int, str]:
    """Index of the header line and the delimiter; of the line that comes nearest to a header when none is one."""
    first = next(index for index, line in enumerate(lines) if line.strip())
    check_lengths(lines, first)
    people: tuple[int, str] | None = None
    for index, delimiter, kind in _headers(lines, finder):
        if kind == PATIENTS:
            # Particulars above a table of results look like a table of patients.
            people = people or (index, delimiter)
        elif kind:
            return index, delimiter
    if people:
        return people
    stated = finder.mapping.delimiter if finder.mapping else None
    near = [index for index, line in enumerate(lines[:SEARCHED]) if line.strip()]
    nearest = max(near or [first], key=lambda index: _most_known(lines[index], finder))
    check_lengths(lines, nearest)
    return nearest, find_delimiter(lines[nearest], nearest + 1, stated, finder.known)


def _most_known(line: str, finder: Finder) -> int:
    return max(finder.known(cells[:MAX_COLUMNS]) for cells in (_split(line, sign) for sign in DELIMITERS))


def further_headers(lines: list[str], start: int, delimiter: str, finder: Finder) -> list[int]:
    """The indexes below a header where a page repeats it or another table begins."""
    header = [cell.strip() for cell in _split(lines[start], delimiter)]
    name = _telling(header, _below(lines, start, delimiter), finder)
    found = []
    for index in [index for index, line in enumerate(lines) if name in line] if name else ():
        if index > start:
            cells = [cell.strip() for cell in _split(lines[index], delimiter)]
            if name in cells and (cells == header or finder.kind(cells, _below(lines, index, delimiter))):
                found.append(index)
    return found


def _telling(header: list[str], below: list[list[str]], finder: Finder) -> str:
    """The name in a header that every repetition of it must hold; empty when there is none."""
    try:
        columns = find_columns(header, "", finder.mapping, finder.is_date, below)
    except ImportProblem:
        return ""
    fields = [field for field in ("analyte", "collected_at", "collected_date", "patient_id") if field in columns.at]
    return header[columns.at[fields[0]]] if fields else ""


def labels_above(lines: list[str], start: int, delimiter: str) -> list[tuple[int, str]]:
    """Line number and id of every line above the header that states a patient's id."""
    stated = [(index + 1, patient_label(_split(lines[index], delimiter))) for index in range(start)]
    return [(line, patient) for line, patient in stated if patient]
