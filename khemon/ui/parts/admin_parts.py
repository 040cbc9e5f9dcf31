"""The parts of the users page: who may sign in, as what, and for which wards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

import streamlit as st

from khemon.actions import accounts
from khemon.actions.accounts import LONGEST_NAME
from khemon.figures.words import date_words, moment
from khemon.models import KhemonError
from khemon.roles import ROLES
from khemon.ui.parts import frame
from khemon.ui.parts.elements import Child, Markup, el, plain, show, sign, table
from khemon.ui.parts.session import session

_LONGEST_REASON = 500
#: Where a code waits until the administrator has read it: in this window only, and gone with the next act.
_CODE = "khemon_code"


def listed(rows: Sequence[accounts.Account], zone: ZoneInfo) -> Markup:
    """Every account as a table."""
    lines: list[list[Child]] = [
        [
            row.name,
            ", ".join(_words(role) for role in row.roles),
            ", ".join(row.wards) or "all",
            _standing(row),
            f"{date_words(moment(row.at_ms), zone)} by {row.by}",
            row.reason,
        ]
        for row in rows
    ]
    heads = ["Name", "Roles", "Wards", "", "Last change", "Why"]
    return el("div", table(heads, lines, label="Accounts"), class_="k")


def new_code() -> None:
    """The code that was just made, to be handed over; shown once."""
    told = st.session_state.pop(_CODE, None)
    if told is not None:
        name, code = told
        words = f"Code for {name}: {code}"
        note = "It works once and for a day, at “I have a code” beside the sign-in. It is not shown again."
        show(el("div", el("b", words), el("div", note), class_="k k-card", role="status"))


def add() -> None:
    """The form for a new account."""
    with st.form("add_account", clear_on_submit=False):
        name = st.text_input("Name", max_chars=LONGEST_NAME, key="add_name")
        roles = st.pills("Roles", list(ROLES), selection_mode="multi", format_func=_role_words, key="add_roles")
        wards = st.text_input("Only these wards (separated by commas; empty: all)", key="add_wards")
        asked = st.form_submit_button("Make the account", type="primary", key="add_button")
    if asked:
        _done(lambda: _added(name, roles, wards))


def change(rows: Sequence[accounts.Account]) -> None:
    """The forms for one account: other roles and wards, a new code, out or in again."""
    by_name = {row.name: row for row in rows}
    name = st.selectbox("Account", list(by_name), index=None, key="change_name")
    if name is None:
        return
    row = by_name[name]
    with st.form(f"change_{row.account_no}_{row.state_no}"):
        roles = st.pills("Roles", list(ROLES), selection_mode="multi", default=list(row.roles), format_func=_role_words)
        wards = st.text_input("Only these wards (empty: all)", value=", ".join(row.wards))
        reason = st.text_input("Why", max_chars=_LONGEST_REASON)
        columns = st.columns(3)
        changed = columns[0].form_submit_button("Change roles and wards", type="primary")
        invited = columns[1].form_submit_button("New code (lost password)")
        turned = columns[2].form_submit_button("Disable" if row.enabled else "Enable")
    if changed:
        _done(lambda: _changed(name, reason, roles=roles, wards=_split(wards)))
    elif invited:
        _done(lambda: _invited(name, reason))
    elif turned:
        _done(lambda: _changed(name, reason, enabled=not row.enabled))


def _added(name: str, roles: Sequence[str], wards: str) -> None:
    here = session()
    row, code = accounts.add_account(here.store, here.actor, name, roles, _split(wards), _now_ms())
    st.session_state[_CODE] = (row.name, code)


def _changed(name: str, reason: str, **changes: object) -> None:
    here = session()
    accounts.change_account(here.store, here.actor, name, reason, _now_ms(), **changes)  # type: ignore[arg-type]


def _invited(name: str, reason: str) -> None:
    here = session()
    st.session_state[_CODE] = (name, accounts.invite(here.store, here.actor, name, reason, _now_ms()))


def _done(act: Callable[[], None]) -> None:
    try:
        act()
    except KhemonError as problem:
        frame.refused(problem)
        return
    st.rerun()


def _split(wards: str) -> list[str]:
    return [ward.strip() for ward in wards.split(",") if ward.strip()]


def _now_ms() -> int:
    return int(session().now.timestamp() * 1000)


def _words(role: str) -> str:
    return role.replace("_", " ")


def _role_words(role: str) -> str:
    return plain(f"{_words(role)}: {ROLES[role]}")


def _standing(row: accounts.Account) -> Markup | str:
    if not row.enabled:
        return sign("note", "disabled")
    return "" if row.password is not None else "invited, no password yet"
