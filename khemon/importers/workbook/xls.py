"""Reads an old XLS with calamine, which tells what cells hold but not how they are shown."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator

import python_calamine as calamine

from khemon.importers.grid import MAX_COLUMNS, Fact
from khemon.importers.workbook.cells import TYPED_DIGITS, Sheet, plain_number
from khemon.importers.workbook.container import refused
from khemon.models import ImportProblem

NOTE = "an old workbook (XLS): number formats, formulas, errors and hidden rows cannot be seen in it"
NUMBER = Fact(number=True)


def read_xls(content: bytes) -> Iterator[Sheet]:
    """Every sheet of an old workbook; ImportProblem when it is damaged, encrypted or no workbook."""
    try:
        book = calamine.load_workbook(io.BytesIO(content))
        described = book.sheets_metadata
    except (calamine.CalamineError, OSError, ValueError) as problem:
        encrypted = isinstance(problem, calamine.PasswordError) or "password" in str(problem).casefold()
        raise refused(
            "an encrypted workbook" if encrypted else "a damaged old workbook (XLS), or another OLE file"
        ) from problem
    for one in described:
        if one.typ in (calamine.SheetTypeEnum.MacroSheet, calamine.SheetTypeEnum.Vba):
            raise refused("a workbook with macros")
        if one.typ == calamine.SheetTypeEnum.WorkSheet:
            yield _sheet(book, one.name, one.visible != calamine.SheetVisibleEnum.Visible)


def _sheet(book: calamine.CalamineWorkbook, name: str, hidden: bool) -> Sheet:
    sheet = Sheet(name, hidden, notes=[NOTE])
    try:
        table = book.get_sheet_by_name(name)
        start, rows = table.start or (0, 0), table.to_python()
    except (calamine.CalamineError, OSError, ValueError) as problem:
        raise ImportProblem(f"sheet {name!r}", "a damaged sheet", "save the workbook anew") from problem
    for line, cells in enumerate(rows, start=start[0] + 1):
        for column, value in enumerate(cells, start=start[1]):
            if value == "":
                continue
            if column >= MAX_COLUMNS:
                raise ImportProblem(f"sheet {name!r}, row {line}", "too many columns", "send only the result columns")
            sheet.put(line, column, *_cell(value))
    return sheet


def _cell(value: object) -> tuple[str, Fact | None]:
    """Text and fact of a value as calamine gives it."""
    if isinstance(value, bool):
        return str(value).upper(), None
    if isinstance(value, int | float):
        text = plain_number(float(value))
        long = len(text.replace(".", "").strip("-0")) > TYPED_DIGITS
        return text, Fact(number=True, doubt="shown_otherwise: more digits than a sheet shows") if long else NUMBER
    if isinstance(value, dt.datetime):
        rounded = value + dt.timedelta(microseconds=500)
        return rounded.isoformat(timespec="milliseconds").removesuffix(".000"), None
    if isinstance(value, dt.date | dt.time):
        return value.isoformat(), None
    if isinstance(value, dt.timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}", None
    return str(value), None
