"""What is written soon but by nobody who waits: who looked at what. Reading must never wait for a writer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from queue import SimpleQueue

from khemon.models import KhemonError
from khemon.store.repository import Writer

LOG = logging.getLogger("khemon.store")
#: An act that found the database busy is tried so often, each time as long as any writer waits.
TRIES = 3
Act = Callable[[Writer], None]


class Later:
    """Acts in the order in which they were handed over, each in a transaction of its own, by one thread."""

    def __init__(self, writing: Callable[[], AbstractContextManager[Writer]]) -> None:
        self._writing = writing
        self._queue: SimpleQueue[Act | threading.Event | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def put(self, act: Act) -> None:
        """Hands an act over; at once, whatever the database is busy with."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="khemon-later", daemon=True)
                self._thread.start()
        self._queue.put(act)

    def settle(self) -> None:
        """Waits until everything that was handed over before is written, or was given up with a word in the log."""
        if self._thread is not None:
            done = threading.Event()
            self._queue.put(done)
            done.wait()

    def stop(self) -> None:
        """Settles and ends the thread."""
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _run(self) -> None:
        while (act := self._queue.get()) is not None:
            if isinstance(act, threading.Event):
                act.set()
            else:
                self._write(act)

    def _write(self, act: Act) -> None:
        for left in reversed(range(TRIES)):
            try:
                with self._writing() as writer:
                    act(writer)
                return
            except KhemonError as problem:
                if not left:
                    LOG.error("not on record: %s: %s", problem.where, problem.found)
            except Exception as problem:
                LOG.error("not on record: %s", type(problem).__name__)
                return
