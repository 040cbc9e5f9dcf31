"""Tables of text become a reading: canonical labs, events and patients, and laboratories' own tables."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from khemon.importers.beside import hold_beside, join_signs
from khemon.importers.claims import TIME_FIELDS
from khemon.importers.findings import Findings, found_in
from khemon.importers.grid import Grid, Ragged
from khemon.importers.items import with_unit
from khemon.importers.labs import LabReader
from khemon.importers.layout import CANONICAL, DATES_ACROSS, Columns, find_columns
from khemon.importers.measures import Measures
from khemon.importers.options import ReadOptions
from khemon.importers.records import EventReader, PatientReader
from khemon.importers.sections import join_ranges, join_times_of_day, patients_by_line, refuse_hidden_headers, set_aside
from khemon.importers.signs import certain_signs
from khemon.importers.staging import EVENTS, IGNORED, LABS, REVIEW, Observation, Reading, worse
from khemon.importers.times import Clock
from khemon.importers.undecided import PATIENT_ID, UNITS, Undecided
from khemon.importers.workbook.cells import too_many_rows
from khemon.models import ImportProblem

SEVERAL_SHEETS = "identity_in_doubt: several sheets, and none says whose results it holds"
#: Rows that may tell which column holds the items.
SAMPLED = 40


@dataclass(slots=True)
class Table:
    """One table of a file, what its columns mean, and the patient each row's label names."""

    grid: Grid
    columns: Columns
    patients: list[str] | None = None
    whose: str = ""


@contextmanager
def without_cycle_search() -> Iterator[None]:
    """No search for cyclic garbage meanwhile: a reading makes many objects and no cycle, and the search costs 40 %."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def date_format(options: ReadOptions, columns: Columns | None = None) -> str | None:
    """The declared form of a collection time: of the date, and of the time of day where it stands apart or behind."""
    mapping = options.mapping
    form = options.date_format or (mapping.date_format if mapping else None)
    time_form = mapping.time_format if mapping else None
    if form is None or "%H" in form or "%I" in form or not time_form:
        return form
    apart = columns is not None and "collected_time" in columns.at
    return f"{form} {time_form}" if apart or options.date_format is None else form


def is_date(name: str, options: ReadOptions, *, typed: bool = False) -> bool:
    """Whether a header is a date, be its order of day and month certain or not."""
    if not any(map(str.isdigit, name)):
        return False
    form = options.date_format or (options.mapping.date_format if options.mapping else None)
    for tried in dict.fromkeys((date_format(options), form)):
        moment = clock_of(options, tried, [name], None, typed).read[name]
        if moment.ms is not None or any(
            reason.startswith(("date_order", "no_time_of_day", "two_digit_year")) for reason in moment.reasons
        ):
            return True
    return False


def clock_of(
    options: ReadOptions, form: str | None, column: Iterable[str], latest_ms: int | None, typed: bool
) -> Clock:
    zone = (options.mapping.timezone if options.mapping else None) or options.timezone
    return Clock(zone, form, column, latest_ms, typed=typed)


def read_tables(grids: Sequence[Grid], options: ReadOptions, format_name: str, encoding: str) -> Reading:
    """Every row of a file's tables with its fate; ImportProblem when they cannot be read as one file."""
    _check_rows(grids, options)
    tables = [_understood(grid, options) for grid in grids]
    kinds = {table.columns.kind: table.grid for table in tables}
    if len(kinds) > 1:
        (one, first), (other, second) = list(kinds.items())[:2]
        found = f"{one} in {first.where(first.header_line)} and {other} in {second.where(second.header_line)}"
        raise ImportProblem("file", f"the file holds {found}", f"send {one} and {other} in two files")
    columns = tables[0].columns
    reading = Reading(columns.kind, format_name, encoding=encoding, layout=columns.layout, notes=notes_of(tables))
    if options.mapping:
        reading.source, reading.mapping_digest = options.mapping.source, options.mapping.digest
    with without_cycle_search():
        _fill(reading, tables, options)
        if options.explained:
            reading.found = _findings(tables, options)
    return reading


def _findings(tables: Sequence[Table], options: ReadOptions) -> Findings:
    """How the tables were understood."""
    pairs = [(table.grid, table.columns) for table in tables]
    kind = tables[0].columns.kind
    if kind != LABS:
        return found_in(pairs, options, [text for table in tables for text in _texts(table, ("start", "end"))], [], [])
    of_day = [text for table in tables for text in _texts(table, TIME_FIELDS[2:])]
    return found_in(pairs, options, _times(tables), of_day, [text for one in tables for text in _value_texts(one)])


