"""A cell of a workbook as text, and what the file knows about it that the text does not show."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from khemon.importers.grid import Fact
from khemon.importers.workbook.shown import GENERAL, NumberFormat
from khemon.models import ImportProblem

DAY_MS = 86_400_000
#: A day number below this is a day of 1900 whose count has one day too many; at most the last day of the year 9999.
FIRST_SURE_DAY, LAST_DAY = 61, 2_958_465
LONGEST_PLAIN = 40
#: A workbook keeps fifteen digits of what is typed; more come from computing.
TYPED_DIGITS = 15
SHOWN_OTHERWISE = "shown_otherwise: the sheet shows something else than the number the cell holds"
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def too_many_rows(most: int) -> ImportProblem:
    """The problem of a file with more rows than are read where it was sent."""
    remedy = "send it in parts, or import it with the command khemon import, which has no such limit"
    return ImportProblem("file", f"more than {most} rows", remedy)


@dataclass(slots=True)
class Sheet:
    """One sheet: its lines with their cells by column, facts about cells, and what is hidden."""

    name: str
    hidden: bool = False
    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    facts: dict[int, dict[int, Fact]] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def put(self, line: int, column: int, text: str, fact: Fact | None) -> None:
        """Keep a cell that has a text or of which something is to be said."""
        if text:
            self.rows.setdefault(line, {})[column] = text
        if fact is not None:
            self.rows.setdefault(line, {})
            self.facts.setdefault(line, {})[column] = fact


@dataclass(frozen=True, slots=True)
class Style:
    """How a cell is shown: its number format, and whether it is struck through."""

    form: NumberFormat
    struck: bool = False


def unescaped(text: str) -> str:
    """The text with signs that XML cannot hold, written as _x000D_, put back."""
    return ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def plain_number(number: float) -> str:
    """The shortest text that is this number exactly, without exponent."""
    text = f"{Decimal(repr(number)):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if len(text) <= LONGEST_PLAIN else repr(number)


def _date_text(serial: float, epoch_1904: bool, form: NumberFormat) -> tuple[str, str]:
    """ISO text of a day number, and why it is in doubt, if it is."""
    days = math.floor(serial)
    ms = round((serial - days) * DAY_MS)
    if form.has_time and not form.has_date and 0 <= serial <= 1:
        seconds = round(serial * DAY_MS / 1000)
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}", ""
    if not 0 <= serial <= LAST_DAY:
        return plain_number(serial), "unreadable_date: the cell holds no day that a calendar has"
    first = dt.datetime(1904, 1, 1) if epoch_1904 else dt.datetime(1899, 12, 30)  # noqa: DTZ001  a wall clock
    moment = first + dt.timedelta(days=days, milliseconds=ms)
    doubt = "" if epoch_1904 or serial >= FIRST_SURE_DAY else "unreadable_date: a day before March 1900"
    if ms == 0 and not form.has_time:
        return moment.date().isoformat(), doubt
    return moment.isoformat(timespec="milliseconds").removesuffix(".000"), doubt


@cache
def _fact(number: bool, form: str, shown: str, doubt: str, note: str) -> Fact:
    """The same fact is one object however many cells it is true of."""
    return Fact(number, form, shown, doubt, note)


def number_cell(raw: str, style: Style, epoch_1904: bool, formula: bool) -> tuple[str, Fact | None]:
    """Text and fact of a cell that holds a number."""
    try:
        number = float(raw)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or "_" in raw:
        return raw, Fact(doubt="cell_error: the cell says that it holds a number and does not")
    form = style.form
    note = "formula: computed by the workbook" if formula else ""
    if form.has_date or form.has_time:
        text, doubt = _date_text(number, epoch_1904, form)
        fact = _fact(False, "", "", doubt or _struck(style), note)
        return text, fact if fact != Fact() else None
    text = plain_number(number)
    shown, as_text = form.shown(text)
    doubt = _struck(style)
    if as_text:
        # What is shown says more than the number: a sign before it, a unit behind it.
        before = SHOWN_OTHERWISE if form.before.strip() or Decimal(number) < 0 else ""
        return shown, _fact(True, form.code, "", doubt or before, note)
    if not doubt and (form.doubt or Decimal(shown) != Decimal(text)):
        doubt = form.doubt or SHOWN_OTHERWISE
    digits = len(text.replace(".", "").strip("-0"))
    if not doubt and digits > TYPED_DIGITS:
        doubt = "shown_otherwise: the cell holds more digits than a sheet shows"
    padded = shown if form.pads and shown != text else ""
    return text, _fact(True, "" if form.code == GENERAL else form.code, padded, doubt, note)


def _struck(style: Style) -> str:
    return "struck_out: the cell is struck through" if style.struck else ""


def text_cell(text: str, style: Style, formula: bool) -> tuple[str, Fact | None]:
    """Text and fact of a cell that holds a text."""
    text = unescaped(text)
    fact = _fact(False, "", "", _struck(style), "formula: computed by the workbook" if formula else "")
    return text, fact if fact != Fact() else None


def error_cell(text: str) -> tuple[str, Fact]:
    """Text and fact of a cell that shows an error."""
    return text, Fact(doubt="cell_error: the cell shows an error instead of a result")


def formula_without_value() -> tuple[str, Fact]:
    """Text and fact of a formula that was saved before it was computed."""
    return "", Fact(
        doubt="formula_without_value: the workbook was saved without what the formula gives; save it in Excel"
    )
