"""Digests that make a silent change visible: of a stored row, of a batch, of an audit entry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

#: What the first audit entry names as the hash before it.
NO_HASH = "0" * 64
#: A SHA-256 is so many words of 64 bits; the first is the digest of a row.
DIGEST_WORDS = 4


def row_digest(values: tuple[Any, ...]) -> int:
    """A signed 64-bit digest of a row's plain values (text, integers, floats, None) in column order."""
    return int.from_bytes(hashlib.sha256(repr(values).encode()).digest()[:8], "big", signed=True)


def row_digests(texts: Iterable[str]) -> list[int]:
    """The digests of rows whose plain values are given as a tuple of them is written."""
    found = b"".join([hashlib.sha256(text.encode()).digest() for text in texts])
    digests: list[int] = np.frombuffer(found, ">i8")[::DIGEST_WORDS].tolist()
    return digests


def rows_digest(digests: Sequence[int] | npt.NDArray[np.int64]) -> str:
    """The digest of a batch: of its rows' digests in ascending order, so that no order of rows is needed."""
    return hashlib.sha256(np.sort(np.array(digests, np.int64)).astype(">i8").tobytes()).hexdigest()


def text_digest(text: str) -> str:
    """The digest of a text that is stored beside it."""
    return hashlib.sha256(text.encode()).hexdigest()


#: Made once: making an encoder takes longer than it takes to encode a row.
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_json(value: Mapping[str, Any] | list[Any]) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return _CANONICAL.encode(value)


def audit_hash(
    sequence: int, at_ms: int, actor: str, actor_kind: str, action: str, subject: str, details: str, previous_hash: str
) -> str:
    """The hash of an audit entry: of everything in it and of the hash before it."""
    entry = [sequence, at_ms, actor, actor_kind, action, subject, details, previous_hash]
    return hashlib.sha256(canonical_json(entry).encode()).hexdigest()
