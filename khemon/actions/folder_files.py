"""Files on the disk of a watched folder: what lies there, whether it is whole, and how it is moved and told of."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from khemon.models import Refused

DONE, REFUSED, LOCK = "done", "refused", ".khemon-watch.lock"
#: Last signs of a text that is whole (an empty one is not), and first bytes of workbooks, which have no lines.
ENDS, BINARY = (b"\n", b"\r", b"]", b"}"), (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
START = 4_096

#: What tells one state of a file from another: where it lies on the disk, its size, when it was written.
Look = tuple[int, int, int, int]


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, sorted; nothing in one that went away or may not be looked into."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def look_at(path: Path) -> Look | None:
    """How a plain file looks now; None for links, folders, pipes and what is not there."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return look_of(found) if stat.S_ISREG(found.st_mode) else None


def look_of(found: os.stat_result) -> Look:
    """How a file of this state looks."""
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def start_of(path: Path) -> bytes:
    """The first bytes of a file; none of one that went away."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(START)
    return b""


def is_ended(path: Path) -> bool:
    """Whether the last line of a file is ended, or it is none of lines: a result cut off in a number looks like one."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        start = file.read(4)
        file.seek(-min(path.stat().st_size, 1), os.SEEK_END)
        return file.read(1) in ENDS or start.startswith(BINARY)
    return False


def content_of(path: Path, look: Look) -> bytes | None:
    """The bytes of a file that stayed as it was seen while it was read; else None."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            if look_of(os.fstat(handle)) != look:
                return None
            content = file.read()
            return content if look_of(os.fstat(handle)) == look and len(content) == look[2] else None
    except OSError:
        return None


def free_path(folder: Path, name: str, sha256: str) -> Path:
    """A path in a folder where nothing lies yet, as near to the name as can be."""
    path = folder / name
    turn = 1
    while path.exists() or path.is_symlink():
        stem, dot, end = name.rpartition(".")
        again = f"-{sha256[:8]}" if turn == 1 else f"-{sha256[:8]}-{turn}"
        path = folder / (f"{stem}{again}{dot}{end}" if stem else f"{name}{again}")
        turn += 1
    return path


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write a report, whole or not at all, for its owner alone."""
    partial = path.with_name(f".{path.name}.tmp")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(report, file, ensure_ascii=False, indent=2, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(handle)
    partial.replace(path)


def make_last(folder: Path) -> None:
    """Make the names in a folder last, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """The folder, for this process alone, while the block lasts. Refused when another one watches it."""
    if not path.is_dir():
        raise Refused("--watch", "there is no such folder", "make it, or check the path")
    try:
        import fcntl
    except ImportError as missing:
        raise Refused("--watch", "this system has no file locks", "import the files one by one") from missing
    try:
        for name in (DONE, REFUSED):
            (path / name).mkdir(mode=0o700, exist_ok=True)
        file: IO[bytes] = (path / LOCK).open("ab")
    except OSError as error:
        raise Refused("--watch", f"the folder cannot be written to ({error.strerror})", "check permissions") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            raise Refused("--watch", "another khemon watches this folder", "stop that one first") from taken
        yield
