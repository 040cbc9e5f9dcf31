"""Files on their way out: each address works once, for the session it was made for, and not for long."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from khemon.gate.sessions import Session
from khemon.models import Refused

LASTS_S = 600.0
#: A page that is drawn again hands out the address it made before, as long as this much is left of it.
LEFT_S = 300.0
MOST_PER_SESSION = 64
#: So many bytes lie ready for one person, and for all together.
MOST_BYTES, MOST_BYTES_IN_ALL = 64 * 1024 * 1024, 256 * 1024 * 1024
CSV = "text/csv; charset=utf-8"
PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that may be fetched: its name, its kind, and what makes its bytes, of which `size` lie ready."""

    name: str
    kind: str
    make: Callable[[], bytes]
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str
    reference: str
    person: str
    key: str
    until: float
    offer: Offer


class Downloads:
    """The files one process offers. They end with the session they were made for."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, lives: Callable[[str], bool] = lambda reference: True
    ) -> None:
        self._clock = clock
        self._lives = lives
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def offer(self, session: Session, key: str, offer: Offer) -> str:
        """The token of a file for a session; the one made before for the same key where it is still good.

        Refused where too much lies ready already.
        """
        now = self._clock()
        with self._lock:
            self._sweep(now)
            own = [(name, kept) for name, kept in self._kept.items() if kept.reference == session.reference]
            for _, kept in own:
                if kept.key == key and kept.until - now > LEFT_S:
                    return kept.token
            for name, _ in own[: max(len(own) - MOST_PER_SESSION + 1, 0)]:
                del self._kept[name]
            self._check_room(session, offer)
            token = secrets.token_urlsafe(32)
            kept = _Kept(token, session.reference, session.person, key, now + LASTS_S, offer)
            self._kept[_hash(token)] = kept
        return token

    def take(self, session: Session, token: str) -> Offer | None:
        """The file of a token, once; None for an unknown, used or late one, and for another session's."""
        with self._lock:
            self._sweep(self._clock())
            kept = self._kept.get(_hash(token))
            if kept is None or kept.reference != session.reference:
                return None
            del self._kept[_hash(token)]
        return kept.offer

    def _check_room(self, session: Session, offer: Offer) -> None:
        ready = sum(kept.offer.size for kept in self._kept.values())
        own = sum(kept.offer.size for kept in self._kept.values() if kept.person == session.person)
        if offer.size and (own + offer.size > MOST_BYTES or ready + offer.size > MOST_BYTES_IN_ALL):
            found = "files that nobody fetched take all the room"
            raise Refused("download", found, f"fetch them, or try again in {LASTS_S / 60:.0f} minutes")

    def _sweep(self, now: float) -> None:
        over = [name for name, kept in self._kept.items() if kept.until <= now or not self._lives(kept.reference)]
        for name in over:
            del self._kept[name]


def disposition(name: str) -> str:
    """The header that makes a browser keep a file instead of showing it, under a harmless form of its name."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".")[-100:] or "file"
    whole = quote(name.replace("/", "_").replace("\\", "_")[-200:], safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
