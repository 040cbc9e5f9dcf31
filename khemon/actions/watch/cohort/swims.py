"""The bars of the swimmer plot: each child of a cohort from day 0 to the day it was last seen."""

from __future__ import annotations

import numpy as np

from khemon.actions.cohort import Cohort
from khemon.endpoints import NEVER, endpoint_numbers
from khemon.figures.cohort import Swim, SwimMark, SwimmerData, SwimSpan
from khemon.models import EVENT_KINDS
from khemon.rules import NO_TIME, Events
from khemon.rules.calendar import day_numbers
from khemon.rules.choosing import closing_times
from khemon.rules.series import NO_CLOSING, Ints


def swimmer_data(cohort: Cohort, as_of_ms: int, caption: str) -> SwimmerData:
    """Every child in a group, those of a group together: early responses first, children without one last."""
    bars = _Bars(cohort, as_of_ms)
    swims = []
    for group in cohort.chosen.groups:
        onset = cohort.found.judged.platelets.onset[group.members]
        last = cohort.found.last[group.members]
        order = np.lexsort((-last, onset))
        swims += [bars.of(member, group.name) for member in group.members[order].tolist()]
    return SwimmerData(tuple(swims), caption)


class _Bars:
    """What is drawn of each child, as calendar days since its day 0."""

    def __init__(self, cohort: Cohort, as_of_ms: int) -> None:
        self.cohort, self.as_of_ms = cohort, as_of_ms
        gathered = cohort.gathered
        self.events = gathered.children.happenings.events
        self.closing = closing_times(self.events, gathered.children.count)
        self.closing[self.closing > as_of_ms] = NO_CLOSING
        self.day0 = self._days(np.where(cohort.found.started, cohort.found.day0, 0))
        self.rows = _rows_by_patient(self.events, gathered.children.count)

    def of(self, member: int, group: str) -> Swim:
        """The bar of one child."""
        runs, rebounds = self.cohort.found.judged.platelets, self.cohort.found.judged.rebounds
        last = max(int(self.cohort.found.last[member]), 0)
        onset, rebound, stopped = (
            int(days[member]) for days in (runs.onset, rebounds.onset, self.cohort.found.treated.stopped)
        )
        # A rebound is told of a response that was confirmed before it; what is low without one is none.
        rebound = rebound if int(runs.confirmed[member]) <= rebound else NEVER
        spans = [SwimSpan("followed", 0, last)]
        if onset < NEVER:
            spans.append(SwimSpan("response", max(onset, 0), min(rebound, last)))
        spans += self._drugs(member, last)
        days = {"onset": onset, "provisional": int(runs.open_onset[member]), "rebound": rebound, "stopped": stopped}
        marks = [SwimMark(kind, max(day, 0)) for kind, day in days.items() if day < NEVER]
        closed = self.closing[member] != NO_CLOSING
        marks.append(SwimMark("closed" if closed else "followed", last))
        return Swim(self.cohort.gathered.patient_ids[member], group, tuple(spans), tuple(marks))

    def _drugs(self, member: int, last: int) -> list[SwimSpan]:
        """Sirolimus and prednisolone, as far as they were given between day 0 and the day the child was last seen."""
        numbers = endpoint_numbers()
        found = []
        for drug in (numbers.sirolimus.drug, numbers.prednisolone.drug):
            for row in self.rows[member]:
                start, end = int(self.events.start[row]), int(self.events.end[row])
                if EVENT_KINDS[self.events.kind[row]] == drug and start <= self.as_of_ms:
                    first = max(self._since(member, start), 0)
                    until = last if end == NO_TIME else min(self._since(member, end), last)
                    found += [SwimSpan(drug, first, until)] if until > first else []
        return found

    def _since(self, member: int, ms: int) -> int:
        return int(self._days(np.array([ms]))[0] - self.day0[member])

    def _days(self, times: Ints) -> Ints:
        return day_numbers(times, self.cohort.gathered.timezone).astype(np.int64)


def _rows_by_patient(events: Events, count: int) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(count)]
    for row, patient in enumerate(events.patient.tolist()):
        rows[patient].append(row)
    return rows
