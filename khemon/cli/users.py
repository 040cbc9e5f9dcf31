"""Commands about accounts. Whoever runs them has the database in hand, so they ask for no password."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from khemon.actions import accounts
from khemon.cli.options import Db, Json, now_ms, open_store, person
from khemon.cli.output import print_json, print_table, say
from khemon.rules.calendar import from_ms
from khemon.store import AccountRow

users = typer.Typer(no_args_is_help=True, help="Who may sign in, with which roles, and for which wards.")

Name = Annotated[str, typer.Argument(metavar="NAME")]
Role = Annotated[
    list[str] | None, typer.Option("--role", help="viewer, clinician, data_manager or administrator; may be repeated.")
]
Wards = Annotated[list[str] | None, typer.Option("--ward", help="Only this ward's patients; may be repeated.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in a few words; kept in the audit trail.")]


@users.command()
def add(name: Name, role: Role = None, ward: Wards = None, db: Db = None, as_json: Json = False) -> None:
    """Make an account, and print the code with which its person sets a password once, within a day."""
    store = open_store(db)
    try:
        state, code = accounts.add_account(store, person(), name, role or [], ward or [], now_ms())
    finally:
        store.close()
    if as_json:
        print_json({**_document(state), "code": code})
        return
    _hand_over(state.name, code)


@users.command("list")
def listed(db: Db = None, as_json: Json = False) -> None:
    """List accounts."""
    store = open_store(db)
    try:
        rows = accounts.accounts(store, person())
    finally:
        store.close()
    if as_json:
        print_json({"users": [_document(row) for row in rows]})
        return
    heads = ["name", "roles", "wards", "", "since"]
    print_table(
        heads,
        [[row.name, ", ".join(row.roles), ", ".join(row.wards) or "all", _standing(row), _time(row)] for row in rows],
    )


@users.command()
def disable(name: Name, reason: Reason, db: Db = None, as_json: Json = False) -> None:
    """Let nobody in by this account any more; its open windows close within a second."""
    _change(name, reason, db, as_json, enabled=False)


@users.command()
def enable(name: Name, reason: Reason, db: Db = None, as_json: Json = False) -> None:
    """Let the person of a disabled account in again, with the same password."""
    _change(name, reason, db, as_json, enabled=True)


@users.command()
def change(
    name: Name,
    reason: Reason,
    role: Role = None,
    ward: Wards = None,
    all_wards: Annotated[bool, typer.Option("--all-wards", help="No longer bound to wards.")] = False,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Give an account other roles or wards (those named replace the ones before); its open windows close."""
    _change(name, reason, db, as_json, roles=role or None, wards=[] if all_wards else (ward or None))


@users.command()
def invite(name: Name, reason: Reason, db: Db = None, as_json: Json = False) -> None:
    """Print a new code for a lost password; the old password and its open windows end now."""
    store = open_store(db)
    try:
        code = accounts.invite(store, person(), name, reason, now_ms())
    finally:
        store.close()
    if as_json:
        print_json({"name": name, "code": code})
        return
    _hand_over(name, code)


def _change(name: str, reason: str, db: str | None, as_json: bool, **changes: Any) -> None:  # noqa: ANN401
    store = open_store(db)
    try:
        state = accounts.change_account(store, person(), name, reason, now_ms(), **changes)
    finally:
        store.close()
    if as_json:
        print_json(_document(state))
    else:
        say(f"{state.name}: {', '.join(state.roles)}; wards {', '.join(state.wards) or 'all'}; {_standing(state)}")


def _hand_over(name: str, code: str) -> None:
    say(f"code for {name}, valid once and for a day: {code}")
    say("hand it over in person; the password is set with it at /welcome of the dashboard")


def _document(row: AccountRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "roles": list(row.roles),
        "wards": list(row.wards),
        "enabled": row.enabled,
        "has_password": row.password is not None,
        "changed_at": _time(row),
    }


def _standing(row: AccountRow) -> str:
    if not row.enabled:
        return "disabled"
    return "" if row.password is not None else "invited"


def _time(row: AccountRow) -> str:
    return from_ms(row.at_ms, "UTC").isoformat()


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.add_typer(users, name="users")
