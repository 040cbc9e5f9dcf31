"""Grading a file of values: one answer per row, the rows that cannot be read among them. Nothing is stored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from khemon.grades import Criteria, Grade, Range, Sample, grade_of, range_of
from khemon.importers.decoding import decoded, empty_file, refuse_control_characters, refuse_other_formats
from khemon.importers.grid import Grid, check_lengths, find_delimiter, physical_lines, read_grid
from khemon.importers.measures import Measures
from khemon.importers.staging import ACCEPTED, NO_VALUE
from khemon.models import ImportProblem
from khemon.units import folded_name

CANNOT_GRADE = "cannot_grade"
REQUIRED = ("analyte", "value", "unit")
REFERENCES = ("lln", "uln", "baseline")
REMEDY = "a file of values has the columns analyte, value, unit and, where they are known, lln, uln, baseline"


@dataclass(frozen=True, slots=True)
class Graded:
    """The document of a graded file, and how many of its rows a person must look at."""

    document: dict[str, Any]
    in_doubt: int


class Unreadable(ValueError):
    """A limit of normal or a baseline that is not a number."""


def grade_file(content: bytes, criteria: Criteria) -> Graded:
    """The grade of every row, in the order of the file; ImportProblem when the file as a whole cannot be read."""
    grid = _grid(content)
    at = _columns(grid)
    reader = _RowReader(criteria)
    answers = [(line, *reader.read({name: cells[index] for name, index in at.items()})) for line, cells in _rows(grid)]
    answers += [(ragged.line, {}, _held(None, ragged.reason)) for ragged in grid.ragged]
    answers.sort(key=lambda answer: answer[0])
    rows = [_row(line, cells, grade) for line, cells, grade in answers]
    names = {"name": criteria.name, "version": criteria.version}
    return Graded({"criteria": names, "rows": rows}, sum(grade.in_doubt for _, _, grade in answers))


def _grid(content: bytes) -> Grid:
    refuse_other_formats(content)
    text, encoding = decoded(content, None)
    lines = physical_lines(text)
    refuse_control_characters(lines, encoding, content)
    start = next((index for index, line in enumerate(lines) if line.strip()), None)
    if start is None:
        raise empty_file()
    check_lengths(lines, start)
    delimiter = find_delimiter(lines[start], start + 1, None, lambda header: len(_known(header)))
    if delimiter != ",":
        finding = f"the columns are separated by {delimiter!r}, not by commas"
        raise ImportProblem(f"line {start + 1}", finding, "separate them by commas, and write decimals with a point")
    return read_grid(lines, start, delimiter)


def _known(header: list[str]) -> list[str]:
    """The names in a header that mean something here, as often as they stand there."""
    return [name for name in map(folded_name, header) if name in (*REQUIRED, *REFERENCES)]


def _columns(grid: Grid) -> dict[str, int]:
    """Where each known column stands; ImportProblem for one that is missing or doubled."""
    where, known = f"line {grid.header_line}", _known(grid.header)
    doubled = [name for name, count in Counter(known).items() if count > 1]
    if doubled:
        raise ImportProblem(where, f"two columns are named {doubled[0]!r}", "give every column its own name")
    missing = [name for name in REQUIRED if name not in known]
    if missing:
        raise ImportProblem(where, f"no column {missing[0]!r}", REMEDY)
    names = [folded_name(name) for name in grid.header]
    return {name: names.index(name) for name in known}


def _rows(grid: Grid) -> zip[tuple[int, list[str]]]:
    return zip(grid.lines, grid.rows, strict=True)


def _held(term: str | None, reason: str) -> Grade:
    return Grade(None, term, reason, in_doubt=True)


def _row(line: int, cells: dict[str, str], grade: Grade) -> dict[str, Any]:
    """A row of the document; analyte, value and unit as the file gives them, or the analyte's own name once known."""
    return {
        "row": line,
        "analyte": cells.get("analyte"),
        "value": cells.get("value"),
        "unit": cells.get("unit"),
        "grade": CANNOT_GRADE if grade.grade is None else grade.grade,
        "term": grade.term,
        "reason": grade.reason,
    }


class _RowReader:
    """Reads rows with the grammar of imports: exact numbers with their comparator, listed units, nothing guessed."""

    def __init__(self, criteria: Criteria) -> None:
        self.criteria = criteria
        self.measures = Measures(None)

    def read(self, cells: dict[str, str]) -> tuple[dict[str, str], Grade]:
        """The cells of a row, with the analyte's own name once it is known, and its grade."""
        shown = {name: cells[name].strip() for name in REQUIRED}
        measure = self.measures.read[shown["analyte"], "", shown["value"], shown["unit"], ""]
        if measure.analyte is None:
            return shown, _held(None, "; ".join(measure.reasons))
        shown["analyte"] = measure.analyte
        term = self.criteria.terms.get(measure.analyte)
        name = term.term if term else None
        if measure.decision == NO_VALUE:
            return shown, Grade(None, name, "; ".join(measure.reasons))
        if measure.decision != ACCEPTED or measure.value is None:
            return shown, _held(name, "; ".join(measure.reasons))
        # The unit may stand in the cell of the value; limits and baseline are in that same unit.
        unit = measure.unit or ""
        value = range_of(measure.comparator, Decimal(measure.value))
        try:
            references = {of: self._reference(cells.get(of, ""), of) for of in REFERENCES}
        except Unreadable as problem:
            return shown, _held(name, str(problem))
        return shown, grade_of(self.criteria, Sample(analyte=measure.analyte, unit=unit, value=value, **references))

    def _reference(self, text: str, name: str) -> Range | None:
        """A limit of normal or baseline, None when none is given; Unreadable when it is not a number."""
        number = self.measures.numbers.read[text]
        if number.decision == NO_VALUE:
            return None
        if number.decision != ACCEPTED or number.value is None or number.rest:
            raise Unreadable(f"{name}: {'; '.join(number.reasons) or 'unreadable_number: text behind the number'}")
        return range_of(number.comparator, number.value)
