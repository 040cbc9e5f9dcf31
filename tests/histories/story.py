"""The course of the illness: lows, runs of good counts, relapses and new runs, as samples along a clock."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.reference import Event, Lab

from .pools import (
    BASES,
    COMPARATORS,
    DAY,
    HOUR,
    LONG_STEPS,
    MINUTE,
    MINUTES_OF_DAY,
    POOLS,
    RUN_LENGTHS,
    SHORT_STEPS,
)


class Story:
    """Samples and events as they are drawn; `now` moves on as the story is told."""

    def __init__(self, rng: random.Random, zone: ZoneInfo, first_day: dt.date) -> None:
        self.rng = rng
        self.zone = zone
        self.now = self.local(first_day, rng.choice(MINUTES_OF_DAY))
        self.first = self.now
        self.labs: list[Lab] = []
        self.events: list[Event] = []
        #: How often a companion is drawn with a count, one that does not fit, and a value with a comparator.
        self.companions = rng.choice((0.0, 0.25, 0.6, 0.9))
        self.odd = rng.choice((0.0, 0.0, 0.1, 0.3))
        self.censored = rng.choice((0.0, 0.05, 0.25))

    def local(self, day: dt.date, minute: int) -> dt.datetime:
        """A local time of day as UTC; an hour that the clocks skip falls where Python's fold rules put it."""
        midnight = dt.datetime.combine(day, dt.time(), self.zone)
        clock = (midnight.replace(tzinfo=None) + minute * MINUTE).replace(tzinfo=self.zone)
        return clock.replace(fold=self.rng.choice((0, 1))).astimezone(dt.UTC)

    def pass_days(self, days: int) -> None:
        """Moves on by calendar days, to any time of that day that lies ahead."""
        day = self.now.astimezone(self.zone).date() + dt.timedelta(days=days)
        ahead = [time for time in (self.local(day, minute) for minute in MINUTES_OF_DAY) if time > self.now]
        self.now = self.rng.choice(ahead) if ahead else self.now + DAY

    def pass_time(self, *steps: dt.timedelta) -> None:
        """Moves on by one of these elapsed times."""
        self.now += self.rng.choice(steps or SHORT_STEPS)

    def tell(self) -> None:
        """A dense stretch, a long course, or one after the other."""
        kind = self.rng.random()
        if kind < 0.2:
            self.dense(self.rng.randrange(2, 14))
        elif kind < 0.26:
            self.newborn_days()
        elif kind < 0.36:
            self.mending()
        else:
            self.course()
            if self.rng.random() < 0.3:
                self.dense(self.rng.randrange(1, 6))
        if not self.labs:
            self.sample("low")

    def dense(self, samples: int) -> None:
        """Samples at awkward hours, of any value."""
        for _ in range(samples):
            phase = self.rng.choice(("any", "any", "low", "slightly_low", "good"))
            for analyte in self.rng.sample(sorted(POOLS), self.rng.randrange(1, 4)):
                self.draw(analyte, phase)
            self.pass_time()

    def newborn_days(self) -> None:
        """Good counts with a coagulation that looks consumptive, as in healthy newborns."""
        for _ in range(self.rng.randrange(1, 5)):
            if self.rng.random() < 0.6:
                self.draw("platelets", "good")
            self.draw("fibrinogen", self.rng.choice(("low", "low", "good")))
            self.draw("d_dimer", self.rng.choice(("slightly_low", "slightly_low", "good")))
            self.pass_time()

    def mending(self) -> None:
        """The whole pattern; then the coagulation mends while the platelets may stay low."""
        for analyte in ("platelets", "fibrinogen", "d_dimer"):
            self.draw(analyte, "low")
        for phase in self.rng.choice((("low",), ("mended",), ("low", "mended"), ("slightly_low", "mended"))):
            self.pass_time()
            for analyte in ("fibrinogen", "d_dimer"):
                self.draw(analyte, phase, beside=self.rng.random() < 0.2)
            if self.rng.random() < 0.5:
                self.draw("platelets", "slightly_low" if phase == "mended" else "low")
        if self.rng.random() < 0.3:
            self.pass_time(HOUR, DAY, DAY + MINUTE)
            self.draw("platelets", "good")

    def course(self) -> None:
        """Lows, a run, and then relapses with what follows them."""
        if self.rng.random() < 0.25:
            self.events.append(Event("response_documented", self.now))
            self.pass_time(dt.timedelta(0), HOUR, DAY)
        else:
            for _ in range(self.rng.randrange(1, 4)):
                self.sample("low")
                self.pass_time()
        if self.rng.random() < 0.85:
            self.run()
        for _ in range(self.rng.choice((0, 0, 1, 1, 2, 3))):
            self.relapse()
            if self.rng.random() < 0.6:
                self.run()
            elif self.rng.random() < 0.7:
                self.goods()

    def run(self) -> None:
        """Good samples by the calendar; the last one falls on the day the run aims at."""
        length = self.rng.choice(RUN_LENGTHS)
        usual = self.rng.choice(LONG_STEPS)
        passed = 0
        self.sample("good")
        while passed < length:
            step = usual if self.rng.random() < 0.8 else self.rng.choice(LONG_STEPS)
            step = min(step, length - passed) if self.rng.random() < 0.9 else step
            self.pass_days(step)
            passed += step
            self.sample("good")
        self.pass_days(self.rng.choice((1, 1, 2, 7)))

    def relapse(self) -> None:
        """One low count, two around twelve hours apart, a very low one, or one with a low fibrinogen."""
        kind = self.rng.choice(("one", "one", "two", "very low", "fibrinogen", "fibrinogen after"))
        if kind == "fibrinogen":
            self.draw("fibrinogen", "low")
            self.pass_time(HOUR, DAY, DAY + MINUTE)
        self.draw("platelets", "low" if kind == "very low" else "slightly_low")
        if kind == "two":
            self.pass_time(12 * HOUR, 12 * HOUR - MINUTE, HOUR, 5 * DAY)
            self.draw("platelets", "slightly_low")
        if kind == "fibrinogen after":
            self.pass_time(HOUR, DAY, DAY + MINUTE)
            self.draw("fibrinogen", "low")
        self.pass_days(self.rng.choice((1, 1, 2, 5)))

    def goods(self) -> None:
        """Two to four good counts around a week: an isolated low, or just not."""
        for _ in range(self.rng.randrange(1, 5)):
            self.draw("platelets", "good")
            self.pass_days(self.rng.choice((1, 3, 3, 4, 6, 7)))

    def sample(self, phase: str) -> None:
        """A count, sometimes with companions."""
        self.draw("platelets", phase)
        for analyte in ("fibrinogen", "d_dimer", "hemoglobin"):
            if self.rng.random() < self.companions:
                odd = self.rng.random() < self.odd
                self.draw(analyte, "any" if odd else phase, beside=self.rng.random() < 0.2)

    def draw(self, analyte: str, phase: str, *, beside: bool = False) -> None:
        """Adds a result of now, or of some hours before or after."""
        aside = self.rng.choice(SHORT_STEPS) if beside else dt.timedelta(0)
        time = max(self.first, self.now + self.rng.choice((1, -1)) * aside)
        self.labs.append(self.result(analyte, POOLS[analyte][phase], time))

    def result(self, analyte: str, pool: Sequence[Decimal], time: dt.datetime) -> Lab:
        """A final result with a value of the pool, sometimes with a comparator."""
        comparator = self.rng.choice(COMPARATORS) if self.rng.random() < self.censored else ""
        basis = self.rng.choice(BASES) if analyte == "d_dimer" else ""
        shown = time.astimezone(self.rng.choice((dt.UTC, self.zone)))
        return Lab(0, analyte, shown, comparator, self.rng.choice(pool), basis)
