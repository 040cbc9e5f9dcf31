"""3.5 runs: durable_platelet_response and fibrinogen_stabilization."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from .chart import FIBRINOGEN_LOW, PLATELETS_LOW, PLATELETS_VERY_LOW, Chart, Reading
from .records import Episode
from .values import Answer, Interval, not_

RUN_DAYS = 28
RUN_SAMPLES = 3
NEAR_MISS_DAYS = 7


def good(analyte: str, value: Interval) -> Answer:
    """Whether a value is good for a run: platelets at least 100, fibrinogen above 1.6."""
    return not_(value.below(PLATELETS_LOW)) if analyte == "platelets" else value.above(FIBRINOGEN_LOW)


@dataclass(frozen=True)
class Sample:
    """An informative sample."""

    reading: Reading
    good: bool

    @property
    def time(self) -> dt.datetime:
        """When it was taken."""
        return self.reading.time


def informative(chart: Chart, analyte: str) -> list[Sample]:
    """The samples that say good or bad for certain and are not neutral."""
    samples = []
    for reading in chart.readings[analyte]:
        verdict = good(analyte, reading.value)
        carried = reading.supported or reading.preliminary
        if verdict is False or (verdict is True and not carried):
            samples.append(Sample(reading, verdict))
    return samples


def run_episodes(chart: Chart, rule: str, analyte: str, gap_days: int) -> list[Episode]:
    """The runs of one analyte in order."""
    episodes: list[Episode] = []
    running: Episode | None = None
    in_run: list[Sample] = []
    since_bad: list[Sample] = []
    seen_bad = False
    for sample in informative(chart, analyte):
        if not sample.good:
            if running is not None:
                close_by_bad(chart, running, sample, since_bad[0], platelets=analyte == "platelets")
            running, in_run, since_bad, seen_bad = None, [], [], True
            continue
        since_bad.append(sample)
        if running is None:
            if seen_bad:
                running, in_run = open_run(rule, sample), [sample]
                episodes.append(running)
            continue
        unconfirmed = running.status == "provisional"
        if unconfirmed and chart.days_between(in_run[-1].time, sample.time) > gap_days:
            close_unproven(running, in_run[-1])
            running, in_run = open_run(rule, sample), [sample]
            episodes.append(running)
            continue
        in_run.append(sample)
        long_enough = chart.days_between(running.onset, sample.time) >= RUN_DAYS
        if unconfirmed and long_enough and len(in_run) >= RUN_SAMPLES:
            running.status, running.confirmed_at = "confirmed", sample.time
            running.rows["confirm"] = (sample.reading.row,)
    return chart.close(episodes)


def open_run(rule: str, sample: Sample) -> Episode:
    """A provisional run from this sample on."""
    return Episode(rule, "provisional", sample.time, rows={"onset": (sample.reading.row,)})


def close_unproven(running: Episode, last_good: Sample) -> None:
    """Ends a run at the last good sample before a gap: unseen days are not credited."""
    running.status, running.end, running.end_reason = "unproven", last_good.time, "gap"
    running.rows["end"] = (last_good.reading.row,)


def close_by_bad(chart: Chart, running: Episode, bad: Sample, first_good: Sample, *, platelets: bool) -> None:
    """Ends a run at a bad sample; an unconfirmed platelet run that had lasted is more than a note."""
    running.end, running.rows["end"] = bad.time, (bad.reading.row,)
    if running.status == "confirmed":
        running.end_reason = "ended"
        return
    running.status, running.end_reason = "broken", "broken"
    if platelets and chart.days_between(first_good.time, bad.time) >= NEAR_MISS_DAYS:
        very_low = bad.reading.value.below(PLATELETS_VERY_LOW) is True
        running.severity = "critical" if very_low else "warning"
