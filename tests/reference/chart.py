"""What the rules may see of one child at a time: which results count, and how each reads (definitions 1.4, 1.5, 2)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from .records import Child, Episode, Event, Lab
from .values import Answer, Interval, interval_of, not_

HOUR = dt.timedelta(hours=1)
RECENT = 24 * HOUR
SUPPORT = 72 * HOUR

PLATELETS_LOW = Decimal(100)
PLATELETS_VERY_LOW = Decimal(50)
FIBRINOGEN_LOW = Decimal("1.6")
D_DIMER_HIGH = Decimal("0.5")

RANK = {"preliminary": 0, "final": 1, "corrected": 2, "cancelled": 3, "entered_in_error": 3}
SET_ASIDE = {"clumped", "clotted", "contaminated", "wrong_patient", "insufficient"}
CLOSING = {"death", "transfer_out", "follow_up_end"}
SUPPORTING = {
    "platelets": {"platelet_transfusion", "exchange_transfusion"},
    "fibrinogen": {
        "plasma",
        "cryoprecipitate",
        "fibrinogen_concentrate",
        "exchange_transfusion",
    },
}


@dataclass(frozen=True)
class Reading:
    """The one result of an analyte at a time that the rules read."""

    time: dt.datetime
    row: int
    value: Interval
    preliminary: bool
    supported: bool


@dataclass(frozen=True)
class Moment:
    """When a severity or a current value is judged: with, or without, what was collected at that very time."""

    time: dt.datetime
    inclusive: bool = True

    def sees(self, time: dt.datetime) -> bool:
        """Whether something of that time is known here."""
        return time <= self.time if self.inclusive else time < self.time


def utc(time: dt.datetime) -> dt.datetime:
    """The same time in UTC, where subtraction gives elapsed time (within one local zone Python gives clock time)."""
    return time.astimezone(dt.UTC)


class Chart:
    """One child's usable results and events as of a time."""

    def __init__(
        self, labs: Sequence[Lab], events: Sequence[Event], child: Child, zone: str, as_of: dt.datetime
    ) -> None:
        self.child = child
        self.zone = ZoneInfo(zone)
        self.as_of = utc(as_of)
        known = [in_utc(event) for event in events if utc(event.start) <= self.as_of]
        closings = [event.start for event in known if event.kind in CLOSING]
        self.closed_at = min(closings) if closings else None
        self.last = self.as_of if self.closed_at is None else self.closed_at
        self.events = [event for event in known if event.start <= self.last]
        self.readings = self._readings([lab for lab in labs if utc(lab.collected_at) <= self.as_of])

    def _readings(self, labs: list[Lab]) -> dict[str, list[Reading]]:
        """For each analyte one reading per time, in order."""
        together: dict[tuple[str, dt.datetime], list[Lab]] = defaultdict(list)
        for lab in usable(labs):
            if utc(lab.collected_at) <= self.last:
                together[lab.analyte, utc(lab.collected_at)].append(lab)
        readings: dict[str, list[Reading]] = defaultdict(list)
        for (analyte, time), same_time in sorted(together.items(), key=lambda item: item[0]):
            lab = least_reassuring(analyte, same_time)
            value = interval_of(lab.comparator, lab.value, lab.basis)
            preliminary = lab.status == "preliminary"
            readings[analyte].append(Reading(time, lab.row, value, preliminary, self.supported(analyte, time)))
        return readings

    def supported(self, analyte: str, time: dt.datetime) -> bool:
        """Whether a result of that time was collected while a product may carry it."""
        return any(
            event.start <= time <= (event.end or event.start) + SUPPORT
            for event in self.events
            if event.kind in SUPPORTING.get(analyte, ())
        )

    def neutral(self, analyte: str, reading: Reading) -> bool:
        """Whether a good result is carried or preliminary, and so as if it were not there (not in 3.1, 3.2)."""
        return (reading.supported or reading.preliminary) and not_(abnormal(analyte, reading.value)) is True

    def counted(self, analyte: str) -> list[Reading]:
        """The readings that are not neutral."""
        return [reading for reading in self.readings[analyte] if not self.neutral(analyte, reading)]

    def latest(self, analyte: str, moment: Moment) -> Reading | None:
        """The last reading of all, neutral or not."""
        seen = [reading for reading in self.readings[analyte] if moment.sees(reading.time)]
        return seen[-1] if seen else None

    def current(self, analyte: str, moment: Moment) -> Reading | None:
        """The current value: the last that is not neutral, if it is recent."""
        seen = [reading for reading in self.counted(analyte) if moment.sees(reading.time)]
        return seen[-1] if seen and seen[-1].time >= moment.time - RECENT else None

    def day(self, time: dt.datetime) -> dt.date:
        """The calendar day in the ward's zone."""
        return time.astimezone(self.zone).date()

    def days_between(self, earlier: dt.datetime, later: dt.datetime) -> int:
        """The difference of calendar days."""
        return (self.day(later) - self.day(earlier)).days

    def newborn(self, moment: Moment) -> bool:
        """Whether the child is known to be under 29 days of age."""
        return self.child.birth_date is not None and (self.day(moment.time) - self.child.birth_date).days < 29

    def judged_at(self, episode: Episode) -> Moment:
        """When an episode's severity is judged: now; for an ended one just before its end, or with the closing."""
        if episode.end is None:
            return Moment(self.as_of)
        return Moment(episode.end, inclusive=episode.end_reason == "observation_ended")

    def close(self, episodes: list[Episode]) -> list[Episode]:
        """The same episodes; those open when observation closed end there."""
        for episode in episodes:
            if self.closed_at is not None and episode.end is None:
                episode.end, episode.end_reason = self.closed_at, "observation_ended"
        return episodes


