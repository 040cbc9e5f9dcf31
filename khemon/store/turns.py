"""Who writes when: one transaction after the other, and for SQLite over one connection that is kept at hand.

To take a connection out of the pool and to give it back costs an arriving result more than to begin and to commit.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import TimeoutError as PoolTimeout

#: A writer waits so long for its turn, as it would for a connection of the pool.
LONGEST_S = 30.0


class Turns:
    """The transactions of the writers of this process."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._alone = engine.dialect.name == "sqlite"
        self._turn = threading.Lock()
        self._kept: sa.Connection | None = None

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that is committed at the end, and rolled back on an exception."""
        if not self._alone:
            with self._engine.begin() as connection:
                yield connection
            return
        if not self._turn.acquire(timeout=LONGEST_S):
            raise PoolTimeout
        try:
            kept, self._kept = self._kept or self._engine.connect(), None
            try:
                with kept.begin():
                    yield kept
            except BaseException:  # whatever went wrong is for the pool to mend
                kept.close()
                raise
            self._kept = kept
        finally:
            self._turn.release()

    def close(self) -> None:
        """Gives the connection back."""
        with self._turn:
            if self._kept is not None:
                self._kept.close()
            self._kept = None
