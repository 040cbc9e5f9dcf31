"""Events out of the store: what the standing rows say together."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial

import numpy as np
import sqlalchemy as sa

from khemon.models import EVENT_KINDS, Event
from khemon.store.acts import EventEntry
from khemon.store.column_types import time_of
from khemon.store.judging import EventFields, EventHistory
from khemon.store.repository.bulk import ReadyOf
from khemon.store.repository.decisions import set_out
from khemon.store.repository.ledger import Ledger
from khemon.store.repository.marks import mark_of, totals
from khemon.store.repository.sealing import EVENT_COLUMNS
from khemon.store.repository.seals import OF_ACTS, seals_of
from khemon.store.rows import EventColumns
from khemon.store.tables import BATCH_SPAN, event_version

KIND_CODES = {kind: code for code, kind in enumerate(EVENT_KINDS)}
_ROWS = ReadyOf(sa.select(*EVENT_COLUMNS), event_version.c.patient_no)

#: Source, patient, kind, start: within these, rows speak of the same event unless they contradict each other.
EventKey = tuple[str | None, int, str, int]


def event_histories(
    connection: sa.Connection, ledger: Ledger, numbers: Sequence[int] | None, known_at_ms: int | None = None
) -> tuple[dict[EventKey, EventHistory], dict[int, str]]:
    """What the standing rows of these patients say, taken in order, and the fate each row (by id) has now.

    A row that a person rejected or corrected says nothing; its fate is the one it would have.
    """
    gone, left = ledger.not_standing(known_at_ms), set_out(ledger, known_at_ms)
    silent = silenced(ledger, known_at_ms)
    histories: dict[EventKey, EventHistory] = {}
    decisions: dict[int, str] = {}
    rows = sorted(_ROWS.rows(connection, numbers))
    seals = seals_of(connection)
    seals.compare("event", totals((row[1], mark_of(*row)) for row in rows), numbers)
    for row_id, number, kind, start_ms, *said, _, _ in rows if left else ():
        if row_id in left:
            key = (ledger.of_row(row_id).source, number, kind, start_ms)
            act_no, verdict = left[row_id]
            histories.setdefault(key, EventHistory()).expect(act_no, row_id, verdict, EventFields(*said))
    for row_id, number, kind, start_ms, end_ms, dose, unit, note, forced, _ in rows:
        batch_no = row_id // BATCH_SPAN
        if batch_no not in gone and number not in seals.left_out:
            history = histories.setdefault((ledger.of_row(row_id).source, number, kind, start_ms), EventHistory())
            fields = EventFields(end_ms, dose, unit, note)
            asked = copy.deepcopy(history) if row_id in silent else history
            decisions[row_id] = asked.take(row_id, batch_no, fields, forced).decision
    for history in histories.values() if left else ():
        history.close()
    return histories, decisions


def event_entries(connection: sa.Connection, ledger: Ledger, patient_no: int) -> list[EventEntry]:
    """Every event of a patient by its start, those that a person set out included."""
    histories, _ = event_histories(connection, ledger, [patient_no])
    found = [
        EventEntry(history.version[number], tuple(history.rows[number]), source, kind, start_ms, *fields, out=out)
        for (source, _, kind, start_ms), history in histories.items()
        for out, events in ((False, history.events), (True, history.out))
        for number, fields in events.items()
    ]
    return sorted(found, key=lambda entry: (entry.start_ms, entry.rows))


def silenced(ledger: Ledger, known_at_ms: int | None = None) -> set[int]:
    """Ids of rows that a person took out: rejected, or corrected to say something else."""
    decided = ledger.decided(known_at_ms).items()
    return {row_id for row_id, decision in decided if decision.verdict in ("rejected", "corrected")}


def event_columns(
    connection: sa.Connection, ledger: Ledger, numbers: dict[str, int], *, everyone: bool, known_at_ms: int | None
) -> EventColumns:
    """Current events of these patients; `everyone`: they are all there are."""
    if everyone or len(numbers) != 1 or ledger.cut(known_at_ms) is not None:
        return _columns_read(connection, ledger, numbers, everyone=everyone, known_at_ms=known_at_ms)
    [number] = numbers.values()
    read = partial(_columns_read, connection, ledger, numbers, everyone=False, known_at_ms=None)
    return seals_of(connection).recall("events", number, [(number, "event"), *OF_ACTS], read)


def _columns_read(
    connection: sa.Connection, ledger: Ledger, numbers: dict[str, int], *, everyone: bool, known_at_ms: int | None
) -> EventColumns:
    asked = None if everyone else list(numbers.values())
    histories, _ = event_histories(connection, ledger, asked, known_at_ms)
    names = sorted(numbers)
    places = {numbers[name]: place for place, name in enumerate(names)}
    current = sorted(
        (places[number], start_ms, KIND_CODES[kind], event_id, fields)
        for (_, number, kind, start_ms), history in histories.items()
        for event_id, fields in history.events.items()
        if number in places
    )
    return EventColumns(
        patient_ids=names,
        patient=np.array([row[0] for row in current], dtype=np.int32),
        kind=np.array([row[2] for row in current], dtype=np.int8),
        start=np.array([row[1] for row in current], dtype=np.int64),
        end=np.array([-1 if row[4].end_ms is None else row[4].end_ms for row in current], dtype=np.int64),
        event_id=np.array([row[3] for row in current], dtype=np.int64),
        events=[_event(names[place], EVENT_KINDS[kind], start, fields) for place, start, kind, _, fields in current],
    )


def _event(patient_id: str, kind: str, start_ms: int, fields: EventFields) -> Event:
    return Event(
        patient_id=patient_id,
        kind=kind,
        start=time_of(start_ms),
        end=None if fields.end_ms is None else time_of(fields.end_ms),
        dose=fields.dose,
        unit=fields.unit,
        note=fields.note,
    )
