"""Rows that were kept without being judged, in words: they stand beside the child until someone decides."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from khemon.figures.words import moment, reason_words, short_date_words, unit_words
from khemon.store import HeldRow

#: A longer text is cut in a list; it stands whole beside the question, and in the file.
LONGEST_TEXT = 80
_WAITS = {"review": "waits for a person", "conflict": "in conflict with a stored result", "no_value": "no value"}


def held_words(row: HeldRow, zone: ZoneInfo, now: dt.datetime, *, in_full: bool = False) -> str:
    """held, not judged: platelets 0, 06:00; in full with the reason and where the row stands."""
    if row.analyte is None:
        # A row of a patients or events file: its fields are not for a list, its reasons are.
        told = f"held, not used: row {row.row} of a file of patients or events"
    else:
        text = row.text if len(row.text) <= LONGEST_TEXT else f"{row.text[:LONGEST_TEXT]} …"
        what = f"{row.analyte.replace('_', ' ')} {text} {unit_words(row.unit)}".strip()
        told = f"held, not judged: {what}, {_when(row, zone, now)}"
    if row.analyte is not None and not in_full:
        return told
    why = "; ".join(map(reason_words, row.reasons)) or _WAITS.get(row.decision, row.decision)
    return f"{told} ({why})"


def gap_words(row: HeldRow, zone: ZoneInfo, now: dt.datetime) -> str:
    """no value: fibrinogen clotted, 06:00."""
    return f"no value: {(row.analyte or '').replace('_', ' ')} {row.text}, {_when(row, zone, now)}"


def _when(row: HeldRow, zone: ZoneInfo, now: dt.datetime) -> str:
    if row.collected_ms is None:
        return row.collected_text or "no time"
    return short_date_words(moment(row.collected_ms), zone, now)
