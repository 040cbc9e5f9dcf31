"""The CSV grammar: strict cells in rows of one width, each with its line number. Nothing is shifted or joined."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from khemon.importers.labels import patient_label
from khemon.models import ImportProblem

MAX_COLUMNS = 500
MAX_CELL = 1_024
MAX_LINE = 65_536
DELIMITERS: tuple[str, ...] = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SHOWN = 200
#: A person's name in ideographs is at most this long; a title is longer.
LONGEST_NAME = 4
FIRST_IDEOGRAPH = "\u2e80"
NOT_A_ROW = "not_a_row: a title, page number or footer"


@dataclass(slots=True)
class Ragged:
    """A row whose number of cells is not that of the header."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fact:
    """What a workbook knows about a cell besides its text.

    `number`: the text is an exact number with a decimal point, whatever the laboratory's signs are. `form`: its number
    format, where it is not the general one. `shown`: what the sheet shows instead of the text, if it is not the same.
    `doubt`: why a person must look. `note`: what is only said. `spread`: the content of a merged cell, repeated in a
    cell that it covers.
    """

    number: bool = False
    form: str = ""
    shown: str = ""
    doubt: str = ""
    note: str = ""
    spread: bool = False


@dataclass(slots=True)
class Grid:
    """A table of text: header, rows of exactly that width, the line each starts on, and the rows that did not fit.

    `asides` are lines that are no rows: titles, page numbers, the end of a report; `labels` the patient's id where one
    of them or a line above the header states it. `sheet` is the sheet of a workbook;
    `facts` what it knows about cells by line and column; `hidden` its hidden lines.
    """

    header: list[str]
    header_line: int
    delimiter: str
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    ragged: list[Ragged] = field(default_factory=list)
    asides: list[Ragged] = field(default_factory=list)
    labels: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sheet: str | None = None
    facts: dict[int, dict[int, Fact]] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()

    def where(self, line: int) -> str:
        """A line's name in an error: of a text file, of a sheet, or a record."""
        if self.sheet is None:
            return f"line {line}"
        return f"sheet {self.sheet!r}, row {line}" if self.sheet else f"record {line}" if line else "the records"


def physical_lines(text: str) -> list[str]:
    """The lines of a text with their line ends, split only where a file has line ends."""
    return list(io.StringIO(text, newline=""))


