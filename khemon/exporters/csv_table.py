"""A table as CSV for a spreadsheet: UTF-8 with its mark, every cell quoted, and no cell that a spreadsheet computes."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence

#: What a spreadsheet takes for the beginning of a formula, full-width forms included.
_STARTS = re.compile(r"\s*[=+\-@＝＋－＠\t\r\n\0]")  # noqa: RUF001  the full-width signs are meant
#: The same behind a sign that another country's spreadsheet separates cells by; a signed number is none.
_INSIDE = re.compile(r"([;\t\r\n]\s*)(?=[=@]|[+\-](?!\d))")


def defused(text: str) -> str:
    """The text with an apostrophe before whatever a spreadsheet would compute."""
    inside = _INSIDE.sub(r"\1'", text)
    return f"'{inside}" if _STARTS.match(inside) else inside


def csv_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The bytes of a table; every cell is text."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([defused(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + out.getvalue().encode("utf-8", "backslashreplace")
