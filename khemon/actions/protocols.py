"""The protocol a store names, read once for as long as its files stay as they are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from khemon.rules import Protocol, load_protocol
from khemon.rules.protocols import PROTOCOLS

_OWN = sorted(PROTOCOLS.glob("*.toml"))


@lru_cache(maxsize=8)
def _loaded(name: str, *_contents: bytes) -> Protocol:
    return load_protocol(name)


def protocol_of(name: str) -> Protocol:
    """The protocol of that name, or of that file; judged anew when a byte of it, or of one it rests on, is another.

    RulebookProblem as `load_protocol` raises it.
    """
    return _loaded(name, *(_content(path) for path in (*_OWN, Path(name))))


def _content(path: Path) -> bytes:
    """The bytes of a file; none where it is not there or cannot be read, which loading says better."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
