"""Histories of acts: what arrives, is corrected or taken back at each look, and what people do about the alerts.

All children of a ward share its clock, so that one evaluation serves a look at all of them.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from tests.reference import Child, Event, Lab

from .pools import BASES, CLOSING, COMPARATORS, DAY, FIRST_DAYS, HOUR, MINUTE, POOLS, PRODUCTS, QUALITIES, ZONES

#: Hours from one look to the next: within a shift, around 4 h, around a day, around a week.
HOURS = (1, 2, 3, 4, 4, 5, 6, 12, 20, 24, 24, 25, 48, 72, 168, 192)
#: How old a result is when it arrives, in hours.
AGES = (0, 0, 1, 1, 2, 4, 6, 12, 24, 25, 30, 72, 120)
UNTILS = (None, None, None, None, 1, 24, 72, 73, 168, 720, 721, 0)
#: What children came with: days before the first look and phase of the platelets.
PASTS = (
    "",
    "",
    "",
    "12 low 10 good 8 good 4 good",
    "20 low 12 good 8 good 3 good 1 good",
    "36 low 33 good 26 good 20 good 14 good 7 good 3 good",
    "3 low 2 low 1 low",
)


@dataclass
class Acting:
    """One child of a ward that is watched look by look."""

    rng: random.Random
    child: Child
    zone: str
    now: dt.datetime
    labs: dict[int, Lab] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    recorded_at: dict[int, dt.datetime] = field(default_factory=dict)

    def record(self, lab: Lab) -> None:
        """A result arrives now; rows count from 2 in the order of recording."""
        row = len(self.recorded_at) + 2
        self.labs[row] = dataclasses.replace(lab, row=row, recorded=row)
        self.recorded_at[row] = self.now

    def come_with_a_past(self) -> None:
        """Results of the days before, recorded as they were taken, and sometimes a response known from elsewhere."""
        now, steps = self.now, self.rng.choice(PASTS).split()
        for days, phase in zip(steps[::2], steps[1::2], strict=True):
            self.now = now - int(days) * DAY
            self.record(self.result("platelets", phase, self.now))
        self.now = now
        if self.rng.random() < 0.15:
            self.events.append(Event("response_documented", now - self.rng.choice((HOUR, DAY, 9 * DAY))))

    def act(self) -> None:
        """One to three things happen before the next look; sometimes none but time."""
        acts = (self.arrive,) * 9 + (self.correct, self.withdraw, self.happen, self.happen, self.take_back)
        for _ in range(self.rng.choice((0, 1, 1, 1, 2, 3))):
            self.rng.choice(acts)()

    def arrive(self) -> None:
        """One import: a sample with companions, sometimes older, sometimes two times at once."""
        phase = self.rng.choice(("low", "low", "low", "slightly_low", "good", "good", "any"))
        for _ in range(self.rng.choice((1, 1, 1, 2))):
            time = self.now - self.rng.choice(AGES) * HOUR - self.rng.choice((0, 0, 1)) * MINUTE
            for analyte, chance in (("platelets", 0.8), ("fibrinogen", 0.4), ("d_dimer", 0.35), ("hemoglobin", 0.3)):
                if self.rng.random() < chance:
                    self.record(self.result(analyte, phase, time))
            phase = self.rng.choice((phase, "low", "good"))

    def result(self, analyte: str, phase: str, time: dt.datetime) -> Lab:
        """A result of that phase; some with a comparator, preliminary or of a bad sample."""
        comparator = self.rng.choice(COMPARATORS) if self.rng.random() < 0.06 else ""
        basis = self.rng.choice(BASES) if analyte == "d_dimer" else ""
        value = self.rng.choice(POOLS[analyte][phase])
        status = "preliminary" if self.rng.random() < 0.03 else "final"
        quality = self.rng.choice(QUALITIES) if self.rng.random() < 0.03 else ""
        return Lab(0, analyte, time, comparator, value, basis, status, quality)

    def correct(self) -> None:
        """A later version of a result: another value, withdrawn, or of another time."""
        if not self.labs:
            return
        row = self.rng.choice(list(self.labs)[-6:])
        old = self.labs[row] = dataclasses.replace(self.labs[row], specimen=self.labs[row].specimen or f"S{row}")
        new = self.result(old.analyte, self.rng.choice(("low", "good", "any")), old.collected_at)
        if self.rng.random() < 0.2:
            new = dataclasses.replace(new, collected_at=old.collected_at - self.rng.choice((1, 12, 48)) * HOUR)
        status = self.rng.choice(("corrected", "corrected", "corrected", "cancelled", "entered_in_error"))
        self.record(dataclasses.replace(new, status=status, specimen=old.specimen, quality=""))

    def withdraw(self) -> None:
        """An import is taken back."""
        if self.labs:
            time = self.recorded_at[self.rng.choice(list(self.labs)[-6:])]
            self.labs = {row: lab for row, lab in self.labs.items() if self.recorded_at[row] != time}

    def happen(self) -> None:
        """Bleeding, symptoms, a product, or the end of observation; going on, ended, or ended long ago."""
        start = self.now - self.rng.choice((0, 1, 3, 12, 30, 72)) * HOUR
        kind = self.rng.choice(
            ("active_bleeding", "symptomatic_anemia", *PRODUCTS["platelets"], *PRODUCTS["fibrinogen"])
        )
        if self.rng.random() < 0.05:
            kind = self.rng.choice(CLOSING)
        end = self.rng.choice((None, start, min(self.now, start + 2 * HOUR), self.now, self.now + DAY))
        self.events.append(Event(kind, start, None if kind in CLOSING else end))

    def take_back(self) -> None:
        """An event is taken back."""
        if self.events:
            self.events.pop(self.rng.randrange(len(self.events)))


def ward_of(seed: int, children: int) -> tuple[list[Acting], list[dt.datetime]]:
    """That many children of one ward, and the times at which it is looked at, the same for a seed every time."""
    rng = random.Random(f"ward {seed}")
    zone = rng.choice(ZONES)
    first = dt.datetime.combine(rng.choice(FIRST_DAYS), dt.time(rng.choice((0, 1, 8, 22)), 30), ZoneInfo(zone))
    now = first.astimezone(dt.UTC)
    watched = []
    for number in range(children):
        own = random.Random(f"ward {seed}, child {number}")
        birth = first.date() - dt.timedelta(days=own.choice((10, 25, 200)))
        watched.append(Acting(own, Child(f"P{number:04d}", own.choice((birth, birth, None)), "KHE"), zone, now))
    looks = rng.choice((3, 4, 5))
    for child in watched:
        child.come_with_a_past()
    return watched, times_of(now, [rng.choice(HOURS) for _ in range(looks)])


def times_of(first: dt.datetime, hours: list[int]) -> list[dt.datetime]:
    """The first time, and one after each of so many hours."""
    return [first + sum(hours[:place]) * HOUR for place in range(len(hours) + 1)]
