"""Workbooks for tests: an XLSX written cell by cell as XML, so that a test says exactly what the file holds."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from xml.sax.saxutils import escape, quoteattr

import pytest

from khemon.importers import apart, from_sheets
from khemon.importers.workbook.cells import Sheet

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
NOW_MS = int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp() * 1000)
#: Number formats by the style index that a cell names; the last one is struck through.
FORMATS = ["General", "yyyy-mm-dd hh:mm", "yyyy-mm-dd", "hh:mm", "0.00", "0.0", "0%", '"<"0', '0" K/uL"', "00000000", "0,", "#,##0", "0.00E+00", "[<5]0;0.0", ";;;", "General"]  # fmt: skip  # noqa: E501
DATE_TIME, DATE, TIME, TWO, ONE, PERCENT, BELOW, WITH_UNIT, PADDED, THOUSANDTH, GROUPED, SCIENTIFIC, CONDITION, NOTHING, STRUCK = range(1, 16)  # fmt: skip  # noqa: E501


def letter(column: int) -> str:
    name = ""
    while column >= 0:
        column, rest = divmod(column, 26)
        name, column = chr(65 + rest) + name, column - 1
    return name


def cell(value, place: str) -> str:
    """A cell as XML: a text, a number, (number, style), or a dictionary of kind t, style s, formula f and value v."""
    if isinstance(value, tuple):
        value = {"t": "n", "v": value[0], "s": value[1]}
    if isinstance(value, int | float):
        value = {"t": "n", "v": value}
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    attributes = "".join(f" {name}={quoteattr(str(value[name]))}" for name in ("t", "s") if name in value)
    formula = f"<f>{escape(value['f'])}</f>" if "f" in value else ""
    content = f"<v>{escape(str(value['v']))}</v>" if value.get("v") is not None else ""
    return f'<c r="{place}"{attributes}>{formula}{content}</c>'


def sheet_xml(rows, merged=(), hidden_rows=(), hidden_columns=()) -> str:
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = "".join(cell(value, f"{letter(at)}{number}") for at, value in enumerate(row) if value is not None)
        hidden = ' hidden="1"' if number in hidden_rows else ""
        lines.append(f'<row r="{number}"{hidden}>{cells}</row>')
    columns = "".join(f'<col min="{at + 1}" max="{at + 1}" hidden="1"/>' for at in hidden_columns)
    merges = "".join(f'<mergeCell ref="{area}"/>' for area in merged)
    before = f"<cols>{columns}</cols>" if columns else ""
    behind = f"<mergeCells>{merges}</mergeCells>" if merges else ""
    return f'<worksheet xmlns="{MAIN}">{before}<sheetData>{"".join(lines)}</sheetData>{behind}</worksheet>'


def styles_xml() -> str:
    formats = "".join(
        f"<numFmt numFmtId='{170 + at}' formatCode={quoteattr(code)}/>" for at, code in enumerate(FORMATS)
    )
    last = len(FORMATS) - 1
    cells = "".join(f'<xf numFmtId="{170 + at}" fontId="{int(at == last)}"/>' for at in range(len(FORMATS)))
    return (
        f'<styleSheet xmlns="{MAIN}"><numFmts>{formats}</numFmts><fonts><font/><font><strike/></font></fonts>'
        f"<cellXfs>{cells}</cellXfs></styleSheet>"
    )


def archive(parts: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return out.getvalue()


def parts_of(sheets: dict[str, str], *, epoch_1904=False, hidden_sheets=()) -> dict[str, str | bytes]:
    """The files inside a workbook whose sheets are given as XML."""
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="r{number}"{state}/>'
        for number, name in enumerate(sheets, start=1)
        for state in [' state="hidden"' if name in hidden_sheets else ""]
    )
    related = "".join(
        f'<Relationship Id="r{number}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, len(sheets) + 1)
    )
    related += f'<Relationship Id="rs" Type="{OFFICE}/styles" Target="styles.xml"/>'
    family = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    kinds = "".join(
        f'<Override PartName="{part}" ContentType="{family}.{kind}+xml"/>'
        for part, kind in [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    )
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" '
        f'ContentType="application/xml"/>{kinds}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><workbookPr date1904="{int(epoch_1904)}"/>'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{related}</Relationships>',
        "xl/styles.xml": styles_xml(),
        **{f"xl/worksheets/sheet{number}.xml": xml for number, xml in enumerate(sheets.values(), start=1)},
    }


def workbook(rows, **options) -> bytes:
    """An XLSX of one sheet with these rows."""
    book = {name: options.pop(name) for name in ("epoch_1904", "hidden_sheets") if name in options}
    return archive(parts_of({"Results": sheet_xml(rows, **options)}, **book))


def day_number(moment: dt.datetime, *, epoch_1904=False) -> float:
    """A moment as a workbook counts its days."""
    first = dt.datetime(1904, 1, 1, tzinfo=dt.UTC) if epoch_1904 else dt.datetime(1899, 12, 30, tzinfo=dt.UTC)
    return (moment - first) / dt.timedelta(days=1)


def sheets_here(kind: str, content: bytes, encoding: str | None, max_rows: int | None) -> list[Sheet]:
    """What `apart.sheets_apart` gives, read in this process and told as if by another."""
    messages = [*apart._messages(apart._sheets(kind, content, encoding, max_rows)), {"end": True}]
    return apart._received(b"".join(json.dumps(message).encode() + b"\n" for message in messages))


@pytest.fixture
def here(monkeypatch):
    """Reads workbooks in this process, where thousands are read: starting one for each takes longer than reading it."""
    monkeypatch.setattr(from_sheets, "sheets_apart", sheets_here)
