"""The lines of the tables: results as received, events, and what became of every row of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

from khemon.actions.watch.heldrows import LONGEST_TEXT
from khemon.figures.samples import Sample
from khemon.figures.style import LANES
from khemon.figures.words import date_words, moment, reason_words, unit_words
from khemon.models import LASTING_EVENTS, Event
from khemon.store import HeldRow, ResultRow, RowDecision
from khemon.units import ANALYTES

_NO_TIME = 2**62


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One version of a result. text, unit: as received. canonical: with comparator, in the canonical unit.

    is_kept: no result, but a row that is held, or a sample without a value.
    """

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
    news: str = ""
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event."""

    kind: str
    start: str
    end: str
    dose: str
    note: str


def result_lines(
    versions: Sequence[ResultRow],
    samples: Sequence[Sample],
    zone: ZoneInfo,
    decided: Mapping[int, RowDecision],
    kept: Sequence[HeldRow] = (),
    news: Mapping[int, str] | None = None,
) -> tuple[ResultLine, ...]:
    """Every version, the newest first; versions that another replaced or a person set out say so.

    kept: rows that no rule judges, held ones and samples without a value. news: by result id what is new about it.
    """
    standing = {sample.result_id: sample for sample in samples}
    # Results of one draw share its time, those of one file the time of its import.
    at = cache(lambda ms: date_words(moment(ms), zone))
    told = [
        (row.collected_ms, _result_line(row, standing.get(row.result_id), at, decided, news or {}))
        for row in reversed(versions)
    ]
    # A row whose time is in doubt stands on top: it may be of now.
    told += [(_NO_TIME if row.collected_ms is None else row.collected_ms, _kept_line(row, zone)) for row in kept]
    return tuple(line for _, line in sorted(told, key=lambda each: each[0], reverse=True))


def _kept_line(row: HeldRow, zone: ZoneInfo) -> ResultLine:
    """A row that waits for a person, or a sample that gave no value."""
    collected = (
        row.collected_text or "no time" if row.collected_ms is None else date_words(moment(row.collected_ms), zone)
    )
    analyte = row.analyte or ""
    return ResultLine(
        collected=collected,
        analyte=ANALYTES[analyte].label if analyte in ANALYTES else analyte or "row of patients or events",
        text=row.text if len(row.text) <= LONGEST_TEXT else f"{row.text[:LONGEST_TEXT]} …",
        unit=row.unit or "",
        canonical="",
        canonical_unit="",
        status="no value" if row.decision == "no_value" else "held, not judged",
        remarks="; ".join(map(reason_words, row.reasons)),
        specimen=row.specimen_id or "",
        recorded=date_words(moment(row.recorded_ms), zone),
        source=f"batch {row.batch}, row {row.row}",
        severity=None,
        is_kept=True,
    )


def _result_line(
    row: ResultRow,
    sample: Sample | None,
    at: Callable[[int], str],
    decisions: Mapping[int, RowDecision],
    news: Mapping[int, str],
) -> ResultLine:
    remarks = list(sample.remarks) if sample else []
    decided = decisions.get(row.result_id)
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
        collected=at(row.collected_ms),
        analyte=ANALYTES[row.analyte].label,
        text=row.text,
        unit=row.unit or "",
        canonical=f"{row.comparator}{row.canonical_value or ''}",
        canonical_unit=unit_words(row.canonical_unit),
        status=row.status.replace("_", " "),
        remarks="; ".join(remarks),
        specimen=row.specimen_id or "",
        recorded=at(row.recorded_ms),
        source=f"batch {row.batch}, row {row.row}",
        severity=sample.severity if sample else None,
        news=news.get(row.result_id, ""),
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
