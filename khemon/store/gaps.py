"""Between readings: in SQLite's rollback mode a commit and a reading keep each other out, and wait by trying again.

Within one process nobody has to try: a commit waits here for a moment at which nobody reads, and readers wait for its
end. Only a courtesy: what keeps them apart are the locks of the database, so every waiting here ends by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: A commit waits so long for a moment at which nobody happens to read, then so long for the readers that are left.
PATIENCE_S, LONGEST_S = 0.25, 1.0


class Gaps:
    """Who reads in this process now, and whether somebody commits. needed: whether a database has the two wait."""

    def __init__(self, *, needed: bool = True) -> None:
        self._needed = needed
        self._changed = threading.Condition()
        self._readers = 0
        self._committing = False
        self._own = threading.local()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Begins after a commit that is under way; a reading inside a reading begins at once."""
        if not self._needed:
            yield
            return
        with self._changed:
            if not self._inside:
                self._changed.wait_for(lambda: not self._committing, LONGEST_S)
            self._readers += 1
        self._own.readings = self._inside + 1
        try:
            yield
        finally:
            self._own.readings -= 1
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Begins when nobody else reads, or has read for long; nobody begins to read while the block lasts."""
        if not self._needed:
            yield
            return
        with self._changed:
            if not self._changed.wait_for(self._is_alone, PATIENCE_S):
                self._committing = True
                self._changed.wait_for(self._is_alone, LONGEST_S)
            self._committing = True
        try:
            yield
        finally:
            with self._changed:
                self._committing = False
                self._changed.notify_all()

    @property
    def _inside(self) -> int:
        """How many readings this thread is in."""
        return int(getattr(self._own, "readings", 0))

    def _is_alone(self) -> bool:
        return self._readers == self._inside
