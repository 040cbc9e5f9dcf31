"""How often somebody may guess a password: by name and address together, so that nobody else can be locked out.

Who guesses at an address makes others wait there too, for seconds, and again and again as long as it goes on. So a
browser in which a person signed in before counts for itself, wherever it is.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_WAIT_S = 0.25
#: After so many wrong passwords of one name from one address, it waits for long.
PATIENT_UNTIL = 10
LONG_WAIT_S = 900.0
#: An address that tries many names is slowed, but never as long as one that tries one.
ADDRESS_WAIT_S = 4.0
#: Forgotten after a quiet hour, or when there are too many to remember.
FORGET_AFTER_S = 3600.0
MOST = 10_000

#: Under which a count is kept: of the same length whatever was typed.
_Key = tuple[str, str]


@dataclass(slots=True)
class _Count:
    failures: int = 0
    free_at: float = 0.0
    touched_at: float = 0.0


class Guesses:
    """Wrong passwords of one process, by name and address. Times are seconds of a clock that never runs back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[_Key, _Count] = {}
        #: When a right password last cleared the count of its address.
        self._right_at: dict[_Key, float] = {}

    def wait_s(self, name: str, address: str, *, alone: bool = False) -> float:
        """Seconds until this may be tried; 0: now, and then it counts as tried until `right` says otherwise.

        What is asked for too early is not looked at, leaves nothing behind and does not make the wait longer.
        alone: what others try at the same address does not count.
        """
        now = self._clock()
        with self._lock:
            pair, whole = self._found(_key(name, address), now), self._found(_key("", address), now)
            wait = max(pair.free_at, 0.0 if alone else whole.free_at) - now
            if wait > 0:
                return wait
            self._sweep(now)
            patient = pair.failures + 1 < PATIENT_UNTIL
            pair.free_at = now + (FIRST_WAIT_S * 2**pair.failures if patient else LONG_WAIT_S)
            self._count(_key(name, address), pair, now)
            if not alone:
                whole.free_at = now + min(FIRST_WAIT_S * 2 ** min(whole.failures, 9), ADDRESS_WAIT_S)
                self._count(_key("", address), whole, now)
        return 0.0

    def right(self, name: str, address: str) -> None:
        """The password was right: what went before of this name is forgotten, and of the address once in a while.

        Each time only the own try: else one's own password would wipe out what one guesses of others.
        """
        now, key = self._clock(), _key(name, address)
        with self._lock:
            self._counts.pop(key, None)
            whole = self._counts.get(_key("", address))
            if len(self._right_at) >= MOST:
                self._right_at.clear()
            if self._right_at.get(key, -FORGET_AFTER_S) + FORGET_AFTER_S <= now:
                self._right_at[key] = now
                self._counts.pop(_key("", address), None)
            elif whole is not None:
                whole.failures, whole.free_at = max(whole.failures - 1, 0), now

    def failures(self, name: str, address: str) -> int:
        """How many in a row were wrong."""
        with self._lock:
            found = self._counts.get(_key(name, address))
            return found.failures if found else 0

    def _found(self, key: _Key, now: float) -> _Count:
        found = self._counts.get(key)
        return _Count() if found is None or _is_over(found, now) else found

    def _count(self, key: _Key, count: _Count, now: float) -> None:
        count.failures += 1
        count.touched_at = now
        self._counts[key] = count

    def _sweep(self, now: float) -> None:
        if len(self._counts) < MOST:
            return
        over = [key for key, each in self._counts.items() if _is_over(each, now)]
        for key in over or sorted(self._counts, key=lambda key: self._counts[key].touched_at)[: MOST // 2]:
            del self._counts[key]


def _is_over(count: _Count, now: float) -> bool:
    return max(count.touched_at + FORGET_AFTER_S, count.free_at) < now


def _key(name: str, address: str) -> _Key:
    # What anybody types may be long; what is remembered of it must not be.
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest() if name else ""
    return digest, address[:64]