def _unclosed(line: int) -> ImportProblem:
    return ImportProblem(
        f"line {line}",
        "a quotation mark opens a cell and is not closed",
        'close it, or write a quotation mark inside a cell as ""',
    )


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of one line."""
    return next(csv.reader([line], delimiter=delimiter, strict=True), [])


def check_lengths(lines: list[str], header_index: int) -> None:
    """Nothing for lines of a sane length; ImportProblem naming the first that is too long or has too many columns."""
    header = lines[header_index]
    columns = 1 + max(header.count(delimiter) for delimiter in DELIMITERS)
    if columns > MAX_COLUMNS:
        raise ImportProblem(
            f"line {header_index + 1}",
            f"{columns} columns",
            f"at most {MAX_COLUMNS} columns can be read; send only the result columns",
        )
    if max(map(len, lines)) > MAX_LINE:
        number = next(number for number, line in enumerate(lines, start=1) if len(line) > MAX_LINE)
        raise ImportProblem(
            f"line {number}", f"longer than {MAX_LINE} characters", "check line ends and quotation marks"
        )


def find_delimiter(header: str, line: int, stated: str | None, known_columns: Callable[[list[str]], int]) -> str:
    """The stated delimiter, or the one that gives most known column names; ImportProblem when a stated one is wrong."""
    counts: dict[str, int] = {}
    for delimiter in dict.fromkeys((*([stated] if stated else []), *DELIMITERS)):
        try:
            counts[delimiter] = known_columns(cells_of(header, delimiter))
        except csv.Error:
            counts[delimiter] = 0
    best = max(counts, key=lambda delimiter: counts[delimiter])
    if stated and counts[best] > counts[stated]:
        said = DELIMITER_NAMES.get(stated, repr(stated))
        finding = f"columns are separated by {DELIMITER_NAMES.get(best, best)}, the mapping says {said}"
        raise ImportProblem(f"line {line}", finding, f"set delimiter = {best!r} in the mapping")
    return stated or best


def _records(lines: list[str], start: int, end: int | None, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """First line, last line and cells of each record from a line on and before another."""
    reader = csv.reader(iter(lines[start:end]), delimiter=delimiter, strict=True)
    last = start
    try:
        for cells in reader:
            first, last = last + 1, start + reader.line_num
            yield first, last, cells
    except csv.Error as problem:
        finding = str(problem)
        # No line is that long, so a cell over the reader's own limit has swallowed lines.
        if "unexpected end" in finding or "field larger" in finding:
            raise _unclosed(last + 1) from problem
        if "expected after" in finding:
            raise ImportProblem(
                f"line {last + 1}",
                "text after a closing quotation mark",
                'a quotation mark inside a cell is written as "", or a cell was not closed',
            ) from problem
        raise ImportProblem(f"line {last + 1}", finding, "check quotation marks and cell lengths") from problem


def _refuse_swallowed_lines(first: int, cells: list[str], width: int, delimiter: str) -> None:
    """Nothing for a line break inside a cell; ImportProblem when it has swallowed rows."""
    broken = [cell for cell in cells if "\n" in cell or "\r" in cell]
    if len(cells) != width or any(cell.count(delimiter) >= width - 1 for cell in broken):
        raise _unclosed(first)


def _check_cells(grid: Grid) -> None:
    for line, cells in zip(grid.lines, grid.rows, strict=True):
        for position, cell in enumerate(cells, start=1):
            if len(cell) > MAX_CELL:
                raise ImportProblem(
                    f"line {line}, column {position}",
                    f"a cell of {len(cell)} characters",
                    f"a cell holds at most {MAX_CELL} characters",
                )


def _fit(grid: Grid, first: int, cells: list[str]) -> None:
    """Sort a record of the wrong width: trailing empty cells are harmless, a single text beside empty cells is an
    aside, anything else is kept as ragged."""
    width = len(grid.header)
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        grid.rows.append(cells[:width])
        grid.lines.append(first)
        return
    text = grid.delimiter.join(cells)[:SHOWN]
    if is_aside(cells) or patient_label(cells):
        grid.labels += [(first, patient) for patient in (patient_label(cells),) if patient]
        grid.asides.append(Ragged(first, text, NOT_A_ROW))
        return
    grid.ragged.append(Ragged(first, text, f"ragged_row: {len(cells)} cells where the header has {width}"))


def is_aside(cells: list[str]) -> bool:
    """Whether a line holds a single text of several words, or a rule of signs: a title or a footer, never a result."""
    texts = [cell.strip() for cell in cells if cell.strip()]
    if len(texts) != 1:
        return False
    words = [word for word in texts[0].split() if any(map(str.isalpha, word))]
    without_blanks = len(texts[0]) > LONGEST_NAME and any(sign >= FIRST_IDEOGRAPH for sign in texts[0])
    return len(words) > 1 or without_blanks or not any(map(str.isalnum, texts[0])) or texts[0][-1] in ":："


def _header(lines: list[str], start: int, end: int | None, delimiter: str) -> tuple[list[str], int, int]:
    """Header cells with trailing nameless ones, and its first and last line."""
    first, last, cells = next(_records(lines, start, end, delimiter))
    header = [cell.strip() for cell in cells]
    if last > first:
        raise _unclosed(first)
    return header, first, last


def header_alone(lines: list[str], start: int, delimiter: str) -> Grid:
    """The table without a row whose header stands at a line index."""
    header, header_line, _ = _header(lines, start, None, delimiter)
    return Grid(header, header_line, delimiter)


def _check_majority(grid: Grid) -> None:
    if len(grid.ragged) > len(grid.rows):
        ragged = grid.ragged[0]
        rows = len(grid.rows) + len(grid.ragged)
        finding = f"{len(grid.ragged)} of {rows} rows do not have the header's {len(grid.header)} cells"
        raise ImportProblem(
            f"line {ragged.line}", finding, "check the delimiter, and put cells that contain it in quotation marks"
        )


def _is_plain(lines: list[str], start: int, grid: Grid) -> bool:
    """Whether every line is one row of the header's width without quotation marks; then the rows are in the grid."""
    if not lines or any('"' in line for line in lines):
        return False
    rows = list(csv.reader(lines, delimiter=grid.delimiter, strict=True))
    width = len(grid.header)
    if set(map(len, rows)) != {width} or [""] * width in rows:
        return False
    grid.rows = rows
    grid.lines = list(range(start + 1, start + 1 + len(rows)))
    return True


def read_grid(lines: list[str], start: int, delimiter: str, end: int | None = None) -> Grid:
    """The table that starts with its header at a line index, up to another; ImportProblem for what makes the whole
    file doubtful."""
    header, header_line, header_end = _header(lines, start, end, delimiter)
    grid = Grid(header, header_line, delimiter)
    width = len(header)
    below = lines[header_end:end]
    may_hold_long_cells = max(map(len, below), default=0) > MAX_CELL
    if not may_hold_long_cells and _is_plain(below, header_end, grid):
        return grid
    keep, number = grid.rows.append, grid.lines.append
    for first, last, cells in _records(lines, header_end, end, delimiter):
        if last > first:
            _refuse_swallowed_lines(first, cells, width, delimiter)
            may_hold_long_cells = True
        if not any(cells):
            continue
        if len(cells) == width:
            keep(cells)
            number(first)
        else:
            _fit(grid, first, cells)
    if may_hold_long_cells:
        _check_cells(grid)
    _check_majority(grid)
    if not grid.rows and not grid.ragged:
        raise ImportProblem(
            f"line {header_line}", "there is a header and no row below it", "send a file with at least one row"
        )
    return grid
