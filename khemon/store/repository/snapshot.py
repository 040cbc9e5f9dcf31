"""One snapshot of the store: the connection, and which batches stand."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from khemon.store.repository import ledger, people


class Snapshot:
    """What every reader has."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._ledger = ledger.Ledger(connection)
        #: What stands now, also for a reader that looks back.
        self._present = self._ledger
        #: Numbers that were asked for; a patient keeps its own.
        self._known: dict[str, int] = {}

    def _number(self, patient_id: str) -> int | None:
        if patient_id not in self._known:
            self._known |= people.numbers_of(self._connection, [patient_id])
        return self._known.get(patient_id)

    def _numbers(self, patient_ids: Sequence[str] | None) -> list[int] | None:
        return None if patient_ids is None else list(people.numbers_of(self._connection, patient_ids).values())
