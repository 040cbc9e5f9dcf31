"""Notes that somebody left at cells: "clotted" may stand there and nowhere in the table."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from khemon.importers.grid import Fact
from khemon.importers.workbook.cells import Sheet
from khemon.importers.workbook.container import Container, related
from khemon.importers.workbook.sheet_xml import place_of

NOTED = "cell_note: somebody left a note at the cell; read it in the sheet"
#: Notes of old and of new kind; a new one stands in both.
KINDS = ("comments", "threadedComment")


def hold_noted(sheet: Sheet, container: Container, path: str) -> None:
    """Marks the cells of a sheet's rows that have a note as in doubt. What it says is nowhere in the table."""
    folder, name = posixpath.split(path)
    if not container.has(f"{folder}/_rels/{name}.rels"):
        return
    places: set[tuple[int, int]] = set()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag in ("comment", "threadedComment"):
            places.add(place_of(attributes.get("ref", "")))

    for kind, part in related(container, path).values():
        if kind in KINDS:
            container.parse(part, start)
    for line, column in sorted(places):
        if line in sheet.rows:
            facts = sheet.facts.setdefault(line, {})
            fact = facts.get(column, Fact())
            facts[column] = fact if fact.doubt else replace(fact, doubt=NOTED)
