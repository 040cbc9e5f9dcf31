"""Long tables: results and events, as grids that sort and search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from khemon.actions.watch.tables import EventLine, ResultLine
from khemon.figures.style import SIGNS

_ROW_HEIGHT, _MOST_ROWS = 35, 14
_WIDE = ("Reason", "Remarks", "Note")
#: Columns whose words must not be cut off, in pixels: half of "held, not judged" says something else.
_WHOLE = {"Status": 135, "New": 145}


def _height(rows: int) -> int:
    return _ROW_HEIGHT * (min(rows, _MOST_ROWS) + 1) + 3


def results_grid(lines: Sequence[ResultLine], of: int, window: str | None) -> None:
    """Every version of the results of the window with the text as received, and how many there are in all."""
    older = of - sum(not line.is_kept for line in lines)
    if older:
        rest = f"{older} older of {of} in all: choose “all” above the timeline"
        st.caption(f"Collected in the chosen window ({window}), new to you, or held; {rest}.")
    rows = [
        {
            "Collected": line.collected,
            "Analyte": line.analyte,
            "As received": f"{line.text} {line.unit}".strip(),
            "Value": f"{line.canonical} {line.canonical_unit}".strip(),
            "New": line.news,
            "Flag": f"{SIGNS[line.severity]} {line.severity}" if line.severity else "",
            "Status": line.status,
            "Remarks": line.remarks,
            "Specimen": line.specimen,
            "Recorded": line.recorded,
            "From": line.source,
        }
        for line in lines
    ]
    _grid(rows, "Results as received, the newest first")


def events_grid(lines: Sequence[EventLine]) -> None:
    """Every event."""
    rows = [
        {"Start": line.start, "Event": line.kind, "Dose": line.dose, "End": line.end, "Note": line.note}
        for line in lines
    ]
    _grid(rows, "Events, the newest first")


def _grid(rows: list[dict[str, Any]], words: str) -> None:
    if rows:
        # A column without a word in it only takes room.
        told = [name for name in rows[0] if any(row[name] != "" for row in rows)]
        wide = {name: st.column_config.TextColumn(width="large") for name in _WIDE if name in told}
        wide |= {name: st.column_config.TextColumn(width=pixels) for name, pixels in _WHOLE.items() if name in told}
        frame = pd.DataFrame(rows, columns=told)
        st.dataframe(frame, hide_index=True, height=_height(len(rows)), column_config=wide, alt=words)
    else:
        st.caption(f"{words}: none.")
