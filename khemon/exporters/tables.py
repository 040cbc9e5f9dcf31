"""Tables as CSV whose texts no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

#: What a spreadsheet takes for the beginning of a formula or of a command.
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?", re.ASCII)


def safe(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would calculate with it; numbers stay as they are."""
    first = text.lstrip(" \xa0\ufeff")[:1]
    return f"'{text}" if first in _STARTS and first and not _NUMBER.fullmatch(text) else text


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> bytes:
    """A CSV file: UTF-8, comma, header row, lines as RFC 4180 ends them."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([safe(cell or "") for cell in row])
    return out.getvalue().encode()
