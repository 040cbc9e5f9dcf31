"""Accounts and their states. A state is never changed: the last one holds, and every earlier one stays on record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from khemon.models import Actor, Refused, StoreProblem
from khemon.store.account_rows import AccountRow
from khemon.store.digests import canonical_json, row_digest
from khemon.store.repository.bulk import next_number
from khemon.store.repository.marks import mark_of, totals
from khemon.store.repository.ready import Ready
from khemon.store.repository.sealing import note_rows
from khemon.store.repository.seals import seals_of
from khemon.store.tables import account, account_state

_JOINED = account.join(account_state, account.c.account_no == account_state.c.account_no)
_WHOLE = sa.select(*account.c, *(column.label(f"state_{column.name}") for column in account_state.c)).select_from(
    _JOINED
)
_IN_ORDER = _WHOLE.order_by(account_state.c.state_no)
_NAMED = Ready(_IN_ORDER.where(account.c.folded == sa.bindparam("folded")))
_HEAD = Ready(sa.select(sa.func.coalesce(sa.func.max(account_state.c.state_no), 0)))
_ACCOUNT = len(account.c)


def folded(name: str) -> str:
    """The name without regard to case and to spaces around it."""
    return name.strip().casefold()


def named(connection: sa.Connection, name: str) -> AccountRow | None:
    """The account of this name as it stands. StoreProblem when it is not what was written."""
    rows = _NAMED.rows(connection, folded=folded(name))
    _compare(connection, rows, list({row[0] for row in rows}))
    return _row(rows[-1]) if rows else None


def everyone(connection: sa.Connection) -> list[AccountRow]:
    """Every account as it stands, by name."""
    rows = [tuple(row) for row in connection.execute(_IN_ORDER)]
    _compare(connection, rows, None)
    return sorted({row[0]: _row(row) for row in rows}.values(), key=lambda each: folded(each.name))


def _compare(connection: sa.Connection, rows: Sequence[Sequence[Any]], numbers: list[int] | None) -> None:
    """Refuses states that are not all there: an earlier one must not come to hold again."""
    marked = totals((row[0], mark_of(*row[_ACCOUNT:])) for row in rows)
    seals_of(connection).compare("account_state", marked, numbers, "accounts")


def history(connection: sa.Connection, name: str) -> list[AccountRow]:
    """Every state an account was in, the newest first."""
    mine = _WHOLE.where(account.c.folded == folded(name)).order_by(account_state.c.state_no.desc())
    return [_row(tuple(row)) for row in connection.execute(mine)]


def head(connection: sa.Connection) -> int:
    """The number of the last state of any account; another number means that somebody's rights changed."""
    return int(_HEAD.rows(connection)[0][0])


def add(connection: sa.Connection, name: str, actor: Actor, at_ms: int) -> int:
    """Makes an account without any state; its number. Refused for a name that is taken."""
    if named(connection, name) is not None:
        raise Refused("name", "there is an account of this name", "choose another, or change that one")
    number = next_number(connection, account.c.account_no)
    values = (number, name.strip(), folded(name), at_ms, actor.name, actor.kind)
    connection.execute(sa.insert(account).values((*values, row_digest(values))))
    note_rows(seals_of(connection), "account", [(*values, row_digest(values))])
    return number


def add_state(connection: sa.Connection, state: AccountRow, actor: Actor) -> None:
    """Appends a state, which holds from now on; its number is given here."""
    number = next_number(connection, account_state.c.state_no)
    values = (
        number,
        state.account_no,
        state.at_ms,
        actor.name,
        actor.kind,
        state.act,
        canonical_json(sorted(state.roles)),
        canonical_json(sorted(state.wards)),
        int(state.enabled),
        state.credential_version,
        state.password,
        state.invitation,
        state.invitation_until_ms,
        state.reason,
    )
    whole = (*values, row_digest(values))
    connection.execute(sa.insert(account_state).values(whole))
    seals_of(connection).note("account_state", state.account_no, mark_of(*whole))


def damaged(connection: sa.Connection) -> list[int]:
    """Numbers of states that are not what was written, or whose account is not."""
    rows = (tuple(row) for row in connection.execute(_WHOLE))
    return [row[_ACCOUNT] for row in rows if not _is_sound(row)]


def _is_sound(row: Sequence[Any]) -> bool:
    parts = tuple(row[:_ACCOUNT]), tuple(row[_ACCOUNT:])
    return all(bool(row_digest(part[:-1]) == part[-1]) for part in parts)


def _row(row: Sequence[Any]) -> AccountRow:
    if not _is_sound(row):
        found, remedy = "is not what was written: its digest differs", "run khemon check and restore a backup"
        raise StoreProblem(where=f"account, state number {row[_ACCOUNT]}", found=found, remedy=remedy)
    state = row[_ACCOUNT:]
    return AccountRow(
        account_no=row[0],
        name=row[1],
        state_no=state[0],
        at_ms=state[2],
        by=state[3],
        act=state[5],
        roles=tuple(json.loads(state[6])),
        wards=tuple(json.loads(state[7])),
        enabled=bool(state[8]),
        credential_version=state[9],
        password=state[10],
        invitation=state[11],
        invitation_until_ms=state[12],
        reason=state[13],
    )
