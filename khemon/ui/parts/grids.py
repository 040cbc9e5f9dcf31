"""Long tables: results and events, as grids that sort and search."""

from __future__ import annotations

from collections.abc import Sequence

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
    columns = {
        "Collected": [line.collected for line in lines],
        "Analyte": [line.analyte for line in lines],
        "As received": [f"{line.text} {line.unit}".strip() for line in lines],
        "Value": [f"{line.canonical} {line.canonical_unit}".strip() for line in lines],
        "New": [line.news for line in lines],
        "Flag": [f"{SIGNS[line.severity]} {line.severity}" if line.severity else "" for line in lines],
        "Status": [line.status for line in lines],
        "Remarks": [line.remarks for line in lines],
        "Specimen": [line.specimen for line in lines],
        "Recorded": [line.recorded for line in lines],
        "From": [line.source for line in lines],
    }
    _grid(columns, len(lines), "Results as received, the newest first")


def events_grid(lines: Sequence[EventLine]) -> None:
    """Every event."""
    columns = {
        "Start": [line.start for line in lines],
        "Event": [line.kind for line in lines],
        "Dose": [line.dose for line in lines],
        "End": [line.end for line in lines],
        "Note": [line.note for line in lines],
    }
    _grid(columns, len(lines), "Events, the newest first")


def _grid(columns: dict[str, list[str]], rows: int, words: str) -> None:
    if rows:
        # A column without a word in it only takes room.
        told = {name: column for name, column in columns.items() if any(column)}
        wide = {name: st.column_config.TextColumn(width="large") for name in _WIDE if name in told}
        wide |= {name: st.column_config.TextColumn(width=pixels) for name, pixels in _WHOLE.items() if name in told}
        st.dataframe(pd.DataFrame(told), hide_index=True, height=_height(rows), column_config=wide, alt=words)
    else:
        st.caption(f"{words}: none.")
