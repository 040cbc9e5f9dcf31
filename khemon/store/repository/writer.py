"""What can be done to the store, inside one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, Literal

import sqlalchemy as sa

from khemon.models import Actor, Alert, Episode
from khemon.store.account_rows import AccountRow
from khemon.store.acts import Act
from khemon.store.repository import accounts, decisions, ledger, mappings, people, protocols, records
from khemon.store.repository import episodes as stored_episodes
from khemon.store.repository.bulk import without_collection
from khemon.store.repository.heads import Heads
from khemon.store.repository.intake import Columns, Intake, repeated
from khemon.store.repository.intake_columns import InColumns, decisions_of, take_columns
from khemon.store.repository.intake_labs import Observation, take_observations
from khemon.store.repository.intake_people import EventRow, PatientRow, take_events, take_patients
from khemon.store.repository.reader import Reader
from khemon.store.repository.results import NOTHING, RESULT_ID, AtHand, plainly_told
from khemon.store.repository.takeback import record_undo
from khemon.store.rows import BareEpisodes, ImportMeta, ImportOutcome, MoveRow, StoredEpisode, UndoOutcome


class Writer(Reader):
    """A reader that also writes. It audits and counts revisions only when told to: the action knows what was done."""

    def __init__(self, connection: sa.Connection) -> None:
        super().__init__(connection)
        self._heads = Heads()
        #: What the last import of this transaction brought, where it came as columns.
        self._brought: Columns | None = None
        #: The same of rows.
        self._rows: list[tuple[Any, ...]] = []

    def set_setting(self, key: str, value: str) -> None:
        """Sets a setting of the store."""
        records.set_setting(self._connection, key, value)

    def add_protocol(self, text: str, name: str, version: str, *, actor: Actor, reason: str, at_ms: int) -> int:
        """Makes a protocol the one the store is judged by; its number in the history."""
        return protocols.add(self._connection, text, name, version, actor, reason, at_ms)

    def add_account(self, name: str, *, actor: Actor, at_ms: int) -> int:
        """Makes an account without any state; its number. Refused for a name that is taken."""
        return accounts.add(self._connection, name, actor, at_ms)

    def add_account_state(self, state: AccountRow, *, actor: Actor) -> None:
        """Appends a state of an account, which holds from now on."""
        accounts.add_state(self._connection, state, actor)

    def add_mapping(
        self, source: str, text: str, mapping_digest: str, shape: str, *, actor: Actor, reason: str, at_ms: int
    ) -> int:
        """Makes a mapping the one that is proposed for a laboratory's files; its version, counted from 1."""
        return mappings.add(self._connection, source, text, mapping_digest, shape, actor, reason, at_ms)

    def record_decisions(self, batch: str, rows: Iterable[tuple[int, str, int | None, str]]) -> None:
        """Writes what a person decided about rows by the act recorded as this batch.

        rows: row id, verdict, the place in the act's batch of the row it became (from 0), reason.
        """
        number = next(no for no, facts in self._ledger.batches.items() if facts.batch == batch)
        decisions.add(self._connection, number, rows)
        self._ledger = ledger.Ledger(self._connection)

    def record_import(
        self,
        meta: ImportMeta,
        *,
        observations: Sequence[Observation] = (),
        events: Sequence[EventRow] = (),
        patients: Sequence[PatientRow] = (),
        on_conflict: Literal["hold", "supersede"] = "hold",
        act: Act | None = None,
    ) -> ImportOutcome:
        """Records a file of rows of one kind, whose `decision`, `reasons` and `status` are brought up to date in place.

        act: the rows are what a person says by hand; they stand as said.
        Bytes that a standing batch holds already, read in the same way, add nothing: the answer names that batch. Only
        rows of them that are held as conflicts are taken anew when they are to supersede.
        """
        supersede = on_conflict == "supersede"
        before = repeated(self._connection, meta, chain(observations, events, patients), supersede=supersede)
        if before is not None:
            return before
        intake = Intake(self._connection, self._ledger, meta, supersede=supersede, act=act)
        with without_collection():
            if not isinstance(observations, list) and isinstance(observations, InColumns):
                take_columns(intake, observations)
            elif observations:
                take_observations(intake, observations)
            if events:
                take_events(intake, events)
            if patients:
                take_patients(intake, patients)
            if act is not None:
                intake.touch(act.patient_ids)
            outcome = intake.finish(decisions_of(observations) + decisions_of([*events, *patients]))
        self._ledger.one_more()
        self._brought = intake.columns
        self._rows = intake.results
        return outcome

    def record_undo(self, batch_id: str, *, at_ms: int, actor: Actor) -> UndoOutcome:
        """Takes a batch back; raises Refused for one that is unknown or undone."""
        with without_collection():
            outcome = record_undo(self._connection, self._ledger, batch_id, at_ms, actor)
        self._ledger = ledger.Ledger(self._connection)
        self._brought, self._rows = None, []
        return outcome

    def text_at_hand(self, result_id: int) -> tuple[str, str | None, str] | None:
        """Text, unit and canonical text of a result that was just brought."""
        if self._brought is not None:
            return self._brought.text_of(result_id)
        return next((plainly_told(row) for row in self._rows if row[RESULT_ID] == result_id), None)

    def _at_hand(self, numbers: Collection[int]) -> AtHand:
        """The results of patients who are new with what was just brought."""
        return NOTHING if self._brought is None else self._brought.at_hand(numbers)

    def save_episodes(
        self, patient_ids: Iterable[str], episodes: Iterable[Episode], bare: BareEpisodes = stored_episodes.NO_BARE
    ) -> list[StoredEpisode]:
        """Makes these the episodes of exactly these patients; unchanged ones keep their numbers."""
        numbers = people.numbers_of(self._connection, list(patient_ids))
        return stored_episodes.save_episodes(self._connection, numbers, episodes, bare)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Alerts, moves and entries of the audit chain that are saved meanwhile are written at its end.

        None of them may be read before; an exception leaves them unwritten, and the transaction has to be given up.
        """
        self._heads.together = True
        yield
        self._heads.together = False
        self._heads.write(self._connection)

    def save_alert(self, alert: Alert) -> Alert:
        """Stores an alert as it stands now; number 0 gets the next one. The alert as stored."""
        return records.save_alert(self._connection, alert, self._heads)

    def add_alert_move(
        self,
        alert_id: int,
        *,
        at_ms: int,
        actor: Actor,
        move: str,
        from_state: str | None,
        to_state: str,
        reason: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> MoveRow:
        """Appends a move to an alert's log."""
        values = {"at_ms": at_ms, "move": move, "from_state": from_state, "to_state": to_state, "reason": reason}
        values |= {"details": dict(details or {})}
        return records.add_move(self._connection, alert_id, actor, values, self._heads)

    def audit(self, actor: Actor, action: str, object: str, details: Mapping[str, Any], at_ms: int) -> int:
        """Appends an entry to the audit chain; its sequence number."""
        return records.add_audit(self._connection, actor, action, object, details, at_ms, self._heads)

    def bump_revisions(self, patient_ids: Iterable[str]) -> None:
        """Counts the ward's counter and those of these patients up."""
        records.bump(self._connection, people.numbers_of(self._connection, list(patient_ids)).values())

    def mark_seen(self, kind: str, object_id: str | int, actor_name: str, at_ms: int) -> None:
        """Notes that someone opened a patient or an alert."""
        records.mark_seen(self._connection, kind, str(object_id), actor_name, at_ms)
