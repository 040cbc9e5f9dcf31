"""Reads a CSV file: canonical labs, events and patients, and laboratories' own tables with or without a mapping."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from khemon.importers.decoding import decoded, empty_file, refuse_control_characters, refuse_other_formats
from khemon.importers.grid import Grid, check_lengths, find_delimiter, physical_lines, read_grid
from khemon.importers.labs import LabReader
from khemon.importers.layout import CANONICAL, DATES_ACROSS, TIME_FIELDS, Columns, count_known, find_columns
from khemon.importers.measures import Measures
from khemon.importers.options import ReadOptions
from khemon.importers.records import EventReader, PatientReader
from khemon.importers.staging import EVENTS, LABS, Reading
from khemon.importers.times import Clock
from khemon.models import ImportProblem

FORMAT = "csv"


@contextmanager
def _without_cycle_search() -> Iterator[None]:
    """No search for cyclic garbage meanwhile: a reading makes many objects and no cycle, and the search costs 40 %."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def read_csv(content: bytes, options: ReadOptions) -> Reading:
    """Every row of a CSV file with its fate; ImportProblem when the file as a whole cannot be trusted."""
    refuse_other_formats(content)
    text, encoding = decoded(content, options.encoding or (options.mapping.encoding if options.mapping else None))
    lines = physical_lines(text)
    refuse_control_characters(lines, encoding, content)
    with _without_cycle_search():
        return _read_lines(lines, encoding, options)


def _read_lines(lines: list[str], encoding: str, options: ReadOptions) -> Reading:
    mapping = options.mapping
    start = next((index for index, line in enumerate(lines) if line.strip()), None)
    if start is None:
        raise empty_file()
    check_lengths(lines, start)
    stated = mapping.delimiter if mapping else None
    delimiter = find_delimiter(lines[start], start + 1, stated, lambda header: count_known(header, mapping))
    grid = read_grid(lines, start, delimiter)
    columns = find_columns(grid.header, grid.header_line, mapping, lambda name: _is_date(name, options))
    _refuse_canonical_with_other_delimiter(columns, grid, stated)
    reading = Reading(columns.kind, FORMAT, encoding=encoding, layout=columns.layout, notes=_unread(columns, grid))
    if mapping:
        reading.source, reading.mapping_digest = mapping.source, mapping.digest
    _fill(reading, grid, columns, options)
    return reading


def _refuse_canonical_with_other_delimiter(columns: Columns, grid: Grid, stated: str | None) -> None:
    if columns.layout == CANONICAL and grid.delimiter != "," and grid.delimiter != stated:
        raise ImportProblem(
            f"line {grid.header_line}",
            f"the columns of {columns.kind}.csv are separated by {grid.delimiter!r}, not by commas",
            f"separate them by commas, or give a mapping with delimiter = {grid.delimiter!r}",
        )


def _unread(columns: Columns, grid: Grid) -> list[str]:
    """A note for every column that is not read and not empty throughout; names of columns are not data of patients."""
    notes = []
    for index in columns.unread:
        if grid.header[index]:
            notes.append(f"column {grid.header[index]!r} is not read")
        elif any(cells[index].strip() for cells in grid.rows):
            notes.append(f"column {index + 1} has no name and is not read")
    return notes


def _date_format(options: ReadOptions, columns: Columns | None = None) -> str | None:
    """The declared form of a collection time: of the date, and of the time of day where it stands apart or behind."""
    mapping = options.mapping
    form = options.date_format or (mapping.date_format if mapping else None)
    time_form = mapping.time_format if mapping else None
    if form is None or "%H" in form or "%I" in form or not time_form:
        return form
    apart = columns is not None and "collected_time" in columns.at
    return f"{form} {time_form}" if apart or options.date_format is None else form


def _is_date(name: str, options: ReadOptions) -> bool:
    moment = _clock(options, _date_format(options), [name], None).read[name]
    return moment.ms is not None or any(
        reason.startswith(("date_order", "no_time_of_day", "two_digit_year")) for reason in moment.reasons
    )


def _clock(options: ReadOptions, form: str | None, column: Iterable[str], latest_ms: int | None) -> Clock:
    zone = (options.mapping.timezone if options.mapping else None) or options.timezone
    return Clock(zone, form, column, latest_ms)


def _fill(reading: Reading, grid: Grid, columns: Columns, options: ReadOptions) -> None:
    """Read the rows into the reading, by kind."""
    stated = options.patient_id or (options.mapping.patient_id if options.mapping else None)
    form = _date_format(options, columns)
    if columns.kind == LABS:
        reading.observations = _lab_reader(grid, columns, options, stated).observations()
    elif columns.kind == EVENTS:
        starts = _clock(options, form, _texts(grid, columns, ("start", "end")), options.now_ms)
        ends = _clock(options, form, _texts(grid, columns, ("start", "end")), None)
        reading.events = EventReader(grid, columns, starts, ends, stated).rows()
    else:
        reading.patients = PatientReader(grid, columns, _clock(options, form, [], None), options.now_ms).rows()


def _texts(grid: Grid, columns: Columns, names: tuple[str, ...]) -> Iterator[str]:
    """The texts of some columns, read only if somebody asks."""
    indexes = [columns.at[name] for name in names if name in columns.at]
    return (cells[index] for cells in grid.rows for index in indexes)


def _lab_reader(grid: Grid, columns: Columns, options: ReadOptions, stated: str | None) -> LabReader:
    if "patient_id" not in columns.at and not stated:
        raise ImportProblem(
            f"line {grid.header_line}",
            "no column says whose results these are",
            "name the patient with --patient, or the column in a mapping",
        )
    mapping = options.mapping
    if (
        columns.layout != DATES_ACROSS
        and "unit" not in columns.at
        and not columns.analytes
        and not (mapping and mapping.units)
    ):
        raise ImportProblem(
            f"line {grid.header_line}",
            "no column 'unit'",
            "add a column unit, or give the units in a mapping under [units]",
        )
    form = _date_format(options, columns)
    dates = [grid.header[index] for index in columns.dates] or _texts(grid, columns, TIME_FIELDS[:2])
    collected = _clock(options, form, dates, options.now_ms)
    resulted = _clock(options, form, _texts(grid, columns, ("resulted_at",)), None)
    return LabReader(grid, columns, Measures(mapping), collected, resulted, stated)
