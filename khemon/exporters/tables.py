"""Canonical tables as CSV: read again as they were written, and no cell that a spreadsheet computes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from khemon.exporters.csv_table import defused

_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?", re.ASCII)


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> bytes:
    """A CSV file: UTF-8, comma, header row, lines as RFC 4180 ends them; numbers stay as they are."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell if _NUMBER.fullmatch(cell or "") else defused(cell or "") for cell in row])
    return out.getvalue().encode()
