"""Reads text tables: CSV, and TSV and TXT with tabs, semicolons or bars; pages, titles and footers included."""

from __future__ import annotations

from khemon.importers.decoding import decoded, empty_file, refuse_control_characters, refuse_other_formats
from khemon.importers.grid import Grid, check_lengths, header_alone, physical_lines, read_grid
from khemon.importers.header import Finder, find_start, further_headers, labels_above
from khemon.importers.layout import CANONICAL, find_columns
from khemon.importers.options import ReadOptions
from khemon.importers.plain_labs import is_plain, read_plainly
from khemon.importers.received import Received, of_lines
from khemon.importers.staging import LABS, Reading
from khemon.importers.tables import is_date, read_tables, without_cycle_search
from khemon.models import ImportProblem

FORMAT = "csv"
#: A long report on paper has fewer pages.
MOST_PAGES = 2_000


def read_csv(content: bytes, options: ReadOptions) -> Reading:
    """Every row of a text table with its fate; ImportProblem when the file as a whole cannot be trusted."""
    refuse_other_formats(content)
    with without_cycle_search():
        plainly = read_plainly(content, options, FORMAT) if is_plain(content, options) else None
        if plainly is not None:
            plainly.received = _of_plain(content)
            return plainly
        grids, encoding, lines = _opened(content, options)
        reading = read_tables(grids, options, FORMAT, encoding)
    reading.received = of_lines(lines)
    return reading


def _of_plain(content: bytes) -> Received:
    """The rows as they were received; the lines are cut when the first is asked for."""
    lines: list[str] = []

    def row(number: int, field: str | None) -> str:
        if not lines:
            lines.extend(content.decode("ascii").splitlines(keepends=True))
        return of_lines(lines)(number, field)

    return row


def csv_grids(content: bytes, options: ReadOptions) -> list[Grid]:
    """The tables of a text; ImportProblem when the file as a whole cannot be trusted."""
    return _opened(content, options)[0]


def _opened(content: bytes, options: ReadOptions) -> tuple[list[Grid], str, list[str]]:
    """Tables, encoding and lines."""
    refuse_other_formats(content)
    text, encoding = decoded(content, options.encoding or (options.mapping.encoding if options.mapping else None))
    lines = physical_lines(text)
    refuse_control_characters(lines, encoding, content)
    if not any(line.strip() for line in lines):
        raise empty_file()
    return _grids(lines, options), encoding, lines


def _of_nothing(lines: list[str], start: int, delimiter: str, problem: ImportProblem) -> Grid:
    """The table of a file that says that there are no events, or no patients; one of no results is refused."""
    grid = header_alone(lines, start, delimiter)
    columns = find_columns(grid.header, grid.where(grid.header_line), None, lambda _: False, [])
    if columns.layout != CANONICAL or columns.kind == LABS:
        raise problem
    return grid


def _grids(lines: list[str], options: ReadOptions) -> list[Grid]:
    """The tables of a text, one for each time a header stands in it."""
    finder = Finder(options.mapping, lambda name: is_date(name, options))
    start, delimiter = find_start(lines, finder)
    starts = [start, *further_headers(lines, start, delimiter, finder)]
    if len(starts) > MOST_PAGES:
        finding = f"the header stands {len(starts)} times in the file"
        raise ImportProblem(f"line {start + 1}", finding, "export the results without page breaks")
    check_lengths(lines, start)
    ends = [*starts[1:], len(lines)]
    grids: list[Grid] = []
    nothing_below: ImportProblem | None = None
    for begin, end in zip(starts, ends, strict=True):
        try:
            grids.append(read_grid(lines, begin, delimiter, end))
        except ImportProblem as problem:
            if "no row below" not in problem.found:
                raise
            nothing_below = nothing_below or problem
    if nothing_below and not grids:
        grids = [_of_nothing(lines, start, delimiter, nothing_below)]
    grids[0].labels = [*labels_above(lines, start, delimiter), *grids[0].labels]
    if any(line.strip() for line in lines[:start]):
        grids[0].notes.append(f"the lines above the header in line {start + 1} are not read")
    if len(starts) > 1:
        again = ", ".join(str(index + 1) for index in starts[1:])
        grids[0].notes.append(f"the header stands again in line {again}")
    return grids
