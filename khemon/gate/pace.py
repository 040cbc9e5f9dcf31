"""How fast one person's windows may ask for something: faster than anybody works, slower than a flood."""

from __future__ import annotations

import threading
from collections.abc import Callable

#: Each answer costs the server a tenth of a second, and all people share them.
AT_ONCE, PER_SECOND = 40, 5.0
MOST = 1_000


class Pace:
    """What each person has left to ask for. Times are seconds of a clock that never runs back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: By person: how much was left, and when.
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, person: str) -> float:
        """Seconds until the next thing this person asks for has its turn; the turn is taken."""
        now = self._clock()
        with self._lock:
            if len(self._left) >= MOST:
                self._left = {name: kept for name, kept in self._left.items() if _refilled(kept, now) < AT_ONCE}
            left = _refilled(self._left.get(person, (AT_ONCE, now)), now) - 1
            self._left[person] = left, now
        return max(0.0, -left / PER_SECOND)


def _refilled(kept: tuple[float, float], now: float) -> float:
    left, at = kept
    return min(float(AT_ONCE), left + (now - at) * PER_SECOND)
