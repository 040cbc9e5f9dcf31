"""What can be asked about rows that wait for a person, and about what was decided."""

from __future__ import annotations

from collections.abc import Iterable

from khemon.store.repository import held
from khemon.store.repository.held import KeptRow
from khemon.store.repository.snapshot import Snapshot
from khemon.store.rows import HeldRow

HELD = ("review", "conflict")
GAP = ("no_value",)
#: Also rows that could not be used stay with their batch until someone decides.
UNDECIDED = (*HELD, "rejected")


class KeptReader(Snapshot):
    """The rows that were not accepted."""

    def gaps_of(self, patient_id: str) -> list[HeldRow]:
        """A patient's samples that gave no value, with the reason; repeated ones once."""
        number = self._number(patient_id)
        kept = [] if number is None else held.kept_rows(self._connection, self._ledger, GAP, number)
        return held.first_of_each([each.row for each in kept])

    def held(self, known_at_ms: int | None = None) -> list[HeldRow]:
        """All rows that wait for a person: review and conflict, in order of recording, repeated ones once."""
        return held.first_of_each(self.undecided(HELD, known_at_ms=known_at_ms))

    def held_of(self, patient_id: str) -> list[HeldRow]:
        """A patient's rows that wait for a person."""
        number = self._number(patient_id)
        return [] if number is None else held.first_of_each(self.undecided(HELD, number))

    def undecided(
        self, decisions: tuple[str, ...] = UNDECIDED, patient_no: int | None = None, known_at_ms: int | None = None
    ) -> list[HeldRow]:
        """Rows kept with their batch that no person has decided about, repeated ones each time they came."""
        kept = held.kept_rows(self._connection, self._ledger, decisions, patient_no, known_at_ms)
        return held.waiting_rows([*kept, *held.contradictions(self._connection, self._ledger, patient_no, known_at_ms)])

    def undecided_once(self) -> list[HeldRow]:
        """The same, each of the rows that say the same once."""
        return held.first_of_each(self.undecided())

    def kept_whole(self, row_ids: Iterable[int]) -> dict[int, KeptRow]:
        """Id of a held row to everything it says; unknown ids are left out."""
        return held.kept_whole(self._connection, self._ledger, row_ids)

    def deciding(self, batch_id: str) -> list[str]:
        """Standing batches of acts about rows of this batch, the newest first."""
        decided = self._ledger.decided()
        acts = {
            decision.batch_no for row_id, decision in decided.items() if self._ledger.of_row(row_id).batch == batch_id
        }
        return [self._ledger.batches[number].batch for number in sorted(acts, reverse=True)]
