"""Which protocols a store was judged by: since when, by whose decision, why, and which numbers changed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from khemon.actions.live import readable
from khemon.figures.words import date_words, moment, unit_words
from khemon.rules.numbers import Difference, differing, otherwise_differing
from khemon.rules.parameters import Number
from khemon.store import LiveProtocol, Reader


@dataclass(frozen=True, slots=True)
class ProtocolLine:
    """One protocol in the history of a store; the first line is the one in use."""

    called: str
    since: str
    who: str
    why: str
    changed: tuple[str, ...]


def protocol_lines(reader: Reader, zone: ZoneInfo) -> tuple[ProtocolLine, ...]:
    """The history, the newest first; each with what it changed in the one before it."""
    rows = reader.protocol_history()
    changes = [_changes(before, after) for after, before in pairwise(rows)]
    return tuple(
        ProtocolLine(f"{row.name} {row.version}", date_words(moment(row.at_ms), zone), row.actor, row.reason, changed)
        for row, changed in zip(rows, [*changes, ()], strict=False)
    )


def _changes(before: LiveProtocol, after: LiveProtocol) -> tuple[str, ...]:
    old, new = readable(before), readable(after)
    if old is None or new is None:
        return ("cannot be told: this khemon cannot read one of the two",)
    return (*map(_change_words, differing(old, new)), *(f"{path} differs" for path in otherwise_differing(old, new)))


def _change_words(pair: Difference) -> str:
    return f"{pair.path}: {_number_words(pair.after)} instead of {_number_words(pair.before)}"


def _number_words(number: Number | None) -> str:
    return "none" if number is None else f"{number.words} {unit_words(number.unit)}".strip()
