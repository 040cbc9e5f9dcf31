"""Small tables: settings, alerts and their moves, the audit chain, what was opened, revision counters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from khemon.models import Actor, Alert, StoreProblem
from khemon.store.column_types import ms_of
from khemon.store.digests import NO_HASH, audit_hash, canonical_json, text_digest
from khemon.store.repository.bulk import chunks, next_number, only
from khemon.store.rows import AuditRow, MoveRow, SeenRow
from khemon.store.tables import alert, alert_move, audit, patient, revision, seen, setting

AUDIT_PAGE = 10_000


def put(connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Inserts a row or updates the one with that key; for tables that are not protected."""
    matches = [table.c[name] == value for name, value in key.items()]
    if connection.execute(sa.update(table).where(*matches).values(**values)).rowcount == 0:
        connection.execute(sa.insert(table).values(**key, **values))


def get_setting(connection: sa.Connection, key: str) -> str | None:
    """The value of a setting."""
    return connection.execute(sa.select(setting.c.value).where(setting.c.key == key)).scalar()


def get_revision(connection: sa.Connection, patient_no: int) -> int:
    """The counter of a patient, or of the ward for 0."""
    return connection.execute(sa.select(revision.c.revision).where(revision.c.patient_no == patient_no)).scalar() or 0


def bump(connection: sa.Connection, numbers: Iterable[int]) -> None:
    """Counts the ward and these patients up by one."""
    wanted = [0, *numbers]
    known: set[int] = set()
    for chunk in chunks(wanted):
        mine = revision.c.patient_no.in_(chunk)
        known.update(connection.execute(sa.select(revision.c.patient_no).where(mine)).scalars())
        connection.execute(sa.update(revision).where(mine).values(revision=revision.c.revision + 1))
    new = [{"patient_no": number, "revision": 1} for number in wanted if number not in known]
    if new:
        connection.execute(sa.insert(revision), new)


def load_alerts(
    connection: sa.Connection, states: Sequence[str] | None, numbers: Sequence[int] | None, alert_id: int | None = None
) -> list[Alert]:
    """Alerts in order of their number."""
    statement = sa.select(alert.c.alert_id, alert.c.state, alert.c.body)
    if states is not None:
        statement = statement.where(alert.c.state.in_([str(state) for state in states]))
    if alert_id is not None:
        statement = statement.where(alert.c.alert_id == alert_id)
    lists = chunks(numbers) if numbers is not None else [None]
    found = (
        _alert_of(number, state, body)
        for chunk in lists
        for number, state, body in connection.execute(only(statement, alert.c.patient_no, chunk))
    )
    return sorted(found, key=lambda each: each.alert_id)


def _alert_of(number: int, state: str, body: str) -> Alert:
    """The alert in a stored body; StoreProblem when it is not what was written."""
    digest, _, text = body.partition(" ")
    if digest == text_digest(text):
        value = Alert.model_validate_json(text)
        if (value.alert_id, str(value.state)) == (number, state):
            return value
    found, remedy = "is not what was written: its digest differs", "run khemon check and restore a backup"
    raise StoreProblem(where=f"alert {number}", found=found, remedy=remedy)


def save_alert(connection: sa.Connection, value: Alert) -> Alert:
    """Stores an alert as it stands now; number 0 gets the next one."""
    if value.alert_id == 0:
        value = value.model_copy(update={"alert_id": next_number(connection, alert.c.alert_id)})
    number = connection.execute(
        sa.select(patient.c.patient_no).where(patient.c.patient_id == value.patient_id)
    ).scalar_one()
    columns = {
        "patient_no": number,
        "rule": value.rule,
        "state": str(value.state),
        "severity": value.severity,
        "status": value.status,
        "onset_ms": ms_of(value.onset),
        "end_ms": None if value.end is None else ms_of(value.end),
        "text": value.text,
        "body": f"{text_digest(value.model_dump_json())} {value.model_dump_json()}",
    }
    put(connection, alert, {"alert_id": value.alert_id}, columns)
    return value


def add_move(connection: sa.Connection, alert_id: int, actor: Actor, values: Mapping[str, Any]) -> MoveRow:
    """Appends a move to an alert's log."""
    mine = alert_move.c.alert_id == alert_id
    last = connection.execute(sa.select(sa.func.max(alert_move.c.move_no)).where(mine)).scalar() or 0
    row = {"alert_id": alert_id, "move_no": last + 1, "actor": actor.name, "actor_kind": actor.kind, **values}
    connection.execute(sa.insert(alert_move).values(**row | {"details": canonical_json(row["details"])}))
    return MoveRow(**row)


def move_row(row: sa.Row[Any]) -> MoveRow:
    """A move as it was appended."""
    values = {column.name: row._mapping[column] for column in alert_move.c}
    return MoveRow(**{**values, "details": json.loads(values["details"])})


def audit_head(connection: sa.Connection) -> tuple[int, str]:
    """Sequence and hash of the last entry; (0, NO_HASH) when there is none."""
    last = sa.select(audit.c.sequence, audit.c.hash).order_by(audit.c.sequence.desc()).limit(1)
    row = connection.execute(last).first()
    return (0, NO_HASH) if row is None else (row[0], row[1])


def add_audit(
    connection: sa.Connection, actor: Actor, action: str, subject: str, details: Mapping[str, Any], at_ms: int
) -> int:
    """Appends an entry to the chain; its sequence number."""
    sequence, previous = audit_head(connection)
    entry = (sequence + 1, at_ms, actor.name, actor.kind, action, subject, canonical_json(dict(details)), previous)
    connection.execute(sa.insert(audit).values((*entry, audit_hash(*entry))))
    return sequence + 1


def audit_rows(connection: sa.Connection, after: int = 0) -> Iterator[AuditRow]:
    """The chain in order, from after a sequence number; read page by page."""
    while True:
        page = sa.select(audit).where(audit.c.sequence > after).order_by(audit.c.sequence).limit(AUDIT_PAGE)
        rows = connection.execute(page).all()
        yield from (AuditRow(*row) for row in rows)
        if len(rows) < AUDIT_PAGE:
            return
        after = rows[-1][0]


def mark_seen(connection: sa.Connection, kind: str, object_id: str, actor: str, at_ms: int) -> None:
    """Notes that someone opened something."""
    key = {"kind": kind, "object_id": object_id, "actor": actor}
    before = seen_rows(connection, kind, object_id, actor)
    first = before[0].first_ms if before else at_ms
    put(connection, seen, key, {"first_ms": first, "last_ms": at_ms})


def seen_rows(connection: sa.Connection, kind: str, object_id: str, actor: str | None = None) -> list[SeenRow]:
    """Who opened something, the latest first."""
    statement = sa.select(seen).where(seen.c.kind == kind, seen.c.object_id == object_id)
    if actor is not None:
        statement = statement.where(seen.c.actor == actor)
    return [SeenRow(*row) for row in connection.execute(statement.order_by(seen.c.last_ms.desc()))]
