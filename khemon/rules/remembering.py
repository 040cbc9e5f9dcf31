"""What was found for one child before, used again where everything it was found from is the same, bit by bit.

A result changes one analyte; most rules go by others. A rule is judged anew unless all that it reads is as it was:
the points of its analytes, results one by one, events. Nothing has to be told what changed, and what is used again is
what would be found. What goes by the clock beyond that is never kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from khemon.rules.rulebook import AllOfRule, AnyOfRule, PointRule, Protocol
from khemon.rules.series import Points
from khemon.rules.singles import Singles

if TYPE_CHECKING:
    from khemon.rules.engine import Prepared

Given = TypeVar("Given")
Found = TypeVar("Found")
#: What holds what was found of one patient; None: nothing is kept.
Kept = dict[Any, Any] | None
_PLACE = "found by rules"


class Memory:
    """What was found over one block before, by rule or part of a rule. Without `kept` nothing is remembered."""

    def __init__(self, block: Prepared, kept: dict[Hashable, Any] | None) -> None:
        self._block = block
        self._kept = kept
        self._traces: dict[Hashable, Any] = {}

    @classmethod
    def of(cls, block: Prepared, protocol: Protocol, timezone: str, memory: Kept) -> Memory:
        """What `memory` holds under this protocol, as the same object, and time zone. None: nothing is remembered."""
        if memory is None:
            return cls(block, None)
        known = memory.get(_PLACE)
        if known is None or known[0] is not protocol or known[1] != timezone:
            known = memory[_PLACE] = (protocol, timezone, {})
        return cls(block, known[2])

    def recall(
        self,
        name: Hashable,
        find: Callable[[Given], Found],
        given: Given,
        *analytes: str,
        events: bool = False,
        singly: bool = False,
        more: bytes = b"",
    ) -> Found:
        """What `find` gives for `given`, found now or before: it reads these analytes and what is named, no more.

        events: it reads events. singly: it reads the results of these analytes one by one. more: whatever else.
        """
        if self._kept is None:
            return find(given)
        basis = (
            tuple(map(self._points, analytes)),
            tuple(map(self._singles, analytes)) if singly else (),
            self._events() if events else (),
            more,
        )
        known = self._kept.get(name)
        if known is None or known[0] != basis:
            known = self._kept[name] = (basis, find(given))
        found: Found = known[1]
        return found

    def _points(self, analyte: str) -> tuple[bytes, ...]:
        if analyte not in self._traces:
            self._traces[analyte] = _of_points(self._block.of(analyte))
        known: tuple[bytes, ...] = self._traces[analyte]
        return known

    def _singles(self, analyte: str) -> tuple[bytes, ...]:
        return _of_singles(self._block.singles.of_analyte(analyte))

    def _events(self) -> tuple[bytes, ...]:
        """The events known, and which of them are over: an end ahead is not known yet. They close observation too."""
        if _PLACE not in self._traces:
            events = self._block.events
            over = events.end <= np.minimum(self._block.closing[events.patient], self._block.as_of)
            columns = (getattr(events, name) for name in events.__dataclass_fields__)
            told = (b"" if column is None else column.tobytes() for column in (*columns, over))
            self._traces[_PLACE] = tuple(told) if events.kind.size else ()
        known: tuple[bytes, ...] = self._traces[_PLACE]
        return known


def read_by(rule: PointRule | AnyOfRule | AllOfRule) -> tuple[str, ...]:
    """The analytes that decide when an episode begins and ends."""
    if isinstance(rule, PointRule):
        return (rule.analyte,)
    limbs = rule.comparisons if isinstance(rule, AnyOfRule) else rule.limbs
    return tuple(limb.analyte for limb in limbs)


def _of_points(points: Points) -> tuple[bytes, ...]:
    exact = () if points.high is points.low else (points.high.tobytes(),)
    marked = () if points.plain else (points.supported.tobytes(), points.preliminary.tobytes())
    return (points.key.tobytes(), points.day.tobytes(), points.low.tobytes(), *exact, *marked)


def _of_singles(singles: Singles) -> tuple[bytes, ...]:
    read = (singles.key, singles.day, singles.low, singles.high, singles.quality, singles.timing)
    return tuple(column.tobytes() for column in read)
