"""Small tables: settings, alerts and their moves, the audit chain, what was opened, revision counters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from khemon.models import Actor, Alert, StoreProblem
from khemon.store.column_types import ms_of
from khemon.store.digests import NO_HASH, audit_hash, canonical_json, text_digest
from khemon.store.repository.bulk import ReadyOf, next_number
from khemon.store.repository.heads import Heads
from khemon.store.repository.marks import Total, mark_of, totals
from khemon.store.repository.people import numbers_of
from khemon.store.repository.ready import Ready
from khemon.store.repository.sealing import BODY_DIGEST, alert_mark, audit_mark, seen_scope
from khemon.store.repository.seals import WARD, seals_of
from khemon.store.rows import AuditRow, MoveRow, SeenRow
from khemon.store.tables import alert, alert_move, audit, revision, seen, setting

AUDIT_PAGE = 10_000
#: What is opened under the id of a child, whose number is the scope of its seal.
OF_A_CHILD = ("patient", "break_glass")

_SETTINGS = Ready(sa.select(setting))
_REVISION = Ready(sa.select(revision.c.revision).where(revision.c.patient_no == sa.bindparam("number")))
_REVISIONS = Ready(sa.select(revision.c.patient_no, revision.c.revision))
_COUNT_UP = Ready(
    sa.text(
        "INSERT INTO revision (patient_no, revision) VALUES (:number, 1)"
        " ON CONFLICT (patient_no) DO UPDATE SET revision = revision.revision + 1"
    )
)
_BODIES = sa.select(alert.c.alert_id, alert.c.patient_no, alert.c.state, alert.c.body)
_BEFORE = Ready(
    sa.select(alert.c.patient_no, alert.c.state, sa.func.substr(alert.c.body, 1, BODY_DIGEST)).where(
        alert.c.alert_id == sa.bindparam("alert_id")
    )
)
_BODIES_OF = ReadyOf(_BODIES, alert.c.patient_no)
_MOVE = [column.name for column in alert_move.c]
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
    seals = seals_of(connection)
    if seals.settings is None:
        seals.settings = seals.recall("settings", WARD, [(WARD, "setting")], partial(_settings_read, connection))
    return seals.settings.get(key)


def _settings_read(connection: sa.Connection) -> dict[str, str]:
    rows = _SETTINGS.rows(connection)
    seals_of(connection).compare("setting", totals((WARD, mark_of(*row)) for row in rows), [WARD])
    return dict(rows)


def set_setting(connection: sa.Connection, key: str, value: str) -> None:
    """Sets a setting of the store."""
    before = get_setting(connection, key)
    put(connection, setting, {"key": key}, {"value": value})
    old = 0 if before is None else mark_of(key, before)
    seals_of(connection).settings = None
    seals_of(connection).note("setting", WARD, old ^ mark_of(key, value), int(before is None))


def get_revision(connection: sa.Connection, patient_no: int) -> int:
    """The counter of a patient, or of the ward for 0."""
    found = _REVISION.first(connection, number=patient_no)
    return 0 if found is None else int(found[0])


def get_revisions(connection: sa.Connection) -> dict[int, int]:
    """Every counter, by the number of its patient; that of the ward at 0."""
    return dict(_REVISIONS.rows(connection))


def bump(connection: sa.Connection, numbers: Iterable[int]) -> None:
    """Counts the ward and these patients up by one."""
    _COUNT_UP.run(connection, [{"number": number} for number in (0, *numbers)])


def load_alerts(
    connection: sa.Connection, states: Sequence[str] | None, numbers: Sequence[int] | None, alert_id: int | None = None
) -> list[Alert]:
    """Alerts in order of their number."""
    read = partial(_alerts_read, connection, states, numbers, alert_id)
    if states is not None or alert_id is not None or numbers is None or len(numbers) != 1:
        return read()
    return list(seals_of(connection).recall("alerts", numbers[0], [(numbers[0], "alert")], read))


def _alerts_read(
    connection: sa.Connection, states: Sequence[str] | None, numbers: Sequence[int] | None, alert_id: int | None
) -> list[Alert]:
    seals = seals_of(connection)
    rows = _BODIES_OF.rows(connection, numbers)
    seals.compare("alert", totals((row[1], alert_mark(*row)) for row in rows), numbers)
    wanted = None if states is None else {str(state) for state in states}
    found = (
        alert_of(number, state, body)
        for number, patient_no, state, body in rows
        if (wanted is None or state in wanted) and alert_id in (None, number) and patient_no not in seals.left_out
    )
    return sorted(found, key=attrgetter("alert_id"))


def alert_of(number: int, state: str, body: str) -> Alert:
    """The alert in a stored body; StoreProblem when it is not what was written."""
    digest, _, text = body.partition(" ")
    if digest == text_digest(text):
        value = Alert.model_validate_json(text)
        if (value.alert_id, str(value.state)) == (number, state):
            return value
    found, remedy = "is not what was written: its digest differs", "run khemon check and restore a backup"
    raise StoreProblem(where=f"alert {number}", found=found, remedy=remedy)


def alert_columns(value: Alert, patient_no: int) -> dict[str, Any]:
    """The columns of an alert, the whole of it in `body`."""
    text = value.model_dump_json()
    return {
        "alert_id": value.alert_id,
        "patient_no": patient_no,
        "rule": value.rule,
        "state": str(value.state),
        "severity": value.severity,
        "status": value.status,
        "onset_ms": ms_of(value.onset),
        "end_ms": None if value.end is None else ms_of(value.end),
        "text": value.text,
        "body": f"{text_digest(text)} {text}",
    }


def save_alert(connection: sa.Connection, value: Alert, heads: Heads) -> Alert:
    """Stores an alert as it stands now; number 0 gets the next one."""
    before = _before(connection, value.alert_id, heads) if value.alert_id else None
    if value.alert_id == 0:
        last = heads.last_alert
        number = next_number(connection, alert.c.alert_id) if last is None else last + 1
        heads.last_alert, heads.last_move[number] = number, 0
        value = value.model_copy(update={"alert_id": number})
    if value.patient_id not in heads.patients:
        heads.patients |= numbers_of(connection, [value.patient_id])
    columns = alert_columns(value, heads.patients[value.patient_id])
    heads.alerts[value.alert_id] = columns
    heads.saved(connection)
    seals = seals_of(connection)
    if before is not None:
        seals.note("alert", before[0], alert_mark(value.alert_id, *before), -1)
    mark = alert_mark(value.alert_id, columns["patient_no"], columns["state"], columns["body"])
    seals.note("alert", columns["patient_no"], mark)
    return value


def _before(connection: sa.Connection, alert_id: int, heads: Heads) -> tuple[Any, ...] | None:
    """Patient, state and digest of an alert as it was saved before."""
    waiting = heads.alerts.get(alert_id)
    if waiting is None:
        return _BEFORE.first(connection, alert_id=alert_id)
    return waiting["patient_no"], waiting["state"], waiting["body"][:BODY_DIGEST]


def add_move(
    connection: sa.Connection, alert_id: int, actor: Actor, values: Mapping[str, Any], heads: Heads
) -> MoveRow:
    """Appends a move to an alert's log."""
    last = heads.last_move.get(alert_id)
    if last is None:
        [(last,)] = _LAST_MOVE.rows(connection, alert_id=alert_id)
    heads.last_move[alert_id] = last + 1
    row = {"alert_id": alert_id, "move_no": last + 1, "actor": actor.name, "actor_kind": actor.kind, **values}
    plain = {name: str(value) if isinstance(value, str) else value for name, value in row.items()}
    plain["details"] = canonical_json(row["details"])
    written = tuple(map(plain.__getitem__, _MOVE))
    heads.moves.append(written)
    heads.saved(connection)
    seals_of(connection).note("alert_move", alert_id, mark_of(*written))
    return MoveRow(**row)


