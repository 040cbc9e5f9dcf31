"""What can be asked of the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from khemon.models import Alert, Patient
from khemon.store.acts import EventEntry
from khemon.store.repository import (
    decisions,
    events,
    fates,
    ledger,
    mappings,
    people,
    protocols,
    recorded,
    records,
    results,
    versions,
)
from khemon.store.repository.account_reader import AccountReader
from khemon.store.repository.bulk import without_collection
from khemon.store.repository.episodes import load_episodes, patients_with
from khemon.store.repository.kept_reader import KeptReader
from khemon.store.repository.seals import seals_of
from khemon.store.repository.versions import NO_VERSIONS, Versions
from khemon.store.rows import (
    AuditRow,
    BatchRow,
    EventColumns,
    FateRow,
    LiveProtocol,
    MappingVersion,
    MoveRow,
    ResultColumns,
    ResultRow,
    RowDecision,
    SeenRow,
    StoredEpisode,
)
from khemon.store.tables import batch


class Reader(KeptReader, AccountReader):
    """One snapshot. Rows of an undone batch are not there, unless asked for by name."""

    def leave_out(self, numbers: Iterable[int]) -> None:
        """Leaves out the rows of patients (by number) that are damaged: they keep nobody from reading the others."""
        seals_of(self._connection).left_out |= set(numbers)

    @property
    def left_out(self) -> frozenset[int]:
        """Numbers of the patients that are left out."""
        return frozenset(seals_of(self._connection).left_out)

    def left_out_ids(self) -> list[str]:
        """Ids of the patients that are left out, sorted."""
        numbers = people.numbers_of(self._connection, None) if self.left_out else {}
        return sorted(name for name, number in numbers.items() if number in self.left_out)

    def setting(self, key: str) -> str | None:
        """The value of a setting, None when it was never set."""
        return records.get_setting(self._connection, key)

    def has_protocol(self) -> bool:
        """Whether it is on record which protocol the store is judged by."""
        return protocols.is_there(self._connection)

    def live_protocol(self) -> LiveProtocol | None:
        """The protocol the store is judged by; None before the first evaluation."""
        return protocols.live(self._connection)

    def protocol_history(self) -> list[LiveProtocol]:
        """Every protocol the store was judged by, the newest first."""
        return protocols.history(self._connection)

    def mappings(self, source: str | None = None) -> list[MappingVersion]:
        """Every version of a laboratory's mapping, or of all, the newest first."""
        return mappings.versions(self._connection, source)

    def decisions(
        self, verdicts: Sequence[str] | None = None, known_at_ms: int | None = None
    ) -> dict[int, RowDecision]:
        """Id of a row to the last standing decision of a person about it."""
        return decisions.standing(self._connection, self._ledger, verdicts, known_at_ms)

    def revision(self) -> int:
        """The ward's counter: another number means that something changed."""
        return records.get_revision(self._connection, 0)

    def patient_revision(self, patient_id: str) -> int:
        """A patient's counter; 0 for an unknown one."""
        number = self._number(patient_id)
        return 0 if number is None else records.get_revision(self._connection, number)

    def revisions(self) -> dict[int, int]:
        """Number of a patient (0: the ward) to its counter, of all there are."""
        return records.get_revisions(self._connection)

    def patient_ids(self) -> list[str]:
        """Ids of all standing patients, sorted."""
        return sorted(people.standing_numbers(self._connection, self._ledger, None))

    def patient_numbers(self) -> dict[str, int]:
        """Id of each standing patient to our own number: what may stand in an address in place of the id."""
        return people.standing_numbers(self._connection, self._ledger, None)

    def patients(self, patient_ids: Sequence[str] | None = None) -> list[Patient]:
        """Standing patients, sorted by id; None: all of them."""
        return people.patients(self._connection, self._ledger, patient_ids)

    def patient(self, patient_id: str) -> Patient | None:
        """One patient as the standing rows say."""
        found = people.patients(self._connection, self._ledger, [patient_id])
        return found[0] if found else None

    def results_for(
        self,
        patient_ids: Sequence[str] | None = None,
        *,
        known_at_ms: int | None = None,
        until_ms: int | None = None,
        all_analytes: bool = False,
        read: Versions = NO_VERSIONS,
    ) -> ResultColumns:
        """Standing versions of results as columns; None: of every patient.

        `known_at_ms` cuts by the time of recording, `until_ms` by that of collection. read: what `versions_of` gave,
        so that it is not read again.
        """
        numbers = people.standing_numbers(self._connection, self._ledger, patient_ids, known_at_ms)
        as_they_are = patient_ids is not None and known_at_ms is None and until_ms is None and not all_analytes
        with without_collection():
            return results.result_columns(
                self._connection,
                self._ledger,
                numbers,
                everyone=patient_ids is None,
                known_at_ms=known_at_ms,
                until_ms=until_ms,
                all_analytes=all_analytes,
                at_hand=read.at_hand
                if len(read)
                else self._at_hand(numbers.values())
                if as_they_are
                else results.NOTHING,
            )

    def result_details(self, result_ids: Iterable[int], *, all_there: bool = False) -> dict[int, ResultRow]:
        """Result id to the result as received; `all_there`: DamagedRows when one that must be there is not."""
        return results.result_details(self._connection, self._ledger, result_ids, all_there=all_there)

    def recorded_of(self, patient_id: str) -> dict[int, int]:
        """Number of each batch that speaks of a patient (`batch_of` tells a result's) to when it was recorded."""
        number = self._number(patient_id)
        return {} if number is None else recorded.recorded_of(self._connection, number)

    def texts_of(self, patient_id: str, analyte: int) -> dict[int, tuple[Any, ...]]:
        """Id of each of a patient's results of an analyte (its code) to what `told` reads."""
        number = self._number(patient_id)
        return {} if number is None else results.texts_of(self._connection, number, analyte)

    def told(self, row: tuple[Any, ...]) -> tuple[str, str | None, str]:
        """Text and unit as received, canonical text with comparator of what `texts_of` gave."""
        return results.told(row)

    def text_at_hand(self, result_id: int) -> tuple[str, str | None, str] | None:
        """Text, unit and canonical text of a result that need not be fetched; None for any other."""
        return None

    def last_result(self, patient_id: str) -> int:
        """The id of the result of a patient that was recorded last, of analytes with rules; 0 without one."""
        number = self._number(patient_id)
        return 0 if number is None else results.last_result(self._connection, number)

    def results_of(self, patient_id: str, *, undone: bool = False) -> list[ResultRow]:
        """Every version of a patient's results, sorted by time, analyte and recording."""
        number = self._number(patient_id)
        return [] if number is None else results.results_of(self._connection, self._ledger, number, undone=undone)

    def versions_of(self, patient_id: str) -> Versions:
        """The same as columns: to judge by, to count, and to choose whole rows from."""
        number = self._number(patient_id)
        return NO_VERSIONS if number is None else versions.versions_of(self._connection, self._ledger, number)

    def results_since(self, patient_id: str, since_ms: int, known: Versions) -> list[ResultRow]:
        """The whole rows of a patient's versions collected from a time on, in their order."""
        number = self._number(patient_id)
        asked = (self._connection, self._ledger)
        return [] if number is None else versions.rows_since(*asked, number, since_ms, known)

    def results_without_rules(self, patient_id: str, known: Versions) -> list[ResultRow]:
        """The whole rows of a patient's versions of analytes without rules, in their order."""
        number = self._number(patient_id)
        return [] if number is None else versions.other_rows(self._connection, self._ledger, number, known)

    def text_of(self, patient_id: str, result_id: int) -> tuple[str, str | None, str]:
        """Text and unit as received, canonical text with comparator of a patient's result that must be there."""
        return versions.text_of(self._connection, self._number(patient_id), result_id)

    def events_for(self, patient_ids: Sequence[str] | None = None, *, known_at_ms: int | None = None) -> EventColumns:
        """Current events as columns and as models; None: of every patient."""
        numbers = people.standing_numbers(self._connection, self._ledger, patient_ids, known_at_ms)
        everyone = patient_ids is None
        return events.event_columns(self._connection, self._ledger, numbers, everyone=everyone, known_at_ms=known_at_ms)

    def event_entries(self, patient_id: str) -> list[EventEntry]:
        """Every event of a patient by its start, those that a person set out included."""
        number = self._number(patient_id)
        return [] if number is None else events.event_entries(self._connection, self._ledger, number)

    def results_beside(self, patient_ids: Iterable[str], times: Iterable[int]) -> list[ResultRow]:
        """Standing results of these patients collected at one of these times."""
        return results.results_at(self._connection, self._ledger, patient_ids, times)

    def batches(self, format: str | None = None) -> list[BatchRow]:
        """All imports, the newest last; or those of one format."""
        return ledger.batch_rows(self._connection, *([] if format is None else [batch.c.format == format]))

    def batch(self, batch_id: str) -> BatchRow | None:
        """One import."""
        found = ledger.batch_rows(self._connection, batch.c.batch == batch_id)
        return found[0] if found else None

    def imports_by_number(self) -> dict[int, BatchRow]:
        """Number of each import to it, for telling where a row came from, however little of the import is shown."""
        return {row.batch_no: row for row in self.batches()}

    def sees_batch(self, batch_id: str) -> bool:
        """Whether there is such a batch, and every patient it speaks of may be seen."""
        return self.batch(batch_id) is not None

    def standing_batch(self, sha256: str, source: str | None, digest: str, supersede: bool = False) -> BatchRow | None:
        """The batch that holds these bytes already, read in the same way; importing them again adds nothing."""
        return ledger.standing_batch(self._connection, sha256, source, digest, supersede=supersede)

    def fates_of(self, batch_id: str) -> list[FateRow]:
        """What became of every row of a batch, in file order; empty for an unknown one."""
        found = self.batch(batch_id)
        return [] if found is None else fates.fates_of(self._connection, self._ledger, found)

    def raw_file(self, sha256: str) -> bytes | None:
        """A file as it arrived."""
        return ledger.raw_bytes(self._connection, sha256)

    def episodes(self, patient_ids: Sequence[str] | None = None, *, open_only: bool = False) -> list[StoredEpisode]:
        """Stored episodes, sorted by patient, rule and onset."""
        return load_episodes(self._connection, self._numbers(patient_ids), open_only=open_only)

    def patients_with(self, rule: str, status: str | None = None) -> list[str] | None:
        """Ids of the patients with an episode of a rule (in that status); None where only judging anew can tell."""
        return patients_with(self._connection, rule, status)

    def alerts(self, states: Sequence[str] | None = None, patient_ids: Sequence[str] | None = None) -> list[Alert]:
        """Alerts in these states, of these patients; None: all."""
        return records.load_alerts(self._connection, states, self._numbers(patient_ids))

    def alert(self, alert_id: int) -> Alert | None:
        """One alert as it stands."""
        found = records.load_alerts(self._connection, None, None, alert_id)
        return found[0] if found else None

    def alert_moves(self, alert_id: int) -> list[MoveRow]:
        """An alert's log, the oldest first."""
        return records.alert_moves(self._connection, alert_id)

    def alert_log(self, before_ms: int) -> list[tuple[str, MoveRow]]:
        """Every move of every alert made before a time, by alert and in order, each with the alert's rule."""
        return records.alert_log(self._connection, before_ms)

    def audit_rows(self, after: int = 0) -> Iterator[AuditRow]:
        """The audit chain in order; read it inside the transaction."""
        return records.audit_rows(self._connection, after)

    def audit_head(self) -> tuple[int, str]:
        """Sequence and hash of the last audit entry."""
        return records.audit_head(self._connection)

    def audit_names(self) -> list[tuple[str, str]]:
        """Who did what at any time, each pair once."""
        return records.audit_names(self._connection)

    def seen_at(self, kind: str, object_id: str | int, actor: str | None = None) -> int | None:
        """When someone (this actor, if given) last opened it."""
        found = records.seen_rows(self._connection, kind, str(object_id), actor)
        return found[0].last_ms if found else None

    def seen_by(self, kind: str, object_id: str | int) -> list[SeenRow]:
        """Who opened it, the latest first."""
        return records.seen_rows(self._connection, kind, str(object_id))

    def _ready(self, numbers: dict[str, int], read: Versions) -> results.AtHand:
        return read.at_hand if len(read) else self._at_hand(numbers.values())

    def _at_hand(self, numbers: Collection[int]) -> results.AtHand:
        """The results of patients that need not be fetched."""
        return results.NOTHING
