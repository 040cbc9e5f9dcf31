"""Entering a result or events by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from khemon.actions.by_hand import checks
from khemon.actions.by_hand.forms import EventForm, ResultForm
from khemon.actions.by_hand.recording import BY_HAND, Deed, Recorded, record
from khemon.actions.permitted import permitted
from khemon.importers import EventRow, Observation
from khemon.models import Actor, Refused
from khemon.rules.calendar import from_ms, to_ms
from khemon.store import EventEntry, Reader, ResultRow, Store
from khemon.units import ANALYTE_CODES, ANALYTES


@permitted("record")
def enter_result(store: Store, actor: Actor, form: ResultForm, *, now: dt.datetime, sure: bool = False) -> Recorded:
    """Stores a result that a person enters. Refused with the remedy, or a Question where something is unusual."""
    with store.writing() as writer:
        [row] = checks.read_results(writer, [form], to_ms(now))
        checks.ask([*checks.result_questions(row), *beside(writer, row)], sure=sure)
        deed = Deed("enter_result", form.patient_id.strip(), BY_HAND, observations=[row])
        return record(writer, actor, deed, now, checks.zone_of(writer))


@permitted("record")
def enter_events(
    store: Store, actor: Actor, forms: Sequence[EventForm], *, now: dt.datetime, sure: bool = False
) -> Recorded:
    """Stores events of one patient that a person enters together: several doses are several rows of one act."""
    with store.writing() as writer:
        rows, questions = new_events(writer, forms, to_ms(now))
        checks.ask(questions, sure=sure)
        deed = Deed("enter_event", forms[0].patient_id.strip(), BY_HAND, events=rows)
        return record(writer, actor, deed, now, checks.zone_of(writer))


def new_events(reader: Reader, forms: Sequence[EventForm], now_ms: int) -> tuple[list[EventRow], list[str]]:
    """The events of one patient as a file would give them, and what is asked about them; Refused for what is wrong."""
    if not forms or len({form.patient_id.strip() for form in forms}) != 1:
        raise Refused("events", "they are of no patient, or of several", "enter the events of one patient at a time")
    rows = checks.read_events(reader, forms, now_ms)
    _refuse_twice(rows)
    zone = checks.zone_of(reader)
    entries = [entry for entry in reader.event_entries(forms[0].patient_id.strip()) if not entry.out]
    for row in rows:
        refuse_stored(row, entries, zone)
    return rows, list(dict.fromkeys(words for row in rows for words in checks.event_questions(row, now_ms, zone)))


def beside(reader: Reader, row: Observation, besides: frozenset[int] = frozenset()) -> list[str]:
    """What is asked because a result of the analyte and time is stored; Refused where it says the same."""
    found = []
    for stored in stored_at(reader, row, besides):
        apart = row.specimen_id is not None and stored.specimen_id not in (None, row.specimen_id)
        value = f"{stored.comparator}{stored.canonical_value or stored.text} {stored.canonical_unit or ''}".strip()
        label = ANALYTES[str(row.analyte)].label
        same = (stored.comparator, stored.canonical_value) == (row.comparator, row.canonical_value)
        told = f"result {stored.result_id}, {stored.status}"
        if same and not apart and stored.quality == row.quality and stored.status == row.status:
            raise Refused("value", f"the same is stored for this time already ({told})", "nothing needs to be entered")
        found.append(
            f"{label} {value} is stored for this time already ({told}): correct that one if it is wrong, or keep both"
        )
    return found


def stored_at(reader: Reader, row: Observation, besides: frozenset[int] = frozenset()) -> list[ResultRow]:
    """The results that stand for a row's patient, analyte and time, but for some."""
    columns = reader.results_for([str(row.patient_id)], all_analytes=True)
    here = (columns.time == row.collected_ms) & (columns.analyte == ANALYTE_CODES[str(row.analyte)])
    numbers = [int(number) for number in columns.result_id[here] if int(number) not in besides]
    stored = reader.result_details(numbers)
    return [stored[number] for number in numbers if stored[number].status not in ("cancelled", "entered_in_error")]


def _refuse_twice(rows: Sequence[EventRow]) -> None:
    said = [(row.kind, row.start_ms, row.end_ms, row.dose, row.unit, row.note) for row in rows]
    if len(set(said)) != len(said):
        raise Refused("events", "the same is entered twice", "leave one out, or give each its own time")


def refuse_stored(row: EventRow, entries: Sequence[EventEntry], zone: str) -> None:
    """Nothing for an event that is new; Refused where one of its kind and start is stored, which is to be corrected."""
    for entry in entries:
        if (entry.kind, entry.start_ms) == (row.kind, row.start_ms):
            same = (entry.end_ms, entry.dose, entry.unit, entry.note) == (row.end_ms, row.dose, row.unit, row.note)
            at = from_ms(entry.start_ms, zone).astimezone(ZoneInfo(zone))
            words = f"{row.kind.replace('_', ' ')} at {at:%Y-%m-%d %H:%M} is stored already (event {entry.version})"
            if same:
                raise Refused("start", words, "nothing needs to be entered")
            remedy = "correct that one; a second one at that time needs a minute of its own"
            raise Refused("start", f"{words}, and says something else", remedy)
