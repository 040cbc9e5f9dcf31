"""Who is signed in: sessions kept in this process, found by a token of which only the hash is kept."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from khemon.gate.pace import Pace
from khemon.models import Actor, Refused

HOUR_S = 3600.0
#: A ward computer is shared: a session that nobody uses ends, and no session outlives a long shift.
IDLE_S = {"demo": 8 * HOUR_S, "serve": HOUR_S}
ABSOLUTE_S = {"demo": 24 * HOUR_S, "serve": 12 * HOUR_S}
SESSIONS = 64
SOCKETS_PER_SESSION = 8
#: One account at several computers: sign-ins beyond these end the one that was idle for longest.
SESSIONS_PER_PERSON, SOCKETS_PER_PERSON = 8, 16
SOCKETS = 100


@dataclass(eq=False, slots=True)
class Session:
    """One sign-in. `reference` names it inside the process and opens nothing from outside."""

    reference: str
    actor: Actor
    opened_at: float
    seen_at: float
    #: What to call when it ends: each live socket leaves a function that closes it, safe from any thread.
    on_end: dict[object, Callable[[], None]] = field(default_factory=dict)

    @property
    def person(self) -> str:
        """Whose limits it shares: those of its account at every computer; its own where there are no accounts."""
        return f"account {self.actor.name.casefold()}" if self.actor.kind == "account" else self.reference


class Sessions:
    """The live sessions of one process. Times are seconds of a clock that never runs back."""

    def __init__(
        self,
        idle_s: float,
        absolute_s: float,
        *,
        most: int = SESSIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._idle_s = idle_s
        self._absolute_s = absolute_s
        self._most = most
        self._clock = clock
        self.pace = Pace(clock)
        self._lock = threading.RLock()
        self._by_hash: dict[str, Session] = {}
        self._by_reference: dict[str, str] = {}

    def open(self, actor: Actor) -> tuple[str, Session]:
        """A new token (for the cookie, nowhere else) and its session. The session idle for longest makes room.

        Of one account only its own sessions make room: nobody can push the others out by signing in again and again.
        """
        token = secrets.token_urlsafe(32)
        now = self._clock()
        session = Session(secrets.token_urlsafe(16), actor, now, now)
        with self._lock:
            self._sweep()
            own = self.of_person(session)
            if len(own) >= SESSIONS_PER_PERSON:
                self.end(min(own, key=_idleness))
            if len(self._by_hash) >= self._most:
                self.end(min(self._by_hash.values(), key=_idleness))
            self._by_hash[_hash(token)] = session
            self._by_reference[session.reference] = _hash(token)
        return token, session

    def of_token(self, token: str) -> Session | None:
        """The live session of this token; None for an unknown or ended one."""
        with self._lock:
            return self._live(self._by_hash.get(_hash(token)))

    def of_reference(self, reference: str | None) -> Session | None:
        """The live session of this reference; None for an unknown or ended one."""
        with self._lock:
            return self._live(self._by_hash.get(self._by_reference.get(reference or "", "")))

    def actor(self, reference: str | None) -> Actor:
        """Who acts in this session, asked anew on every call. Refused when it has ended."""
        session = self.of_reference(reference)
        if session is None:
            raise Refused("session", "has ended", "sign in again; nothing was changed")
        return session.actor

    def touch(self, session: Session) -> None:
        """Counts as use, from now on."""
        session.seen_at = self._clock()

    def left_s(self, session: Session) -> float:
        """Seconds until it ends by itself if nobody uses it; 0 or less when it is over."""
        now = self._clock()
        with self._lock:
            if session.reference not in self._by_reference:
                return 0.0
        return min(session.seen_at + self._idle_s, session.opened_at + self._absolute_s) - now

    def end(self, session: Session) -> None:
        """Ends it now: the token is refused from here on, and its sockets close."""
        with self._lock:
            self._by_hash.pop(self._by_reference.pop(session.reference, ""), None)
            closing = list(session.on_end.values())
            session.on_end.clear()
        for close in closing:
            close()

    def all(self) -> list[Session]:
        """Every session there is."""
        with self._lock:
            return list(self._by_hash.values())

    def of_person(self, session: Session) -> list[Session]:
        """The sessions that share the limits of this one."""
        with self._lock:
            return [each for each in self._by_hash.values() if each.person == session.person]

    def end_all(self) -> None:
        """Ends every session."""
        for session in list(self._by_hash.values()):
            self.end(session)

    def attach(self, session: Session, key: object, close: Callable[[], None]) -> bool:
        """Whether one more socket may live in this session; if so, `close` is called when the session ends."""
        with self._lock:
            everywhere = sum(len(each.on_end) for each in self._by_hash.values())
            own = sum(len(each.on_end) for each in self.of_person(session))
            if self._live(session) is None or len(session.on_end) >= SOCKETS_PER_SESSION:
                return False
            if own >= SOCKETS_PER_PERSON or everywhere >= SOCKETS:
                return False
            session.on_end[key] = close
            return True

    def detach(self, session: Session, key: object) -> None:
        """Forgets a socket that closed."""
        with self._lock:
            session.on_end.pop(key, None)

    def _live(self, session: Session | None) -> Session | None:
        if session is None:
            return None
        if self.left_s(session) <= 0:
            self.end(session)
            return None
        return session

    def _sweep(self) -> None:
        for session in list(self._by_hash.values()):
            self._live(session)


class OneTimeLink:
    """A secret that signs in once. Each use makes the next one, handed to `announce` and kept nowhere in the clear."""

    def __init__(self, announce: Callable[[str], None]) -> None:
        self._announce = announce
        self._lock = threading.Lock()
        self._hash = ""

    def renew(self) -> None:
        """Makes a new secret, voids the one before and announces it."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._hash = _hash(token)
        self._announce(token)

    def take(self, token: str) -> bool:
        """Whether this is the present secret. If so it is used up, and the next one is announced."""
        with self._lock:
            right = bool(self._hash) and secrets.compare_digest(_hash(token), self._hash)
            if right:
                self._hash = ""
        if right:
            self.renew()
        return right


def _idleness(session: Session) -> tuple[int, float]:
    return len(session.on_end), session.seen_at


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
