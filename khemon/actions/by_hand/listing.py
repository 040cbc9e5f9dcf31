"""What is stored of one child, each version with what became of it, who did that, when and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

from khemon.actions.by_hand.chains import Chains
from khemon.actions.by_hand.checks import known_patient, zone_of
from khemon.actions.by_hand.recording import BY_HAND
from khemon.actions.permitted import permitted
from khemon.figures.words import date_words, moment, unit_words
from khemon.models import LASTING_EVENTS, STATUSES, Actor
from khemon.rules.calendar import from_ms
from khemon.store import EventEntry, Reader, ResultRow, Store, batch_of
from khemon.units import ANALYTES

STANDS, CORRECTED, SET_OUT, REPLACED, WITHDRAWN = "stands", "corrected", "set out", "replaced", "withdrawn"


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a result or an event. `why`: who did what became of it, when and for what reason.

    at, until: ISO 8601 with offset, for forms; `when` the same in words. fields: what an edit may change, as texts.
    """

    number: int
    what: str
    said: str
    when: str
    at_ms: int
    state: str
    why: str
    brought: str
    by_hand: bool
    fields: dict[str, str]

    @property
    def stands(self) -> bool:
        """Whether it is what counts, and so may be corrected or set out."""
        return self.state == STANDS

    @property
    def goes_on(self) -> bool:
        """Whether it is an event that goes on until an end is recorded, and none is."""
        return self.fields.get("kind") in LASTING_EVENTS and not self.fields["end"]

    @property
    def document(self) -> dict[str, Any]:
        """For --json."""
        return {name: value for name, value in asdict(self).items() if name not in ("when", "at_ms", "said")}


@permitted("look")
def results_stored(store: Store, actor: Actor, patient_id: str) -> list[Entry]:
    """Every version of a patient's results, the newest first."""
    with store.reading() as reader:
        known_patient(reader, patient_id)
        lines = _Lines(reader)
        rows = reader.results_of(patient_id)
        best: dict[tuple[object, ...], tuple[int, int]] = {}
        for row in rows:
            if lines.chains.decision(row.result_id) is None:
                key = lines.key(row)
                best[key] = max(best.get(key, (0, 0)), _rank(row))
        found = [lines.result(row, best.get(lines.key(row))) for row in rows if not lines.is_last_word(row)]
    return sorted(found, key=lambda entry: (entry.at_ms, entry.number), reverse=True)


@permitted("look")
def events_stored(store: Store, actor: Actor, patient_id: str) -> list[Entry]:
    """Every event of a patient, those set out and earlier versions included, the newest first."""
    with store.reading() as reader:
        known_patient(reader, patient_id)
        lines = _Lines(reader)
        found = [lines.event(entry) for entry in reader.event_entries(patient_id)]
    return sorted(found, key=lambda entry: (entry.at_ms, entry.number), reverse=True)


def _rank(row: ResultRow) -> tuple[int, int]:
    """Which version counts: the highest status, of corrections the last; of others none replaces the other."""
    status = STATUSES.index(row.status)
    return status, row.result_id if row.status == "corrected" else 0


class _Lines:
    """Rows of the store in words."""

    def __init__(self, reader: Reader) -> None:
        self.chains = Chains(reader)
        self.zone = ZoneInfo(zone_of(reader))

    def key(self, row: ResultRow) -> tuple[object, ...]:
        """What makes rows versions of one result."""
        return (self.chains.source_of(row), row.analyte, row.specimen_id or row.collected_ms)

    def is_last_word(self, row: ResultRow) -> bool:
        """Whether it only says that another one was set out: that one shows it."""
        decision = self.chains.decision(row.result_id)
        return decision is not None and decision.batch_no == batch_of(row.result_id)

    def result(self, row: ResultRow, best: tuple[int, int] | None) -> Entry:
        """A version of a result."""
        state, why = self._decided(row.result_id)
        if not why and row.status in ("cancelled", "entered_in_error"):
            state = WITHDRAWN
        elif not why and best is not None and _rank(row) < best:
            state = REPLACED
        at = from_ms(row.collected_ms, str(self.zone))
        fields = {"value": f"{row.comparator}{row.value or ''}", "unit": row.unit or "", "collected_at": at.isoformat()}
        fields |= {"status": row.status, "quality": row.quality, "timing": row.timing, "comment": row.comment or ""}
        marks = [row.status.replace("_", " "), row.quality, "" if row.timing == "unknown" else row.timing]
        said = f"{row.text} {unit_words(row.unit)} ({', '.join(mark for mark in marks if mark)})"
        return Entry(
            number=row.result_id,
            what=ANALYTES[row.analyte].label,
            said=said,
            when=date_words(at, self.zone),
            at_ms=row.collected_ms,
            state=state,
            why=why,
            brought=self._brought(row.result_id),
            by_hand=self.chains.source_of(row) == BY_HAND,
            fields={"analyte": row.analyte, **fields, "specimen_id": row.specimen_id or ""},
        )

    def event(self, entry: EventEntry) -> Entry:
        """A version of an event."""
        state, why = next((found for found in map(self._decided, entry.rows) if found[1]), (STANDS, ""))
        start = from_ms(entry.start_ms, str(self.zone))
        end = None if entry.end_ms is None else from_ms(entry.end_ms, str(self.zone))
        dose = " ".join(part for part in (entry.dose, entry.unit) if part)
        until = "" if entry.end_ms is None else f"until {date_words(moment(entry.end_ms), self.zone)}"
        fields = {"kind": entry.kind, "start": start.isoformat(), "end": end.isoformat() if end else ""}
        return Entry(
            number=entry.version,
            what=entry.kind.replace("_", " "),
            said=" · ".join(part for part in (dose, until, entry.note) if part),
            when=date_words(start, self.zone),
            at_ms=entry.start_ms,
            state=state,
            why=why,
            brought=self._brought(entry.rows[0]),
            by_hand=entry.source == BY_HAND,
            fields={**fields, "dose": entry.dose or "", "unit": entry.unit or "", "note": entry.note or ""},
        )

    def _decided(self, number: int) -> tuple[str, str]:
        """What became of a row by a person's act, and who, when and why; that it stands without one."""
        decision = self.chains.decision(number)
        if decision is None:
            return STANDS, ""
        state = CORRECTED if decision.verdict == "edited" else SET_OUT
        return state, f"{self.chains.decided_by(decision)}: {decision.reason}"

    def _brought(self, number: int) -> str:
        batch = self.chains.batch(number)
        at = date_words(moment(batch.recorded_ms), self.zone)
        return f"{batch.actor}, {at}, by hand" if batch.format == "by_hand" else f"{batch.file}, {at}"