def move_row(row: sa.Row[Any]) -> MoveRow:
    """A move as it was appended."""
    values = {column.name: row._mapping[column] for column in alert_move.c}
    return MoveRow(**{**values, "details": json.loads(values["details"])})


def alert_moves(connection: sa.Connection, alert_id: int) -> list[MoveRow]:
    """An alert's log, the oldest first."""
    mine = sa.select(alert_move).where(alert_move.c.alert_id == alert_id).order_by(alert_move.c.move_no)
    rows = list(connection.execute(mine))
    marked = totals((alert_id, mark_of(*row)) for row in rows)
    seals_of(connection).compare("alert_move", marked, [alert_id], f"log of alert {alert_id}")
    return [move_row(row) for row in rows]


def alert_log(connection: sa.Connection, before_ms: int) -> list[tuple[str, MoveRow]]:
    """Every move of every alert made before a time, by alert and in order, each with the alert's rule."""
    joined = sa.select(alert.c.rule, alert_move).join(alert, alert.c.alert_id == alert_move.c.alert_id)
    rows = list(connection.execute(joined.order_by(alert_move.c.alert_id, alert_move.c.move_no)))
    seals_of(connection).compare("alert_move", totals((row[1], mark_of(*row[1:])) for row in rows), None, "alert log")
    return [(row.rule, move_row(row)) for row in rows if row.at_ms < before_ms]


