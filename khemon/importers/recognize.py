"""What is recognized in a file before it is used: columns, items, the mapping it speaks for, what it leaves open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from khemon.importers.analyte_columns import analyte_column
from khemon.importers.findings import BY_ITEM, BY_MAPPING, BY_WORDS, DATES, NOT_KNOWN, ColumnFact, ItemFact
from khemon.importers.formats import grids_of, read_any
from khemon.importers.grid import Grid
from khemon.importers.items import named_analytes
from khemon.importers.layout import LAYOUTS, known_meaning
from khemon.importers.mapping import Mapping
from khemon.importers.options import ReadOptions
from khemon.importers.proposing import proposed
from khemon.importers.questions import Question, encoding_question, questions_of
from khemon.importers.shape import ColumnShape, Shape, shape_of
from khemon.importers.staging import LABS, Reading
from khemon.importers.tables import is_date
from khemon.importers.undecided import ENCODING, LAYOUT, Undecided
from khemon.models import ImportProblem
from khemon.units import folded_name


@dataclass(frozen=True, slots=True)
class Recognized:
    """How a file is understood with what was stated.

    `columns` are those of the first table, of `tables` that differ. `mapping` says what is certain; what is not is a
    question. `shape` is empty where the file cannot be read yet: `problem` says why.
    """

    kind: str
    format: str
    encoding: str
    layout: str
    where: str
    delimiter: str
    tables: int
    columns: tuple[ColumnFact, ...]
    items: tuple[ItemFact, ...]
    units: dict[str, tuple[str, ...]]
    forms: tuple[str, ...]
    order: str
    decimal: str
    questions: tuple[Question, ...]
    mapping: Mapping
    shape: Shape | None
    notes: tuple[str, ...]
    problem: Undecided | None = None


def recognized(content: bytes, options: ReadOptions, *, propose: bool = True) -> Recognized:
    """What is recognized in a file; ImportProblem when it is none that a person's answer could make readable.

    Without `propose` the mapping is the stated one: nothing is tried out.
    """
    options = replace(options, explained=True, parsed={} if options.parsed is None else options.parsed)
    try:
        reading = read_any(content, options)
    except Undecided as problem:
        return _as_far_as_seen(content, options, problem)
    found = reading.found
    assert found is not None, "asked for above"
    return Recognized(
        reading.kind,
        reading.format,
        reading.encoding,
        reading.layout,
        found.where,
        found.delimiter,
        len(found.tables),
        found.tables[0],
        found.items,
        _units(reading),
        found.forms,
        found.order,
        found.decimal or "",
        tuple(questions_of(reading)),
        proposed(content, options, reading) if propose else options.mapping or Mapping(),
        shape_of(reading),
        tuple(reading.notes),
    )


def _units(reading: Reading) -> dict[str, tuple[str, ...]]:
    """Analyte to the units its values have."""
    pairs = sorted({(one.analyte, one.unit) for one in reading.observations if one.analyte and one.unit})
    found: dict[str, tuple[str, ...]] = {}
    for analyte, unit in pairs:
        found[analyte] = (*found.get(analyte, ()), unit)
    return found


def _as_far_as_seen(content: bytes, options: ReadOptions, problem: Undecided) -> Recognized:
    """The header of a file that cannot be read yet, and what is asked for."""
    grids: list[Grid] = []
    choices = LAYOUTS if problem.asks == LAYOUT else ()
    question = Question(problem.asks, f"{problem.where}: {problem.found}; {problem.remedy}", "", choices)
    if problem.asks == ENCODING:
        question = encoding_question(content, options, problem)
    else:
        grids = grids_of(content, options)
    mapping = options.mapping or Mapping()
    said = {"encoding": options.encoding, "date_format": options.date_format, "patient_id": None}
    stated = mapping.model_copy(update={key: value for key, value in said.items() if value or key == "patient_id"})
    columns = tuple(_tentative(grids[0].header, mapping)) if grids else ()
    return Recognized(
        LABS,
        "",
        options.encoding or mapping.encoding or "",
        "",
        problem.where,
        grids[0].delimiter if grids else "",
        min(1, len(grids)),
        columns,
        (),
        {},
        (),
        "",
        "",
        (question,),
        stated,
        None,
        (),
        problem,
    )


def _tentative(header: list[str], mapping: Mapping) -> Iterator[ColumnFact]:
    """What each header may mean by itself, where the table as a whole is not understood."""
    mapped = {folded_name(name): meaning for name, meaning in mapping.columns.items()}
    for index, name in enumerate(header):
        folded = folded_name(name)
        column = analyte_column(index, name) if name else None
        if folded in mapped:
            yield ColumnFact(name, mapped[folded], "", BY_MAPPING)
        elif known := known_meaning(name):
            yield ColumnFact(name, known.removesuffix("_name"), "", BY_WORDS)
        elif column:
            [*analytes] = named_analytes(column.item)
            yield ColumnFact(name, analytes[0] if len(analytes) == 1 else "", column.unit, BY_ITEM)
        else:
            yield ColumnFact(name, "", "", NOT_KNOWN)


def headers_seen(content: bytes, options: ReadOptions) -> list[tuple[str, ...]] | None:
    """The folded headers of a file's tables, dates left out; None where it cannot be opened in this way."""
    try:
        grids = grids_of(content, options)
    except ImportProblem:
        return None
    return [
        tuple(folded_name(name) for name in grid.header if name and not is_date(name, options, typed=bool(grid.sheet)))
        for grid in grids
    ]


def may_fit(shape: Shape, headers: list[tuple[str, ...]] | None) -> bool:
    """Whether some table has the headers of a table of this shape: only then it is worth reading the file with it."""
    known = {_named(table) for table in shape.tables}
    return headers is not None and any(frozenset(table) in known for table in headers)


def shape_with(content: bytes, options: ReadOptions) -> Shape | None:
    """The shape of a file as a mapping reads it; None where it cannot."""
    # Whose results they are says nothing about their shape.
    stated = replace(options, explained=True, patient_id=options.patient_id or "-")
    try:
        return shape_of(read_any(content, stated))
    except ImportProblem:
        return None


def _named(table: tuple[ColumnShape, ...]) -> frozenset[str]:
    return frozenset(header for header, _ in table if header and header != DATES)
