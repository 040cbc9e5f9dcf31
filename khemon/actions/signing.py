"""Sign-ins on record: who came in, and wrong passwords for accounts that exist."""

from __future__ import annotations

from khemon.models import Actor
from khemon.store import Store

_GATE = Actor(name="khemon", kind="system")


def signed_in(store: Store, actor: Actor, now_ms: int) -> None:
    """Notes that somebody signed in."""
    with store.writing() as writer:
        writer.audit(actor, "sign_in", f"account {actor.name}", {}, now_ms)


def signed_out(store: Store, actor: Actor, now_ms: int) -> None:
    """Notes that somebody signed out."""
    with store.writing() as writer:
        writer.audit(actor, "sign_out", f"account {actor.name}", {}, now_ms)


def failed(store: Store, name: str, in_a_row: int, now_ms: int) -> None:
    """Notes a wrong password; of a name that nobody has only that there was one, for it may be a password."""
    with store.writing() as writer:
        account = writer.account(name) if name else None
        told = "unknown account" if account is None else f"account {account.name}"
        writer.audit(_GATE, "sign_in_failed", told, {"in_a_row": in_a_row}, now_ms)
