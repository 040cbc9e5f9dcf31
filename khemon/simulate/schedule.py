"""When a child is sampled: every two days, then weekly, then ever more rarely; more often after a step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from khemon.simulate.child import Child
from khemon.simulate.numbers import LAW, between


class Draw(NamedTuple):
    """A sample: days since day 0, whether it belongs to an acute phase, whether it is one of the trial's visits."""

    days: float
    acute: bool
    visit: bool


class _Plan:
    """Planned samples of a child, one per calendar day; a visit takes the place of an acute sample."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.law = LAW["schedule"]
        self.draws: dict[int, tuple[Draw, bool]] = {}

    def add(self, day: int, *, acute: bool = False, sure: bool = False) -> float:
        """Plans a sample on a calendar day and returns its time; a `sure` one is never missed."""
        planned = self.draws.get(day)
        if planned is not None and (acute or not planned[0].acute):
            self.draws[day] = (planned[0], planned[1] or sure)
            return planned[0].days
        rng, law = self.child.rng, self.law
        if acute:
            hour = law["midday"] + between(rng, [-law["jitter_hours"], law["jitter_hours"]])
        elif day in (7 * week for week in law["visit_weeks"]):
            hour = self.child.clock.dose_hour - law["visit_before_dose_hours"]
        else:
            hour = between(rng, law["visit_hours"])
        time = self.child.clock.days(day, hour)
        self.draws[day] = (Draw(time, acute, not acute), sure)
        return time

    def before(self) -> None:
        """Samples of the days before treatment, and the baseline."""
        first = min(between(self.child.rng, self.law["before_days"]), self.child.age_days - 1)
        for day in range(-2, -int(first) - 1, -int(self.law["every_days"])):
            self.add(day, acute=True)
        self.add(-2, acute=True, sure=True)
        self.add(0, sure=True)

    def acute(self, first_day: int) -> int:
        """Every two days from a day on until the count is stable; returns the day after."""
        good: list[float] = []
        day = first_day
        while day <= self.child.measured_until and not self._stable(good):
            if np.isinf(self.child.crossing) and day > self.law["slow_never_day"]:
                break
            time = self.add(day, acute=True)
            good = [*good, time] if self.child.is_good(time) else []
            day += int(self.law["every_days"])
        return day

    def _stable(self, good: list[float]) -> bool:
        """Whether the last good samples end the two-day counts."""
        return len(good) >= self.law["stable_count"] and bool(good[-1] - good[0] >= self.law["stable_days"])

    def weekly(self, first_day: int, last_day: float, *, sure: bool = False) -> None:
        """Weekly visits on the trial's weekdays."""
        for day in range(-(-first_day // 7) * 7, int(last_day) + 1, 7):
            self.add(day, sure=sure)

    def weeks(self, first: int, last: int, every: int) -> None:
        """Visits every so many weeks."""
        for week in range(first, last + 1, every):
            self.add(7 * week)

    def taken(self) -> list[Draw]:
        """The samples that were really taken, in order of time."""
        missing, rng = self.law["missing"], self.child.rng
        kept = [d for d, sure in (self.draws[k] for k in sorted(self.draws)) if rng.uniform() >= missing or sure]
        return [d for d in kept if d.days <= self.child.measured_until]


def samples(child: Child) -> list[Draw]:
    """The samples of a child in order of time."""
    plan, law = _Plan(child), LAW["schedule"]
    plan.before()
    for week in law["visit_weeks"]:
        plan.add(7 * week, sure=True)
    stable = plan.acute(int(law["every_days"]))
    counted = child.fibrinogen_crossing if child.fibrinogen_crossing <= LAW["fibrinogen"]["last_counted"] else 0.0
    run = max(min(child.crossing, law["slow_never_day"]), counted) + 7 * (law["run_weeks"] + 1)
    if np.isinf(child.crossing):
        plan.weekly(stable, 7 * law["slow_never_weekly_week"])
    plan.weekly(7 * law["visit_weeks"][-1], run, sure=True)
    plan.weekly(stable, 7 * law["weekly_until_week"])
    plan.weeks(law["weekly_until_week"], law["two_weekly_until_week"], 2)
    plan.weeks(law["two_weekly_until_week"], law["four_weekly_until_week"], 4)
    last = int(child.measured_until / 7)
    plan.weeks(5 * law["later_every_weeks"], last, law["later_every_weeks"])
    plan.weeks(law["trial_weeks"], law["trial_weeks"], 1)
    for step in child.steps:
        plan.weekly(int(step) + 1, step + 7 * law["denser_weeks"])
    _around_rebound(child, plan)
    draws = plan.taken()
    if np.isfinite(child.seen_today):
        today = int(child.seen_today + child.clock.dose_hour / 24)
        draws = [d for d in draws if int(d.days + child.clock.dose_hour / 24) < today]
        draws.append(Draw(child.seen_today, False, True))
    return draws


def _around_rebound(child: Child, plan: _Plan) -> None:
    """Counts every two days from the sample that shows the rebound, then weekly through the new run."""
    rebound, law = child.rebound, LAW["schedule"]
    if rebound is None:
        return
    day = round(rebound.seen + (child.clock.dose_hour - law["midday"]) / 24)
    plan.draws[day] = (Draw(rebound.seen, True, False), True)
    plan.add(day + 2, acute=True, sure=True)
    stable = plan.acute(day + 4)
    plan.weekly(stable, rebound.recovers + 7 * (law["run_weeks"] + 1), sure=True)
