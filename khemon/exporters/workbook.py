"""Tables as a workbook (XLSX) whose cells have a type: text stays text whatever it begins with, numbers are numbers."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape

#: A number that a spreadsheet holds exactly: others stay text, digit by digit.
_EXACT = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,14})?", re.ASCII)
_MOST_DIGITS = 15
#: What no XML may hold.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: A spreadsheet cannot hold a longer cell; the other forms hold it whole.
_LONGEST_CELL, _CUT = 32_767, " … (cut)"
_OFFICE = "http://schemas.openxmlformats.org"
_MAIN = f'xmlns="{_OFFICE}/spreadsheetml/2006/main"'
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
#: The same content, the same bytes: no clock stands in the file.
_NO_DATE = (1980, 1, 1, 0, 0, 0)

Table = tuple[Sequence[str], Sequence[Sequence[str | None]]]


def workbook_bytes(tables: Mapping[str, Table], *, numbers: Collection[str]) -> bytes:
    """The bytes of a workbook with one sheet for each table; numbers: the columns in which numbers are typed."""
    names = list(tables)
    parts = {
        "[Content_Types].xml": _content_types(len(names)),
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": _workbook(names),
        "xl/_rels/workbook.xml.rels": _relations(
            [("worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(names) + 1)]
        ),
    }
    for number, (columns, rows) in enumerate(tables.values(), start=1):
        parts[f"xl/worksheets/sheet{number}.xml"] = _sheet(columns, rows, numbers)
    return packed({name: text.encode() for name, text in parts.items()})


def packed(files: Mapping[str, bytes]) -> bytes:
    """The files in one archive (ZIP), the same bytes for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _NO_DATE), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _sheet(columns: Sequence[str], rows: Iterable[Sequence[str | None]], numbers: Collection[str]) -> str:
    typed = [name in numbers for name in columns]
    body = [_row(columns, [False] * len(columns)), *(_row(row, typed) for row in rows)]
    return f"{_HEAD}<worksheet {_MAIN}><sheetData>{''.join(body)}</sheetData></worksheet>"


def _row(cells: Sequence[str | None], typed: Sequence[bool]) -> str:
    return f"<row>{''.join(_cell(cell or '', number) for cell, number in zip(cells, typed, strict=True))}</row>"


def _cell(text: str, number: bool) -> str:
    if number and _EXACT.fullmatch(text) and sum(sign.isdigit() for sign in text) <= _MOST_DIGITS:
        return f"<c><v>{text}</v></c>"
    if not text:
        return "<c/>"
    whole = text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - len(_CUT)] + _CUT
    shown = escape(_NOT_XML.sub("\ufffd", whole))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def _workbook(names: Sequence[str]) -> str:
    sheets = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(names, start=1)
    )
    relations = f'xmlns:r="{_OFFICE}/officeDocument/2006/relationships"'
    return f"{_HEAD}<workbook {_MAIN} {relations}><sheets>{sheets}</sheets></workbook>"


def _relations(found: Sequence[tuple[str, str]]) -> str:
    lines = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/officeDocument/2006/relationships/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(found, start=1)
    )
    return f'{_HEAD}<Relationships xmlns="{_OFFICE}/package/2006/relationships">{lines}</Relationships>'


def _content_types(sheets: int) -> str:
    relations = "application/vnd.openxmlformats-package.relationships+xml"
    lines = [
        f'<Default Extension="rels" ContentType="{relations}"/>',
        '<Default Extension="xml" ContentType="application/xml"/>',
    ]
    lines.append(f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET}.sheet.main+xml"/>')
    lines += [
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_SHEET}.worksheet+xml"/>'
        for number in range(1, sheets + 1)
    ]
    return f'{_HEAD}<Types xmlns="{_OFFICE}/package/2006/content-types">{"".join(lines)}</Types>'
