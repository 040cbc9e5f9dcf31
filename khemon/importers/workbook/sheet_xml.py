"""The XML of one sheet: cells in their order, formulas, merged and hidden parts."""

from __future__ import annotations

import re
from typing import Protocol

from khemon.importers.grid import MAX_COLUMNS, Fact
from khemon.importers.workbook.cells import (
    Sheet,
    Style,
    error_cell,
    formula_without_value,
    number_cell,
    text_cell,
    too_many_rows,
)
from khemon.importers.workbook.container import Container, refused
from khemon.importers.workbook.shown import GENERAL, number_format
from khemon.models import ImportProblem

#: Titles and footers that may stand beside as many rows as are read.
SPARE_ROWS = 200
PLACE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
#: Cells that may be spread over by merging in one sheet.
MOST_MERGED = 200_000
#: calamine makes a full rectangle of a sheet: one far cell must not make it millions of cells.
LARGEST_AREA = 8_000_000
PLAIN = Style(number_format(GENERAL))


#: A row whose first cell has a content in plain signs, which none of those between it and the next `<` changes.
FILLED = re.compile(rb"<row(?=[\s>])[^<>]*(?<!/)>\s*<c(?=[\s>])([^<>]*)(?<!/)>\s*<v>\s*[!-%'-;=-~]")
#: The fewest bytes of such a row, and bytes that are looked at for the end of one.
SHORTEST_ROW, LONGEST_ROW = len(b"<row><c><v>1</v></c></row>"), 1_000_000


class BookParts(Protocol):
    """What a sheet needs of its workbook."""

    epoch_1904: bool
    styles: list[Style]
    strings: list[str]


def place_of(reference: str) -> tuple[int, int]:
    """Line (first is 1) and column (first is 0) of a cell such as B7."""
    match = PLACE.fullmatch(reference)
    if match is None:
        raise refused("damaged XML: a cell without a place")
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(match[2]), column - 1


class _Reader:
    """Takes the events of one sheet's XML."""

    def __init__(self, sheet: Sheet, book: BookParts, most: int | None) -> None:
        self.sheet = sheet
        self.most = most
        self.book = book
        self.line = 0
        self.column = -1
        self.kind = ""
        self.style = PLAIN
        self.formula = False
        self.pieces: list[str] = []
        self.collecting = False
        self.phonetic = 0
        self.merged: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self._start_cell(attributes)
        elif tag in ("v", "t"):
            self.collecting = not self.phonetic
        elif tag == "row":
            self._start_row(attributes)
        elif tag == "f":
            self.formula = True
        elif tag == "rPh":
            self.phonetic += 1
        elif tag == "mergeCell":
            self.merged.append(attributes.get("ref", ""))
        elif tag == "col" and attributes.get("hidden") in ("1", "true"):
            first, last = int(attributes.get("min", "1")), int(attributes.get("max", "1"))
            self.sheet.hidden_columns |= set(range(first - 1, min(last, MAX_COLUMNS)))

    def _start_row(self, attributes: dict[str, str]) -> None:
        stated = attributes.get("r", "")
        line = int(stated) if stated.isdecimal() else self.line + 1
        if line <= self.line:
            raise refused("damaged XML: rows out of order")
        self.line, self.column = line, -1
        if self.most is not None and len(self.sheet.rows) > self.most + SPARE_ROWS:
            raise too_many_rows(self.most)
        if attributes.get("hidden") in ("1", "true"):
            self.sheet.hidden_rows.add(line)

    def _start_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        line, column = place_of(reference) if reference else (self.line, self.column + 1)
        if line != self.line or column <= self.column:
            raise refused("damaged XML: cells out of order")
        self.column = column
        self.kind = attributes.get("t", "n")
        index = attributes.get("s", "")
        known = index.isdecimal() and int(index) < len(self.book.styles)
        self.style = self.book.styles[int(index)] if known else PLAIN
        self.formula = False
        self.pieces = []

    def text(self, piece: str) -> None:
        if self.collecting:
            self.pieces.append(piece)

    def end(self, tag: str) -> None:
        if tag in ("v", "t"):
            self.collecting = False
        elif tag == "rPh":
            self.phonetic -= 1
        elif tag == "c":
            text, fact = self._cell("".join(self.pieces))
            if self.column >= MAX_COLUMNS and text:
                raise ImportProblem(
                    f"sheet {self.sheet.name!r}, row {self.line}",
                    f"a cell in column {self.column + 1}",
                    f"at most {MAX_COLUMNS} columns can be read; send only the result columns",
                )
            self.sheet.put(self.line, self.column, text, fact)

    def _cell(self, raw: str) -> tuple[str, Fact | None]:
        if self.formula and not raw:
            # A formula may well give an empty text, and says so by its kind.
            return formula_without_value() if self.kind != "str" else ("", None)
        if self.kind == "s":
            if not raw.isdecimal() or int(raw) >= len(self.book.strings):
                raise refused("damaged XML: a cell points to a text that is not there")
            return text_cell(self.book.strings[int(raw)], self.style, self.formula)
        if self.kind == "e":
            return error_cell(raw)
        if self.kind == "b":
            return ("TRUE" if raw == "1" else "FALSE") if raw else "", None
        if self.kind == "n":
            return number_cell(raw, self.style, self.book.epoch_1904, self.formula) if raw.strip() else ("", None)
        return text_cell(raw, self.style, self.formula)


