"""Events and patients from their canonical tables: every row with its fate."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

from khemon.importers.cellfacts import doubts_of, id_as_shown
from khemon.importers.grid import Grid
from khemon.importers.layout import PATIENT_COLUMNS, Columns
from khemon.importers.rowfacts import read_identity
from khemon.importers.staging import ACCEPTED, REJECTED, REVIEW, EventRow, PatientRow, worse
from khemon.importers.times import Clock, Moment, in_zone
from khemon.models import EVENT_KINDS, ChosenBand

#: Kinds for which a calendar date says enough: courses, visits and findings. Of the others (products, bleeding, closing
#: events) the hour decides what is supported or judged, so a date without a time is held.
BY_DATE: frozenset[str] = frozenset(
    {
        "sirolimus",
        "prednisolone",
        "vincristine",
        "pjp_prophylaxis",
        "other_drug",
        "procedure",
        "lesion_change",
        "lesion_volume",
        "quality_of_life",
        "sequela",
        "adverse_event",
        "day0",
        "arm",
        "discontinuation",
        "response_documented",
    }
)
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
TIME_COLUMNS = ("on_ward_from", "day0", "discontinued_at")
UNTIL_COLUMNS = ("on_ward_until", "followed_until")


def whole_day(text: str, until: bool, zone: ZoneInfo) -> str | None:
    """The first second of a bare ISO date, or its last one for the end of something; None when it is no bare date.

    A day has one first and one last second also where the clock was moved at midnight: then the offset is given too.
    """
    if not DATE.fullmatch(text):
        return None
    second = f"{text}T23:59:59" if until else f"{text}T00:00:00"
    try:
        local = dt.datetime.fromisoformat(second)
    except ValueError:
        return second
    moved = bool(in_zone(local, zone).reasons)
    return (local.replace(tzinfo=zone, fold=int(until)) if moved else local).isoformat()


def _event_time(clock: Clock, text: str, kind: str, until: bool) -> Moment:
    """A start or end of an event; a bare date is read as a whole day only where the day is enough."""
    day = whole_day(text, until, clock.zone)
    if day is None:
        return clock.read[text]
    moment = clock.read[day]
    if kind in BY_DATE:
        return moment
    return Moment(moment.ms, worse(REVIEW, moment.decision), (*moment.reasons, "no_time_of_day: a date without a time"))


class EventReader:
    """Turns the rows of an events table into events."""

    def __init__(self, grid: Grid, columns: Columns, starts: Clock, ends: Clock, patient_id: str | None) -> None:
        self.grid = grid
        self.at = columns.at
        self.starts = starts
        self.ends = ends
        self.patient_id = patient_id

    def rows(self) -> list[EventRow]:
        """Every event of the table in the order of its lines."""
        found = [self._row(line, cells) for line, cells in zip(self.grid.lines, self.grid.rows, strict=True)]
        found += [
            EventRow(row.line, None, "", None, decision=REJECTED, reasons=[row.reason]) for row in self.grid.ragged
        ]
        return sorted(found, key=lambda event: event.row)

    def _cell(self, cells: list[str], name: str) -> str:
        return cells[self.at[name]].strip() if name in self.at else ""

    def _row(self, line: int, cells: list[str]) -> EventRow:
        named = id_as_shown(self.grid, line, self.at["patient_id"], self._cell(cells, "patient_id"))
        identity = read_identity(named, self.patient_id)
        kind = self._cell(cells, "kind").casefold()
        start = _event_time(self.starts, self._cell(cells, "start"), kind, until=False)
        dose, unit, note = (self._cell(cells, name) or None for name in ("dose", "unit", "note"))
        event = EventRow(
            line, identity.patient_id, kind, start.ms, None, dose, unit, note, worse(identity.decision, start.decision)
        )
        event.reasons += [*identity.reasons, *(_named("start", reason) for reason in start.reasons)]
        if kind not in EVENT_KINDS:
            _add(event, REJECTED, f"unknown_kind: use one of: {', '.join(EVENT_KINDS)}")
        self._add_end(event, self._cell(cells, "end"))
        for doubt in doubts_of(self.grid, line, self.at.values(), self.at["patient_id"]):
            _add(event, REVIEW, doubt)
        return event

    def _add_end(self, event: EventRow, text: str) -> None:
        if not text:
            return
        end = _event_time(self.ends, text, event.kind, until=True)
        event.end_ms = end.ms
        for reason in end.reasons:
            _add(event, end.decision, _named("end", reason))
        if end.ms is not None and event.start_ms is not None and end.ms < event.start_ms:
            _add(event, REJECTED, "end_before_start: the event ends before it starts")


def _named(column: str, reason: str) -> str:
    return f"{reason} (column {column!r})"


def _add(row: EventRow | PatientRow, decision: str, reason: str) -> None:
    row.decision = worse(row.decision, decision)
    row.reasons.append(reason)


class PatientReader:
    """Turns the rows of a patients table into patients."""

    def __init__(self, grid: Grid, columns: Columns, clock: Clock, now_ms: int) -> None:
        self.grid = grid
        self.at = columns.at
        self.clock = clock
        self.today = dt.datetime.fromtimestamp(now_ms // 1000, clock.zone).date()

    def rows(self) -> list[PatientRow]:
        """Every patient of the table in the order of its lines; a second row of one patient is held."""
        found = [self._row(line, cells) for line, cells in zip(self.grid.lines, self.grid.rows, strict=True)]
        found += [PatientRow(row.line, None, decision=REJECTED, reasons=[row.reason]) for row in self.grid.ragged]
        seen: set[str] = set()
        for row in found:
            if row.patient_id in seen:
                _add(row, REVIEW, "same_patient: an earlier row of this file names the same patient")
            if row.patient_id is not None:
                seen.add(row.patient_id)
        return sorted(found, key=lambda patient: patient.row)

    def _row(self, line: int, cells: list[str]) -> PatientRow:
        identity = read_identity(
            id_as_shown(self.grid, line, self.at["patient_id"], cells[self.at["patient_id"]]), None
        )
        patient = PatientRow(line, identity.patient_id, {}, identity.decision, [*identity.reasons])
        for name in PATIENT_COLUMNS[1:]:
            text = cells[self.at[name]].strip() if name in self.at else ""
            if text:
                self._add_field(patient, name, text)
        for doubt in doubts_of(self.grid, line, self.at.values(), self.at["patient_id"]):
            _add(patient, REVIEW, doubt)
        return patient

    def _add_field(self, patient: PatientRow, name: str, text: str) -> None:
        if name == "birth_date":
            self._add_birth_date(patient, text)
        elif name in TIME_COLUMNS or name in UNTIL_COLUMNS:
            self._add_time(patient, name, text)
        elif name == "sirolimus_target" and ChosenBand.read(text) is None:
            remedy = "write the band in ng/mL as 10-15, and who chose it in brackets behind it: 10-15 (Dr. Lee)"
            _add(patient, REVIEW, f"unreadable_target: {remedy} (column 'sirolimus_target')")
        else:
            patient.fields[name] = text

    def _add_birth_date(self, patient: PatientRow, text: str) -> None:
        """Set a birth date; one that is unreadable or in the future holds the row."""
        try:
            born = dt.date.fromisoformat(text) if DATE.fullmatch(text) else None
        except ValueError:
            born = None
        if born is None:
            _add(patient, REVIEW, "unreadable_date: write it as 2026-01-31 (column 'birth_date')")
        elif born > self.today:
            _add(patient, REVIEW, "future_time: later than now (column 'birth_date')")
        else:
            patient.fields["birth_date"] = text

    def _add_time(self, patient: PatientRow, name: str, text: str) -> None:
        moment = self.clock.read[whole_day(text, name in UNTIL_COLUMNS, self.clock.zone) or text]
        for reason in moment.reasons:
            _add(patient, worse(REVIEW, ACCEPTED), _named(name, reason))
        if moment.ms is not None and not moment.reasons:
            patient.fields[name] = _iso(moment.ms, self.clock.zone)


def _iso(ms: int, zone: ZoneInfo) -> str:
    """UTC milliseconds as ISO text with the zone's offset."""
    moment = dt.datetime.fromtimestamp(ms // 1000, zone).replace(microsecond=ms % 1000 * 1000)
    return moment.isoformat()
