"""Undoing a batch: a row that says so. Nothing is changed or removed; what it superseded stands again by itself.

Events and patients follow from the standing rows by themselves. Results of later batches that were duplicates of undone
ones, or held because they contradicted them, are judged anew, in the order in which they were recorded: the state
afterwards is that of never having imported the batch. Only what a person decided stays decided: a row that was rejected
for what is now taken back waits again.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, NamedTuple

import sqlalchemy as sa

from khemon.models import Actor, Refused
from khemon.store.digests import rows_digest
from khemon.store.judging import Verdict, Version, result_verdict
from khemon.store.repository.bulk import insert_rows, next_number
from khemon.store.repository.fates import OBSERVATION_FIELDS, contents
from khemon.store.repository.held import AGAIN, settled
from khemon.store.repository.intake_labs import (
    STATUS_CODES,
    content_of,
    moved_places,
    result_values,
    versions_of,
    with_moves,
)
from khemon.store.repository.ledger import Ledger
from khemon.store.repository.sealing import note_results, note_rows, note_undo
from khemon.store.repository.seals import seals_of
from khemon.store.rows import UndoOutcome
from khemon.store.tables import BATCH_SPAN, batch_patient, batch_undo, fate, patient, result, settlement
from khemon.units import ANALYTE_CODES

#: The fields that are left out of a kept row when empty.
EMPTY: dict[str, Any] = dict.fromkeys(OBSERVATION_FIELDS) | dict.fromkeys(
    ("collected_text", "text", "comparator", "basis", "quality"), ""
)


class Waiting(NamedTuple):
    """A kept result that repeats or contradicts what stood when it came."""

    row_id: int
    batch_no: int
    number: int
    decision: str
    each: Any


def record_undo(connection: sa.Connection, ledger: Ledger, batch_id: str, at_ms: int, actor: Actor) -> UndoOutcome:
    """Takes a standing batch back; raises Refused for an unknown or an undone one."""
    batch_no = next((number for number, facts in ledger.batches.items() if facts.batch == batch_id), None)
    if batch_no is None or batch_no in ledger.undone:
        found = "is not known" if batch_no is None else "is undone already"
        raise Refused(where=f"batch {batch_id}", found=found, remedy="list the imports with `khemon batches`")
    ledger.undone[batch_no] = at_ms
    touched = sa.select(patient.c.patient_id, patient.c.patient_no).join(batch_patient)
    numbers = {row[0]: row[1] for row in connection.execute(touched.where(batch_patient.c.batch_no == batch_no))}
    again = _Again(connection, ledger, batch_no, set(numbers.values()))
    again.judge()
    values = {
        "undo_no": again.undo_no,
        "batch_no": batch_no,
        "recorded_ms": at_ms,
        "actor": actor.name,
        "actor_kind": actor.kind,
        "restored": len(again.results),
        "digest": rows_digest([row[-1] for row in again.results]),
    }
    connection.execute(sa.insert(batch_undo).values(**values))
    note_undo(seals_of(connection), values)
    again.write()
    return UndoOutcome(batch_id, tuple(sorted(numbers)), len(again.results))


class _Again:
    """Results of later batches judged anew after one batch was undone."""

    def __init__(self, connection: sa.Connection, ledger: Ledger, undone: int, numbers: set[int]) -> None:
        self.connection = connection
        self.ledger = ledger
        self.undone = undone
        self.numbers = numbers
        self.undo_no = next_number(connection, batch_undo.c.undo_no)
        self.anew = {row_id: anew.decision for row_id, anew in settled(connection, ledger).items()}
        self.decided = ledger.decided()
        self.results: list[tuple[Any, ...]] = []
        self.settlements: list[tuple[Any, ...]] = []

    def _waiting(self) -> list[Waiting]:
        later = fate.c.fate_id >= (self.undone + 1) * BATCH_SPAN, fate.c.decision.in_(("duplicate", "conflict"))
        rows = [
            row
            for row in self.connection.execute(sa.select(fate).where(*later).order_by(fate.c.fate_id)).mappings()
            if row["patient_no"] in self.numbers
            and row["fate_id"] // BATCH_SPAN not in self.ledger.undone
            and self.anew.get(row["fate_id"]) not in ("accepted", AGAIN)
        ]
        said = contents(self.connection, self.ledger, rows)
        return [self._one(row, said[row["fate_id"]]) for row in rows]

    def _one(self, row: sa.RowMapping, said: dict[str, Any]) -> Waiting:
        row_id = row["fate_id"]
        own = {"row": row["row"], "field": row["field"], "reasons": json.loads(row["reasons"])}
        decision = self.anew.get(row_id, row["decision"])
        return Waiting(row_id, row_id // BATCH_SPAN, row["patient_no"], decision, SimpleNamespace(**EMPTY | said | own))

    def judge(self) -> None:
        """Judges every repeated or conflicting row that has not been let in, and collects those that are now."""
        rows = self._waiting()
        stored = versions_of(self.connection, self.ledger, {row.number for row in rows})
        moved = moved_places(self.ledger, stored)
        repeated: set[tuple[Any, ...]] = set()
        for row_id, batch_no, number, decision, each in rows:
            code, status, content = ANALYTE_CODES[each.analyte], STATUS_CODES[each.status], content_of(each)
            key = (self.ledger.batches[batch_no].source, number, code, each.specimen_id or each.collected_ms)
            versions = stored.setdefault(key, [])
            own = (batch_no, status, content)
            # A row that its own file has said before stays a repeat, whatever became of the first one.
            if (key, own) in repeated or any(one[1:4] == own for one in versions):
                verdict = Verdict("duplicate")
            else:
                verdict = with_moves(result_verdict(versions, batch_no, status, content), status, key[1:], moved)
            repeated.add((key, own))
            if row_id in self.decided:
                if verdict.decision == "accepted" and self.decided[row_id].verdict == "rejected":
                    self.settlements.append((row_id, self.undo_no, AGAIN))
                continue
            if verdict.decision == "accepted":
                versions.append(Version(row_id, batch_no, status, content))
                values = result_values(number, each.collected_ms, code, row_id, each, restored_by=self.undone)
                self.results.append(values)
            if verdict.decision != decision:
                self.settlements.append((row_id, self.undo_no, verdict.decision))

    def write(self) -> None:
        """Writes what was let in."""
        insert_rows(self.connection, result, sorted(self.results))
        insert_rows(self.connection, settlement, self.settlements)
        seals = seals_of(self.connection)
        note_results(seals, self.results)
        note_rows(seals, "settlement", self.settlements)
