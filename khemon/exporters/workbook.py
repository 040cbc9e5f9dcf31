"""Tables as a workbook (XLSX) whose cells have a type: text stays text whatever it begins with, numbers are numbers."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

#: A number that a spreadsheet holds exactly: others stay text, digit by digit.
_EXACT = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,14})?", re.ASCII)
_MOST_DIGITS = 15
#: What no XML may hold.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: A spreadsheet cannot hold a longer cell; the other forms hold it whole.
_LONGEST_CELL, _CUT = 32_767, " … (cut)"
#: The same content, the same bytes: no clock stands in the file.
_NO_DATE = (1980, 1, 1, 0, 0, 0)
_MADE = {"created": dt.datetime(*_NO_DATE, tzinfo=dt.UTC)}
#: A text is a text: no address becomes a link, no sign a formula.
_AS_GIVEN = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}

Table = tuple[Sequence[str], Sequence[Sequence[str | None]]]


def workbook_bytes(tables: Mapping[str, Table], *, numbers: Collection[str]) -> bytes:
    """The bytes of a workbook with one sheet for each table; numbers: the columns in which numbers are typed."""
    out = io.BytesIO()
    import xlsxwriter  # slow, and only for a workbook

    with xlsxwriter.Workbook(out, _AS_GIVEN) as book:
        book.set_properties(_MADE)
        for name, (columns, rows) in tables.items():
            sheet = book.add_worksheet(name)
            typed = [column in numbers for column in columns]
            for line, cells in enumerate([columns, *rows]):
                for place, (text, number) in enumerate(zip(cells, typed, strict=True)):
                    _write(sheet, line, place, text or "", number and line > 0)
    return out.getvalue()


def _write(sheet: Worksheet, line: int, place: int, text: str, number: bool) -> None:
    if number and _EXACT.fullmatch(text) and sum(sign.isdigit() for sign in text) <= _MOST_DIGITS:
        sheet.write_number(line, place, float(text))
    elif text:
        whole = text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - len(_CUT)] + _CUT
        sheet.write_string(line, place, _NOT_XML.sub("\ufffd", whole))


def packed(files: Mapping[str, bytes]) -> bytes:
    """The files in one archive (ZIP), the same bytes for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _NO_DATE), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
