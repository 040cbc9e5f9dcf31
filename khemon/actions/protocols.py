"""The protocol a store names, read once for as long as its files stay as they are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from khemon.rules import Protocol, load_protocol
from khemon.rules.protocols import PROTOCOLS


@lru_cache(maxsize=8)
def _loaded(name: str, *_contents: bytes) -> Protocol:
    return load_protocol(name)


def protocol_of(name: str) -> Protocol:
    """The protocol of that name, or of that file; judged anew when a byte of it, or of one it rests on, is another.

    RulebookProblem as `load_protocol` raises it.
    """
    files = [*sorted(PROTOCOLS.glob("*.toml")), Path(name)]
    return _loaded(name, *(path.read_bytes() for path in files if path.is_file()))
