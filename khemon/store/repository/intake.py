"""An import: one batch, each row with its fate, in the writer's transaction."""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from khemon.models import StoreProblem
from khemon.store.acts import Act
from khemon.store.digests import canonical_json, row_digest, rows_digest
from khemon.store.judging import BY_ITSELF, SUPERSEDES
from khemon.store.repository import sealing
from khemon.store.repository.bulk import insert_rows, next_number
from khemon.store.repository.ledger import Ledger, standing_batch
from khemon.store.repository.people import numbers_of, standing_numbers
from khemon.store.repository.ready import Ready, insertion
from khemon.store.repository.recorded import one_more
from khemon.store.repository.results import AtHand
from khemon.store.repository.seals import WARD, seals_of
from khemon.store.rows import BatchRow, ImportMeta, ImportOutcome
from khemon.store.tables import (
    BATCH_SPAN,
    batch,
    batch_patient,
    event_version,
    fate,
    patient,
    patient_version,
    raw_file,
    result,
)

DECISIONS = ("accepted", "review", "rejected", "duplicate", "conflict", "no_value", "ignored")
#: A row with one of these says nothing about a patient, so it creates none.
WITHOUT_PATIENT = frozenset({"rejected", "ignored"})
#: On the first row of a patient whom the import makes.
NEW_PATIENT = "new_patient"
#: Why the patient of a held row may be somebody else: such a row creates none either, until a person says so.
NEARLY_KNOWN = "nearly_known: another patient's id differs from this one in zeros ahead, capitals, blanks or a .0 only"
IDENTITY_IN_DOUBT = "identity_in_doubt:"
UNLISTED = "new_patient: nobody has this id, and the patient list is closed"
#: Fast, and a text file still shrinks to a fifth.
ZLIB_LEVEL = 1
#: Bytes from which a file is packed on another core while its rows are written.
LONG_FILE = 1_000_000
_IS_KEPT = Ready(sa.select(raw_file.c.size).where(raw_file.c.sha256 == sa.bindparam("sha256")))


class Row(Protocol):
    """What every row of a file has; its decision and reasons are brought up to date in place."""

    row: int
    patient_id: str | None
    decision: str
    reasons: list[str]


def makes_patient(row: Row) -> bool:
    """Whether a row makes a patient whom nobody knew: one that is held because of its id does not."""
    if row.decision == "accepted":
        return True
    doubts = (NEARLY_KNOWN, UNLISTED, IDENTITY_IN_DOUBT)
    return row.decision not in WITHOUT_PATIENT and not any(reason.startswith(doubts) for reason in row.reasons)


class Columns(Protocol):
    """Accepted results as columns."""

    def write(self, connection: sa.Connection) -> npt.NDArray[np.int64]:
        """Inserts them; their digests."""

    def at_hand(self, wanted: Collection[int]) -> AtHand:
        """What an evaluation takes of them."""

    def text_of(self, row_id: int) -> tuple[str, str | None, str] | None:
        """Text, unit and canonical text of a row."""


def _packing(content: bytes) -> Callable[[], bytes]:
    """What gives the bytes of a file packed; those of a long one are packed meanwhile."""
    pack = partial(zlib.compress, content, ZLIB_LEVEL)
    if len(content) < LONG_FILE:
        return pack
    worker = ThreadPoolExecutor(1)
    packed = worker.submit(pack)
    worker.shutdown(wait=False)
    return packed.result


