"""One observation as a sender states it, whatever the standard: a row of a sheet, with why a person must look at it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from khemon.importers.grid import MAX_CELL, SHOWN, Fact
from khemon.importers.workbook.cells import Sheet

#: What a row of the sheet says, in the order of its columns. `place` and `field`: where it stands in the file.
#: `others`: further codes and names of the item, one in a line. `received`: the row as it arrived.
FIELDS: tuple[str, ...] = (
    "place",
    "field",
    "patient_id",
    "collected_at",
    "resulted_at",
    "analyte",
    "analyte_name",
    "value",
    "unit",
    "reference_range",
    "status",
    "quality",
    "timing",
    "comment",
    "specimen_id",
    "material",
    "birth_date",
    "others",
    "received",
)
#: A row has at most so many doubts, each in a column of its own behind the others.
MOST_DOUBTS = 8
DOUBTS: tuple[str, ...] = tuple(f"doubt {number}" for number in range(MOST_DOUBTS))
VALUE = FIELDS.index("value")
#: What is kept of a row that was not understood.
ASIDE_FIELDS: tuple[str, ...] = ("place", "field", "text", "decision", "reason")
EXACT_NUMBER = Fact(number=True)
CUT = "text_cut: a text of the row is longer than is read; look at the file"
#: Of the row as it arrived so much is shown.
LONGEST_RECEIVED = 2_000


@dataclass(slots=True)
class Reported:
    """What a sender says of one result, as text; `fact` is about the value, `doubts` are why a person must look."""

    place: int
    field: str = ""
    patient_id: str = ""
    collected_at: str = ""
    resulted_at: str = ""
    analyte: str = ""
    analyte_name: str = ""
    value: str = ""
    unit: str = ""
    reference_range: str = ""
    status: str = ""
    quality: str = ""
    timing: str = ""
    comment: str = ""
    specimen_id: str = ""
    material: str = ""
    birth_date: str = ""
    others: str = ""
    received: str = ""
    fact: Fact | None = None
    doubts: list[str] = dataclasses.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Aside:
    """A row that is no result or was not understood: its place, its text, its fate and why."""

    place: int
    text: str
    decision: str
    reason: str
    field: str = ""


def sheets_of(rows: Iterable[Reported], asides: Iterable[Aside], encoding: str, notes: list[str]) -> Iterator[Sheet]:
    """The rows as a sheet that is named by its encoding, and those that were not understood as another."""
    sheet = Sheet(encoding, notes=notes)
    for line, row in enumerate(rows, start=1):
        _put(sheet, line, row)
    yield sheet
    aside = Sheet("")
    for line, one in enumerate(asides, start=1):
        for column, text in enumerate((str(one.place), one.field, one.text[:SHOWN], one.decision, one.reason)):
            aside.put(line, column, text, None)
    yield aside


def _put(sheet: Sheet, line: int, row: Reported) -> None:
    row.received = row.received[:LONGEST_RECEIVED]
    cells: dict[int, str] = {}
    for column, name in enumerate(FIELDS):
        text = str(getattr(row, name))
        if name not in ("others", "received") and len(text) > MAX_CELL:
            text = text[:SHOWN]
            if CUT not in row.doubts:
                row.doubts.append(CUT)
        if text:
            cells[column] = text
    sheet.rows[line] = cells
    if row.fact is not None:
        sheet.put(line, VALUE, row.value[:SHOWN] if len(row.value) > MAX_CELL else row.value, row.fact)
    for number, doubt in enumerate(dict.fromkeys(row.doubts)):
        sheet.put(line, len(FIELDS) + min(number, MOST_DOUBTS - 1), "", Fact(doubt=doubt))
