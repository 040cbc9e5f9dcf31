"""Bytes on their way in: so many at once for one person, and so many for all together."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any

from khemon.gate.places import MEGABYTE
from khemon.gate.sessions import Session

#: As much as a person's desk takes, with its wrapping; what a window still holds of it counts too.
MOST_BYTES, MOST_BYTES_IN_ALL = 64 * MEGABYTE, 256 * MEGABYTE
MOST_FILES = 40


class Loads:
    """What is being received now, by person."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coming: Counter[str] = Counter()

    def begin(self, person: str, size: int, held: int = 0) -> bool:
        """Whether so many bytes may come in beside what comes already and what the person's windows hold."""
        with self._lock:
            if self._coming[person] + held + size > MOST_BYTES or self._coming.total() + size > MOST_BYTES_IN_ALL:
                return False
            self._coming[person] += size
            return True

    def end(self, person: str, size: int) -> None:
        """They are in, or given up."""
        with self._lock:
            self._coming[person] -= size
            if self._coming[person] <= 0:
                del self._coming[person]


def forget_upload(file_id: str) -> None:
    """Takes a file that was read out of Streamlit's memory, where it would stay until its window closes."""
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx()
    if context is not None:
        files: Any = context.uploaded_file_mgr
        files.remove_file(context.session_id, file_id)


def held_in_windows(sessions: Iterable[Session]) -> tuple[int, int]:
    """How many files and bytes Streamlit holds for the windows of these sessions."""
    from streamlit.runtime import get_instance

    runtime: Any = get_instance()
    wanted = [{"session": each.reference} for each in sessions]
    files = bytes_held = 0
    for info in runtime._session_mgr.list_active_sessions():
        if any(info.session.matches_user_info(user) for user in wanted):
            kept = list(runtime._uploaded_file_mgr.file_storage.get(info.session.id, {}).values())
            files += len(kept)
            bytes_held += sum(len(each.data) for each in kept)
    return files, bytes_held
