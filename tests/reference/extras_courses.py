"""Courses of a drug, slowly: whether it is given at a time, and since when."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from .chart import Chart
from .records import Event


class Drug:
    """The records of one drug in order of start; those of one start in an order that no file decides."""

    def __init__(self, chart: Chart, kind: str) -> None:
        self.chart = chart
        self.records = sorted((event for event in chart.events if event.kind == kind), key=in_order)

    def runs_at(self, place: int, time: dt.datetime) -> bool:
        """Whether a record runs at a time: to its end, or without one until the next record, one that starts later."""
        record = self.records[place]
        if record.end is None and any(record.start < later.start <= time for later in self.records):
            return False
        return record.start <= time and (record.end is None or record.end > time)

    def on(self, time: dt.datetime) -> bool:
        """Whether the drug is given: some record with a dose runs, and none that holds it (dose 0)."""
        running = [record for place, record in enumerate(self.records) if self.runs_at(place, time)]
        return any(not held(record) for record in running) and not any(held(record) for record in running)

    def stretches(self) -> list[tuple[dt.datetime, dt.datetime | None]]:
        """From when to when it is given, in order; ends that lie ahead included."""
        bounds = {record.start for record in self.records}
        bounds |= {record.end for record in self.records if record.end is not None}
        found: list[tuple[dt.datetime, dt.datetime | None]] = []
        for bound in sorted(bounds):
            last_open = bool(found) and found[-1][1] is None
            if self.on(bound) and not last_open:
                found.append((bound, None))
            elif last_open and not self.on(bound):
                found[-1] = (found[-1][0], bound)
        return found

    def began(self, time: dt.datetime) -> dt.datetime | None:
        """When the course that has reached a time began: at most one calendar day lies between its stretches."""
        began: dt.datetime | None = None
        stopped: dt.datetime | None = None
        for start, stop in self.stretches():
            if start > time:
                break
            if began is None or stopped is None or self.chart.days_between(stopped, start) > 1:
                began = start
            stopped = stop
        return began

    def steps(self) -> list[dt.datetime]:
        """Recorded stops, holds and taper steps up to the last moment judged."""
        found = [stop for _, stop in self.stretches() if stop is not None]
        for before, record in pairwise(self.records):
            if not no_lower(before, record) and not held(record) and self.began(record.start) != record.start:
                found.append(record.start)
        return [time for time in found if time <= self.chart.last]

    def changes(self) -> list[dt.datetime]:
        """When the drug began or stopped, or a record begins whose dose may be another."""
        found = [bound for stretch in self.stretches() for bound in stretch if bound is not None]
        found += [record.start for record in self.records[:1]]
        return found + [now.start for before, now in pairwise(self.records) if not same_dose(before, now)]


def in_order(record: Event) -> tuple[object, ...]:
    """By start, then those without an end first, then by dose, an unreadable one last."""
    ended = record.end is not None
    return (record.start, ended, record.end or record.start, record.dose is None, record.dose or 0)


def same_dose(before: Event, record: Event) -> bool:
    """Whether a dose is certainly that of the one before."""
    return no_lower(before, record) and record.dose == before.dose


def no_lower(before: Event, record: Event) -> bool:
    """Whether a dose is certainly no lower than the one before; only numbers of one unit can be compared."""
    if before.dose is None or record.dose is None:
        return False
    return held(before) or (bool(record.unit) and record.unit == before.unit and record.dose >= before.dose)


def held(record: Event) -> bool:
    """Whether a record says that the drug is held."""
    return record.dose is not None and record.dose == 0
