"""Episodes as columns, and the words their codes stand for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from khemon.rules.series import NO_CLOSING, NO_TIME, Codes, Ints

STATUS_WORDS = ("possible", "confirmed", "provisional", "broken", "unproven", "suspected", "isolated")
END_REASONS = (
    "",
    "resolved",
    "supported",
    "excluded",
    "broken",
    "gap",
    "ended",
    "isolated",
    "recovered",
    "observation_ended",
)
STATUS = {word: np.int8(code) for code, word in enumerate(STATUS_WORDS)}
END = {word: np.int8(code) for code, word in enumerate(END_REASONS)}


@dataclass(frozen=True, slots=True)
class Episodes:
    """Episodes as arrays of one length.

    patient: dense index. rule: index into the protocol's rule_names. status: index into STATUS_WORDS. severity: index
    into SEVERITIES. onset, confirmed_at, end: UTC ms, NO_TIME when absent. end_reason: index into END_REASONS.
    since: onset of what led to it (runs: the first good sample since the last bad one; else the onset).
    """

    patient: NDArray[np.int32]
    rule: Codes
    status: Codes
    severity: Codes
    onset: Ints
    confirmed_at: Ints
    end: Ints
    end_reason: Codes
    since: Ints

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Episodes:
        """The same columns, those rows only."""
        return Episodes(
            self.patient[rows],
            self.rule[rows],
            self.status[rows],
            self.severity[rows],
            self.onset[rows],
            self.confirmed_at[rows],
            self.end[rows],
            self.end_reason[rows],
            self.since[rows],
        )

    def judged(self, severity: Codes | np.int8) -> Episodes:
        """The same episodes with their severity."""
        found = _codes(severity, self.size)
        who, when = (self.patient, self.rule, self.status), (self.onset, self.confirmed_at, self.end)
        return Episodes(*who, found, *when, self.end_reason, self.since)

    @property
    def size(self) -> int:
        """How many."""
        return int(self.onset.size)


_NAMES = tuple(Episodes.__dataclass_fields__)


def in_order(parts: list[Episodes], patients: int) -> Episodes:
    """The episodes of a block in order of patient, rule and onset.

    parts: of one rule each, in order of the rules; each part in order of patient and onset.
    """
    whole = joined([part for part in parts if part.size] or parts[:1])
    if patients == 1:
        return whole
    # Numbers of two bytes are sorted in one pass over each byte.
    small = np.uint16 if patients <= np.iinfo(np.uint16).max else np.int32
    return whole.take(np.argsort(whole.patient.astype(small), kind="stable"))


def joined(parts: list[Episodes]) -> Episodes:
    """All parts in one, in their order."""
    return Episodes(*(np.concatenate([getattr(part, name) for part in parts]) for name in _NAMES))


class Parts:
    """The episodes of block after block. They become one column by column, so that few are there twice."""

    def __init__(self) -> None:
        self._columns: dict[str, list[NDArray[Any]]] = {name: [] for name in _NAMES}

    def add(self, part: Episodes) -> None:
        """One more part."""
        for name, arrays in self._columns.items():
            arrays.append(getattr(part, name))

    def joined(self) -> Episodes:
        """All parts in one, in their order. They are given up."""
        if not self._columns[_NAMES[0]]:
            return nothing(0)
        return Episodes(*(np.concatenate(self._columns.pop(name)) for name in _NAMES))


def closed(found: Episodes, closing: Ints) -> Episodes:
    """The same episodes, those still open when observation closed ended there. closing: per patient index."""
    at = closing[found.patient]
    closes = (found.end == NO_TIME) & (at != NO_CLOSING)
    if not closes.any():
        return found
    end = np.where(closes, at, found.end)
    return replace(found, end=end, end_reason=np.where(closes, END["observation_ended"], found.end_reason))


@lru_cache
def nothing(rule: int) -> Episodes:
    """No episodes of a rule."""
    none, codes = np.zeros(0, np.int64), np.zeros(0, np.int8)
    return made(rule, none, none, none, none, codes, codes, codes)


def made(
    rule: int,
    patient: NDArray[np.int32] | Ints,
    onset: Ints,
    confirmed_at: Ints,
    end: Ints,
    status: Codes | np.int8,
    end_reason: Codes | np.int8,
    severity: Codes | np.int8,
    since: Ints | None = None,
) -> Episodes:
    """Episodes of one rule. A single code holds for all of them; a reason only where there is an end."""
    size = onset.size
    return Episodes(
        patient.astype(np.int32, copy=False),
        _codes(np.int8(rule), size),
        _codes(status, size),
        _codes(severity, size),
        onset,
        confirmed_at,
        end,
        _codes(end_reason, size) * (end != NO_TIME),
        onset if since is None else since,
    )


def _codes(codes: Codes | np.int8, size: int) -> Codes:
    if isinstance(codes, np.ndarray):
        return codes.astype(np.int8, copy=False)
    found = np.empty(size, np.int8)
    found.fill(codes)
    return found
