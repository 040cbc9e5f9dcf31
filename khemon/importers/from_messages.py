"""Reads HL7 v2 and FHIR R4: their rows are judged as those of a table are, by the same grammar of values and units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter

from khemon.importers.findings import ColumnFact, Findings, found_in
from khemon.importers.from_sheets import parsed_sheets
from khemon.importers.grid import Fact, Grid
from khemon.importers.labs import LabReader
from khemon.importers.layout import Columns
from khemon.importers.mapping import Mapping
from khemon.importers.measures import Measures
from khemon.importers.messages.clocks import FhirClock, Hl7Clock
from khemon.importers.messages.reported import ASIDE_FIELDS, DOUBTS, FIELDS, VALUE
from khemon.importers.options import ReadOptions
from khemon.importers.received import of_messages
from khemon.importers.signs import certain_signs
from khemon.importers.staging import LABS, Observation, Reading
from khemon.importers.tables import without_cycle_search
from khemon.importers.times import Clock
from khemon.importers.workbook.cells import Sheet, too_many_rows
from khemon.units import folded_name

MESSAGES = "messages"
BY_STANDARD = "the standard says so"
IN_DOUBT = "analyte_in_doubt"
#: What of a mapping says nothing about messages, whose form is the standard's.
WITHOUT_MEANING = ("delimiter", "layout", "columns", "date_format", "time_format")
#: The fields of a row that mean something to the reader of rows; `quality` only where some row has one.
READ = (*FIELDS[2:11], "timing", "comment", "specimen_id", "material", "birth_date", *DOUBTS)


@dataclass(frozen=True, slots=True)
class Standard:
    """A standard for messages: its name, how it writes times, and where it says what."""

    words: str
    clock: Callable[..., Clock]
    fields: dict[str, str]


STANDARDS = {
    "hl7": Standard(
        "HL7 v2",
        Hl7Clock,
        {
            "PID-3": "patient_id",
            "PID-7": "birth_date",
            "OBX-14": "collected_at",
            "OBR-22": "resulted_at",
            "OBX-3": "analyte",
            "OBX-5": "value",
            "OBX-6": "unit",
            "OBX-7": "reference_range",
            "OBX-11": "status",
            "NTE-3": "comment",
            "SPM-2": "specimen_id",
            "SPM-4": "material",
        },
    ),
    "fhir": Standard(
        "FHIR",
        FhirClock,
        {
            "subject": "patient_id",
            "Patient.birthDate": "birth_date",
            "effective": "collected_at",
            "issued": "resulted_at",
            "code": "analyte",
            "value": "value",
            "valueQuantity.code": "unit",
            "referenceRange": "reference_range",
            "status": "status",
            "note": "comment",
            "specimen": "specimen_id",
            "specimen.type": "material",
        },
    ),
}


def read_messages(kind: str, content: bytes, options: ReadOptions) -> Reading:
    """Every result of a file of messages with its fate; ImportProblem when it cannot be trusted as a whole."""
    results, asides = parsed_sheets(kind, content, options)
    if options.max_rows is not None and len(results.rows) + len(asides.rows) > options.max_rows:
        raise too_many_rows(options.max_rows)
    reading = Reading(LABS, kind, encoding=results.name, layout=MESSAGES, dates="iso")
    if options.mapping:
        reading.source, reading.mapping_digest = options.mapping.source, options.mapping.digest
    reading.notes = [*results.notes, *_unused(STANDARDS[kind], options)]
    with without_cycle_search():
        grid = _grid(kind, results, options.mapping)
        columns = _columns(grid)
        rows = _observations(STANDARDS[kind], grid, columns, options)
        for one, cells in zip(rows, grid.rows, strict=True):
            one.row, one.field = int(cells[0]), cells[1] or None
        rows += [_aside(cells) for cells in asides.rows.values()]
        reading.observations = sorted(rows, key=attrgetter("row"))
        if options.explained:
            reading.found = _findings(STANDARDS[kind], grid, columns, options)
    reading.received = of_messages(results, asides)
    return reading


def message_grids(kind: str, content: bytes, options: ReadOptions) -> list[Grid]:
    """No tables: by its form a message fits every laboratory, so none is found by it. ImportProblem as for reading."""
    parsed_sheets(kind, content, options)
    return []


def _unused(standard: Standard, options: ReadOptions) -> Iterator[str]:
    """A note for everything that was stated and says nothing here."""
    for key in WITHOUT_MEANING:
        if options.mapping and getattr(options.mapping, key):
            yield f"{key} of the mapping says nothing about {standard.words}, whose form is known: it is not used"
    if options.date_format:
        yield f"the stated date format says nothing about {standard.words}, whose form is known: it is not used"


def _grid(kind: str, sheet: Sheet, mapping: Mapping | None) -> Grid:
    """The rows as a table; what a mapping says of an item goes before its codes."""
    width = len(FIELDS) + len(DOUBTS)
    grid = Grid([*FIELDS, *DOUBTS], 0, "", sheet="", facts=sheet.facts, notes=sheet.notes)
    codes = mapping.coded() if mapping else {}
    # Who says how figures are written in texts says it of what the standard calls a number as well.
    as_texts = kind == "hl7" and mapping is not None and (mapping.decimal == "," or mapping.thousands == ".")
    for line, stated in sheet.rows.items():
        cells = [stated.get(column, "") for column in range(width)]
        if codes:
            _take_code(cells, codes, sheet.facts.get(line, {}))
        fact = sheet.facts.get(line, {}).get(VALUE)
        if as_texts and fact is not None and fact.number:
            sheet.facts[line] = {**sheet.facts[line], VALUE: replace(fact, number=False)}
        grid.rows.append(cells)
        grid.lines.append(line)
    return grid


def _take_code(cells: list[str], codes: dict[str, str], facts: dict[int, Fact]) -> None:
    """Go by the code or name that a mapping knows, if there is one: then the item is in doubt no more."""
    analyte, name, others = (FIELDS.index(field) for field in ("analyte", "analyte_name", "others"))
    for text in (cells[analyte], cells[name], *cells[others].split("\n")):
        if text and folded_name(text) in codes:
            cells[analyte], cells[name] = text, ""
            for column in [column for column, fact in facts.items() if fact.doubt.startswith(IN_DOUBT)]:
                del facts[column]
            return


def _columns(grid: Grid) -> Columns:
    quality = FIELDS.index("quality")
    used = (*READ, "quality") if any(cells[quality] for cells in grid.rows) else READ
    return Columns(LABS, MESSAGES, {name: grid.header.index(name) for name in used})


def _observations(standard: Standard, grid: Grid, columns: Columns, options: ReadOptions) -> list[Observation]:
    mapping = options.mapping
    zone = (mapping.timezone if mapping else None) or options.timezone
    stated = options.patient_id or (mapping.patient_id if mapping else None)
    declared = mapping and (mapping.decimal or mapping.thousands)
    measures = Measures(mapping) if declared else Measures(mapping, certain_signs(_texts(grid)))
    collected = standard.clock(zone, None, (), options.now_ms)
    resulted = standard.clock(zone, None, (), None)
    return LabReader(grid, columns, measures, collected, resulted, stated).observations()


def _texts(grid: Grid) -> Iterator[str]:
    """The values that are written as text."""
    for line, cells in zip(grid.lines, grid.rows, strict=True):
        fact = grid.facts.get(line, {}).get(VALUE)
        if fact is None or not fact.number:
            yield cells[VALUE]


def _aside(cells: dict[int, str]) -> Observation:
    place, field, text, decision, reason = (cells.get(column, "") for column in range(len(ASIDE_FIELDS)))
    return Observation(int(place), field or None, None, None, None, text, decision=decision, reasons=[reason])


def _findings(standard: Standard, grid: Grid, columns: Columns, options: ReadOptions) -> Findings:
    """How it was understood: by the standard. How times are written is not compared, each says it itself."""
    found = found_in([(grid, columns)], options, (), (), ())
    facts = tuple(ColumnFact(name, meaning, "", BY_STANDARD) for name, meaning in standard.fields.items())
    return replace(found, where=standard.words, tables=(facts,))
