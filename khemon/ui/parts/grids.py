"""Long tables: results, events and the rows of a file, as grids that sort and search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from khemon.actions.uploads import Review
from khemon.actions.watch.tables import EventLine, ResultLine
from khemon.figures.style import SIGNS
from khemon.figures.words import iso_words, reason_words, unit_words

_ROW_HEIGHT, _MOST_ROWS = 35, 14
_WIDE = ("Reason", "Remarks", "Note")
#: What needs a person comes first.
_FATES = ("review", "conflict", "rejected", "no_value", "ignored", "duplicate", "accepted")


def _height(rows: int) -> int:
    return _ROW_HEIGHT * (min(rows, _MOST_ROWS) + 1) + 3


def results_grid(lines: Sequence[ResultLine]) -> None:
    """Every version of every result with the text as received."""
    rows = [
        {
            "Collected": line.collected,
            "Analyte": line.analyte,
            "As received": f"{line.text} {line.unit}".strip(),
            "Value": f"{line.canonical} {line.canonical_unit}".strip(),
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


def fates_grid(review: Review, chosen: str | None) -> None:
    """Every row of a file with its fate, those that need a person first; chosen: one fate only."""
    shown = [row for row in review.rows if chosen is None or row["decision"] == chosen]
    shown.sort(key=lambda row: _FATES.index(row["decision"]))
    _grid([_fate(row) for row in shown], f"Rows of {review.name} with what becomes of each")


def _fate(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "Row": row["row"],
        "Column": row["field"] or "",
        "Fate": row["decision"].replace("_", " "),
        "Reason": "; ".join(map(reason_words, row["reasons"])),
        "Text": row["text"],
        "Unit": row["unit"] or "",
        "Read as": _read_as(row),
        "Analyte": (row["analyte"] or "").replace("_", " "),
        "Patient": row["patient_id"] or "",
        "Collected": iso_words(row["collected_at"]),
    }


def _read_as(row: dict[str, Any]) -> str:
    value = f"{row['comparator'] or ''}{row['canonical_value'] or ''}"
    return f"{value} {unit_words(row['canonical_unit'])}".strip()


def _grid(rows: list[dict[str, Any]], words: str) -> None:
    if rows:
        # A column without a word in it only takes room.
        told = [name for name in rows[0] if any(row[name] != "" for row in rows)]
        wide = {name: st.column_config.TextColumn(width="large") for name in _WIDE if name in told}
        frame = pd.DataFrame(rows, columns=told)
        st.dataframe(frame, hide_index=True, height=_height(len(rows)), column_config=wide, alt=words)
    else:
        st.caption(f"{words}: none.")
