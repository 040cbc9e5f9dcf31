"""Accounts: made, invited, given roles and wards, disabled; and the password each person sets alone.

A password is never shown, printed or sent: an administrator hands over a code that works once, and the person sets the
password with it. Only hashes are kept (argon2id for passwords).
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Sequence
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from khemon.actions.permitted import permitted
from khemon.actions.signatures import Confirmed
from khemon.models import Actor, Refused
from khemon.roles import ROLES
from khemon.store import AccountRow, Store, Writer

#: What a page shows of an account.
Account = AccountRow
INVITED_FOR_MS = 24 * 3_600_000
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
LONGEST_NAME = 64
#: The code a person types: without letters and digits that look alike.
_CODE_SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_CODE_LENGTH, _CODE_GROUP = 20, 5


@cache
def hasher() -> PasswordHasher:
    """Argon2id with the parameters of RFC 9106 for machines short of memory (64 MiB, 3 passes, 4 lanes)."""
    return PasswordHasher()


@cache
def _nobodys_hash() -> str:
    """What a sign-in under an unknown name is compared with, so that it takes as long as any other."""
    return hasher().hash(secrets.token_urlsafe(32))


class WrongPassword(Refused):
    """A password that was asked for again and is not right."""


@permitted("administer")
def accounts(store: Store, actor: Actor) -> list[AccountRow]:
    """Every account as it stands, by name."""
    with store.reading() as reader:
        return reader.accounts()


@permitted("administer")
def add_account(
    store: Store, actor: Actor, name: str, roles: Sequence[str], wards: Sequence[str], now_ms: int
) -> tuple[AccountRow, str]:
    """A new account, and the code with which its person sets a password once, within a day. Refused when unfit."""
    _check_name(name)
    held, bound = _checked_roles(roles), _checked_wards(wards)
    code = _code()
    with store.writing() as writer:
        number = writer.add_account(name, actor=actor, at_ms=now_ms)
        state = AccountRow(number, name.strip(), "invited", held, bound, at_ms=now_ms, by=actor.name)
        state = state._replace(invitation=_hash(code), invitation_until_ms=now_ms + INVITED_FOR_MS)
        _append(writer, actor, state, {"roles": list(held), "wards": list(bound)})
    return state, code


@permitted("administer")
def invite(store: Store, actor: Actor, name: str, reason: str, now_ms: int) -> str:
    """A new code for a person whose password is lost; the old password and every session of it end now."""
    code = _code()
    with store.writing() as writer:
        before = _named(writer, name)
        state = before._replace(
            act="invited",
            password=None,
            invitation=_hash(code),
            invitation_until_ms=now_ms + INVITED_FOR_MS,
            credential_version=before.credential_version + 1,
            reason=_checked_reason(reason),
            at_ms=now_ms,
        )
        _append(writer, actor, state, {"reason": state.reason})
    return code


@permitted("administer")
def change_account(
    store: Store,
    actor: Actor,
    name: str,
    reason: str,
    now_ms: int,
    *,
    roles: Sequence[str] | None = None,
    wards: Sequence[str] | None = None,
    enabled: bool | None = None,
) -> AccountRow:
    """The account with other roles, wards or standing from now on; its open sessions end. Refused when unfit."""
    with store.writing() as writer:
        before = _named(writer, name)
        state = before._replace(
            act="changed" if enabled is None else ("enabled" if enabled else "disabled"),
            roles=before.roles if roles is None else _checked_roles(roles),
            wards=before.wards if wards is None else _checked_wards(wards),
            enabled=before.enabled if enabled is None else enabled,
            credential_version=before.credential_version + 1,
            reason=_checked_reason(reason),
            at_ms=now_ms,
        )
        _check_one_is_left(writer, actor, before, state)
        changes = {
            field: {"old": getattr(before, field), "new": getattr(state, field)}
            for field in ("roles", "wards", "enabled")
            if getattr(before, field) != getattr(state, field)
        }
        _append(writer, actor, state, {**changes, "reason": state.reason})
    return state


def accept_invitation(store: Store, name: str, code: str, password: str, now_ms: int) -> Actor:
    """Who signs in with a code and sets the password; the code is void from then on. Refused when either is unfit."""
    _check_password(password, name)
    with store.writing() as writer:
        before = writer.account(name)
        fits = (
            before is not None
            and before.enabled
            and before.invitation is not None
            and secrets.compare_digest(before.invitation, _hash(code))
            and now_ms <= (before.invitation_until_ms or 0)
        )
        if before is None or not fits:
            raise Refused("code", "is not valid for this name", "check both, or ask an administrator for a new code")
        state = before._replace(
            act="password",
            password=hasher().hash(_prepared(password)),
            invitation=None,
            invitation_until_ms=None,
            credential_version=before.credential_version + 1,
            reason="",
            at_ms=now_ms,
        )
        actor = _actor(state)
        _append(writer, actor, state, {})
    return actor


def sign_in(store: Store, name: str, password: str) -> Actor | None:
    """Who this is, or None; an unknown name, a wrong password and a disabled account cannot be told apart."""
    with store.reading() as reader:
        found = reader.account(name) if 0 < len(name) <= LONGEST_NAME else None
    usable = found is not None and found.enabled and found.password is not None
    kept = found.password if found is not None and found.password is not None else _nobodys_hash()
    try:
        hasher().verify(kept, _prepared(password)[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return None
    return _actor(found) if usable and found is not None else None


@permitted("own_account")
def change_password(store: Store, actor: Actor, old: str, new: str, now_ms: int) -> Actor:
    """The actor with the new password; every session signed in with the old one ends. Refused when either is unfit."""
    _check_password(new, actor.name)
    if sign_in(store, actor.name, old) is None:
        raise Refused("password", "the present one is not right", "type it again; nothing was changed")
    with store.writing() as writer:
        before = _named(writer, actor.name)
        state = before._replace(
            act="password",
            password=hasher().hash(_prepared(new)),
            credential_version=before.credential_version + 1,
            reason="",
            at_ms=now_ms,
        )
        _append(writer, actor, state, {})
    return _actor(state)


@permitted("own_account")
def confirm_password(store: Store, actor: Actor, password: str, now_ms: int) -> Confirmed:
    """That the person who is signed in typed the own password just now. WrongPassword, on record, for another one."""
    found = sign_in(store, actor.name, password)
    if found is None or found.credential_version != actor.credential_version:
        with store.writing() as writer:
            writer.audit(actor, "signature_failed", f"account {actor.name}", {}, now_ms)
        raise WrongPassword("password", "is not right", "type it again; nothing was changed")
    return Confirmed(found.name, found.credential_version, now_ms)


def _append(writer: Writer, actor: Actor, state: AccountRow, details: dict[str, object]) -> None:
    writer.add_account_state(state, actor=actor)
    writer.audit(actor, f"account_{state.act}", f"account {state.name}", details, state.at_ms)


def _named(writer: Writer, name: str) -> AccountRow:
    found = writer.account(name)
    if found is None:
        raise Refused("name", "there is no account of this name", "list them with: khemon users list")
    return found


def _check_one_is_left(writer: Writer, actor: Actor, before: AccountRow, state: AccountRow) -> None:
    """An administrator cannot leave the site without one; at the machine itself it can be done."""
    keeps = "administrator" in state.roles and state.enabled
    others = (
        each
        for each in writer.accounts()
        if each.account_no != state.account_no and each.enabled and "administrator" in each.roles
    )
    if "administrator" in before.roles and not keeps and actor.kind == "account" and not any(others):
        raise Refused("account", "is the last administrator", "make another one first")


def _actor(state: AccountRow) -> Actor:
    return Actor(name=state.name, kind="account", credential_version=state.credential_version)


def _check_name(name: str) -> None:
    stripped = name.strip()
    if not 0 < len(stripped) <= LONGEST_NAME or not all(sign.isprintable() for sign in stripped):
        raise Refused("name", f"is empty, longer than {LONGEST_NAME} signs, or not printable", "choose another")


def _checked_roles(roles: Sequence[str]) -> tuple[str, ...]:
    unknown = [role for role in roles if role not in ROLES]
    if unknown or not roles:
        raise Refused("role", "is not known" if unknown else "is missing", f"use: {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in roles)


def _checked_wards(wards: Sequence[str]) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(ward.strip() for ward in wards))
    if not all(named):
        raise Refused("ward", "is empty", "name the ward as the patients file does, or leave it out for all wards")
    return tuple(sorted(named))


def _checked_reason(reason: str) -> str:
    if not reason.strip():
        raise Refused("reason", "is missing", "say why in a few words")
    return reason.strip()


def _check_password(password: str, name: str) -> None:
    length = len(password)
    if not SHORTEST_PASSWORD <= length <= LONGEST_PASSWORD:
        found = f"has {length} signs"
        raise Refused("password", found, f"use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}; several words do well")
    plain = password.casefold()
    if name.strip().casefold() in plain or len(set(plain)) < SHORTEST_PASSWORD // 2:
        raise Refused("password", "holds the name, or few different signs", "choose another; several words do well")


def _prepared(password: str) -> str:
    """The same password typed on another keyboard is the same text."""
    return unicodedata.normalize("NFKC", password)


def _code() -> str:
    signs = "".join(secrets.choice(_CODE_SIGNS) for _ in range(_CODE_LENGTH))
    return "-".join(signs[place : place + _CODE_GROUP] for place in range(0, _CODE_LENGTH, _CODE_GROUP))


def _hash(code: str) -> str:
    typed = "".join(sign for sign in code.upper() if sign.isalnum())
    return hashlib.sha256(typed.encode("utf-8", "surrogateescape")).hexdigest()