class Intake:
    """The rows of one batch on their way in, and the patients they speak of."""

    def __init__(
        self, connection: sa.Connection, ledger: Ledger, meta: ImportMeta, *, supersede: bool, act: Act | None = None
    ) -> None:
        self.connection = connection
        self.ledger = ledger
        self.meta = meta
        self.supersede = supersede
        self.forced = BY_ITSELF if act is not None else SUPERSEDES if supersede else 0
        self.act = act
        last: int | None = seals_of(connection).known("batch", WARD, [(WARD, "batch")])
        self.batch_no = next_number(connection, batch.c.batch_no) if last is None else last + 1
        self._packed = None if _IS_KEPT.rows(connection, sha256=meta.sha256) else _packing(meta.content)
        self.results: list[tuple[Any, ...]] = []
        self.columns: Columns | None = None
        self.fates: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []
        self.patients: list[tuple[Any, ...]] = []
        self.here: dict[str, int] = {}
        self.new_ids: list[str] = []
        self.counts = dict.fromkeys(("read", *DECISIONS), 0)
        self._standing: dict[str, int] = {}
        self._known: dict[str, int] = {}
        self._added: list[tuple[int, str]] = []
        self._next_patient: int | None = None

    @property
    def first_id(self) -> int:
        """The id of the first row."""
        return self.batch_no * BATCH_SPAN

    def look_up(self, patient_ids: Iterable[str | None]) -> dict[str, int]:
        """Finds out which patients of a file exist; those that stood before the import, with their numbers."""
        wanted = list(dict.fromkeys(name for name in patient_ids if name is not None))
        self._known = numbers_of(self.connection, wanted)
        self._standing = standing_numbers(self.connection, self.ledger, list(self._known))
        return self._standing

    def patient_of(self, row: Row) -> int | None:
        """The number of a row's patient, made if need be; None when the row names none or says nothing about one."""
        name = row.patient_id
        number = None if name is None else self.here.get(name)
        if number is not None or name is None or row.decision in WITHOUT_PATIENT:
            return number
        number = self._known.get(name)
        if name not in self._standing and not makes_patient(row):
            return None
        if number is None:
            free = self._next_patient
            number = next_number(self.connection, patient.c.patient_no) if free is None else free
            self._next_patient = number + 1
            self._added.append((number, name))
        if name not in self._standing:
            self.new_ids.append(name)
            row.reasons.append(NEW_PATIENT)
        self.here[name] = number
        return number

    def touch(self, patient_ids: Collection[str]) -> None:
        """Adds patients that the batch speaks of without a row."""
        self.here |= numbers_of(self.connection, list(patient_ids))

    def new_numbers(self) -> frozenset[int]:
        """Numbers of the patients nobody spoke of before this file."""
        return frozenset(number for number, _ in self._added)

    def settle(
        self, position: int, row: Row, number: int | None, content: str | None, same_as: int | None = None
    ) -> None:
        """Keeps a row that was not accepted."""
        reasons = json.dumps(row.reasons, ensure_ascii=False) if row.reasons else "[]"
        field = getattr(row, "field", None)
        values = (self.first_id + position, number, row.row, field, row.decision, reasons, same_as, content)
        self.fates.append((*values, row_digest(values)))

    def finish(self, decisions: Mapping[str, int]) -> ImportOutcome:
        """Writes everything; the batch row last, with the digest of the others. decisions: how many rows have which."""
        self.counts |= decisions
        self.counts["read"] = sum(decisions.values())
        if self.counts["read"] >= BATCH_SPAN:
            raise StoreProblem(where=self.meta.file, found="has too many rows", remedy="split the file")
        insert_rows(self.connection, patient, self._added)
        rows = (*self.results, *self.fates, *self.events, *self.patients)
        digests = np.array([row[-1] for row in rows], np.int64)
        if self.columns is not None:
            digests = np.append(digests, self.columns.write(self.connection))
        for table, kept in (
            (result, self.results),
            (fate, self.fates),
            (event_version, self.events),
            (patient_version, self.patients),
        ):
            insert_rows(self.connection, table, kept)
        name = self._write_batch(rows_digest(digests))
        insert_rows(self.connection, batch_patient, sorted((number, self.batch_no) for number in self.here.values()))
        self._seal()
        return ImportOutcome(name, self.counts, tuple(sorted(self.here)), tuple(sorted(self.new_ids)))

    def _seal(self) -> None:
        """Notes what should be there from now on."""
        seals = seals_of(self.connection)
        sealing.note_patients(seals, self._added)
        sealing.note_results(seals, self.results)
        sealing.note_fates(seals, self.fates)
        sealing.note_events(seals, self.events)
        sealing.note_said(seals, self.patients)
        # What is kept of one child goes on; of many at once it is read anew when it is asked for.
        note = partial(one_more, self.connection) if len(self.here) == 1 else partial(sealing.note_batch_patient, seals)
        for number in self.here.values():
            note(number, self.batch_no, self.meta.recorded_ms)

    def _write_batch(self, digest: str) -> str:
        meta, name = self.meta, secrets.token_hex(6)
        values = {
            "batch_no": self.batch_no,
            "batch": name,
            "file": meta.file,
            "sha256": meta.sha256,
            "source": meta.source,
            "mapping_digest": meta.mapping_digest,
            "kind": meta.kind,
            "format": meta.format,
            "recorded_ms": meta.recorded_ms,
            "actor": meta.actor.name,
            "actor_kind": meta.actor.kind,
            "counts": json.dumps(self.counts),
            "details": canonical_json(dict(meta.details)),
            "digest": digest,
        }
        if self._packed is not None:
            insert_rows(self.connection, raw_file, [(meta.sha256, len(meta.content), self._packed())])
        insertion(batch).run(self.connection, [values])
        sealing.note_batch(seals_of(self.connection), values)
        seals_of(self.connection).heads["batch"] = self.batch_no
        return name


def repeated(
    connection: sa.Connection, meta: ImportMeta, rows: Iterable[Row], *, supersede: bool = False
) -> ImportOutcome | None:
    """The answer for bytes that a standing batch holds already, where every row is a duplicate; else None."""
    read_as = (meta.sha256, meta.source, meta.mapping_digest)
    first: BatchRow | None = standing_batch(connection, *read_as, supersede=supersede)
    if first is None:
        return None
    for row in rows:
        row.decision, row.reasons = "duplicate", []
    counts = dict.fromkeys(first.counts, 0) | {"read": first.counts["read"], "duplicate": first.counts["read"]}
    return ImportOutcome(first.batch, counts, (), (), repeated=True)
