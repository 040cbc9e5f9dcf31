"""What a running script asks for its own sign-in: a file that lies ready, and the password once more."""

from __future__ import annotations

import time
from collections.abc import Callable

from khemon.actions.accounts import confirm_password
from khemon.actions.signatures import Confirmed
from khemon.gate import running
from khemon.gate.downloads import Offer
from khemon.gate.places import DOWNLOAD
from khemon.gate.sessions import Session
from khemon.models import Refused


def ready_address(key: str, name: str, fetch: Callable[[], bytes], kind: str, size: int) -> str:
    """The address of a file of which so many bytes lie ready until it is fetched. Refused where too much does."""
    token = running.current().downloads.offer(_own_session(), key, Offer(name, kind, fetch, size))
    return f"{DOWNLOAD.lstrip('/')}{token}"


def confirmed_password(password: str) -> Confirmed:
    """That the person of the running script typed the own password just now. Refused when not, or after many tries."""
    place, session = running.current(), _own_session()
    # By sign-in, not by name alone: who guesses in an open window keeps nobody out who signs in elsewhere.
    name = f"signing {session.actor.name.casefold()}"
    wait = place.guesses.wait_s(name, session.reference)
    if wait > 0:
        raise Refused("password", "was tried too often", f"wait {int(wait) + 1} seconds, then try again")
    found = confirm_password(place.store, session.actor, password, time.time_ns() // 1_000_000)
    place.guesses.right(name, session.reference)
    return found


def _own_session() -> Session:
    session = running.current().sessions.of_reference(running._reference())
    if session is None:
        raise Refused("session", "has ended", "sign in again; nothing was changed")
    return session
