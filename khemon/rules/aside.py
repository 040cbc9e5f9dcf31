"""Samples set aside for quality with no usable one since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from khemon.models import SEVERITIES
from khemon.rules.further_rules import AsideRule
from khemon.rules.logic import FALSE, TRUE, verdicts
from khemon.rules.rulebook import AnyOfRule, PointRule, Protocol
from khemon.rules.series import Bools, Ints
from khemon.rules.shapes import last_where, starts_of
from khemon.rules.singles import Singles
from khemon.rules.spans import following, preceding
from khemon.units import ANALYTE_CODES

#: Whether an episode of a rule is open at keys.
IsOpen = Callable[[str, Ints], Bools]


@dataclass(frozen=True, slots=True)
class Pending:
    """Times at which samples of one analyte were set aside, in order; until the next usable one, or the last key.

    again: it is one of several in a row. alarming: its figure, or that of one before it in the row, would warn.
    """

    key: Ints
    until: Ints
    again: Bools
    alarming: Bools

    def at(self, key: Ints) -> Ints:
        """For each key the position of the latest set aside that still waits there; -1 without one."""
        position = preceding(key, self.key)
        if not self.key.size:
            return position
        return np.where(self.until[position] > key, position, -1)


def pending(aside: Singles, usable: Ints, protocol: Protocol, rule: AsideRule, is_open: IsOpen) -> Pending:
    """What waits of one analyte. aside: its results set aside. usable: sorted keys of its usable ones."""
    alone = aside.take(np.flatnonzero(~np.isin(aside.key, usable)))
    key, first_of = np.unique(alone.key, return_index=True)
    until = following(key, usable)
    row = starts_of(until)
    first = last_where(row)
    again = np.arange(key.size) - first >= rule.again.count - 1
    loud = _would_warn(alone, protocol, is_open)
    by_time = np.logical_or.reduceat(loud, first_of)
    return Pending(key, until, again, last_where(by_time) >= first)


def _would_warn(aside: Singles, protocol: Protocol, is_open: IsOpen) -> Bools:
    """Which figures would meet a warning of a point rule, or may meet a transfusion criterion."""
    found = np.zeros(aside.key.size, np.bool_)
    for analyte, test, limit, certain, unless in _limits(protocol):
        own = np.flatnonzero(aside.analyte == ANALYTE_CODES[analyte])
        answer = verdicts(aside.low[own], aside.high[own], test, limit)
        met = answer == TRUE if certain else answer != FALSE
        for other in unless:
            met &= ~is_open(other, aside.key[own])
        found[own] |= met
    return found


def _limits(protocol: Protocol) -> Iterator[tuple[str, str, float, bool, tuple[str, ...]]]:
    """The limits that warn: analyte, test, limit, whether only a certain value meets it, and unless what is open."""
    note = SEVERITIES[0]
    for rule in protocol.rules.values():
        if isinstance(rule, PointRule):
            if rule.severity != note:
                yield rule.analyte, rule.test, rule.limit.limit, False, ()
            elif rule.raised is not None:
                yield rule.analyte, rule.test, rule.raised.limit.limit, True, rule.raised.unless_open
        elif isinstance(rule, AnyOfRule):
            yield from ((limb.analyte, limb.test, limb.limit.limit, False, ()) for limb in rule.comparisons)


def waiting(pendings: list[Pending], key: Ints) -> Bools:
    """Whether at each key something waits that is one of several in a row, or alarming."""
    found = np.zeros(key.size, np.bool_)
    for each in pendings:
        position = each.at(key)
        if each.key.size:
            found |= (position >= 0) & (each.again | each.alarming)[position]
    return found