def _has_more_rows(container: Container, path: str, book: BookParts, than: int) -> bool:
    """Whether a sheet has more filled rows for certain, told at a tenth of what it takes to read it.

    False where that cannot be told so: then reading tells.
    """
    # A text that the cells share may be empty.
    told = all(book.strings)
    count, rest = 0, b""
    for piece in container.ahead(path, than * SHORTEST_ROW):
        text = rest + piece
        if b"<!" in text or len(text) > LONGEST_ROW:
            return False
        # The last row waits for the next one to begin, as it does where they are read.
        whole = max(text.rfind(b"<row "), text.rfind(b"<row>"), 0)
        rest = text[whole:]
        count += sum(told or not (b's"' in cell or b"s'" in cell) for cell in FILLED.findall(text[:whole]))
        if count > than:
            return True
    return False


def read_sheet(container: Container, name: str, hidden: bool, path: str, book: BookParts, most: int | None) -> Sheet:
    """One sheet with its cells; ImportProblem when its XML is damaged or goes beyond any table."""
    if most is not None and _has_more_rows(container, path, book, most + SPARE_ROWS):
        raise too_many_rows(most)
    sheet = Sheet(name, hidden)
    reader = _Reader(sheet, book, most)
    try:
        container.parse(path, reader.start, reader.end, reader.text)
    except (ValueError, OverflowError) as problem:
        raise refused("damaged XML: a number is missing") from problem
    if sheet.rows:
        width = max((max(cells) for cells in sheet.rows.values() if cells), default=0) + 1
        if (max(sheet.rows) - min(sheet.rows) + 1) * width > LARGEST_AREA:
            raise ImportProblem(
                f"sheet {name!r}", "cells far away from the table", "delete them, or send the table alone"
            )
    _spread(sheet, reader.merged)
    return sheet


def _spread(sheet: Sheet, merged: list[str]) -> None:
    """Repeat the content of merged cells in every cell they cover, marked as such."""
    left = MOST_MERGED
    for reference in merged:
        first, _, last = reference.partition(":")
        (top, west), (bottom, east) = place_of(first), place_of(last or first)
        text = sheet.rows.get(top, {}).get(west, "")
        left -= (bottom - top + 1) * (east - west + 1) if text else 0
        if left < 0:
            raise ImportProblem(f"sheet {sheet.name!r}", "merged cells over a huge area", "undo the merging")
        for line in range(top, bottom + 1) if text else ():
            for column in range(west, min(east, MAX_COLUMNS - 1) + 1):
                own = sheet.facts.get(top, {}).get(west)
                if (line, column) != (top, west) and not sheet.rows.get(line, {}).get(column):
                    sheet.put(line, column, text, Fact(own.number if own else False, spread=True))
