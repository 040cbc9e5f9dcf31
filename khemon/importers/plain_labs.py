"""A canonical labs.csv of plain lines, read in columns: what rows repeat is read once, no object is made per row."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from khemon.importers.decoding import PLAIN_BYTES, decoded
from khemon.importers.grid import MAX_CELL, MAX_COLUMNS, Grid
from khemon.importers.in_columns import OWN, InColumns
from khemon.importers.labs import LabReader
from khemon.importers.layout import CANONICAL, Columns, find_columns
from khemon.importers.measures import Measures
from khemon.importers.once import Once
from khemon.importers.options import ReadOptions
from khemon.importers.rowfacts import read_identity, read_tags
from khemon.importers.staging import ACCEPTED, LABS, Observation, Reading
from khemon.importers.tables import Table, check_units, clock_of, date_format, is_date, notes_of
from khemon.importers.times import Clock
from khemon.models import ImportProblem

#: Bytes that are looked at together, and the rest of their last line.
BLOCK = 524_288
#: What these columns say of a row is heeded where every row is looked at for itself.
HEEDED = ("comment", "resulted_at", "material", "birth_date", "comparator")
#: What these say of a result does not depend on the rest of its row.
TELLING: tuple[str, ...] = ("analyte", "value", "unit", "reference_range", "status", "quality", "timing")
#: Of whom, when, and what is said.
PARTS = 3
OWN_BYTES = array("i", [OWN]).tobytes()
#: Encodings in which plain signs are what they are in ASCII.
ASCII = (None, "utf-8", "ascii", "cp1252", "latin-1", "iso-8859-1")


def is_plain(content: bytes, options: ReadOptions) -> bool:
    """Whether it is text of plain signs without quotation marks, in which each line is a row whatever the encoding."""
    mapping = options.mapping
    stated = options.encoding or (mapping.encoding if mapping else None)
    return (
        stated in ASCII
        and not options.explained
        and content.isascii()
        and b'"' not in content
        and not content.translate(None, PLAIN_BYTES)
        and (mapping is None or mapping.delimiter in (None, ","))
    )


def blocks_of(content: bytes) -> Iterator[list[str]]:
    """The lines of plain text without their ends, some thousands at once, without another copy of it all."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start + BLOCK) + 1 or len(content)
        yield content[start:end].decode("ascii").splitlines()
        start = end


def rows_of(content: bytes) -> Iterator[list[str]]:
    """The cells of each line."""
    return (line.split(",") for block in blocks_of(content) for line in block)


def columns_of(lines: Sequence[str], width: int) -> list[list[str]] | None:
    """The cells of lines without quotation marks by column; None when a line has another width or nothing in it."""
    cells = ",\n,".join(lines).split(",")
    # The sign of a line's end stands behind so many cells, or a line is longer or shorter.
    fit = len(cells) == len(lines) * (width + 1) - 1 and cells[width :: width + 1].count("\n") == len(lines) - 1
    if not fit or "," * (width - 1) in lines:
        return None
    return [cells[index :: width + 1] for index in range(width)]


def header_of(content: bytes) -> list[str]:
    """The cells of the first line."""
    return [cell.strip() for cell in next(rows_of(content), [])]


def read_plainly(content: bytes, options: ReadOptions, format_name: str) -> Reading | None:
    """The reading of a canonical labs.csv of plain text; None for any other, which is to be read as a grid."""
    mapping = options.mapping
    header = header_of(content)
    # A header too wide or too long is refused where every file is: it is not looked at cell by cell here.
    if len(header) > MAX_COLUMNS or max(map(len, header), default=0) > MAX_CELL:
        return None
    grid = Grid(header, 1, ",")
    try:
        columns = find_columns(header, grid.where(1), mapping, lambda name: is_date(name, options))
    except ImportProblem:
        return None
    too_many = options.max_rows is not None and content.count(b"\n") > options.max_rows
    if too_many or not _is_told_plainly(header, columns, content):
        return None
    check_units(Table(grid, columns), options)
    at = columns.at["collected_at"]
    texts = (cells[at] for cells in islice(rows_of(content), 1, None) if len(cells) > at)
    collected = clock_of(options, date_format(options, columns), texts, options.now_ms, typed=False)
    stated = options.patient_id or (mapping.patient_id if mapping else None)
    rows = PlainLabs(header, columns, Measures(mapping), collected, stated).rows(content)
    if rows is None:
        return None
    _, encoding = decoded(b"", options.encoding or (mapping.encoding if mapping else None))
    notes = notes_of([Table(grid, columns)])
    reading = Reading(LABS, format_name, rows, encoding=encoding, layout=columns.layout, notes=notes)
    if mapping:
        reading.source, reading.mapping_digest = mapping.source, mapping.digest
    return reading