def _check_rows(grids: Sequence[Grid], options: ReadOptions) -> None:
    rows = sum(len(grid.rows) + len(grid.ragged) + len(grid.asides) for grid in grids)
    if options.max_rows is not None and rows > options.max_rows:
        raise too_many_rows(options.max_rows)


def _understood(grid: Grid, options: ReadOptions) -> Table:
    def dated(name: str) -> bool:
        return is_date(name, options, typed=bool(grid.sheet))

    where = grid.where(grid.header_line)
    columns = find_columns(grid.header, where, options.mapping, dated, grid.rows[:SAMPLED])
    stated = options.mapping.delimiter if options.mapping else None
    if columns.layout == CANONICAL and grid.delimiter not in (",", stated):
        raise ImportProblem(
            where,
            f"the columns of {columns.kind}.csv are separated by {grid.delimiter!r}, not by commas",
            f"separate them by commas, or give a mapping with delimiter = {grid.delimiter!r}",
        )
    for cells in grid.rows if len(columns.comments) > 1 else ():
        # Every comment counts: a value may stand in any of them.
        cells[columns.at["comment"]] = " ".join(cells[index].strip() for index in columns.comments).strip()
    join_ranges(grid, columns)
    join_signs(grid, columns)
    set_aside(grid, columns)
    join_times_of_day(grid, columns)
    if columns.kind == LABS and columns.layout != CANONICAL:
        refuse_hidden_headers(grid, columns, dated)
    return Table(grid, columns)


def notes_of(tables: Sequence[Table]) -> list[str]:
    """Notes of the tables, and one for every column that is not read and not empty throughout, without any content."""
    notes = [note for table in tables for note in table.grid.notes]
    for table in tables:
        grid = table.grid
        for index in table.columns.unread:
            if grid.header[index]:
                notes.append(f"column {grid.header[index]!r} is not read")
            elif any(cells[index].strip() for cells in grid.rows):
                notes.append(f"column {index + 1} has no name and is not read")
    return list(dict.fromkeys(notes))


def _fill(reading: Reading, tables: Sequence[Table], options: ReadOptions) -> None:
    """Read the rows into the reading, by kind."""
    stated = options.patient_id or (options.mapping.patient_id if options.mapping else None)
    form, typed = date_format(options, tables[0].columns), bool(tables[0].grid.sheet)
    if reading.kind == LABS:
        reading.observations, reading.dates = _observations(tables, options, stated)
    elif reading.kind == EVENTS:
        texts = [text for table in tables for text in _texts(table, ("start", "end"))]
        starts = clock_of(options, form, texts, options.now_ms, typed)
        ends = clock_of(options, form, texts, None, typed)
        for table in tables:
            reading.events += EventReader(table.grid, table.columns, starts, ends, stated).rows()
        reading.dates = starts.told
    else:
        clock = clock_of(options, form, [], None, typed)
        for table in tables:
            reading.patients += PatientReader(table.grid, table.columns, clock, options.now_ms).rows()


def _texts(table: Table, names: tuple[str, ...]) -> Iterator[str]:
    """The texts of some columns, read only if somebody asks."""
    indexes = [table.columns.at[name] for name in names if name in table.columns.at]
    return (cells[index] for cells in table.grid.rows for index in indexes)


def _times(tables: Sequence[Table]) -> Iterator[str]:
    """The collection times of all tables, read only if somebody asks."""
    for table in tables:
        yield from (table.grid.header[index] for index in table.columns.dates)
        if not table.columns.dates or table.columns.layout != DATES_ACROSS:
            yield from _texts(table, TIME_FIELDS[:2])