def audit_head(connection: sa.Connection) -> tuple[int, str]:
    """Sequence and hash of the last entry; (0, NO_HASH) when there is none."""
    row = seals_of(connection).known("audit", WARD, [(WARD, "audit")]) or _AUDIT_HEAD.first(connection)
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
    head = audit_hash(*entry)
    heads.entries.append((*entry, head))
    heads.saved(connection)
    heads.audit = (sequence + 1, head)
    seals_of(connection).note("audit", WARD, audit_mark(previous) ^ audit_mark(head))
    seals_of(connection).heads["audit"] = heads.audit
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


def audit_names(connection: sa.Connection) -> list[tuple[str, str]]:
    """Who did what at any time, each pair once."""
    rows = connection.execute(sa.select(audit.c.actor, audit.c.action).distinct())
    return sorted((row[0], row[1]) for row in rows)


def mark_seen(connection: sa.Connection, kind: str, object_id: str, actor: str, at_ms: int) -> None:
    """Notes that someone opened something; a child that nobody spoke of yet cannot be opened."""
    scope = _seen_scope(connection, kind, object_id)
    if scope == WARD and kind in OF_A_CHILD:
        return
    key = {"kind": kind, "object_id": object_id, "actor": actor}
    before = next(iter(seen_rows(connection, kind, object_id, actor)), None)
    first = at_ms if before is None else before.first_ms
    put(connection, seen, key, {"first_ms": first, "last_ms": at_ms})
    old = 0 if before is None else mark_of(*key.values(), before.first_ms, before.last_ms)
    change = old ^ mark_of(*key.values(), first, at_ms)
    seals_of(connection).note(f"seen_{kind}", scope, change, int(before is None))


def _seen_scope(connection: sa.Connection, kind: str, object_id: str) -> int:
    number = None if kind == "alert" else numbers_of(connection, [object_id]).get(object_id)
    return seen_scope(kind, object_id, number)


def seen_rows(connection: sa.Connection, kind: str, object_id: str, actor: str | None = None) -> list[SeenRow]:
    """Who opened something, the latest first."""
    statement = sa.select(seen).where(seen.c.kind == kind, seen.c.object_id == object_id)
    rows = [tuple(row) for row in connection.execute(statement.order_by(seen.c.last_ms.desc()))]
    scope = _seen_scope(connection, kind, object_id)
    if scope != WARD:  # what names no child that is known has no scope of its own
        own = {scope: Total(0, 0)} | totals((scope, mark_of(*row)) for row in rows)
        seals_of(connection).compare(f"seen_{kind}", {n: t for n, t in own.items() if t.rows}, [scope], "visits")
    return [SeenRow(*row) for row in rows if actor in (None, row[2])]
