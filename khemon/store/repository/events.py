"""Events out of the store: what the standing rows say together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from khemon.models import EVENT_KINDS, Event
from khemon.store.column_types import time_of
from khemon.store.judging import EventFields, EventHistory
from khemon.store.repository.bulk import ReadyOf
from khemon.store.repository.ledger import Ledger
from khemon.store.repository.marks import mark_of, totals
from khemon.store.repository.sealing import EVENT_COLUMNS
from khemon.store.repository.seals import seals_of
from khemon.store.rows import EventColumns
from khemon.store.tables import BATCH_SPAN, event_version

KIND_CODES = {kind: code for code, kind in enumerate(EVENT_KINDS)}
_ROWS = ReadyOf(sa.select(*EVENT_COLUMNS), event_version.c.patient_no)

#: Source, patient, kind, start: within these, rows speak of the same event unless they contradict each other.
EventKey = tuple[str | None, int, str, int]


def event_histories(
    connection: sa.Connection, ledger: Ledger, numbers: Sequence[int] | None, known_at_ms: int | None = None
) -> tuple[dict[EventKey, EventHistory], dict[int, str]]:
    """What the standing rows of these patients say, taken in order, and the fate each row (by id) has now."""
    gone = ledger.not_standing(known_at_ms)
    histories: dict[EventKey, EventHistory] = {}
    decisions: dict[int, str] = {}
    rows = _ROWS.rows(connection, numbers)
    seals = seals_of(connection)
    seals.compare("event", totals((row[1], mark_of(*row)) for row in rows), numbers)
    for row_id, number, kind, start_ms, end_ms, dose, unit, note, forced, _ in sorted(rows):
        batch_no = row_id // BATCH_SPAN
        if batch_no not in gone and number not in seals.left_out:
            history = histories.setdefault((ledger.of_row(row_id).source, number, kind, start_ms), EventHistory())
            fields = EventFields(end_ms, dose, unit, note)
            decisions[row_id] = history.take(row_id, batch_no, fields, supersede=bool(forced)).decision
    return histories, decisions


def event_columns(
    connection: sa.Connection, ledger: Ledger, numbers: dict[str, int], *, everyone: bool, known_at_ms: int | None
) -> EventColumns:
    """Current events of these patients; `everyone`: they are all there are."""
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
