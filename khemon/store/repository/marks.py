"""Marks of rows: 64-bit numbers whose exclusive or over some rows, beside their count, tells whether these are they.

One changed column changes the mark of its row with certainty; so does a row that is missing or that was added. They
guard against damage and slips, not against someone who can write to the database and knows how they are made: that
one is met by the audit chain and by anchors outside the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from struct import pack
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from khemon.store.digests import row_digest

Marks = npt.NDArray[np.int64]

#: Odd numbers, one for each column that an evaluation reads.
_ODD = np.random.Generator(np.random.PCG64(0x6B68656D)).integers(1, 2**63, 16, dtype=np.uint64) | np.uint64(1)
_PLAIN_ODD: list[int] = _ODD.tolist()
_ALL_BITS = 2**64 - 1


class Total(NamedTuple):
    """How many rows, and their marks taken together."""

    rows: int
    mark: int

    def with_mark(self, mark: int, rows: int = 1) -> Total:
        """With a row more, or (-1) less, or (0) the marks of one before and after a change."""
        return Total(self.rows + rows, self.mark ^ mark)


NONE = Total(0, 0)


@lru_cache(maxsize=200_000, typed=True)
def mark_of(*values: Any) -> int:  # noqa: ANN401
    """The mark of a row of plain values; small rows are read again and again, so the last ones are remembered."""
    return row_digest(values)


@lru_cache(maxsize=10_000)
def _text_mark(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True) | 1


def totals(marked: Iterable[tuple[int, int]]) -> dict[int, Total]:
    """Number to its total, from pairs of number and mark."""
    found: dict[int, Total] = {}
    for number, mark in marked:
        found[number] = found.get(number, NONE).with_mark(mark)
    return found


def row_bits_mark(values: Sequence[Any], kinds: str) -> int:
    """What `column_marks` gives for one row: for so few, arrays take longer than the work."""
    mixed = 0
    for value, kind, odd in zip(values, kinds, _PLAIN_ODD, strict=False):
        mixed += _bits_of(value, kind) * odd
    mixed &= _ALL_BITS
    mixed ^= mixed >> 32
    mixed = mixed * _PLAIN_ODD[-1] & _ALL_BITS
    mixed ^= mixed >> 29
    return mixed - (mixed >> 63 << 64)


def _bits_of(value: Any, kind: str) -> int:  # noqa: ANN401
    """The 64 bits that `_bits` gives for a value."""
    if kind == "f":
        return int.from_bytes(pack("<d", value + 0.0), "little")
    if kind == "i":
        return int(value) & _ALL_BITS
    if not value:
        return 0
    return (_text_mark(value) if kind == "t" else value * 2 + 1) & _ALL_BITS


def column_marks(columns: Sequence[Sequence[Any]], kinds: str) -> Marks:
    """The marks of many rows given as columns; a letter each: i integer, f float, o integer or None, t text or None."""
    mixed = np.zeros(len(columns[0]), np.uint64)
    for column, kind, odd in zip(columns, kinds, _ODD, strict=False):
        mixed += _bits(column, kind) * odd
    # What differs in one column only must differ in many bits, or two such rows could make up for each other.
    mixed ^= mixed >> np.uint64(32)
    mixed *= _ODD[-1]
    mixed ^= mixed >> np.uint64(29)
    return mixed.view(np.int64)


def _bits(column: Sequence[Any], kind: str) -> npt.NDArray[np.uint64]:
    """64 bits for each value, the same whatever its neighbors are."""
    if kind == "f":
        return (np.array(column, dtype=np.float64) + 0.0).view(np.uint64)
    if kind == "i":
        return np.array(column, dtype=np.int64).view(np.uint64)
    if not any(column):
        return np.zeros(len(column), np.uint64)
    if kind == "t":
        codes = (_text_mark(text) if text else 0 for text in column)
    else:
        codes = (number * 2 + 1 if number else 0 for number in column)
    return np.fromiter(codes, dtype=np.int64, count=len(column)).view(np.uint64)


def totals_by(numbers: npt.NDArray[np.int64], marks: Marks) -> dict[int, Total]:
    """Number to its total; rows of one number usually lie together."""
    if not numbers.size:
        return {}
    starts = np.flatnonzero(np.append(True, numbers[1:] != numbers[:-1]))
    found: dict[int, Total] = {}
    lengths = np.diff(np.append(starts, numbers.size)).tolist()
    joined = np.bitwise_xor.reduceat(marks, starts).tolist()
    for number, rows, mark in zip(numbers[starts].tolist(), lengths, joined, strict=True):
        found[number] = found.get(number, NONE).with_mark(mark, rows)
    return found
