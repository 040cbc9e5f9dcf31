"""Where tests keep their files: in memory, where the machine has some to spare.

Thousands of small databases are committed to, and a disk takes ten milliseconds to vouch for each commit. What a test
sees is the same: processes are killed here, never the machine. `TMPDIR` names another place.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
#: A whole run leaves less than half of it behind.
WANTED_BYTES = 4 * 1024**3


def in_memory() -> bool:
    """Whether there is a folder in memory with room for a run."""
    return MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free > WANTED_BYTES


# Before anything asks for a folder; processes that tests start inherit it.
if "TMPDIR" not in os.environ and in_memory():
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
