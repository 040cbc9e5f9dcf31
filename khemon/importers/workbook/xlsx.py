"""Reads an XLSX twice: its XML for what cells hold and show, and calamine for a second opinion on every cell."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import python_calamine as calamine

from khemon.importers.grid import MAX_COLUMNS, Fact
from khemon.importers.workbook.cells import Sheet, Style
from khemon.importers.workbook.container import Container, refused, related
from khemon.importers.workbook.notes import hold_noted
from khemon.importers.workbook.sheet_xml import read_sheet
from khemon.importers.workbook.shown import BUILT_IN, number_format
from khemon.models import ImportProblem

WORKBOOK = "xl/workbook.xml"
DISAGREE = "readers_disagree: two readers find different contents in this cell"


@dataclass(slots=True)
class Book:
    """What the parts of a workbook besides its sheets say."""

    sheets: list[tuple[str, bool, str]] = field(default_factory=list)
    epoch_1904: bool = False
    styles: list[Style] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)


def _read_book(container: Container) -> Book:
    book = Book()
    targets = related(container, WORKBOOK)

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "workbookPr":
            book.epoch_1904 = attributes.get("date1904", "0") in ("1", "true")
        elif tag == "sheet":
            identity = next((value for key, value in attributes.items() if key.endswith(" id")), "")
            kind, path = targets.get(identity, ("", ""))
            if kind == "worksheet":
                hidden = attributes.get("state", "visible") != "visible"
                book.sheets.append((attributes.get("name", ""), hidden, path))

    container.parse(WORKBOOK, start)
    paths = {kind: path for kind, path in targets.values()}
    book.styles = _read_styles(container, paths["styles"]) if "styles" in paths else []
    book.strings = _read_strings(container, paths["sharedStrings"]) if "sharedStrings" in paths else []
    return book


def _read_styles(container: Container, path: str) -> list[Style]:
    """The style of every index that a cell may have."""
    codes = dict(BUILT_IN)
    struck: list[bool] = []
    styles: list[tuple[int, int]] = []
    inside: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "numFmt" and "dxf" not in inside:
            codes[_number(attributes.get("numFmtId", ""))] = attributes.get("formatCode", "")
        elif tag == "font" and inside[-1:] == ["fonts"]:
            struck.append(False)
        elif tag == "strike" and inside[-2:] == ["fonts", "font"]:
            struck[-1] = attributes.get("val", "1") not in ("0", "false")
        elif tag == "xf" and inside[-1:] == ["cellXfs"]:
            styles.append((_number(attributes.get("numFmtId", "0")), _number(attributes.get("fontId", "0"))))
        inside.append(tag)

    container.parse(path, start, lambda tag: inside.pop())
    return [
        Style(number_format(codes.get(form, "?")), 0 <= font < len(struck) and struck[font]) for form, font in styles
    ]


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError as problem:
        raise refused("damaged XML: a number is missing") from problem


def _read_strings(container: Container, path: str) -> list[str]:
    """The shared texts; readings of Asian signs beside them are no part of them."""
    texts: list[str] = []
    inside: list[str] = []

    def start(tag: str, _: dict[str, str]) -> None:
        if tag == "si":
            texts.append("")
        inside.append(tag)

    def text(piece: str) -> None:
        if inside and inside[-1] == "t" and "rPh" not in inside and texts:
            texts[-1] += piece

    container.parse(path, start, lambda tag: inside.pop(), text)
    return texts


def read_xlsx(content: bytes, most: int | None) -> Iterator[Sheet]:
    """Every sheet of a workbook, each of at most so many rows; ImportProblem when it is damaged or dangerous."""
    container = Container(content)
    book = _read_book(container)
    if not book.sheets:
        raise refused("a workbook without a sheet")
    sheets = [read_sheet(container, name, hidden, path, book, most) for name, hidden, path in book.sheets]
    second = _second_opinion(content)
    for sheet, (_, _, path) in zip(sheets, book.sheets, strict=True):
        _compare(sheet, second)
        hold_noted(sheet, container, path)
        yield sheet


def _second_opinion(content: bytes) -> calamine.CalamineWorkbook:
    try:
        return calamine.load_workbook(io.BytesIO(content))
    except (calamine.CalamineError, OSError, ValueError) as problem:
        raise refused("a damaged workbook") from problem


def _compare(sheet: Sheet, second: calamine.CalamineWorkbook) -> None:
    """Hold every cell in which calamine finds something else; dates are left to the one who reads their format."""
    try:
        table = second.get_sheet_by_name(sheet.name)
        start, rows = table.start or (0, 0), table.iter_rows()
    except (calamine.CalamineError, OSError, ValueError) as problem:
        raise ImportProblem(f"sheet {sheet.name!r}", "a damaged sheet", "save the workbook anew") from problem
    seen: dict[int, set[int]] = {}
    for line, cells in enumerate(rows, start=start[0] + 1):
        texts, facts, here = sheet.rows.get(line, {}), sheet.facts.get(line, {}), set()
        for column, value in enumerate(cells, start=start[1]):
            if value == "" or column >= MAX_COLUMNS:
                continue
            here.add(column)
            # Most cells are plain texts, the same to both.
            if texts.get(column) == value and column not in facts:
                continue
            if not _agrees(sheet, line, column, value):
                _hold(sheet, line, column)
        seen[line] = here
    for line, texts in sheet.rows.items():
        for column in texts.keys() - seen.get(line, set()):
            fact = sheet.facts.get(line, {}).get(column)
            if texts[column].strip() and not (fact and (fact.doubt or fact.spread)):
                _hold(sheet, line, column)


def _hold(sheet: Sheet, line: int, column: int) -> None:
    facts = sheet.facts.setdefault(line, {})
    sheet.rows.setdefault(line, {})
    facts[column] = replace(facts.get(column, Fact()), doubt=DISAGREE)


def _agrees(sheet: Sheet, line: int, column: int, value: object) -> bool:
    text = sheet.rows.get(line, {}).get(column, "")
    fact = sheet.facts.get(line, {}).get(column)
    if fact and fact.doubt:
        return True
    if isinstance(value, bool):
        return text == str(value).upper()
    if isinstance(value, dt.datetime | dt.date | dt.time | dt.timedelta):
        return bool(text)
    if isinstance(value, int | float):
        found = re.search(r"[0-9]+(?:\.[0-9]+)?(?:e[+-]?\d+)?", text) if fact and fact.number else None
        return bool(found and fact and (fact.form or float(found[0]) == abs(value)))
    return str(value).strip() == text.strip() or str(value).split() == text.split()
