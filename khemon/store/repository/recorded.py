"""Which batches speak of a child, and when they were recorded."""

from __future__ import annotations

from functools import partial

import sqlalchemy as sa

from khemon.store.repository.marks import mark_of, totals
from khemon.store.repository.ready import Ready
from khemon.store.repository.sealing import note_batch_patient
from khemon.store.repository.seals import seals_of
from khemon.store.tables import batch, batch_patient

_RECORDED = Ready(
    sa.select(batch.c.batch_no, batch.c.recorded_ms)
    .join(batch_patient, batch_patient.c.batch_no == batch.c.batch_no)
    .where(batch_patient.c.patient_no == sa.bindparam("number"))
)
_NAME = "recorded"


def recorded_of(connection: sa.Connection, number: int) -> dict[int, int]:
    """Number of each batch that speaks of a patient to when it was recorded. Nobody may change it."""
    seals = seals_of(connection)
    return seals.recall(_NAME, number, [(number, "batch_patient")], partial(_read, connection, number))


def one_more(connection: sa.Connection, number: int, batch_no: int, recorded_ms: int) -> None:
    """Notes that a batch of this transaction speaks of a patient; what is kept of it goes on."""
    seals = seals_of(connection)
    known = seals.known(_NAME, number, [(number, "batch_patient")])
    note_batch_patient(seals, number, batch_no, recorded_ms)
    if known is not None:
        seals.learn(_NAME, number, [(number, "batch_patient")], known | {batch_no: recorded_ms})


def _read(connection: sa.Connection, number: int) -> dict[int, int]:
    rows = _RECORDED.rows(connection, number=number)
    seals_of(connection).compare("batch_patient", totals((number, mark_of(number, *row)) for row in rows), [number])
    return dict(rows)
