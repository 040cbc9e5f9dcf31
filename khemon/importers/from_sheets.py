"""Reads workbooks and JSON: every sheet that holds results becomes tables, the others are named."""

from __future__ import annotations

from collections.abc import Sequence

from khemon.importers.apart import sheets_apart
from khemon.importers.decoding import CONTROL, empty_file
from khemon.importers.grid import MAX_CELL, Grid
from khemon.importers.header import SAMPLED, SEARCHED, Finder
from khemon.importers.labels import patient_label
from khemon.importers.options import ReadOptions
from khemon.importers.received import of_sheets
from khemon.importers.staging import PATIENTS, Reading
from khemon.importers.tables import is_date, read_tables
from khemon.importers.workbook.cells import Sheet
from khemon.models import ImportProblem

Row = tuple[int, list[str]]
#: Formats whose bytes are text in some encoding.
TEXTS = ("json", "hl7", "fhir")


def read_xlsx(content: bytes, options: ReadOptions) -> Reading:
    """Every row of an Excel workbook (XLSX) with its fate; ImportProblem when it cannot be trusted as a whole."""
    return _read("xlsx", content, options)


def read_xls(content: bytes, options: ReadOptions) -> Reading:
    """Every row of an old Excel workbook (XLS) with its fate; ImportProblem when it cannot be trusted as a whole."""
    return _read("xls", content, options)


def read_json(content: bytes, options: ReadOptions) -> Reading:
    """Every record of a JSON array with its fate; ImportProblem when it is not an array of flat records."""
    return _read("json", content, options)


def _read(kind: str, content: bytes, options: ReadOptions) -> Reading:
    grids, sheets = _opened(kind, content, options)
    reading = read_tables(grids, options, kind, "")
    reading.received = of_sheets(sheets)
    return reading


def sheet_grids(kind: str, content: bytes, options: ReadOptions) -> list[Grid]:
    """The tables of all sheets; ImportProblem when the workbook cannot be trusted as a whole."""
    return _opened(kind, content, options)[0]


def parsed_sheets(kind: str, content: bytes, options: ReadOptions) -> list[Sheet]:
    """What another process parsed, once for all readings of the same bytes."""
    encoding = options.encoding or (options.mapping.encoding if options.mapping else None)
    if options.parsed is None:
        return sheets_apart(kind, content, encoding, options.max_rows)
    key = encoding if kind in TEXTS else None
    if key not in options.parsed:
        options.parsed[key] = sheets_apart(kind, content, encoding, options.max_rows)
    return options.parsed[key]


def _opened(kind: str, content: bytes, options: ReadOptions) -> tuple[list[Grid], list[Sheet]]:
    """The tables, and the sheets that hold one."""
    sheets = [sheet for sheet in parsed_sheets(kind, content, options) if sheet.rows]
    if not sheets:
        raise empty_file()
    finder = Finder(options.mapping, lambda name: is_date(name, options, typed=kind != "json"))
    found = [(sheet, _tables(sheet, finder)) for sheet in sheets]
    grids = [grid for _, tables in found for grid in tables]
    if not grids:
        # Nothing is a table: the first sheet says what is missing.
        grids = [_grid(sheets[0], _rows(sheets[0]), 0, None)]
    grids[0].notes += [
        f"sheet {sheet.name!r} holds no table that is understood and is not read"
        for sheet, tables in found
        if not tables
    ]
    for sheet, tables in found:
        if tables:
            tables[0].notes += _hidden(sheet)
    return grids, [sheet for sheet, tables in found if tables]


def _hidden(sheet: Sheet) -> list[str]:
    """Notes on what a person does not see in a sheet and was read all the same."""
    notes = [f"sheet {sheet.name!r} is hidden and was read"] if sheet.hidden else []
    rows = sorted(sheet.hidden_rows & set(sheet.rows))
    if rows:
        notes.append(f"sheet {sheet.name!r}: {len(rows)} hidden rows were read, the first is row {rows[0]}")
    columns = [column for column in sheet.hidden_columns if any(column in cells for cells in sheet.rows.values())]
    if columns:
        notes.append(
            f"sheet {sheet.name!r}: {len(columns)} hidden columns were read, the first is column {min(columns) + 1}"
        )
    return [*sheet.notes, *notes]


def _rows(sheet: Sheet) -> list[Row]:
    """The lines of a sheet as cells of one width, in their order; ImportProblem for a text no cell should hold."""
    width = max((max(cells) for cells in sheet.rows.values() if cells), default=0) + 1
    rows = []
    for line in sorted(sheet.rows):
        cells = [""] * width
        for column, text in sheet.rows[line].items():
            cells[column] = text
            if len(text) > MAX_CELL or (not text.isprintable() and CONTROL.search(text)):
                where = f"sheet {sheet.name!r}, row {line}, column {column + 1}"
                raise ImportProblem(where, "a text that is too long or holds control characters", "correct the cell")
        rows.append((line, cells))
    return rows


def _tables(sheet: Sheet, finder: Finder) -> list[Grid]:
    """The tables of a sheet, one for each header in it; none when nothing in it is a header."""
    rows = _rows(sheet)
    start = _start(rows, finder)
    if start is None:
        return []
    header = [cell.strip() for cell in rows[start][1]]
    words = {cell for cell in header if cell and not any(map(str.isdigit, cell))}
    starts = [start]
    for index in range(start + 1, len(rows)):
        cells = [cell.strip() for cell in rows[index][1]]
        if len(words.intersection(cells)) > 1 and (
            cells == header or finder.kind(_trimmed(cells), _below(rows, index))
        ):
            starts.append(index)
    ends = [*starts[1:], len(rows)]
    above = [(line, patient) for line, cells in rows[:start] if (patient := patient_label(cells))]
    grids = [_grid(sheet, rows[:end], begin, above) for begin, end in zip(starts, ends, strict=True)]
    return [grid for grid in grids if grid.rows] or grids[:1]


def _below(rows: Sequence[Row], index: int) -> list[list[str]]:
    return [cells for _, cells in rows[index + 1 : index + 1 + SAMPLED]]


def _trimmed(cells: list[str]) -> list[str]:
    """Cells without the empty ones at the end."""
    last = max((index for index, cell in enumerate(cells) if cell.strip()), default=-1)
    return cells[: last + 1]


def _start(rows: Sequence[Row], finder: Finder) -> int | None:
    """The index of the row that is the header; results go before particulars that look like a table of patients."""
    people = None
    for index, (_, cells) in enumerate(rows[:SEARCHED]):
        kind = finder.kind(_trimmed(cells), _below(rows, index))
        if kind == PATIENTS:
            people = index if people is None else people
        elif kind:
            return index
    return people


def _grid(sheet: Sheet, rows: Sequence[Row], start: int, above: list[tuple[int, str]] | None) -> Grid:
    """The table below a header, with what the sheet knows of its cells."""
    line, header = rows[start]
    grid = Grid([cell.strip() for cell in header], line, ",", sheet=sheet.name)
    grid.labels += above or []
    for number, cells in rows[start + 1 :]:
        facts = sheet.facts.get(number)
        if any(cell.strip() for cell in cells) or facts:
            grid.rows.append(list(cells))
            grid.lines.append(number)
            if facts:
                grid.facts[number] = facts
    grid.hidden = frozenset(sheet.hidden_rows)
    if start:
        grid.notes.append(f"{grid.where(line)}: the rows above the header are not read")
    return grid
