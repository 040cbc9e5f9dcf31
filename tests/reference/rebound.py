"""3.6 kmp_rebound: platelets < 100 after a durable response."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from .chart import HOUR, PLATELETS_VERY_LOW, Chart, Moment, abnormal
from .records import Episode
from .runs import Sample, informative

APART = 12 * HOUR
GOOD_COUNTS = 3
GOOD_DAYS = 7


@dataclass
class Watch:
    """One open rebound with the row of bad counts and the row of good counts it stands on."""

    episode: Episode
    streak: list[Sample] = field(default_factory=list)
    goods: list[Sample] = field(default_factory=list)

    def take(self, sample: Sample) -> None:
        """Notes a platelet sample: a good one turns suspected to isolated, a bad one back."""
        if sample.good:
            self.streak = []
            self.goods.append(sample)
            if self.episode.status == "suspected":
                self.episode.status = "isolated"
        else:
            self.goods = []
            self.streak.append(sample)
            if self.episode.status == "isolated":
                self.episode.status = "suspected"


def rebound_episodes(chart: Chart, responses: list[Episode]) -> list[Episode]:
    """The rebounds; `responses` are the durable platelet responses."""
    confirmations = {run.confirmed_at for run in responses if run.confirmed_at is not None}
    documented = {event.start for event in chart.events if event.kind == "response_documented"}
    platelets = {sample.time: sample for sample in informative(chart, "platelets")}
    fibrinogen = {reading.time for reading in chart.counted("fibrinogen")}
    watches: list[Watch] = []
    running: Watch | None = None
    armed = False
    for time in sorted(set(platelets) | fibrinogen | documented):
        sample = platelets.get(time)
        if running is None and armed and sample is not None and not sample.good:
            running, armed = Watch(Episode("kmp_rebound", "suspected", time)), False
            running.episode.rows["onset"] = (sample.reading.row,)
            watches.append(running)
        if running is not None and (sample is not None or time in fibrinogen):
            step(chart, running, time, sample, time in confirmations)
            if running.episode.end is not None:
                running, armed = None, True
        # What arms at this time counts for what is collected later.
        if running is None and (time in confirmations or time in documented):
            armed = True
    chart.close([watch.episode for watch in watches])
    for watch in watches:
        watch.episode.severity = severity(chart, watch)
    return [watch.episode for watch in watches]


def step(chart: Chart, watch: Watch, time: dt.datetime, sample: Sample | None, response_confirmed: bool) -> None:
    """Brings an open rebound to what is known at one more time."""
    episode = watch.episode
    if sample is not None:
        watch.take(sample)
    if response_confirmed:
        episode.end, episode.end_reason = time, "recovered"
    elif episode.status == "isolated" and sample is not None and good_for_long(chart, watch):
        episode.end, episode.end_reason = time, "isolated"
    if episode.end is not None and sample is not None:
        episode.rows["end"] = (sample.reading.row,)
    if episode.status != "confirmed" and is_confirmed(chart, watch, time, sample):
        episode.status, episode.confirmed_at = "confirmed", time


def is_confirmed(chart: Chart, watch: Watch, time: dt.datetime, sample: Sample | None) -> bool:
    """Whether what is known at this time confirms a rebound."""
    if not watch.streak:
        return False
    if sample is not None and not sample.good:
        if sample.reading.value.below(PLATELETS_VERY_LOW) is True:
            return True
        if any(time - earlier.time >= APART for earlier in watch.streak):
            return True
    return all(is_low(chart, analyte, time) for analyte in ("platelets", "fibrinogen"))


def is_low(chart: Chart, analyte: str, time: dt.datetime) -> bool:
    """Whether the current value is certainly low."""
    reading = chart.current(analyte, Moment(time))
    return reading is not None and abnormal(analyte, reading.value) is True


def good_for_long(chart: Chart, watch: Watch) -> bool:
    """Whether at least three good counts in a row span a week."""
    goods = watch.goods
    return len(goods) >= GOOD_COUNTS and chart.days_between(goods[0].time, goods[-1].time) >= GOOD_DAYS


def severity(chart: Chart, watch: Watch) -> str:
    """As 3.6 says, from the counts as they last stood."""
    if watch.episode.status == "isolated" or good_for_long(chart, watch):
        return "note"
    return "critical" if watch.episode.status == "confirmed" and watch.streak else "warning"