def in_utc(event: Event) -> Event:
    """The event with its times in UTC."""
    return replace(event, start=utc(event.start), end=None if event.end is None else utc(event.end))


def usable(labs: list[Lab]) -> list[Lab]:
    """The current versions that stand and were not set aside."""
    versions: dict[tuple[object, ...], list[Lab]] = defaultdict(list)
    for lab in labs:
        key = ("time", utc(lab.collected_at)) if lab.specimen is None else ("specimen", lab.specimen)
        versions[lab.analyte, *key].append(lab)
    return [
        lab
        for group in versions.values()
        for lab in current_versions(group)
        if RANK[lab.status] <= RANK["corrected"] and lab.quality not in SET_ASIDE
    ]


def current_versions(group: list[Lab]) -> list[Lab]:
    """Those of the highest status; of several corrections the last recorded, of several others all."""
    highest = max(RANK[lab.status] for lab in group)
    top = [lab for lab in group if RANK[lab.status] == highest]
    if highest == RANK["corrected"]:
        return [max(top, key=lambda lab: (lab.recorded, lab.row))]
    return top


def least_reassuring(analyte: str, labs: list[Lab]) -> Lab:
    """The worst of several results of one time; of equal ones that of the highest status, then the first recorded."""

    def order(lab: Lab) -> tuple[object, ...]:
        return (-RANK[lab.status], lab.row)

    def bounds(lab: Lab) -> tuple[object, ...]:
        value = interval_of(lab.comparator, lab.value, lab.basis)
        return (value.low_rank, value.high_rank) if analyte == "d_dimer" else (value.high_rank, value.low_rank)

    worst = max(map(bounds, labs)) if analyte == "d_dimer" else min(map(bounds, labs))
    return min((lab for lab in labs if bounds(lab) == worst), key=order)


def abnormal(analyte: str, value: Interval) -> Answer:
    """An analyte's own comparison in 3.3, 3.4 and 3.6: low platelets, low fibrinogen, high D-dimer."""
    if analyte == "platelets":
        return value.below(PLATELETS_LOW)
    if analyte == "fibrinogen":
        return value.below(FIBRINOGEN_LOW)
    if analyte == "d_dimer":
        return value.above(D_DIMER_HIGH)
    return None


def open_at(episodes: list[Episode], moment: Moment) -> bool:
    """Whether one of the episodes is open at that moment."""
    for episode in episodes:
        ended_there = episode.end_reason == "observation_ended" or not moment.inclusive
        still = episode.end is None or episode.end > moment.time or (episode.end == moment.time and ended_there)
        if moment.sees(episode.onset) and still:
            return True
    return False
