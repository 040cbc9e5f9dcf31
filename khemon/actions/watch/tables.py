"""The lines of the tables: results as received, events, and what became of every row of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from khemon.figures.samples import Sample
from khemon.figures.style import LANES
from khemon.figures.words import date_words, moment, reason_words, unit_words
from khemon.models import LASTING_EVENTS, Event
from khemon.store import ResultRow, RowDecision
from khemon.units import ANALYTES


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One version of a result. text, unit: as received. canonical: with comparator, in the canonical unit."""

    collected: str
    analyte: str
    text: str
    unit: str
    canonical: str
    canonical_unit: str
    status: str
    remarks: str
    specimen: str
    recorded: str
    source: str
    severity: str | None


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event."""

    kind: str
    start: str
    end: str
    dose: str
    note: str


def result_lines(
    versions: Sequence[ResultRow], samples: Sequence[Sample], zone: ZoneInfo, decided: Mapping[int, RowDecision]
) -> tuple[ResultLine, ...]:
    """Every version, the newest first; versions that another replaced or a person set out say so."""
    standing = {sample.result_id: sample for sample in samples}
    return tuple(
        _result_line(row, standing.get(row.result_id), zone, decided.get(row.result_id)) for row in reversed(versions)
    )


def _result_line(
    row: ResultRow, sample: Sample | None, zone: ZoneInfo, decided: RowDecision | None = None
) -> ResultLine:
    remarks = list(sample.remarks) if sample else []
    if decided is not None:
        did = "corrected by hand" if decided.verdict == "edited" else "set out as entered in error"
        remarks.append(f"{did}: {decided.reason}")
    elif sample is None and ANALYTES[row.analyte].has_rules:
        remarks.append(
            "withdrawn" if row.status in ("cancelled", "entered_in_error") else "replaced by a later version"
        )
    if row.timing != "unknown":
        remarks.append(row.timing)
    remarks += map(reason_words, row.reasons)
    if row.comment:
        remarks.append(f"laboratory: {row.comment}")
    return ResultLine(
        collected=date_words(moment(row.collected_ms), zone),
        analyte=ANALYTES[row.analyte].label,
        text=row.text,
        unit=row.unit or "",
        canonical=f"{row.comparator}{row.canonical_value or ''}",
        canonical_unit=unit_words(row.canonical_unit),
        status=row.status.replace("_", " "),
        remarks="; ".join(remarks),
        specimen=row.specimen_id or "",
        recorded=date_words(moment(row.recorded_ms), zone),
        source=f"batch {row.batch}, row {row.row}",
        severity=sample.severity if sample else None,
    )


def event_lines(events: Sequence[Event], zone: ZoneInfo) -> tuple[EventLine, ...]:
    """Every event, the newest first."""
    return tuple(_event_line(event, zone) for event in sorted(events, key=lambda event: event.start, reverse=True))


def _event_line(event: Event, zone: ZoneInfo) -> EventLine:
    lasting = event.kind in LASTING_EVENTS
    end = date_words(event.end, zone) if event.end else ("no end recorded" if lasting else "")
    dose = " ".join(part for part in (event.dose, event.unit) if part)
    word = LANES.get(event.kind, ("", event.kind.replace("_", " ")))[1]
    return EventLine(word, date_words(event.start, zone), end, dose, event.note or "")
