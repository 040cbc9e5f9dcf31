"""Where tests keep their files: in memory, where the machine has some to spare.

Thousands of small databases are committed to, and a disk takes ten milliseconds to vouch for each commit. What a test
sees is the same: processes are killed here, never the machine. `TMPDIR` names another place.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
#: Where files would lie otherwise: what starts other processes says it to them, whose files lie in memory already.
DISK = os.environ.setdefault("KHEMON_TESTS_DISK", tempfile.gettempdir())
#: A whole run leaves less than half of it behind.
WANTED_BYTES = 4 * 1024**3


def in_memory() -> bool:
    """Whether there is a folder in memory with room for a run."""
    return MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free > WANTED_BYTES


@pytest.fixture
def disk_path() -> Iterator[Path]:
    """A folder on a disk, for what is about the time that a commit takes there."""
    with tempfile.TemporaryDirectory(prefix="khemon-disk-", dir=DISK) as name:
        yield Path(name)


# Before anything asks for a folder; processes that tests start inherit it.
if "TMPDIR" not in os.environ and in_memory():
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
