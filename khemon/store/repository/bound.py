"""A reader for a person bound to wards: a patient of another ward is not there, whatever is asked.

A patient without a ward on record is there for everyone: a result that nobody's ward claims must not be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import sqlalchemy as sa

from khemon.models import Alert, Patient
from khemon.store.repository import people
from khemon.store.repository.held import KeptRow
from khemon.store.repository.kept_reader import UNDECIDED
from khemon.store.repository.reader import Reader
from khemon.store.repository.versions import NO_VERSIONS, Versions
from khemon.store.rows import (
    AuditRow,
    BatchRow,
    EventColumns,
    FateRow,
    HeldRow,
    MoveRow,
    ResultColumns,
    ResultRow,
    StoredEpisode,
)
from khemon.store.tables import alert, batch_patient, patient, seen

#: In the place of the name of a file that speaks of other wards too: names of files may name patients.
OTHER_WARDS_TOO = "a file that speaks of other wards too"
#: Rows of `seen` of this kind: a patient of another ward, opened by a person who gave a reason.
BREAK_GLASS = "break_glass"


class BoundReader(Reader):
    """One snapshot of what a person bound to `wards` may see, with the patients opened since `open_since_ms`."""

    def __init__(self, connection: sa.Connection, wards: Sequence[str], name: str, open_since_ms: int) -> None:
        super().__init__(connection)
        self._wards = frozenset(wards)
        self._name = name
        self._open_since_ms = open_since_ms

    @cached_property
    def _visible(self) -> frozenset[str]:
        opened = sa.select(seen.c.object_id).where(
            seen.c.kind == BREAK_GLASS, seen.c.actor == self._name, seen.c.last_ms >= self._open_since_ms
        )
        # Who may see a child is a matter of today, also when an earlier day is looked at.
        registered = people.patients(self._connection, self._present, None)
        own = (each.patient_id for each in registered if each.ward is None or each.ward in self._wards)
        return frozenset(own) | frozenset(self._connection.execute(opened).scalars())

    def _asked(self, patient_ids: Sequence[str] | None) -> list[str]:
        if patient_ids is None:
            return sorted(self._visible)
        return [each for each in patient_ids if each in self._visible]

    def left_out_ids(self) -> list[str]:
        return [each for each in super().left_out_ids() if each in self._visible]

    def patient_ids(self) -> list[str]:
        return [each for each in super().patient_ids() if each in self._visible]

    def patient_numbers(self) -> dict[str, int]:
        return {each: number for each, number in super().patient_numbers().items() if each in self._visible}

    def patients(self, patient_ids: Sequence[str] | None = None) -> list[Patient]:
        return super().patients(self._asked(patient_ids))

    def patient(self, patient_id: str) -> Patient | None:
        return super().patient(patient_id) if patient_id in self._visible else None

    def results_for(
        self,
        patient_ids: Sequence[str] | None = None,
        *,
        known_at_ms: int | None = None,
        until_ms: int | None = None,
        all_analytes: bool = False,
        read: Versions = NO_VERSIONS,
    ) -> ResultColumns:
        asked = self._asked(patient_ids)
        cut = {"known_at_ms": known_at_ms, "until_ms": until_ms}
        return super().results_for(asked, **cut, all_analytes=all_analytes, read=read)

    def result_details(self, result_ids: Iterable[int], *, all_there: bool = False) -> dict[int, ResultRow]:
        found = super().result_details(result_ids, all_there=all_there)
        return {number: row for number, row in found.items() if row.patient_id in self._visible}

    def events_for(self, patient_ids: Sequence[str] | None = None, *, known_at_ms: int | None = None) -> EventColumns:
        return super().events_for(self._asked(patient_ids), known_at_ms=known_at_ms)

    def held(self, known_at_ms: int | None = None) -> list[HeldRow]:
        return self._shown(super().held(known_at_ms))

    def undecided(
        self, decisions: tuple[str, ...] = UNDECIDED, patient_no: int | None = None, known_at_ms: int | None = None
    ) -> list[HeldRow]:
        return self._shown(super().undecided(decisions, patient_no, known_at_ms))

    def undecided_once(self) -> list[HeldRow]:
        return self._shown(super().undecided_once())

    def kept_whole(self, row_ids: Iterable[int]) -> dict[int, KeptRow]:
        found = super().kept_whole(row_ids).items()
        return {number: row for number, row in found if self._is_shown(row.said.get("patient_id"))}

    def results_beside(self, patient_ids: Iterable[str], times: Iterable[int]) -> list[ResultRow]:
        return super().results_beside(self._asked(list(patient_ids)), times)

    def deciding(self, batch_id: str) -> list[str]:
        return [] if self.batch(batch_id) is None else super().deciding(batch_id)

    def batches(self, format: str | None = None) -> list[BatchRow]:
        hidden = self._with_hidden_patients
        return [row for row in super().batches(format) if row.batch_no not in hidden]

    def batch(self, batch_id: str) -> BatchRow | None:
        found = super().batch(batch_id)
        return None if found is None or found.batch_no in self._with_hidden_patients else found

    def imports_by_number(self) -> dict[int, BatchRow]:
        hidden, whole = self._with_hidden_patients, super().batches()
        return {row.batch_no: _of_others_too(row) if row.batch_no in hidden else row for row in whole}

    def sees_batch(self, batch_id: str) -> bool:
        return self.batch(batch_id) is not None

    def fates_of(self, batch_id: str) -> list[FateRow]:
        return [] if self.batch(batch_id) is None else super().fates_of(batch_id)

    def raw_file(self, sha256: str) -> bytes | None:
        shown = (row.sha256 for row in self.batches())
        return super().raw_file(sha256) if sha256 in shown else None

    def episodes(self, patient_ids: Sequence[str] | None = None, *, open_only: bool = False) -> list[StoredEpisode]:
        return super().episodes(self._asked(patient_ids), open_only=open_only)

    def patients_with(self, rule: str, status: str | None = None) -> list[str] | None:
        found = super().patients_with(rule, status)
        return None if found is None else self._asked(found)

    def alerts(self, states: Sequence[str] | None = None, patient_ids: Sequence[str] | None = None) -> list[Alert]:
        return super().alerts(states, self._asked(patient_ids))

    def alert(self, alert_id: int) -> Alert | None:
        found = super().alert(alert_id)
        return found if found is not None and found.patient_id in self._visible else None

    def alert_moves(self, alert_id: int) -> list[MoveRow]:
        return [] if self.alert(alert_id) is None else super().alert_moves(alert_id)

    def alert_log(self, before_ms: int) -> list[tuple[str, MoveRow]]:
        mine = self._connection.execute(
            sa.select(alert.c.alert_id, patient.c.patient_id).join(patient, patient.c.patient_no == alert.c.patient_no)
        )
        shown = {number for number, name in mine if name in self._visible}
        return [(rule, move) for rule, move in super().alert_log(before_ms) if move.alert_id in shown]

    def audit_rows(self, after: int = 0) -> Iterator[AuditRow]:
        return iter(())

    def audit_names(self) -> list[tuple[str, str]]:
        return []

    def _shown(self, rows: list[HeldRow]) -> list[HeldRow]:
        """Rows without a patient, or of an id nobody has, are there for everyone: nobody can say whose they are."""
        return [row for row in rows if self._is_shown(row.patient_id)]

    def _is_shown(self, patient_id: str | None) -> bool:
        return patient_id is None or patient_id in self._visible or patient_id not in self._everyone

    @cached_property
    def _everyone(self) -> frozenset[str]:
        return frozenset(super().patient_ids())

    @cached_property
    def _with_hidden_patients(self) -> frozenset[int]:
        """Numbers of batches that speak of a patient who is not shown: taking one back would change that one too."""
        joined = sa.select(batch_patient.c.batch_no, patient.c.patient_id).join(
            patient, patient.c.patient_no == batch_patient.c.patient_no
        )
        return frozenset(number for number, name in self._connection.execute(joined) if name not in self._visible)

    def _number(self, patient_id: str) -> int | None:
        return super()._number(patient_id) if patient_id in self._visible else None


def _of_others_too(row: BatchRow) -> BatchRow:
    """An import without what it says of patients who are not shown."""
    return replace(row, file=OTHER_WARDS_TOO, sha256="", counts={}, details={})
