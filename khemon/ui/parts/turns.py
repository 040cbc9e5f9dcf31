"""Whose turn it is to make a page: one after the other, each is there sooner than if all were made at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Turns:
    """A turn for one at a time, in the order of coming; who takes longer than `longest_s` goes on beside the next."""

    def __init__(self, longest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._longest_s, self._clock = longest_s, clock
        self._lock = threading.Lock()
        #: Those who wait; the first of them is woken when it may be its turn.
        self._waiting: deque[threading.Event] = deque()
        #: Whose turn it is, and since when.
        self._taken: tuple[object, float] | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Waits for the turn and has it while the block lasts, or until somebody has waited long enough for it."""
        mine = threading.Event()
        with self._lock:
            self._waiting.append(mine)
        while (left_s := self._wait_s(mine)) != 0:
            mine.wait(left_s)
            mine.clear()
        try:
            yield
        finally:
            with self._lock:
                if self._taken is not None and self._taken[0] is mine:
                    self._taken = None
                    self._wake()

    def _wait_s(self, mine: threading.Event) -> float | None:
        """How long to wait before asking again: None until it is woken, 0 when the turn is taken now."""
        with self._lock:
            if self._waiting[0] is not mine:
                return None
            left_s = 0.0 if self._taken is None else self._taken[1] + self._longest_s - self._clock()
            if left_s > 0:
                return left_s
            self._waiting.popleft()
            self._taken = (mine, self._clock())
            self._wake()
            return 0

    def _wake(self) -> None:
        """The next one looks for itself whether it is its turn, and from when on."""
        if self._waiting:
            self._waiting[0].set()
