"""Whether the store still holds what was written: structure, triggers, row digests, counts, and the audit chain."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from khemon.store.digests import NO_HASH, audit_hash, row_digest, rows_digest
from khemon.store.repository import accounts, decisions, mappings, protocols
from khemon.store.repository.ledger import raw_bytes
from khemon.store.rows import AuditRow, BatchRow
from khemon.store.store import Store
from khemon.store.tables import BATCH_SPAN, batch_undo, event_version, fate, patient_version, raw_file, result
from khemon.store.triggers import trigger_differences

#: Tables whose rows carry a digest, and the column that numbers them.
DIGESTED: tuple[tuple[sa.Table, str], ...] = (
    (result, "result_id"),
    (fate, "fate_id"),
    (event_version, "version_id"),
    (patient_version, "version_id"),
)


PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be: what was checked, where, what was found. Never a value."""

    what: str
    where: str
    found: str


def check(store: Store) -> list[Finding]:
    """Everything that is wrong with a store; empty when it is sound."""
    with store.reading() as reader:
        connection = reader._connection
        findings = [*_structure(connection), *_triggers(connection)]
        chain = verify_chain(reader.audit_rows())
        findings += [] if chain is None else [chain]
        digests: dict[int, list[int]] = {}
        restored: dict[int, list[int]] = {}
        for table, number in DIGESTED:
            findings += _rows(connection, table, number, digests, restored)
        for batch in reader.batches():
            findings += _batch(batch, digests.pop(batch.batch_no, []))
        for row in connection.execute(sa.select(batch_undo)).mappings():
            if rows_digest(restored.pop(row["batch_no"], [])) != row["digest"]:
                findings.append(Finding("digest", f"undoing of batch number {row['batch_no']}", "let in other rows"))
        findings += [Finding("digest", f"batch number {owner}", "is not known") for owner in (*digests, *restored)]
        findings += _files(connection)
        findings += _damaged(connection)
    return findings


def _damaged(connection: sa.Connection) -> Iterator[Finding]:
    """Rows of small tables that are not what was written."""
    for what, numbers in (
        ("protocol in use", protocols.damaged(connection)),
        ("mapping", mappings.damaged(connection)),
        ("decision", decisions.damaged(connection)),
        ("state of an account", accounts.damaged(connection)),
    ):
        for number in numbers:
            yield Finding("digest", f"{what}, number {number}", "is not what was written")


def verify_chain(rows: Iterable[AuditRow]) -> Finding | None:
    """The first audit entry that is not what was written or not where it was; None for a sound chain."""
    previous, expected = NO_HASH, 1
    for row in rows:
        where = f"audit entry {row.sequence}"
        if row.sequence != expected:
            return Finding("audit", f"audit entry {expected}", "is missing")
        if row.previous_hash != previous:
            return Finding("audit", where, "does not follow the entry before it")
        content = (row.at_ms, row.actor, row.actor_kind, row.action, row.object, row.details)
        if row.hash != audit_hash(row.sequence, *content, row.previous_hash):
            return Finding("audit", where, "is not what was written")
        previous, expected = row.hash, expected + 1
    return None


def _structure(connection: sa.Connection) -> Iterator[Finding]:
    if connection.dialect.name != "sqlite":
        return  # PostgreSQL checks its pages by itself
    for pragma in ("integrity_check", "foreign_key_check"):
        for row in connection.exec_driver_sql(f"PRAGMA {pragma}"):
            if row[0] != "ok":
                yield Finding("structure", str(row[0]).split(" ")[0], pragma.replace("_", " ") + " failed")


def _triggers(connection: sa.Connection) -> Iterator[Finding]:
    for name in trigger_differences(connection):
        yield Finding("trigger", name, "is missing or changed")


def _rows(
    connection: sa.Connection,
    table: sa.Table,
    number: str,
    digests: dict[int, list[int]],
    restored: dict[int, list[int]],
) -> Iterator[Finding]:
    """Compares each row with its digest and collects the digests by batch, or by the batch whose undoing let it in."""
    names = [column.name for column in table.columns]
    place, by = names.index(number), names.index("restored_by") if table is result else None
    for row in connection.execution_options(yield_per=PAGE).execute(sa.select(table)):
        values = tuple(row)
        if row_digest(values[:-1]) != values[-1]:
            yield Finding("digest", f"{table.name} {values[place]}", "is not what was written")
        if by is None or values[by] is None:
            digests.setdefault(values[place] // BATCH_SPAN, []).append(values[-1])
        else:
            restored.setdefault(values[by], []).append(values[-1])


def _batch(batch: BatchRow, digests: list[int]) -> Iterator[Finding]:
    where = f"batch {batch.batch}"
    if rows_digest(digests) != batch.digest:
        yield Finding("digest", where, "has rows that are missing, added or changed")
    parts = dict(batch.counts)
    read = parts.pop("read", 0)
    if read != sum(parts.values()):
        yield Finding("counts", where, "rows read are not the sum of their fates")
    if read != len(digests):
        yield Finding("counts", where, f"holds {len(digests)} rows of {read}")


def _files(connection: sa.Connection) -> Iterator[Finding]:
    for sha256 in list(connection.execute(sa.select(raw_file.c.sha256)).scalars()):
        try:
            sound = hashlib.sha256(raw_bytes(connection, sha256) or b"").hexdigest() == sha256
        except zlib.error:
            sound = False
        if not sound:
            yield Finding("file", f"file {sha256[:12]}", "is not what was received")
