"""Rows as they were received: the line of a text, or the cells of a sheet, found again by the number of a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from khemon.importers.apart import sheets_apart
from khemon.importers.decoding import decoded
from khemon.importers.grid import physical_lines
from khemon.importers.messages.reported import FIELDS
from khemon.importers.workbook.cells import Sheet

#: The row of a file with this number and this field, as text; empty where there is none or it is not certain.
Received = Callable[[int, str | None], str]
#: A record goes on over so many lines at most where its quotation marks are not closed.
MOST_LINES = 40
#: Formats whose rows are told as messages are.
MESSAGES = ("hl7", "fhir")
BETWEEN_CELLS = " | "


def of_lines(lines: Sequence[str]) -> Received:
    """The rows of a text table, each with the lines its quoted cells go on over."""

    def row(number: int, field: str | None) -> str:
        if not 0 < number <= len(lines):
            return ""
        text = lines[number - 1]
        for further in lines[number : number + MOST_LINES]:
            if text.count('"') % 2 == 0:
                break
            text += further
        return text.rstrip("\r\n")

    return row


def of_sheets(sheets: Sequence[Sheet]) -> Received:
    """The rows of the sheets that were read, cell beside cell; of several sheets the field names the one."""
    named = {sheet.name: sheet for sheet in sheets}

    def row(number: int, field: str | None) -> str:
        own = [sheet for name, sheet in named.items() if field == name or (field or "").startswith(f"{name}!")]
        found = [sheet for sheet in (own if len(named) > 1 and own else sheets) if number in sheet.rows]
        return _cells(found[0].rows[number]) if len(found) == 1 else ""

    return row


def _cells(cells: dict[int, str]) -> str:
    width = max(cells, default=-1) + 1
    return BETWEEN_CELLS.join(cells.get(column, "") for column in range(width))


def of_messages(results: Sheet, asides: Sheet) -> Received:
    """The rows of messages and resources, by their place and field."""
    place, field, arrived = (FIELDS.index(name) for name in ("place", "field", "received"))
    texts = {(cells[place], cells.get(field, "")): cells.get(arrived, "") for cells in results.rows.values()}
    texts |= {(cells[0], cells.get(1, "")): cells.get(2, "") for cells in asides.rows.values()}
    return lambda number, name: texts.get((str(number), name or ""), "")


def received(content: bytes, format_name: str, encoding: str) -> Received:
    """The rows of a file that was read before; ImportProblem when it cannot be read any more."""
    if format_name == "csv":
        return of_lines(physical_lines(decoded(content, encoding.removesuffix("-sig") or None)[0]))
    sheets = sheets_apart(format_name, content, encoding or None, None)
    if format_name in MESSAGES:
        results, asides = sheets
        return of_messages(results, asides)
    return of_sheets(sheets)
