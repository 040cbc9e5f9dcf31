"""Small tables: settings, alerts and their moves, the audit chain, what was opened, revision counters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from khemon.models import Actor, Alert, StoreProblem
from khemon.store.column_types import ms_of
from khemon.store.digests import NO_HASH, audit_hash, canonical_json, text_digest
from khemon.store.repository.bulk import ReadyOf, chunks, insert_rows, next_number, only
from khemon.store.repository.people import numbers_of
from khemon.store.repository.ready import Ready, insertion
from khemon.store.rows import AuditRow, MoveRow, SeenRow
from khemon.store.tables import alert, alert_move, audit, revision, seen, setting

AUDIT_PAGE = 10_000

_SETTING = Ready(sa.select(setting.c.value).where(setting.c.key == sa.bindparam("key")))
_REVISION = Ready(sa.select(revision.c.revision).where(revision.c.patient_no == sa.bindparam("number")))
_COUNT_UP = Ready(
    sa.text(
        "INSERT INTO revision (patient_no, revision) VALUES (:number, 1)"
        " ON CONFLICT (patient_no) DO UPDATE SET revision = revision.revision + 1"
    )
)
_BODIES = sa.select(alert.c.alert_id, alert.c.state, alert.c.body)
_BODIES_OF = ReadyOf(_BODIES, alert.c.patient_no)
_ALERT = [column.name for column in alert.c]
_SAVE_ALERT = Ready(
    sa.text(
        f"INSERT INTO alert ({', '.join(_ALERT)}) VALUES ({', '.join(f':{name}' for name in _ALERT)})"
        f" ON CONFLICT (alert_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _ALERT[1:])}"
    )
)
_LAST_MOVE = Ready(
    sa.select(sa.func.coalesce(sa.func.max(alert_move.c.move_no), 0)).where(
        alert_move.c.alert_id == sa.bindparam("alert_id")
    )
)
_AUDIT_HEAD = Ready(sa.select(audit.c.sequence, audit.c.hash).order_by(audit.c.sequence.desc()).limit(1))


def put(connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Inserts a row or updates the one with that key; for tables that are not protected."""
    matches = [table.c[name] == value for name, value in key.items()]
    if connection.execute(sa.update(table).where(*matches).values(**values)).rowcount == 0:
        connection.execute(sa.insert(table).values(**key, **values))


def get_setting(connection: sa.Connection, key: str) -> str | None:
    """The value of a setting."""
    found = _SETTING.first(connection, key=key)
    return None if found is None else str(found[0])


def get_revision(connection: sa.Connection, patient_no: int) -> int:
    """The counter of a patient, or of the ward for 0."""
    found = _REVISION.first(connection, number=patient_no)
    return 0 if found is None else int(found[0])


def bump(connection: sa.Connection, numbers: Iterable[int]) -> None:
    """Counts the ward and these patients up by one."""
    _COUNT_UP.run(connection, [{"number": number} for number in (0, *numbers)])


def load_alerts(
    connection: sa.Connection, states: Sequence[str] | None, numbers: Sequence[int] | None, alert_id: int | None = None
) -> list[Alert]:
    """Alerts in order of their number."""
    if states is None and alert_id is None:
        rows = _BODIES_OF.rows(connection, numbers)
    else:
        rows = list(_bodies(connection, states, numbers, alert_id))
    return sorted((_alert_of(*row) for row in rows), key=lambda each: each.alert_id)


def _bodies(
    connection: sa.Connection, states: Sequence[str] | None, numbers: Sequence[int] | None, alert_id: int | None
) -> Iterator[tuple[Any, ...]]:
    statement = _BODIES
    if states is not None:
        statement = statement.where(alert.c.state.in_([str(state) for state in states]))
    if alert_id is not None:
        statement = statement.where(alert.c.alert_id == alert_id)
    for chunk in chunks(numbers) if numbers is not None else [None]:
        yield from (tuple(row) for row in connection.execute(only(statement, alert.c.patient_no, chunk)))


def _alert_of(number: int, state: str, body: str) -> Alert:
    """The alert in a stored body; StoreProblem when it is not what was written."""
    digest, _, text = body.partition(" ")
    if digest == text_digest(text):
        value = Alert.model_validate_json(text)
        if (value.alert_id, str(value.state)) == (number, state):
            return value
    found, remedy = "is not what was written: its digest differs", "run khemon check and restore a backup"
    raise StoreProblem(where=f"alert {number}", found=found, remedy=remedy)


@dataclass(slots=True)
class Heads:
    """How far numbering has come, as far as one transaction asked: writers queue, so nobody else goes on with it."""

    last_alert: int | None = None
    last_move: dict[int, int] = field(default_factory=dict)
    audit: tuple[int, str] | None = None
    patients: dict[str, int] = field(default_factory=dict)


def save_alert(connection: sa.Connection, value: Alert, heads: Heads) -> Alert:
    """Stores an alert as it stands now; number 0 gets the next one."""
    if value.alert_id == 0:
        last = heads.last_alert
        number = next_number(connection, alert.c.alert_id) if last is None else last + 1
        heads.last_alert, heads.last_move[number] = number, 0
        value = value.model_copy(update={"alert_id": number})
    if value.patient_id not in heads.patients:
        heads.patients |= numbers_of(connection, [value.patient_id])
    text = value.model_dump_json()
    columns = {
        "alert_id": value.alert_id,
        "patient_no": heads.patients[value.patient_id],
        "rule": value.rule,
        "state": str(value.state),
        "severity": value.severity,
        "status": value.status,
        "onset_ms": ms_of(value.onset),
        "end_ms": None if value.end is None else ms_of(value.end),
        "text": value.text,
        "body": f"{text_digest(text)} {text}",
    }
    _SAVE_ALERT.run(connection, [columns])
    return value


def add_move(
    connection: sa.Connection, alert_id: int, actor: Actor, values: Mapping[str, Any], heads: Heads
) -> MoveRow:
    """Appends a move to an alert's log."""
    last = heads.last_move.get(alert_id)
    if last is None:
        [(last,)] = _LAST_MOVE.rows(connection, alert_id=alert_id)
    heads.last_move[alert_id] = last + 1
    row = {"alert_id": alert_id, "move_no": last + 1, "actor": actor.name, "actor_kind": actor.kind, **values}
    insertion(alert_move).run(connection, [row | {"details": canonical_json(row["details"])}])
    return MoveRow(**row)


def move_row(row: sa.Row[Any]) -> MoveRow:
    """A move as it was appended."""
    values = {column.name: row._mapping[column] for column in alert_move.c}
    return MoveRow(**{**values, "details": json.loads(values["details"])})


def audit_head(connection: sa.Connection) -> tuple[int, str]:
    """Sequence and hash of the last entry; (0, NO_HASH) when there is none."""
    row = _AUDIT_HEAD.first(connection)
    return (0, NO_HASH) if row is None else (row[0], row[1])


def add_audit(
    connection: sa.Connection,
    actor: Actor,
    action: str,
    subject: str,
    details: Mapping[str, Any],
    at_ms: int,
    heads: Heads,
) -> int:
    """Appends an entry to the chain; its sequence number."""
    sequence, previous = heads.audit or audit_head(connection)
    entry = (sequence + 1, at_ms, actor.name, actor.kind, action, subject, canonical_json(dict(details)), previous)
    digest = audit_hash(*entry)
    insert_rows(connection, audit, [(*entry, digest)])
    heads.audit = (sequence + 1, digest)
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