def _is_told_plainly(header: Sequence[str], columns: Columns, content: bytes) -> bool:
    """Whether the rows below a header can be read in columns: a canonical labs.csv, and no other header below."""
    known = columns.kind == LABS and columns.layout == CANONICAL and {"patient_id", "unit"} <= set(columns.at)
    if not known or any(name in columns.at for name in HEEDED):
        return False
    again = header[columns.at["analyte"]].encode()
    return not columns.unread and content.count(again) == 1


class PlainLabs:
    """Reads the rows of such a file into columns; a row of which more than the value needs looking at, by itself."""

    def __init__(
        self, header: list[str], columns: Columns, measures: Measures, collected: Clock, patient_id: str | None
    ) -> None:
        self.header = header
        self.columns = columns
        self.measures = measures
        self.collected = collected
        self.patient_id = patient_id
        self.found = InColumns()
        self._places: dict[str, int] = {}
        self._who: Once[str, int] = Once(self._patient)
        self._when: Once[str, int] = Once(self._moment)
        self._what: Once[tuple[str, ...], int] = Once(self._say)
        at = columns.at
        self._telling = [name for name in TELLING if name in at]
        self._specimen = at.get("specimen_id")
        #: Whether a line is of whom and when, and all behind that is what it says: then it is taken as one text.
        told = sorted(at[name] for name in self._telling)
        self._in_three = told == list(range(2, len(header))) and {at["patient_id"], at["collected_at"]} == {0, 1}
        self._rest: Once[str, int] = Once(self._say_all)
        self._odd: list[int] = []
        self._odd_rows: list[list[str]] = []

    def rows(self, content: bytes) -> InColumns | None:
        """The rows of all lines below the header; None when one of them has another width or an overlong cell."""
        found, last = self.found, 0
        if self._specimen is not None:
            found.specimens = []
        for block in blocks_of(content):
            # The header is no row.
            lines = block if last else block[1:]
            numbers: Sequence[int] = range(last + 1, last + 1 + len(block))[len(block) - len(lines) :]
            last += len(block)
            if max(map(len, block)) > MAX_CELL:
                return None
            if self._in_three and self._take_in_three(numbers, lines):
                continue
            columns = columns_of(lines, len(self.header))
            if columns is None:
                # Lines without content are no rows either.
                filled = [(number, line) for number, line in zip(numbers, lines, strict=True) if line.strip(",")]
                numbers, lines = [number for number, _ in filled], [line for _, line in filled]
                columns = columns_of(lines, len(self.header)) if lines else []
                if columns is None:
                    return None
            if lines:
                self._take(numbers, columns)
        self._look_at_odd_rows()
        return found if len(found) else None

    def _take(self, numbers: Sequence[int], columns: list[list[str]]) -> None:
        """Adds rows to the columns."""
        at, found = self.columns.at, self.found
        who = array("i", map(self._who.__getitem__, columns[at["patient_id"]]))
        when = array("i", map(self._when.__getitem__, columns[at["collected_at"]]))
        what = array("i", map(self._what.__getitem__, zip(*(columns[at[name]] for name in self._telling), strict=True)))
        self._add(numbers, who, when, what, lambda place: [column[place] for column in columns])
        if found.specimens is not None and self._specimen is not None:
            found.specimens += [text.strip() or None for text in columns[self._specimen]]

    def _take_in_three(self, numbers: Sequence[int], lines: Sequence[str]) -> bool:
        """Adds lines cut at their first two commas; False, and nothing is added, where one of them is no such row."""
        cells = [cell for line in lines for cell in line.split(",", 2)]
        if len(cells) != len(lines) * PARTS or "," * (len(self.header) - 1) in lines:
            return False
        what = array("i", map(self._rest.__getitem__, cells[2::PARTS]))
        if not self._in_three:
            return False
        at = self.columns.at
        who = array("i", map(self._who.__getitem__, cells[at["patient_id"] :: PARTS]))
        when = array("i", map(self._when.__getitem__, cells[at["collected_at"] :: PARTS]))
        self._add(numbers, who, when, what, lambda place: lines[place].split(","))
        return True

    def _say_all(self, rest: str) -> int:
        """The place of what a line says behind its first two cells."""
        cells = rest.split(",")
        if len(cells) != len(self._telling):
            # A line of another width: from here on lines are looked at cell by cell.
            self._in_three = False
            return OWN
        return self._what[tuple(cells[self.columns.at[name] - 2] for name in self._telling)]

    def _add(
        self,
        numbers: Sequence[int],
        who: array[int],
        when: array[int],
        what: array[int],
        cells_of: Callable[[int], list[str]],
    ) -> None:
        """Adds rows to the columns; those with something to be looked at are put aside."""
        found, start = self.found, len(self.found)
        # To look for a number is slow, for its bytes is not; these may lie across two numbers too.
        if any(OWN_BYTES in column.tobytes() for column in (who, when, what)):
            for place, signs in enumerate(zip(who, when, what, strict=True)):
                if OWN in signs:
                    what[place] = OWN
                    self._odd.append(start + place)
                    self._odd_rows.append(cells_of(place))
        found.who += who
        found.when += when
        found.what += what
        found.lines.extend(numbers)

    def _patient(self, text: str) -> int:
        """The place of a patient whose id is beyond doubt."""
        identity = read_identity(text, self.patient_id)
        if identity.decision != ACCEPTED or identity.patient_id is None:
            return OWN
        if identity.patient_id not in self._places:
            self._places[identity.patient_id] = len(self.found.patients)
            self.found.patients.append(identity.patient_id)
        return self._places[identity.patient_id]

    def _moment(self, text: str) -> int:
        """The place of a time that is beyond doubt."""
        moment = self.collected.read[text]
        if moment.ms is None or moment.decision != ACCEPTED or moment.reasons:
            return OWN
        self.found.times.append(text)
        self.found.times_ms.append(moment.ms)
        return len(self.found.times) - 1

    def _say(self, cells: tuple[str, ...]) -> int:
        """The place of what the other cells of a row say of a result."""
        told = dict(zip(self._telling, cells, strict=True))
        text = told["value"]
        measure = self.measures.read[told["analyte"], "", text, told["unit"], told.get("reference_range", "")]
        tags = read_tags(*(told.get(name, "") for name in ("status", "quality", "timing")))
        if tags.decision != ACCEPTED:
            return OWN
        self.found.said.append(
            Observation(
                0,
                None,
                None,
                None,
                measure.analyte,
                text,
                measure.comparator,
                measure.value,
                measure.unit,
                measure.canonical_value,
                measure.canonical_unit,
                measure.basis,
                measure.low,
                measure.high,
                tags.status,
                tags.quality or measure.quality,
                tags.timing,
                decision=measure.decision,
                reasons=[*measure.reasons, *tags.reasons],
            )
        )
        return len(self.found.said) - 1

    def _look_at_odd_rows(self) -> None:
        """Reads the rows of which more than the value needs looking at in the way of every other table."""
        if not self._odd:
            return
        lines = [self.found.lines[place] for place in self._odd]
        grid = Grid(self.header, 1, ",", rows=self._odd_rows, lines=lines)
        read = LabReader(grid, self.columns, self.measures, self.collected, self.collected, self.patient_id)
        self.found.take(dict(zip(self._odd, read.observations(), strict=True)))
