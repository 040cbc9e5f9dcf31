"""Laboratory results from a table, in any of its layouts: one observation per value, each with its fate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from khemon.importers.analyte_columns import AnalyteColumn
from khemon.importers.cellfacts import HIDDEN, NO_FACTS, doubts_of, heeded, id_as_shown, text_with_form
from khemon.importers.grid import Grid
from khemon.importers.layout import DATES_ACROSS, WIDE, Columns
from khemon.importers.materials import hold_below, is_other, set_aside
from khemon.importers.measures import Measure, Measures, same_unit
from khemon.importers.numbers import affirmed_quality, refuses
from khemon.importers.once import Once
from khemon.importers.rowfacts import Identity, Tags, read_identity, read_tags
from khemon.importers.sections import labelled_row, lines_below_others
from khemon.importers.staging import ACCEPTED, IGNORED, REJECTED, REVIEW, Observation, worse
from khemon.importers.times import Clock, Moment, joined

NO_TIME_OF_DAY = Moment(None, REVIEW, ("no_time_of_day: a date without a time",))
REFUSED = "refused_in_comment: the comment says that the result is not to be used"
#: A sample of such a quality gives no number that counts.
SPOILED = ("clumped", "clotted", "contaminated", "wrong_patient", "insufficient")
#: The cells of a row that a whole observation is made of, whatever its layout.
SHARED = (
    "patient_id",
    "collected_at",
    "collected_date",
    "collected_time",
    "status",
    "quality",
    "timing",
    "comment",
    "specimen_id",
    "resulted_at",
)


class LabReader:
    """Turns the rows of one table into observations."""

    def __init__(
        self,
        grid: Grid,
        columns: Columns,
        measures: Measures,
        collected: Clock,
        resulted: Clock,
        patient_id: str | None,
        patients: list[str] | None = None,
        units: dict[int, str] | None = None,
    ) -> None:
        self.grid = grid
        self.columns = columns
        self.measures = measures
        self._exact = measures.exactly() if grid.facts else measures
        self.collected = collected
        self.resulted = resulted
        self._identity: Once[str, Identity] = Once(lambda text: read_identity(text, patient_id))
        self._tags: Once[tuple[str, str, str], Tags] = Once(lambda words: read_tags(*words))
        # Every row gets one empty cell behind its last: a column the file does not have is read from there.
        self._absent = len(grid.header)
        self._units = {} if units is None else units
        for cells in grid.rows:
            cells.append("")
        self._shared = tuple(self._at(name) for name in SHARED)
        if patients is not None:
            # Behind that, whose row it is where a label above says so.
            for cells, patient in zip(grid.rows, patients, strict=True):
                cells.append(patient)
            self._shared = (self._absent + 1, *self._shared[1:])
        self._comment, self._resulted = self._at("comment"), self._at("resulted_at")
        self._material, self._born = self._at("material"), self._at("birth_date")
        self._is_other, self._below_others = Once[str, bool](is_other), lines_below_others(grid)
        heeded = (self._comment, self._resulted, self._material, self._born)
        self._heeds = bool(min(heeded) < self._absent or grid.facts or grid.hidden or self._below_others)
        self._spoken: Once[str, str] = Once(affirmed_quality)
        self._refused: Once[str, bool] = Once(refuses)
        # A file with a column for the quality says there what it thinks of a sample.
        self._comments_tell = "comment" in columns.at and "quality" not in columns.at
        self._has_time_column = "collected_time" in columns.at

    def observations(self) -> list[Observation]:
        """Every observation of the table in the order of its lines, rows that do not fit included."""
        layout = self.columns.layout
        rows = (
            self._wide_rows if layout == WIDE else self._rows_under_dates if layout == DATES_ACROSS else self._long_rows
        )
        found = list(rows())
        if self.grid.ragged:
            found += [
                Observation(row.line, None, None, None, None, row.text, decision=REJECTED, reasons=[row.reason])
                for row in self.grid.ragged
            ]
            found.sort(key=lambda observation: observation.row)
        return found

    def _at(self, name: str) -> int:
        return self.columns.at.get(name, self._absent)

    def _when(self, date: str, time: str) -> tuple[str, Moment]:
        """The collection time as written, and the moment; held where the column for the time of day is empty."""
        if not self._has_time_column:
            return date, self.collected.read[date]
        if not time.strip():
            return date, NO_TIME_OF_DAY if date.strip() else self.collected.read[""]
        text = f"{date.strip()} {time.strip()}" if not self.collected.typed else joined(date.strip(), time.strip())
        return text, self.collected.read[text if date.strip() else ""]

    def _long_rows(self) -> Iterator[Observation]:
        item, name, value, unit, reference = (
            self._at(field) for field in ("analyte", "analyte_name", "value", "unit", "reference_range")
        )
        comment, twin = self._at("comment"), self.columns.twin
        read, facts = self.measures.read, self.grid.facts
        for line, cells in zip(self.grid.lines, self.grid.rows, strict=True):
            key = (cells[item], cells[name], cells[value], cells[unit], cells[reference])
            measure = read[key] if not facts else self._heeded(line, value, key)
            if measure.in_comment:
                measure = self.measures.from_comment(cells[item], cells[name], cells[comment], cells[unit], measure)
            text = cells[value]
            if twin is not None and cells[twin].strip():
                text, measure = self.measures.beside(key, cells[twin], measure)
            yield self._observed(line, None, cells, text, measure, None, value)

    def _wide_rows(self) -> Iterator[Observation]:
        units = self._units
        for column in self.columns.analytes:
            units.setdefault(column.index, column.unit)
        ranges = labelled_row(self.grid, self.columns, "reference_range") or [""] * len(self.grid.header)
        doubtful = self._take_unit_row(units)
        ranges = labelled_row(self.grid, self.columns, "reference_range") or ranges
        for line, cells in zip(self.grid.lines, self.grid.rows, strict=True):
            for column in self.columns.analytes:
                text = cells[column.index]
                if not text.strip() and not self._lost(line, column.index):
                    continue
                unit = (cells[column.unit_at].strip() if column.unit_at >= 0 else "") or units[column.index]
                key = (column.item, "", text, unit, ranges[column.index])
                measure = self._heeded(line, column.index, key)
                if column.index in doubtful and measure.decision != IGNORED:
                    reasons = (*measure.reasons, "two_units: header and unit row do not agree")
                    measure = replace(measure, decision=worse(REVIEW, measure.decision), reasons=reasons)
                yield self._observed(line, column.header, cells, text, measure, None, column.index)

    def _take_unit_row(self, units: dict[int, str]) -> set[int]:
        """The columns whose header says another unit than the row of units, which is moved into `units`."""
        cells = labelled_row(self.grid, self.columns, "unit")
        if cells is None:
            if not self.grid.rows or not self._is_unit_row(self.grid.rows[0]):
                return set()
            cells = self.grid.rows.pop(0)
            self.grid.lines.pop(0)
        doubtful: set[int] = set()
        for column in self.columns.analytes:
            unit = cells[column.index].strip()
            if unit and units[column.index] and not self._agree(column, unit, units[column.index]):
                doubtful.add(column.index)
            units[column.index] = unit or units[column.index]
        return doubtful

    def _agree(self, column: AnalyteColumn, one: str, other: str) -> bool:
        found = self.measures.item(column.item, "", one).analyte
        return found is not None and same_unit(found, one, other)

    def _is_unit_row(self, cells: list[str]) -> bool:
        """Whether a row names nobody and no time, and holds words only under analytes, none of them a number."""
        under = {column.index for column in self.columns.analytes}
        elsewhere = any(cell.strip() for index, cell in enumerate(cells[: self._absent]) if index not in under)
        words = [(column, cells[column.index]) for column in self.columns.analytes if cells[column.index].strip()]
        return not elsewhere and bool(words) and all(self._no_result(column, word) for column, word in words)

    def _no_result(self, column: AnalyteColumn, text: str) -> bool:
        """Whether a text under an analyte holds no number, or one of the units of it that begin with a figure."""
        return self.measures.numbers.read[text].value is None or self._agree(column, text, text)

    def _rows_under_dates(self) -> Iterator[Observation]:
        item, name, unit, reference = (
            self._at(field) for field in ("analyte", "analyte_name", "unit", "reference_range")
        )
        moments = {index: self.collected.read[self.grid.header[index]] for index in self.columns.dates}
        for line, cells in zip(self.grid.lines, self.grid.rows, strict=True):
            for index in self.columns.dates:
                text = cells[index]
                if not text.strip() and not self._lost(line, index):
                    continue
                measure = self._heeded(line, index, (cells[item], cells[name], text, cells[unit], cells[reference]))
                yield self._observed(line, self.grid.header[index], cells, text, measure, moments[index], index)

    def _heeded(self, line: int, column: int, key: tuple[str, str, str, str, str]) -> Measure:
        """What a value cell says, with what the workbook knows about it."""
        fact = self.grid.facts.get(line, NO_FACTS).get(column)
        measures = self._exact if fact and fact.number else self.measures
        return heeded(measures.read[key], fact)

    def _lost(self, line: int, column: int) -> bool:
        """Whether an empty cell of a workbook is not as empty as it looks."""
        fact = self.grid.facts.get(line, NO_FACTS).get(column)
        return fact is not None and bool(fact.doubt)

    def _observed(
        self, line: int, field: str | None, cells: list[str], text: str, measure: Measure, under: Moment | None, at: int
    ) -> Observation:
        """One observation with all its row says; `under` is the moment of a date in the header, `at` the column."""
        patient, full, date, time, status, quality, timing, comment, specimen, _ = self._shared
        name = cells[patient] if not self.grid.facts else id_as_shown(self.grid, line, patient, cells[patient])
        identity = self._identity[name]
        tags = self._tags[cells[status], cells[quality], cells[timing]]
        written, moment = (field or "", under) if under else self._when(cells[full] or cells[date], cells[time])
        observation = Observation(
            line,
            field,
            identity.patient_id,
            moment.ms,
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
            cells[specimen].strip() or None,
            cells[comment].strip() or None,
            None,
            measure.decision,
            [*measure.reasons, *identity.reasons, *moment.reasons, *tags.reasons],
            written,
        )
        if not identity.decision == moment.decision == tags.decision == ACCEPTED:
            self._settle(observation, identity, moment, tags)
        if self._heeds:
            self._heed(observation, cells, at)
        return observation

    def _heed(self, observation: Observation, cells: list[str], at: int) -> None:
        """Take in what other cells of the row say of the result: its report, its comment, the workbook's own facts."""
        comment, resulted = cells[self._comment], cells[self._resulted]
        if resulted:
            self._add_resulted(observation, resulted)
        if self.grid.facts or self.grid.hidden:
            self._heed_workbook(observation, observation.row, at)
        observation.born_text = cells[self._born].strip()
        if self._is_other[cells[self._material]]:
            set_aside(observation)
        elif observation.row in self._below_others and not cells[self._material]:
            hold_below(observation)
        if comment and self._comments_tell and observation.value is not None:
            if not observation.quality:
                self._heed_comment(observation, self._spoken[comment])
            if self._refused[comment]:
                observation.reasons.append(REFUSED)
                observation.decision = worse(observation.decision, REVIEW)

    def _heed_workbook(self, observation: Observation, line: int, column: int) -> None:
        """Say what the workbook knows about the cells of the row; hold it where one of them is in doubt."""
        observation.text = text_with_form(observation.text, self.grid.facts.get(line, NO_FACTS).get(column))
        patient = self._shared[0] if self._shared[0] < self._absent else None
        others = [index for index in self.columns.at.values() if index != column]
        if line in self.grid.hidden:
            observation.reasons.append(HIDDEN)
        if doubts := doubts_of(self.grid, line, others, patient):
            observation.reasons += doubts
            # With a doubt that says why something is missing, a person can say what stood there.
            known = observation.patient_id is not None and observation.analyte is not None
            lost_item = observation.decision == IGNORED and self._lost(line, self._at("analyte"))
            held = REVIEW if known else REJECTED if lost_item else observation.decision
            observation.decision = held if observation.decision in (REJECTED, IGNORED) else worse(held, REVIEW)

    @staticmethod
    def _heed_comment(observation: Observation, quality: str) -> None:
        """Hold a number whose comment says that its sample was spoiled."""
        if not quality or (quality == "clumped" and observation.analyte != "platelets"):
            return
        observation.reasons.append(f"quality_in_comment: the comment speaks of a sample that is {quality}")
        if quality in SPOILED:
            observation.decision = worse(observation.decision, REVIEW)

    def _add_resulted(self, observation: Observation, text: str) -> None:
        """Set when it was resulted; a result older than its sample is held."""
        moment = self.resulted.read[text]
        observation.resulted_ms = moment.ms
        if moment.ms is None:
            observation.reasons.append("resulted_at: not read, the time of the report is unknown")
        elif observation.collected_ms is not None and moment.ms < observation.collected_ms:
            observation.reasons.append("collected_after_result: the sample was taken after its result")
            observation.decision = worse(REVIEW, observation.decision)

    @staticmethod
    def _settle(observation: Observation, identity: Identity, moment: Moment, tags: Tags) -> None:
        """Set the fate of a row of which more than the value is in doubt; what is no analyte of ours stays ignored."""
        for decision in (identity.decision, moment.decision, tags.decision):
            observation.decision = worse(observation.decision, decision)
