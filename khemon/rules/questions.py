"""Questions beside results: outside soft limits, a jump from the previous one, a factor that another unit gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.models import LASTING_EVENTS
from khemon.rules.further_rules import Exactly, Jump
from khemon.rules.series import LAST_TIME, NO_TIME, NONE, Bools, Events, Floats, Ints, in_steps, key_patient, keys
from khemon.rules.shapes import starts_of
from khemon.units import ANALYTES


@dataclass(frozen=True, slots=True)
class Row:
    """Results of one analyte in order, one after the other: keys, bounds."""

    key: Ints
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Asked:
    """Positions of a row that a question stands beside, and those they are compared with (-1: none)."""

    at: Ints
    compared: Ints
    words: str


def beyond_soft(row: Row, analyte: str, words: str) -> Asked:
    """Results certainly outside the soft limits of the analyte table."""
    soft = ANALYTES[analyte].soft
    assert soft is not None
    low, high = (float(limit) for limit in soft)
    at = np.flatnonzero((row.high < low) | (row.low > high))
    return Asked(at, np.full(at.size, NONE), words)


def jumps(row: Row, jump: Jump, events: Events, doses: Ints) -> Asked:
    """Results that certainly jumped from the previous one, with nothing between them that would explain it.

    doses: sorted keys at which a dose was changed.
    """
    before, found = _previous(row, None if jump.within is None else jump.within.ms)
    if jump.from_above is not None:
        found &= row.low[before] > jump.from_above.limit
    found &= _jumped(row, before, jump)
    at = np.flatnonzero(found)
    explained = _touched(row.key[before[at]], row.key[at], events.of(*jump.unless))
    begun = np.searchsorted(doses, np.stack([row.key[before[at]], row.key[at]]), "right")
    explained |= begun[1] > begun[0]
    at = at[~explained]
    return Asked(at, before[at], jump.asks)


def _previous(row: Row, within_ms: int | None) -> tuple[Ints, Bools]:
    """The position before each (its own where there is none), and whether it is one of the patient and near enough."""
    before = np.maximum(np.arange(row.key.size) - 1, 0)
    found = ~starts_of(key_patient(row.key))
    # Several results of one time are not a jump, and which of them was meant cannot be told.
    alone = starts_of(row.key) & np.append(starts_of(row.key)[1:], True)
    found &= alone & alone[before]
    if within_ms is not None:
        found &= row.key - row.key[before] <= within_ms
    return before, found


def _jumped(row: Row, before: Ints, jump: Jump) -> Bools:
    low, high = in_steps(row.low), in_steps(row.high)
    low_before, high_before = low[before], high[before]
    found = np.zeros(row.key.size, np.bool_)
    if jump.falls_to is not None:
        part, whole = jump.falls_to.value.as_integer_ratio()
        found |= high * whole < low_before * part
    if jump.rises_to is not None:
        part, whole = jump.rises_to.value.as_integer_ratio()
        found |= low * whole > high_before * part
    if jump.factor is not None:
        part, whole = jump.factor.value.as_integer_ratio()
        found |= (low * whole > high_before * part) | (high * part < low_before * whole)
    if jump.rises_by is not None:
        found |= low - high_before > _amount(jump.rises_by.limit)
    if jump.changes_by is not None:
        amount = _amount(jump.changes_by.limit)
        found |= (low - high_before > amount) | (low_before - high > amount)
    return found


def _amount(limit: float) -> int:
    return int(in_steps(np.array([limit]))[0])


def _touched(first: Ints, last: Ints, events: Events) -> Bools:
    """Whether an event was under way, or began, between two keys (both ends included)."""
    start = keys(events.patient, events.start)
    never = np.where(events.kind < len(LASTING_EVENTS), LAST_TIME, events.start)
    end = keys(events.patient, np.where(events.end == NO_TIME, never, events.end))
    # Those begun by the last key less those over before the first.
    begun = np.searchsorted(np.sort(start), last, "right")
    over = np.searchsorted(np.sort(end), first, "left")
    touched: Bools = begun > over
    return touched


def factors(row: Row, rule: Exactly) -> Asked:
    """Exact results that differ from the previous one by a factor, up or down: exactly, or nearly."""
    before, found = _previous(row, rule.within.ms)
    low = in_steps(row.low)
    # Where one of two is zero the other is no multiple of it; where both are, it would be any.
    found &= (row.low == row.high) & (row.low == row.high)[before] & (low > 0)
    larger, smaller = np.maximum(low, low[before]), np.minimum(low, low[before])
    part, whole = rule.factor.value.as_integer_ratio()
    give_part, give_whole = (0, 1) if rule.give is None else rule.give.value.as_integer_ratio()
    apart = np.abs(larger * whole - smaller * part) * give_whole
    at = np.flatnonzero(found & (apart <= smaller * part * give_part))
    return Asked(at, before[at], rule.asks)