def _observations(tables: Sequence[Table], options: ReadOptions, stated: str | None) -> tuple[list[Observation], str]:
    _name_patients(tables, stated)
    for table in tables:
        check_units(table, options)
    form, typed = date_format(options, tables[0].columns), bool(tables[0].grid.sheet)
    reports = (text for table in tables for text in _texts(table, ("resulted_at",)))
    collected = clock_of(options, form, _times(tables), options.now_ms, typed)
    resulted = clock_of(options, form, reports, None, typed)
    measures = _measures(tables, options)
    found: list[Observation] = []
    units: dict[tuple[str, ...], dict[int, str]] = {}
    sheets = {table.grid.sheet for table in tables}
    for table in tables:
        # Only the first page of a wide table may have its row of units.
        known = units.setdefault(tuple(table.grid.header), {})
        reader = LabReader(table.grid, table.columns, measures, collected, resulted, stated, table.patients, known)
        own = _as_labelled(table, [_doubted(one, table.whose) for one in reader.observations()])
        own = hold_beside(table.grid, table.columns, own)
        if table.grid.asides:
            own += [_aside(aside) for aside in table.grid.asides]
            own.sort(key=lambda observation: observation.row)
        found += own if len(sheets) < 2 else [_in_sheet(one, table.grid.sheet) for one in own]
    return found, collected.told


def _doubted(observation: Observation, reason: str) -> Observation:
    if reason:
        observation.decision = worse(observation.decision, REVIEW)
        observation.reasons.append(reason)
    return observation


def _as_labelled(table: Table, found: list[Observation]) -> list[Observation]:
    """The observations; held where the row names another patient than the label above it."""
    if "patient_id" not in table.columns.at or not table.grid.labels:
        return found
    named = patients_by_line(table.grid, sorted(table.grid.labels))
    above = dict(zip(table.grid.lines, named, strict=True))
    for one in found:
        if above.get(one.row) and one.patient_id not in (None, above[one.row]):
            _doubted(one, "identity_in_doubt: the row names another patient than the line above the table")
    return found


def _aside(aside: Ragged) -> Observation:
    return Observation(aside.line, None, None, None, None, aside.text, decision=IGNORED, reasons=[aside.reason])


def _in_sheet(observation: Observation, sheet: str | None) -> Observation:
    """The observation with its sheet's name in its field, where rows of several sheets have the same number."""
    observation.field = f"{sheet}!{observation.field}" if observation.field else sheet
    return observation


def _name_patients(tables: Sequence[Table], stated: str | None) -> None:
    """Give rows without a patient column the id a label above them states; ImportProblem when nothing names anybody.

    Where labels name several patients, a page that has none is nobody's; so is a sheet without one.
    """
    without = [table for table in tables if "patient_id" not in table.columns.at]
    labels = sorted(label for table in without for label in table.grid.labels)
    several = len({patient for _, patient in labels}) > 1
    last = 0
    for table in without:
        own = sorted(table.grid.labels) if table.grid.sheet else [one for one in labels if one[0] > last or not several]
        table.patients = patients_by_line(table.grid, own)
        last = max(table.grid.lines, default=last)
        if not labels and not stated:
            raise Undecided(
                table.grid.where(table.grid.header_line),
                "no column says whose results these are",
                "name the patient with --patient, or the column in a mapping",
                PATIENT_ID,
            )
    if stated and len({table.grid.sheet for table in without}) > 1:
        for table in without:
            table.whose = SEVERAL_SHEETS


def check_units(table: Table, options: ReadOptions) -> None:
    columns, mapping = table.columns, options.mapping
    stated = "unit" in columns.at or columns.analytes or (mapping and mapping.units)
    if columns.layout == DATES_ACROSS or stated or any(with_unit(item)[1] for item in set(_texts(table, ("analyte",)))):
        return
    where, remedy = table.grid.where(table.grid.header_line), "add a column unit, or give the units in a mapping"
    raise Undecided(where, "no column 'unit'", f"{remedy} under [units]", UNITS)


def _measures(tables: Sequence[Table], options: ReadOptions) -> Measures:
    """What reads the values; a laboratory's own file may make its decimal sign certain by itself."""
    mapping = options.mapping
    declared = mapping and (mapping.decimal or mapping.thousands)
    if declared or any(table.columns.layout == CANONICAL for table in tables):
        return Measures(mapping)
    return Measures(mapping, certain_signs(text for table in tables for text in _value_texts(table)))


def _value_texts(table: Table) -> Iterator[str]:
    """Every text where a value stands, but for exact numbers of a workbook."""
    columns = table.columns
    at = [column.index for column in columns.analytes] or columns.dates or [columns.at["value"]]
    facts = table.grid.facts
    for line, cells in zip(table.grid.lines, table.grid.rows, strict=True):
        for index in at:
            if not facts or not (fact := facts.get(line, {}).get(index)) or not fact.number:
                yield cells[index]
