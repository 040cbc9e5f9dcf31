"""What is kept of a ward between two looks: each child's line until its rows, or the clock, change it.

A child is read from the store when its counter there has moved, when time alone changes what the rules say of it, or
after some hours; everything read is compared with its seals then. What nothing has touched since is told from here.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from khemon.actions.watch.alert_lines import is_resolved_unseen
from khemon.actions.watch.at import At
from khemon.actions.watch.child import ChildFacts, facts_of
from khemon.actions.watch.known import Known
from khemon.actions.watch.line import Drawing, WardLine, hour_after, line_of, strips
from khemon.actions.watch.setting import Setting
from khemon.figures.board import SparkData
from khemon.figures.words import MINUTE
from khemon.models import CLOSING_EVENTS, Alert, Episode, Event, Patient
from khemon.store import Reader
from khemon.store.rows import HeldRow

_NAME = "ward_board"
#: Of so many views (everybody's, and each bound person's) the held rows are kept.
_VIEWS = 16
#: So many entries of the audit log are remembered.
_HEADS = 64
#: Two looks at one time come in either order: so much a look may lie before what was read for the other.
_CLOCKS = MINUTE


@dataclass(slots=True)
class Child:
    """A child as the store had it at a counter of its own."""

    revision: int
    patient: Patient
    closed: dt.datetime | None
    alerts: tuple[Alert, ...]
    facts: ChildFacts | None = None
    read_at: dt.datetime | None = None
    strips: tuple[dt.datetime, dict[str, SparkData]] | None = None
    told: tuple[WardLine, tuple[HeldRow, ...], dt.datetime, dt.datetime] | None = None


@dataclass(slots=True)
class Keeper:
    """The children of one store; one look at a time brings them up to date."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    setting: Setting | None = None
    #: Entries of the audit log that were the last ones when somebody looked: by these a store is known again.
    heads: dict[int, str] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)
    held: dict[tuple[int, frozenset[str]], dict[str, tuple[HeldRow, ...]]] = field(default_factory=dict)
    drawing: Drawing | None = None

    def begin(self, reader: Reader, setting: Setting, numbers: dict[str, int]) -> None:
        """Reads what is said of children whose counter has moved; numbers: of those the reader shows."""
        counters, known = reader.revisions(), self.setting
        is_other = known is None or known.protocol is not setting.protocol or known.zone != setting.zone
        if is_other or not self._is_same(*reader.audit_head()):
            self.children.clear()
            self.held.clear()
            self.drawing = Drawing(setting.protocol)
        self.setting = setting
        moved = [
            name
            for name, number in numbers.items()
            if name not in self.children or self.children[name].revision != counters.get(number, 0)
        ]
        if moved:
            self._read(reader, moved, {name: counters.get(numbers[name], 0) for name in moved})
        self._see(reader, [name for name in numbers if any(map(is_resolved_unseen, self.children[name].alerts))])

    def _is_same(self, sequence: int, head: str) -> bool:
        """Whether this can be the store that was looked at before, and not another one put in its place."""
        same = not self.heads or (self.heads.get(sequence, head) == head and sequence >= min(self.heads))
        if not same:
            self.heads.clear()
        self.heads[sequence] = head
        while len(self.heads) > _HEADS:
            self.heads.pop(min(self.heads))
        return same

    def _see(self, reader: Reader, names: Sequence[str]) -> None:
        """Alerts that ended unseen are read again: that somebody saw them moves no counter of the child."""
        alerts: dict[str, list[Alert]] = defaultdict(list)
        for alert in reader.alerts(None, names) if names else ():
            alerts[alert.patient_id].append(alert)
        for name in names:
            child = self.children[name]
            if child.alerts != tuple(alerts[name]):
                child.alerts, child.told = tuple(alerts[name]), None

    def _read(self, reader: Reader, names: Sequence[str], counters: dict[str, int]) -> None:
        closed = _closings(reader.events_for(names).events)
        alerts: dict[str, list[Alert]] = defaultdict(list)
        for alert in reader.alerts(None, names):
            alerts[alert.patient_id].append(alert)
        for patient in reader.patients(names):
            name = patient.patient_id
            self.children[name] = Child(counters[name], patient, closed.get(name), tuple(alerts[name]))

    def held_rows(self, reader: Reader, names: Iterable[str]) -> dict[str, tuple[HeldRow, ...]]:
        """Rows that wait for a person, by the patient they name ("" without one), as this reader shows them."""
        view = (reader.revision(), frozenset(names))
        if view not in self.held:
            found: dict[str, list[HeldRow]] = defaultdict(list)
            for row in reader.held():
                found[row.patient_id or ""].append(row)
            while len(self.held) >= _VIEWS:
                self.held.pop(next(iter(self.held)))
            self.held[view] = {name: tuple(rows) for name, rows in found.items()}
        return self.held[view]

    def lines(
        self,
        reader: Reader,
        at: At,
        names: Sequence[str],
        numbers: dict[str, int],
        held: dict[str, tuple[HeldRow, ...]],
    ) -> list[WardLine]:
        """The lines of these children as of a moment."""
        self._refresh(reader, at, names, numbers)
        return [self._line(at, self.children[name], numbers[name], held.get(name, ())) for name in names]

    def standing(
        self, reader: Reader, at: At, names: Sequence[str], numbers: dict[str, int]
    ) -> dict[str, tuple[Episode, ...]]:
        """Patient id to the episodes that are open as of a moment."""
        self._refresh(reader, at, names, numbers)
        facts = ((name, self.children[name].facts) for name in names)
        return {name: () if known is None else known.episodes for name, known in facts}

    def _refresh(self, reader: Reader, at: At, names: Sequence[str], numbers: dict[str, int]) -> None:
        """Reads those children anew of whom what was read does not hold any more."""
        old = [name for name in names if not _holds(self.children[name], at.now)]
        if old:
            known = Known(reader, [self.children[name].patient for name in old], at.protocol, at.zone, at.now)
            for name, facts in facts_of(reader, known, numbers).items():
                child = self.children[name]
                child.facts, child.read_at, child.strips, child.told = facts, at.now, None, None

    def _line(self, at: At, child: Child, key: int, held: tuple[HeldRow, ...]) -> WardLine:
        if child.told is not None:
            line, rows, since, until = child.told
            if since - _CLOCKS <= at.now < until and rows == held:
                return line
        assert child.facts is not None and self.drawing is not None
        edge = hour_after(at.now)
        if child.strips is None or child.strips[0] != edge:
            child.strips = (edge, strips(at, child.facts, self.drawing))
        new, until = line_of(at, child.patient, key, child.facts, child.alerts, held, child.strips[1])
        # What says the same stays the same object, so that nobody makes anything of it twice.
        line = child.told[0] if child.told is not None and child.told[0] == new else new
        child.told = (line, held, at.now, until)
        return line


def _holds(child: Child, now: dt.datetime) -> bool:
    """Whether what was read of a child still holds; a clock that went back makes it be read anew."""
    if child.facts is None or child.read_at is None:
        return False
    return child.read_at - _CLOCKS <= now < child.facts.until


def keeper_in(kept: dict[str, Any] | None) -> Keeper:
    """The keeper among what is kept of a store; a new one where nothing may be kept."""
    if kept is None:
        return Keeper()
    found = kept.setdefault(_NAME, Keeper())
    assert isinstance(found, Keeper)
    return found


def _closings(events: Sequence[Event]) -> dict[str, dt.datetime]:
    """Patient id to when observation closes, past or ahead."""
    found: dict[str, dt.datetime] = {}
    for event in events:
        if event.kind in CLOSING_EVENTS:
            found[event.patient_id] = min(event.start, found.get(event.patient_id, event.start))
    return found
