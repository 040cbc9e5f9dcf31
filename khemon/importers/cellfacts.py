"""What a workbook knows about the cells of a row, as reasons: why a person must look, and what is only said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from khemon.importers.grid import Fact, Grid
from khemon.importers.measures import Measure
from khemon.importers.staging import IGNORED, NO_VALUE, REJECTED, REVIEW, worse

NUMERIC_ID = "identity_in_doubt: the id is a number cell, which keeps no leading zeros"
MERGED = "merged_cell: one content stands for several cells; a person must say which result it is"
HIDDEN = "hidden_row: the row is hidden in the sheet"
NO_FACTS: Mapping[int, Fact] = {}


def id_as_shown(grid: Grid, line: int, column: int, text: str) -> str:
    """An id as the sheet shows it, with the leading zeros its format gives it."""
    fact = grid.facts.get(line, NO_FACTS).get(column)
    return fact.shown if fact and fact.shown else text


def doubts_of(grid: Grid, line: int, columns: Iterable[int], patient: int | None) -> list[str]:
    """Why a person must look at the cells of a row besides its value, each reason once."""
    facts = grid.facts.get(line, NO_FACTS)
    if not facts:
        return []
    found = [facts[column].doubt for column in columns if column in facts and facts[column].doubt]
    # Records name their numbers as a program wrote them: nothing was typed that a cell could shorten.
    if patient is not None and grid.sheet and patient in facts and facts[patient].number:
        found.append(NUMERIC_ID)
    return list(dict.fromkeys(found))


def heeded(measure: Measure, fact: Fact | None) -> Measure:
    """The measure of a value cell; held where the workbook gives cause to look, whatever its text says."""
    if fact is None or measure.decision == IGNORED:
        return measure
    doubt = fact.doubt or (MERGED if fact.spread else "")
    if not doubt:
        return replace(measure, reasons=(*measure.reasons, fact.note)) if fact.note else measure
    if measure.value is None and measure.decision in (NO_VALUE, REJECTED) and measure.analyte:
        return replace(measure, decision=REVIEW, reasons=(doubt,))
    return replace(measure, decision=worse(measure.decision, REVIEW), reasons=(*measure.reasons, doubt))


def text_with_form(text: str, fact: Fact | None) -> str:
    """The text of a number cell with its number format behind it: 0.82 [0.0]."""
    return f"{text} [{fact.form}]" if fact and fact.number and fact.form and text else text
