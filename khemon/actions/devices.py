"""A browser in which somebody signed in before: it bears a mark, so that nobody's guessing keeps its people out."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from khemon.actions.accounts import LONGEST_NAME
from khemon.models import Actor
from khemon.store import AccountRow, Store

#: A ward's computer is many people's: the last ones to sign in there are known.
MOST_MARKS = 8
_BETWEEN = "~"
_MARK = re.compile(r"([A-Za-z0-9_-]{22})\.([0-9a-f]{64})")


def with_mark(store: Store, actor: Actor, before: str | None) -> str | None:
    """The marks of a browser in which a person just signed in, given those it bore; None where there is no password.

    A mark is made with what is kept of the password, so another password voids it, and nothing of it has to be kept.
    """
    account = _account(store, actor.name)
    if account is None:
        return None
    number = secrets.token_urlsafe(16)
    others = (mark for mark in _marks(before) if _number(account, mark) is None)
    return _BETWEEN.join([f"{number}.{_seal(account, number)}", *others][:MOST_MARKS])


def number_of(store: Store, name: str, marks: str | None) -> str | None:
    """The number of the mark that was made for this person and still holds; None where there is none."""
    borne = _marks(marks)
    account = _account(store, name) if borne else None
    if account is None:
        return None
    return next(filter(None, (_number(account, mark) for mark in borne)), None)


def _account(store: Store, name: str) -> AccountRow | None:
    if not 0 < len(name) <= LONGEST_NAME:
        return None
    with store.reading() as reader:
        account = reader.account(name)
    return account if account is not None and account.password is not None else None


def _marks(text: str | None) -> list[str]:
    return [mark for mark in (text or "").split(_BETWEEN)[:MOST_MARKS] if _MARK.fullmatch(mark)]


def _number(account: AccountRow, mark: str) -> str | None:
    number, _, seal = mark.partition(".")
    return number if hmac.compare_digest(_seal(account, number), seal) else None


def _seal(account: AccountRow, number: str) -> str:
    text = f"browser {account.account_no} {number}"
    return hmac.new(str(account.password).encode(), text.encode(), hashlib.sha256).hexdigest()
