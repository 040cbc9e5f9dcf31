"""Whether the store still holds what was written: structure, triggers, row digests, counts, and the audit chain."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from khemon.models import StoreProblem
from khemon.store.digests import NO_HASH, audit_hash, row_digest, rows_digest
from khemon.store.repository import Reader, accounts, decisions, mappings, protocols
from khemon.store.repository.ledger import raw_bytes
from khemon.store.repository.marks import NONE, Total
from khemon.store.repository.records import alert_columns, alert_of, audit_rows
from khemon.store.repository.sealing import audit_mark, note_everything
from khemon.store.repository.seals import VERSION, WARD, Seals
from khemon.store.rows import AuditRow
from khemon.store.tables import (
    BATCH_SPAN,
    alert,
    batch,
    batch_undo,
    event_version,
    fate,
    patient,
    patient_version,
    raw_file,
    result,
    seal,
)
from khemon.store.triggers import trigger_differences

if TYPE_CHECKING:
    from khemon.store.store import Store

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
        return check_reader(reader)


def check_reader(reader: Reader) -> list[Finding]:
    """The same of what a reader sees, also of what its transaction has not committed yet."""
    connection = reader._connection
    findings = [*_structure(connection), *_triggers(connection)]
    chain = verify_audit(reader)
    findings += [] if chain is None else [chain]
    digests: dict[int, list[int]] = {}
    restored: dict[int, list[int]] = {}
    for table, number in DIGESTED:
        findings += _rows(connection, table, number, digests, restored)
    for row in connection.execute(sa.select(batch).order_by(batch.c.batch_no)).mappings():
        findings += _batch(row, digests.pop(row["batch_no"], []))
    for row in connection.execute(sa.select(batch_undo)).mappings():
        if rows_digest(restored.pop(row["batch_no"], [])) != row["digest"]:
            findings.append(Finding("digest", f"undoing of batch number {row['batch_no']}", "let in other rows"))
    findings += [Finding("digest", f"batch number {owner}", "is not known") for owner in (*digests, *restored)]
    findings += _files(connection)
    findings += _damaged(connection)
    findings += _unsealed(connection)
    findings += _alerts(connection)
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


def verify_audit(reader: Reader) -> Finding | None:
    """The first entry that is not as it was written, the first one cut off at the end among them; None if sound.

    Where the chain ended is kept twice: by its last entry, and by a seal written in the same transaction.
    """
    last: list[AuditRow] = []

    def noted(rows: Iterable[AuditRow]) -> Iterator[AuditRow]:
        for row in rows:
            last[:] = [row]
            yield row

    found = verify_chain(noted(audit_rows(reader._connection)))
    if found is not None:
        return found
    sequence, head = (last[0].sequence, last[0].hash) if last else (0, "")
    sealed = stored_seals(reader._connection).get((WARD, "audit"), NONE)
    if sealed.rows > sequence:
        return Finding("audit", f"audit entry {sequence + 1}", f"is missing: {sealed.rows} entries were written")
    if sealed != Total(sequence, audit_mark(head) if sequence else 0):
        return Finding("audit", f"audit entry {sequence}", "is not the one that was written last")
    return None


def stored_seals(connection: sa.Connection) -> dict[tuple[int, str], Total]:
    """Every seal as it stands, damaged ones too."""
    columns = sa.select(seal.c.number, seal.c.kind, seal.c.counted, seal.c.mark)
    return {(row[0], row[1]): Total(row[2], row[3]) for row in connection.execute(columns)}


def _unsealed(connection: sa.Connection) -> Iterator[Finding]:
    """Rows that are not those that should be there, by kind and scope; seals that are damaged themselves."""
    columns = sa.select(seal.c.number, seal.c.kind, seal.c.counted, seal.c.mark, seal.c.digest)
    for *values, digest in connection.execute(columns):
        if row_digest(tuple(values)) != digest:
            yield Finding("digest", f"seal {values[1]} {values[0]}", "is not what was written")
    there = Seals(connection)
    note_everything(there, connection)
    stored, noted = stored_seals(connection), there.noted
    for number, kind in sorted(stored.keys() | noted.keys()):
        if kind not in ("audit", VERSION) and stored.get((number, kind), NONE) != noted.get((number, kind), NONE):
            where = kind.replace("_", " ") + (f" {number}" if number else "")
            yield Finding("digest", where, "rows are changed, missing or added")


def _alerts(connection: sa.Connection) -> Iterator[Finding]:
    """Alerts whose columns are not what their body says."""
    joined = sa.select(alert, patient.c.patient_id).join(patient, patient.c.patient_no == alert.c.patient_no)
    for row in connection.execute(joined.order_by(alert.c.alert_id)).mappings():
        try:
            said = alert_of(row["alert_id"], row["state"], row["body"])
        except (StoreProblem, ValueError):
            yield Finding("digest", f"alert {row['alert_id']}", "is not what was written")
            continue
        if alert_columns(said, row["patient_no"]) != {name: row[name] for name in alert.c.keys()}:  # noqa: SIM118
            yield Finding("digest", f"alert {row['alert_id']}", "has columns that its body contradicts")
        elif said.patient_id != row["patient_id"]:
            yield Finding("digest", f"alert {row['alert_id']}", "speaks of another patient")


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
    for row in connection.execute(sa.select(table).execution_options(yield_per=PAGE)):
        values = tuple(row)
        if row_digest(values[:-1]) != values[-1]:
            yield Finding("digest", f"{table.name} {values[place]}", "is not what was written")
        if by is None or values[by] is None:
            digests.setdefault(values[place] // BATCH_SPAN, []).append(values[-1])
        else:
            restored.setdefault(values[by], []).append(values[-1])


def _batch(row: sa.RowMapping, digests: list[int]) -> Iterator[Finding]:
    where = f"batch {row['batch']}"
    if rows_digest(digests) != row["digest"]:
        yield Finding("digest", where, "has rows that are missing, added or changed")
    try:
        parts = {str(fate): int(number) for fate, number in json.loads(row["counts"]).items()}
    except (ValueError, AttributeError, TypeError):
        yield Finding("counts", where, "cannot be read")
        return
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
