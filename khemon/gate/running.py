"""What this process runs: its settings, its open store, its sessions. Streamlit's scripts live in the same process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.types import Scope

from khemon.actions.desk import Desk
from khemon.gate.answering import TLS_PREFIX
from khemon.gate.asking import is_public
from khemon.gate.downloads import CSV, Downloads, Offer
from khemon.gate.guesses import Guesses
from khemon.gate.loads import Loads
from khemon.gate.places import DOWNLOAD, page_paths
from khemon.gate.sessions import ABSOLUTE_S, IDLE_S, OneTimeLink, Session, Sessions
from khemon.gate.standing import Standing
from khemon.models import Actor, Refused
from khemon.settings import Settings, operating_system_user
from khemon.store import Store


@dataclass(frozen=True, slots=True)
class Place:
    """Everything the gate and the pages need to know about the process they run in."""

    store: Store
    settings: Settings
    sessions: Sessions
    #: Who a session of this process acts as while there is no account.
    actor: Actor
    link: OneTimeLink
    standing: Standing
    #: Files people brought, worked through whether or not somebody looks on.
    desk: Desk
    downloads: Downloads = field(default_factory=Downloads)
    guesses: Guesses = field(default_factory=Guesses)
    loads: Loads = field(default_factory=Loads)
    pages: frozenset[str] = field(default_factory=page_paths)
    #: CSP sources of Streamlit's own inline scripts.
    script_hashes: tuple[str, ...] = ()

    def cookie_name(self, scope: Scope) -> str:
        """The cookie's name: with the port, because browsers share the cookies of one host among its ports."""
        return f"{TLS_PREFIX}khemon" if is_public(scope) else f"khemon_{scope['server'][1]}"

    def mark_name(self, scope: Scope) -> str:
        """The cookie by which a browser shows that somebody signed in there before; it opens nothing."""
        return f"{self.cookie_name(scope)}_known"


_places: list[Place] = []


@contextmanager
def over(
    store: Store, settings: Settings, *, link: OneTimeLink | None = None, script_hashes: tuple[str, ...] = ()
) -> Iterator[Place]:
    """The place of this process over a store, while the block lasts; every session ends with it."""
    sessions = Sessions(IDLE_S[settings.mode], ABSOLUTE_S[settings.mode])
    place = Place(
        store=store,
        settings=settings,
        sessions=sessions,
        downloads=Downloads(lives=lambda reference: sessions.of_reference(reference) is not None),
        actor=_actor_of(settings),
        link=link or OneTimeLink(lambda token: None),
        standing=Standing(store),
        desk=Desk(store, lambda: dt.datetime.now(dt.UTC)),
        script_hashes=script_hashes,
    )
    _places.append(place)
    try:
        yield place
    finally:
        _places.remove(place)
        place.sessions.end_all()
        place.desk.close()


def current() -> Place:
    """The place of this process. Refused when nothing was started here."""
    if not _places:
        raise Refused("server", "was not started by khemon", "start it with `khemon serve` or `khemon demo`")
    return _places[-1]


def current_store() -> Store:
    """The one open store of this process."""
    return current().store


def current_settings() -> Settings:
    """The settings of this process."""
    return current().settings


def current_actor() -> Actor:
    """Who acts in the running script, asked anew on every call. Refused when the session has ended.

    The gate names the session in a header that it never lets a client send, and Streamlit shows it as `st.user`.
    """
    return current().sessions.actor(_reference())


def current_desk() -> Desk:
    """The desk of this process."""
    return current().desk


def download_address(key: str, name: str, make: Callable[[], bytes], kind: str = CSV) -> str:
    """The address, for the session of the running script, of a file that `make` makes once it is fetched."""
    place = current()
    session: Session | None = place.sessions.of_reference(_reference())
    if session is None:
        raise Refused("session", "has ended", "sign in again; nothing was changed")
    return f"{DOWNLOAD.lstrip('/')}{place.downloads.offer(session, key, Offer(name, kind, make))}"


def _reference() -> str | None:
    import streamlit  # only a running script can ask, and that has it loaded

    reference = streamlit.user.get("session")
    return reference if isinstance(reference, str) else None


def _actor_of(settings: Settings) -> Actor:
    if settings.mode == "demo":
        return Actor(name="demo", kind="demo")
    return Actor(name=operating_system_user(), kind="local")
