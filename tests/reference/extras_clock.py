"""3.7 slowly: what the clock moves. Asked at every midnight, sample, event and limit: is it so now?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal

from .chart import HOUR, Chart, Moment, open_at, utc
from .extras_courses import Drug
from .records import Episode, Lab
from .runs import Sample, informative

VISITS = (1, 2, 4, 8, 12, 24, 36, 48, 60, 72, 84, 104)
DAY = dt.timedelta(days=1)


def clock_episodes(
    chart: Chart, levels: list[Lab], runs: list[Episode], rebounds: list[Episode], gap_days: int
) -> list[Episode]:
    """The episodes of the rules that time moves."""
    clock = Clock(chart, levels, runs, rebounds, gap_days)
    rules: list[tuple[str, Callable[[dt.datetime], bool], str, bool]] = [
        ("steroid_taper_criterion", clock.satisfactory, "note", False),
        ("steroid_course_long", clock.long_course, "note", False),
        ("pjp_prophylaxis_missing", clock.unprotected, "note", False),
        ("blood_count_overdue", clock.count_overdue, "warning", True),
        ("sirolimus_level_overdue", clock.level_overdue, "note", True),
    ]
    return [episode for rule, holds, severity, due in rules for episode in clock.stretches(rule, holds, severity, due)]


class Clock:
    """One child's time line."""

    def __init__(
        self, chart: Chart, levels: list[Lab], runs: list[Episode], rebounds: list[Episode], gap_days: int
    ) -> None:
        self.chart = chart
        self.runs = runs
        self.rebounds = rebounds
        self.gap_days = gap_days
        self.drugs = {name: Drug(chart, name) for name in ("sirolimus", "prednisolone", "pjp_prophylaxis")}
        self.levels = sorted({utc(lab.collected_at) for lab in levels if lab.timing != "random"})
        self.counts = informative(chart, "platelets")
        told = [event.start for event in chart.events if event.kind == "day0"]
        told += [utc(chart.child.day0)] if chart.child.day0 is not None else []
        self.day0 = min((time for time in told if time <= chart.last), default=None)
        self.documented = sorted(event.start for event in chart.events if event.kind == "response_documented")
        self.moments = self._moments()

    def _moments(self) -> list[dt.datetime]:
        """Every moment at which an answer could change."""
        times = {reading.time for readings in self.chart.readings.values() for reading in readings}
        times |= {time for event in self.chart.events for time in (event.start, event.end) if time is not None}
        times |= {self.day0} if self.day0 is not None else set()
        times |= {time + after for time in list(times) for after in (24 * HOUR, 60 * HOUR)}
        times |= {episode.end for episode in self.rebounds if episode.end is not None}
        if not times:
            return []
        day = self.chart.day(min(times))
        while (midnight := self.midnight(day)) <= self.chart.last:
            times.add(midnight)
            day += DAY
        return sorted(time for time in times if time <= self.chart.last)

    def midnight(self, day: dt.date) -> dt.datetime:
        """When a day begins on the ward's calendar."""
        return dt.datetime.combine(day, dt.time(), self.chart.zone).astimezone(dt.UTC)

    def stretches(self, rule: str, holds: Callable[[dt.datetime], bool], severity: str, due: bool) -> list[Episode]:
        """The stretches over which it is so, until nothing is judged (or due) any more."""
        closes = [time for time in (self.chart.closed_at,) if time is not None]
        if due and self.chart.child.followed_until is not None:
            closes.append(utc(self.chart.child.followed_until))
        closed = min((time for time in closes if time <= self.chart.as_of), default=None)
        found: list[Episode] = []
        for time in self.moments:
            open_now = bool(found) and found[-1].end is None
            if closed is not None and time > closed:
                break
            so = holds(time)
            if so and not open_now and time != closed:
                found.append(Episode(rule, "confirmed", time, time, severity=severity))
            elif open_now and not so:
                found[-1].end, found[-1].end_reason = time, "resolved"
        if closed is not None and found and found[-1].end is None:
            found[-1].end, found[-1].end_reason = closed, "observation_ended"
        return found

    # Courses

    def long_course(self, time: dt.datetime) -> bool:
        drug = self.drugs["prednisolone"]
        began = drug.began(time)
        return drug.on(time) and began is not None and self.chart.days_between(began, time) > 77

    def unprotected(self, time: dt.datetime) -> bool:
        drug = self.drugs["sirolimus"]
        if not drug.on(time) or self.drugs["pjp_prophylaxis"].on(time):
            return False
        return self.chart.days_between(drug.stretches()[0][0], time) < 183

    def satisfactory(self, time: dt.datetime) -> bool:
        if not self.drugs["prednisolone"].on(time) or open_at(self.rebounds, Moment(time)):
            return False
        row: list[Sample] = []
        low_before = False
        for count in self.counts:
            if count.time > time:
                break
            low_before = low_before or not count.good
            if row and self.chart.days_between(row[-1].time, count.time) > 7:
                row = []
            row = [*row, count] if count.good and low_before else []
        if not row or self.chart.days_between(row[0].time, row[-1].time) < 7:
            return False
        return self.chart.days_between(row[-1].time, time) <= 7

    # What is due

    def count_overdue(self, time: dt.datetime) -> bool:
        due = [limit for limit in self.limits(time) if limit is not None]
        return any(time >= limit for limit in due)

    def limits(self, time: dt.datetime) -> list[dt.datetime | None]:
        """From when a count is overdue, for each reason that applies at a time."""
        seen = [count for count in self.counts if count.time <= time]
        lows = [count.time for count in seen if not count.good]
        lifted = [
            reading
            for reading in self.chart.readings["platelets"]
            if reading.supported and reading.time <= time and self.watched(reading.time, lows)
        ]
        times = [count.time for count in seen] + [reading.time for reading in lifted]
        if not times:
            if self.day0 is None or self.day0 > time:
                return []
            return [self.day0 + 60 * HOUR, *self.after_steps(self.day0, time)]
        last = max(times)
        return [self.base(last, seen, lows, any(r.time == last for r in lifted)), *self.after_steps(last, time)]

    def watched(self, time: dt.datetime, lows: list[dt.datetime]) -> bool:
        """Whether the counts are watched at a time: from the first low one or day 0 on."""
        return (bool(lows) and lows[0] <= time) or (self.day0 is not None and self.day0 <= time)

    def base(self, last: dt.datetime, seen: list[Sample], lows: list[dt.datetime], lifted: bool) -> dt.datetime | None:
        very_low = seen and seen[-1].time == last and seen[-1].reading.value.below(Decimal(10)) is True
        if lifted or very_low:
            return last + 24 * HOUR
        documented = any(told <= last for told in self.documented)
        if not lows and documented:
            return self.visit(last, self.anchor(last))
        row: list[Sample] = []
        for count in seen:
            row = [*row, count] if count.good else []
        settled = len(row) >= 3 and self.chart.days_between(row[0].time, row[-1].time) >= 7
        if not self.watched(last, lows):
            monthly = self.days_after(last, 28)
            return monthly if settled or self.day0 is None else min(monthly, self.day0 + 60 * HOUR)
        if not settled:
            return last + 60 * HOUR
        told_since = any(lows[-1] <= told <= last for told in self.documented) if lows else False
        if told_since or self.confirmed(last):
            return self.visit(last, self.anchor(last))
        return self.days_after(last, min(14, self.gap_days))

    def anchor(self, last: dt.datetime) -> dt.datetime | None:
        """From when the visits count, by what was known at a count: day 0, the first low count, the documentation."""
        lows = [count.time for count in self.counts if not count.good]
        began = [self.day0, *lows[:1], *self.documented[:1]]
        return next((time for time in began if time is not None and time <= last), None)

    def confirmed(self, time: dt.datetime) -> bool:
        """Whether a confirmed run lasts."""
        return any(
            run.confirmed_at is not None
            and run.confirmed_at <= time
            and (run.end is None or run.end > time or run.end_reason == "observation_ended")
            for run in self.runs
        )

    def days_after(self, time: dt.datetime, days: int) -> dt.datetime:
        return self.midnight(self.chart.day(time) + (days + 1) * DAY)

    def visit(self, last: dt.datetime, anchor: dt.datetime | None, weeks: Iterable[int] = VISITS) -> dt.datetime | None:
        """From when the first visit that opens after the last sample is overdue."""
        assert anchor is not None
        day = self.chart.days_between(anchor, last)
        for week in weeks:
            give = 3 if week <= 4 else 7
            if 7 * week - give > day:
                return self.midnight(self.chart.day(anchor) + (7 * week + give + 1) * DAY)
        return None

    def after_steps(self, last: dt.datetime, time: dt.datetime) -> list[dt.datetime]:
        found = []
        for drug in ("sirolimus", "prednisolone"):
            for step in self.drugs[drug].steps():
                counted_from = max(self.chart.day(last), self.chart.day(step))
                if step <= time and (counted_from + 7 * DAY - self.chart.day(step)).days <= 56:
                    found.append(self.midnight(counted_from + 8 * DAY))
        return found

    def level_overdue(self, time: dt.datetime) -> bool:
        drug = self.drugs["sirolimus"]
        began = drug.began(time)
        if began is None or not drug.on(time):
            return False
        last = max([began, *(level for level in self.levels if began <= level <= time)])
        weeks = [1, 2, 4, 8, 12, *range(24, 2000, 12)]
        due = self.visit(last, began, weeks)
        return due is not None and time >= due
