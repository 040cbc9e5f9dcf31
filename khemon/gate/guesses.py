"""How often somebody may guess a password: by name and address together, so that nobody else can be locked out."""

from __future__ import annotations

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
        self._counts: dict[tuple[str, str], _Count] = {}

    def wait_s(self, name: str, address: str) -> float:
        """Seconds until this may be tried; 0: now, and then it counts as tried until `right` says otherwise.

        What is asked for too early is not looked at and does not make the wait longer.
        """
        now = self._clock()
        with self._lock:
            self._sweep(now)
            pair, whole = self._of((name, address), now), self._of(("", address), now)
            wait = max(pair.free_at, whole.free_at) - now
            if wait > 0:
                return wait
            pair.failures += 1
            whole.failures += 1
            patient = pair.failures < PATIENT_UNTIL
            pair.free_at = now + (FIRST_WAIT_S * 2 ** (pair.failures - 1) if patient else LONG_WAIT_S)
            whole.free_at = now + min(FIRST_WAIT_S * 2 ** (whole.failures - 1), ADDRESS_WAIT_S)
            pair.touched_at = whole.touched_at = now
        return 0.0

    def right(self, name: str, address: str) -> None:
        """The password was right: what went before is forgotten."""
        with self._lock:
            self._counts.pop((name, address), None)
            self._counts.pop(("", address), None)

    def failures(self, name: str, address: str) -> int:
        """How many in a row were wrong."""
        with self._lock:
            found = self._counts.get((name, address))
            return found.failures if found else 0

    def _of(self, key: tuple[str, str], now: float) -> _Count:
        return self._counts.setdefault(key, _Count(touched_at=now))

    def _sweep(self, now: float) -> None:
        if len(self._counts) < MOST:
            return
        over = {key for key, each in self._counts.items() if max(each.touched_at + FORGET_AFTER_S, each.free_at) < now}
        for key in over or sorted(self._counts, key=lambda key: self._counts[key].touched_at)[: MOST // 2]:
            del self._counts[key]
