"""What stands between the rows of a table: titles, footers, patients' labels, units, ranges and times of day."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache

from khemon.importers.claims import TIME_FIELDS, TIME_OF_DAY
from khemon.importers.grid import NOT_A_ROW, SHOWN, Grid, Ragged, is_aside
from khemon.importers.items import names_analyte
from khemon.importers.labels import patient_label
from khemon.importers.layout import DATES_ACROSS, LONG, WIDE, Columns
from khemon.importers.materials import WORD, is_other
from khemon.importers.numbers import vocabulary
from khemon.models import ImportProblem
from khemon.units import folded_name

#: Of so many words is the name of a section; more are a sentence.
LONGEST_SECTION = 3


@cache
def _words_for(meaning: str) -> frozenset[str]:
    return frozenset(map(folded_name, vocabulary()["headers"][meaning]))


@cache
def _time_words() -> frozenset[str]:
    return frozenset().union(*(_words_for(name) for name in (*TIME_FIELDS, "resulted_at", "patient_id", "value")))


def set_aside(grid: Grid, columns: Columns) -> None:
    """Move rows that are padded titles, footers or labels out of the rows; a text where a value stands stays a row."""
    width = len(grid.header)
    if width <= 2 or columns.layout not in (LONG, WIDE, DATES_ACROSS):
        return
    nearly_empty = [index for index, cells in enumerate(grid.rows) if cells.count("") >= width - 2]
    bearing = {column.index for column in columns.analytes} | set(columns.dates)
    bearing |= {columns.at[name] for name in ("value",) if name in columns.at}
    aside = set()
    for index in nearly_empty:
        cells, line = grid.rows[index], grid.lines[index]
        patient = patient_label(cells)
        if not patient and (not is_aside(cells) or any(cells[at].strip() for at in bearing)):
            continue
        aside.add(index)
        grid.labels += [(line, patient)] if patient else []
        grid.asides.append(Ragged(line, " ".join(cell for cell in cells if cell)[:SHOWN], NOT_A_ROW))
    if aside:
        grid.rows = [cells for index, cells in enumerate(grid.rows) if index not in aside]
        grid.lines = [line for index, line in enumerate(grid.lines) if index not in aside]


def join_ranges(grid: Grid, columns: Columns) -> None:
    """Where the two ends of a reference range stand in columns of their own, read them as one range."""
    low, high = (columns.at.pop(name, None) for name in ("reference_low", "reference_high"))
    if high is None or "reference_range" in columns.at:
        return
    columns.at["reference_range"] = high
    if low is not None:
        for cells in grid.rows:
            if cells[low].strip() and cells[high].strip():
                cells[high] = f"{cells[low].strip()} - {cells[high].strip()}"


def patients_by_line(grid: Grid, labels: Sequence[tuple[int, str]]) -> list[str]:
    """The id the latest label above each row states, empty above the first; `labels` in the order of their lines."""
    at = [line for line, _ in labels]
    found = [bisect_left(at, line) - 1 for line in grid.lines]
    return [labels[index][1] if index >= 0 else "" for index in found]


def join_times_of_day(grid: Grid, columns: Columns) -> None:
    """Where the row below dates across holds their times of day, put each behind its date."""
    if columns.layout != DATES_ACROSS or not grid.rows:
        return
    cells = grid.rows[0]
    times = [cells[index].strip() for index in columns.dates]
    named = "analyte" in columns.at and names_analyte(cells[columns.at["analyte"]])
    if named or not any(times) or not all(TIME_OF_DAY.fullmatch(text) for text in times if text):
        return
    for index, text in zip(columns.dates, times, strict=True):
        grid.header[index] = f"{grid.header[index]} {text}".strip()
    del grid.rows[0], grid.lines[0]


def labelled_row(grid: Grid, columns: Columns, meaning: str) -> list[str] | None:
    """The cells of a row near the top of a wide table whose label says it holds units or ranges; taken out."""
    under = {column.index for column in columns.analytes}
    for index, cells in enumerate(grid.rows[:3]):
        labels = [cell.strip() for at, cell in enumerate(cells[: len(grid.header)]) if at not in under and cell.strip()]
        if labels and all(folded_name(label).rstrip(":") in _words_for(meaning) for label in labels):
            del grid.lines[index]
            return grid.rows.pop(index)
    return None


def refuse_hidden_headers(grid: Grid, columns: Columns, is_date: Callable[[str], bool]) -> None:
    """Nothing for rows of results; ImportProblem naming a row that looks like the header of another table."""
    times = [columns.at[name] for name in TIME_FIELDS[:2] if name in columns.at]
    for line, cells in zip(grid.lines, grid.rows, strict=True):
        if columns.layout == DATES_ACROSS:
            texts = [cells[index] for index in columns.dates if cells[index].strip()]
            found = not names_analyte(cells[columns.at["analyte"]]) and bool(texts) and all(map(is_date, texts))
        else:
            found = any(cells[at][:1].isalpha() and folded_name(cells[at]) in _time_words() for at in times)
        if found:
            raise ImportProblem(
                grid.where(line), "another header, of columns other than those above", "send each table in its own file"
            )


def lines_below_others(grid: Grid) -> frozenset[int]:
    """The lines of rows that stand below the name of a material that is not blood, up to the next such name."""
    width = len(grid.header)
    own = [(line, cells[:width]) for line, cells in zip(grid.lines, grid.rows, strict=True)]
    lone = [(line, max(cells)) for line, cells in own if cells.count("") == width - 1]
    names = [(line, text) for line, text in lone if not names_analyte(text)]
    names = sorted(names + [(aside.line, aside.text) for aside in grid.asides])
    names = [(line, text) for line, text in names if len(WORD.findall(text)) <= LONGEST_SECTION]
    others = [is_other(text) for _, text in names]
    if not any(others):
        return frozenset()
    at = [line for line, _ in names]
    above = [bisect_left(at, line) - 1 for line in grid.lines]
    return frozenset(line for line, index in zip(grid.lines, above, strict=True) if index >= 0 and others[index])
