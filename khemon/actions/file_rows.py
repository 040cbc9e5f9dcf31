"""The rows of a file with what becomes of them, for a page or a list: each with the whole row as it was received."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from khemon.actions.permitted import permitted
from khemon.exporters.csv_table import csv_table
from khemon.figures.words import iso_words, reason_words, unit_words
from khemon.importers import Reading
from khemon.importers.received import received
from khemon.importers.staging import EventRow, Observation, PatientRow
from khemon.models import Actor, ImportProblem
from khemon.rules.calendar import from_ms
from khemon.store import NEW_PATIENT, BatchRow, FateRow, Reader, Store

Row = Observation | EventRow | PatientRow
#: What needs a person comes first.
FATES = ("review", "conflict", "rejected", "no_value", "ignored", "duplicate", "accepted")
HEAD = (
    "file",
    "row",
    "field",
    "patient_id",
    "collected_at",
    "analyte",
    "text",
    "unit",
    "decision",
    "reasons",
    "row_as_received",
)


@dataclass(frozen=True, slots=True)
class RowLine:
    """One row, or one value of a row: its place, its fate with reasons in words, how it was read, how it arrived."""

    row: int
    field: str
    decision: str
    reasons: tuple[str, ...]
    patient_id: str
    collected_at: str
    analyte: str
    text: str
    unit: str
    read_as: str
    received: str
    remarked: bool = False

    @property
    def collected(self) -> str:
        """The time of collection in words; empty where it is not known."""
        return iso_words(self.collected_at)


class FileRows:
    """The rows of a file that was read and not kept yet; lines are made only for those that are looked at."""

    def __init__(self, reading: Reading, zone: str) -> None:
        self._rows: list[Row] = [*reading.observations, *reading.events, *reading.patients]
        self._received = reading.received or _nowhere
        self._zone = zone
        self._sheets = reading.format in ("xlsx", "xls")

    def __len__(self) -> int:
        return len(self._rows)

    @cached_property
    def by_fate(self) -> dict[str, list[int]]:
        """Fate to the places of its rows, what needs a person first."""
        found: dict[str, list[int]] = {fate: [] for fate in FATES}
        for place, row in enumerate(self._rows):
            found[row.decision].append(place)
        # Of what is accepted, too, first that about which something is said.
        found["accepted"].sort(key=lambda place: not _is_remarked(self._rows[place]))
        return {fate: places for fate, places in found.items() if places}

    @cached_property
    def remarked(self) -> int:
        """How many rows are accepted with a remark, such as a value that is unusual in its unit."""
        return sum(_is_remarked(self._rows[place]) for place in self.by_fate.get("accepted", ()))

    @cached_property
    def lines_of_file(self) -> int:
        """How many rows of the file these are; one row may hold several values."""
        if not self._sheets:
            return len({row.row for row in self._rows})
        return len({(row.row, (getattr(row, "field", None) or "").partition("!")[0]) for row in self._rows})

    def page(self, fate: str | None, first: int, most: int) -> tuple[RowLine, ...]:
        """Some lines of one fate, or of all, from the place `first` on."""
        chosen = self.by_fate.get(fate, []) if fate else [place for found in self.by_fate.values() for place in found]
        return tuple(self._line(self._rows[place]) for place in chosen[first : first + most])

    def not_accepted(self) -> Iterator[RowLine]:
        """Every row that was not accepted, in the order of the file."""
        return (self._line(row) for row in self._rows if row.decision != "accepted")

    def _line(self, row: Row) -> RowLine:
        field = getattr(row, "field", None)
        arrived = self._received(row.row, field)
        if isinstance(row, Observation):
            return _result_line(row, arrived, _time(row.collected_ms, self._zone))
        start = _time(row.start_ms, self._zone) if isinstance(row, EventRow) else ""
        text = row.kind if isinstance(row, EventRow) else ""
        reasons = tuple(map(reason_words, row.reasons))
        patient_id = row.patient_id or ""
        return RowLine(row.row, "", row.decision, reasons, patient_id, start, "", text, "", "", arrived)


def _is_remarked(row: Row) -> bool:
    return _asks(row.reasons)


def _asks(reasons: Sequence[str]) -> bool:
    """Whether the reasons of an accepted row ask something: a new patient and the laboratory's own mark do not."""
    return any(reason != NEW_PATIENT and not reason.startswith("flag:") for reason in reasons)


def _nowhere(number: int, field: str | None) -> str:
    return ""


def _time(ms: int | None, zone: str) -> str:
    return "" if ms is None else from_ms(ms, zone).isoformat()


def _result_line(row: Observation | FateRow, arrived: str, collected: str) -> RowLine:
    value = f"{row.comparator or ''}{row.canonical_value}" if row.canonical_value else ""
    return RowLine(
        row=row.row,
        field=row.field or "",
        decision=row.decision,
        reasons=tuple(map(reason_words, row.reasons)),
        patient_id=row.patient_id or "",
        collected_at=collected,
        analyte=(row.analyte or "").replace("_", " "),
        text=row.text,
        unit=row.unit or "",
        read_as=f"{value} {unit_words(row.canonical_unit)}".strip() if value else "",
        received=arrived,
        remarked=_asks(row.reasons),
    )


def stored_not_accepted(reader: Reader, batch: BatchRow) -> Iterator[RowLine]:
    """Every row of an import that was not accepted, with the row of the file as it arrived."""
    zone = reader.setting("timezone") or "UTC"
    arrived = _arrived(reader, batch)
    for row in reader.fates_of(batch.batch):
        if row.decision != "accepted":
            yield _result_line(row, arrived(row.row, row.field), _time(row.collected_ms, zone))


def _arrived(reader: Reader, batch: BatchRow) -> Callable[[int, str | None], str]:
    """Finds the rows of a stored file; nothing where it can no longer be read as it was then."""
    content = reader.raw_file(batch.sha256)
    try:
        return received(content or b"", batch.format, str(batch.details.get("encoding") or ""))
    except (ImportProblem, LookupError):
        return _nowhere


def as_csv(name: str, lines: Iterator[RowLine] | Sequence[RowLine]) -> bytes:
    """A list of rows for a spreadsheet."""
    rows = (
        (
            name,
            str(line.row),
            line.field,
            line.patient_id,
            line.collected_at,
            line.analyte,
            line.text,
            line.unit,
            line.decision,
            "; ".join(line.reasons),
            line.received,
        )
        for line in lines
    )
    return csv_table(HEAD, rows)


@permitted("export")
def not_accepted_csv(store: Store, actor: Actor, batch: str, now_ms: int) -> bytes:
    """The list of everything an import did not accept, as CSV; that it left is audited."""
    with store.reading() as reader:
        found = reader.batch(batch)
        content = b"" if found is None else as_csv(found.file, stored_not_accepted(reader, found))
    with store.writing() as writer:
        writer.audit(actor, "export", f"batch {batch}", {"what": "rows that were not accepted"}, now_ms)
    return content
