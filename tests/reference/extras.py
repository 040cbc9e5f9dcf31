"""3.7 read slowly: at every moment at which something could change, is it so? Episodes are where it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from .chart import Chart, usable, utc
from .coagulopathy import pattern_episodes
from .extras_clock import clock_episodes
from .extras_samples import SampleRules
from .rebound import rebound_episodes
from .records import Child, Episode, Event, Lab
from .runs import informative, run_episodes
from .values import Answer, Interval, interval_of

FALL_BELOW = Decimal(250)


def evaluate_further(
    labs: Sequence[Lab], events: Sequence[Event], child: Child, gap_days: int, zone: str, as_of: dt.datetime
) -> list[Episode]:
    """The episodes of 3.7 by rule, then onset; times in UTC."""
    chart = Chart(labs, events, child, zone, as_of)
    known = [lab for lab in labs if utc(lab.collected_at) <= chart.as_of]
    standing = [lab for lab in usable(known) if utc(lab.collected_at) <= chart.last]
    runs = run_episodes(chart, "durable_platelet_response", "platelets", gap_days)
    rebounds = rebound_episodes(chart, runs)
    louder = rebounds + [episode for episode in pattern_episodes(chart) if episode.rule == "kmp"]
    samples = SampleRules(chart, known, standing, louder)
    levels = [lab for lab in standing if lab.analyte == "sirolimus"]
    hemoglobin = [lab for lab in standing if lab.analyte == "hemoglobin"]
    found = [*falling(chart), *hemoglobin_fall(chart, hemoglobin), *samples.episodes()]
    found += clock_episodes(chart, levels, runs, rebounds, gap_days)
    return sorted(found, key=lambda episode: (episode.rule, episode.onset))


def falling(chart: Chart) -> list[Episode]:
    """Falling platelets, count by count."""
    counts = informative(chart, "platelets")
    found: list[Episode] = []
    open_now: Episode | None = None
    for place, count in enumerate(counts):
        before = counts[:place]
        holds = below_median(count, before) or along_line(chart, counts[max(0, place - 2) : place + 1])
        if open_now is not None and not holds:
            open_now.end, open_now.end_reason = count.time, "resolved"
            open_now = None
            continue
        ended_run = not count.good and bool(before) and before[-1].good and any(not earlier.good for earlier in before)
        rested = not found or chart.days_between(found[-1].onset, count.time) >= 7
        low_enough = count.reading.value.below(FALL_BELOW) is True
        if open_now is None and holds and rested and low_enough and (count.good or ended_run):
            open_now = Episode("falling_platelets", "confirmed", count.time, count.time, severity="warning")
            found.append(open_now)
    return chart.close(found)


def below_median(count, before) -> bool:
    """At least 30 % below the median of the three before, for certain, and certainly below the last."""
    if len(before) < 3:
        return False
    median = sorted(earlier.reading.value.low for earlier in before[-3:])[1]
    high, last = count.reading.value.high, before[-1].reading.value
    if high is None or high > median * Decimal("0.7"):
        return False
    return count.reading.value.high_rank[1:] < (last.low, 1 if last.low_open else 0) or high < last.low


def along_line(chart: Chart, three) -> bool:
    """The least-squares line through the logarithms of three exact counts over at least 4 days reaches 100 in 14."""
    values = [sample.reading.value for sample in three]
    if len(three) < 3 or any(value.high != value.low or value.low <= 0 for value in values):
        return False
    if chart.days_between(three[0].time, three[-1].time) < 4:
        return False
    days = [Decimal((sample.time - three[0].time) // dt.timedelta(milliseconds=1)) / 86_400_000 for sample in three]
    logs = [value.low.ln() for value in values]
    middle, mean = sum(days) / 3, sum(logs) / 3
    spread = sum((day - middle) ** 2 for day in days)
    slope = sum((day - middle) * (log - mean) for day, log in zip(days, logs, strict=True)) / spread
    return slope < 0 and logs[-1] + slope * 14 <= Decimal(100).ln()


def hemoglobin_fall(chart: Chart, usable_ones: list[Lab]) -> list[Episode]:
    """Hemoglobin at least 25 below any result of the 24 hours before; of several of one time either may be right."""
    readings = chart.readings["hemoglobin"]

    def fell(place: int) -> Answer:
        now, answer = readings[place], False
        for time in {reading.time for reading in readings[:place]}:
            if now.time - time > dt.timedelta(hours=24):
                continue
            values = [interval_of(lab.comparator, lab.value) for lab in usable_ones if utc(lab.collected_at) == time]
            said = [lower(now.value, value) for value in values]
            if all(each is True for each in said):
                return True
            if any(each is not False for each in said):
                answer = None
        return answer

    answers = [(reading.time, fell(place)) for place, reading in enumerate(readings)]
    return chart.close(stretches("hemoglobin_fall", answers, lambda *_: "warning"))


def lower(now: Interval, earlier: Interval) -> Answer:
    """Whether a hemoglobin lies at least 25 below an earlier one."""
    if now.high is not None and earlier.low - now.high >= 25:
        return True
    open_end = earlier.high_open or now.low_open
    apart = None if earlier.high is None else earlier.high - now.low
    return None if apart is None or apart > 25 or (apart == 25 and not open_end) else False


def stretches(
    rule: str, answers: Iterable[tuple[dt.datetime, Answer]], severity: Callable[[Episode, dt.datetime], str]
) -> list[Episode]:
    """Episodes of a row of answers: open while not False, confirmed at the first True. severity: as of the last one."""
    found: list[Episode] = []
    running: Episode | None = None
    for time, answer in answers:
        if answer is False:
            if running is not None:
                running.end, running.end_reason = time, "resolved"
            running = None
            continue
        if running is None:
            running = Episode(rule, "possible", time)
            found.append(running)
        if answer is True and running.confirmed_at is None:
            running.status, running.confirmed_at = "confirmed", time
        running.severity = severity(running, time)
    return found
