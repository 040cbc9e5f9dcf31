"""A disk that loses power: what SQLite writes and flushes is written down, and cut off at any moment.

A write that was not flushed may be there, not be there, or be there in some of its sectors, each by chance. What was
flushed is there. The way in is SQLite's own interface to the operating system, so nothing of the store knows of it;
the process that does this is not used for anything else.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import random
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

SECTOR = 512
_POINTER, _INT, _LONG = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_OPEN = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _POINTER, _INT, _POINTER)
_WRITE = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _INT, _LONG)
_TRUNCATE = ctypes.CFUNCTYPE(_INT, _POINTER, _LONG)
_SYNC = ctypes.CFUNCTYPE(_INT, _POINTER, _INT)


class _System(ctypes.Structure):
    """The head of sqlite3_vfs."""

    _fields_ = (
        ("version", _INT), ("size_of_file", _INT), ("longest_path", _INT), ("next", _POINTER), ("name", _POINTER),
        ("own", _POINTER), ("open", _OPEN),
    )  # fmt: skip


class _Methods(ctypes.Structure):
    """sqlite3_io_methods."""

    _fields_ = (
        ("version", _INT), ("close", _POINTER), ("read", _POINTER), ("write", _WRITE), ("truncate", _TRUNCATE),
        ("sync", _SYNC), ("rest", _POINTER * 13),
    )  # fmt: skip


class Event(NamedTuple):
    """Something done to a file, or (`done`, without a file) what the process said meanwhile."""

    what: str
    file: str = ""
    at: int = 0
    content: bytes = b""


class Recorder:
    """Everything that SQLite does to files of this process from now on, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._names: dict[int, str] = {}
        self._kept: list[object] = []
        self._patched: dict[int, _Methods] = {}
        library = ctypes.CDLL(ctypes.util.find_library("sqlite3"))
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_System)
        system = library.sqlite3_vfs_find(None).contents
        plain = ctypes.cast(system.open, _POINTER).value
        self._open = _OPEN(plain)
        own = _OPEN(self._opened)
        self._kept.append(own)
        system.open = own

    def _opened(self, system, name, file, flags, out) -> int:
        code = self._open(system, name, file, flags, out)
        if code == 0 and name:
            methods = _POINTER.from_address(file)
            self._names[file] = ctypes.string_at(name).decode()
            methods.value = ctypes.addressof(self._watched(methods.value))
        return code

    def _watched(self, address: int) -> _Methods:
        if address in self._patched:
            return self._patched[address]
        plain = _Methods.from_address(address)
        watched = _Methods.from_buffer_copy(plain)

        def write(file, content, length, at):
            self.events.append(Event("write", self._names[file], at, ctypes.string_at(content, length)))
            return plain.write(file, content, length, at)

        def truncate(file, size):
            self.events.append(Event("truncate", self._names[file], size))
            return plain.truncate(file, size)

        def sync(file, flags):
            code = plain.sync(file, flags)
            self.events.append(Event("sync", self._names[file]))
            return code

        watched.write, watched.truncate, watched.sync = _WRITE(write), _TRUNCATE(truncate), _SYNC(sync)
        self._kept += [watched.write, watched.truncate, watched.sync]
        self._patched[address] = self._patched[ctypes.addressof(watched)] = watched
        return watched

    def said(self, what: str) -> None:
        self.events.append(Event("done", content=what.encode()))


def image(before: dict[str, bytes], events: Iterable[Event], drawn: random.Random) -> dict[str, bytes]:
    """The files as they may lie on the disk when the power goes after these events."""
    found = {name: bytearray(content) for name, content in before.items()}
    pending: dict[str, list[Event]] = {}
    for event in events:
        if event.what == "sync":
            for waiting in pending.pop(event.file, []):
                _apply(found, waiting)
        elif event.what != "done":
            pending.setdefault(event.file, []).append(event)
    for waiting in pending.values():
        fate = drawn.choice(("none", "all", "some", "torn"))
        for event in waiting:
            if fate == "all" or (fate in ("some", "torn") and drawn.random() < 0.5):
                _apply(found, event)
            elif fate == "torn":
                for part in _sectors(event):
                    if drawn.random() < 0.5:
                        _apply(found, part)
    return {name: bytes(content) for name, content in found.items()}


def _sectors(event: Event) -> list[Event]:
    places = range(0, len(event.content), SECTOR)
    return [event._replace(at=event.at + place, content=event.content[place : place + SECTOR]) for place in places]


def _apply(files: dict[str, bytearray], event: Event) -> None:
    content = files.setdefault(event.file, bytearray())
    if event.what == "truncate":
        del content[event.at :]
    elif event.content:
        content.extend(bytes(max(event.at - len(content), 0)))
        content[event.at : event.at + len(event.content)] = event.content


def files_in(folder: Path) -> dict[str, bytes]:
    """The database in a folder and what lies beside it, by path."""
    return {str(path): path.read_bytes() for path in folder.glob("khemon.db*")}
