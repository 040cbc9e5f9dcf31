"""Rows that a person types, read by what reads the canonical files: nothing has a second grammar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from khemon.importers.decoding import CONTROL
from khemon.importers.grid import MAX_CELL, Grid
from khemon.importers.layout import EVENT_COLUMNS, LAB_COLUMNS, PATIENT_COLUMNS
from khemon.importers.options import ReadOptions
from khemon.importers.staging import EVENTS, LABS, PATIENTS, Reading
from khemon.importers.tables import read_tables
from khemon.models import Refused

FORMAT = "by_hand"
_COLUMNS = {LABS: LAB_COLUMNS, EVENTS: EVENT_COLUMNS, PATIENTS: PATIENT_COLUMNS}


def read_by_hand(kind: str, rows: Sequence[Mapping[str, str]], options: ReadOptions) -> Reading:
    """What typed rows of labs.csv, events.csv or patients.csv say, each with its fate as in a file; counted from 1.

    A column that a row does not name is empty. Refused for a text that no cell may hold.
    """
    header = list(_COLUMNS[kind])
    grid = Grid(header, 0, ",", sheet="")
    for number, row in enumerate(rows, start=1):
        grid.rows.append([_cell(name, row.get(name, "")) for name in header])
        grid.lines.append(number)
    return read_tables([grid], options, FORMAT, "")


def _cell(name: str, text: str) -> str:
    if len(text) > MAX_CELL:
        raise Refused(name, f"{len(text)} characters", f"use at most {MAX_CELL}")
    if CONTROL.search(text) or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise Refused(name, "a sign that cannot be seen", "type the text anew")
    return text
