"""3.3 consumptive_coagulopathy and 3.4 kmp: an AND over current values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from .chart import RECENT, Chart, Moment, Reading, abnormal
from .records import Episode
from .values import Answer, all_of

NEWBORN_D_DIMER = Decimal("2.8")
#: Rule -> (leading analyte, listed analytes, analytes that end a confirmed episode).
PATTERNS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "consumptive_coagulopathy": ("fibrinogen", ("fibrinogen", "d_dimer"), ("fibrinogen", "d_dimer")),
    "kmp": ("platelets", ("platelets", "fibrinogen", "d_dimer"), ("platelets",)),
}


def pattern_episodes(chart: Chart) -> list[Episode]:
    """The episodes of 3.3 and 3.4."""
    episodes = []
    for rule in PATTERNS:
        for episode in chart.close(one_pattern(chart, rule)):
            judge = kmp_severity if rule == "kmp" else coagulopathy_severity
            episode.severity = judge(chart, episode)
            episodes.append(episode)
    return episodes


def one_pattern(chart: Chart, rule: str) -> list[Episode]:
    """The episodes of one of the two rules, without severity."""
    leading, listed, ending = PATTERNS[rule]
    episodes: list[Episode] = []
    running: Episode | None = None
    for time in sorted({reading.time for analyte in listed for reading in chart.counted(analyte)}):
        current = {analyte: chart.current(analyte, Moment(time)) for analyte in listed}
        verdict = all_of(answer(analyte, reading) for analyte, reading in current.items())
        here = {a: reading for a, reading in current.items() if reading is not None and reading.time == time}
        if running is None:
            if verdict is True or (verdict is None and current[leading] is not None):
                running = opened(rule, time, verdict, here)
                episodes.append(running)
        elif running.status == "possible" and verdict is True:
            running.status, running.confirmed_at = "confirmed", time
            running.rows["confirm"] = rows_saying(here, True)
        else:
            enders = listed if running.status == "possible" else ending
            against = {a: reading for a, reading in here.items() if a in enders and answer(a, reading) is False}
            if against:
                running.end = time
                running.end_reason = "excluded" if running.status == "possible" else "resolved"
                running.rows["end"] = rows_saying(against, False)
                running = None
    return episodes


def opened(rule: str, time: dt.datetime, verdict: Answer, here: dict[str, Reading]) -> Episode:
    """A new episode, confirmed or possible."""
    episode = Episode(rule, "possible", time, rows={"onset": rows_saying(here, True)})
    if verdict is True:
        episode.status, episode.confirmed_at = "confirmed", time
    return episode


def answer(analyte: str, reading: Reading | None) -> Answer:
    """The analyte's own comparison; unknown where there is no current value."""
    return None if reading is None else abnormal(analyte, reading.value)


def rows_saying(readings: dict[str, Reading], wanted: bool) -> tuple[int, ...]:
    """The rows whose own comparison has that answer."""
    return tuple(sorted(reading.row for a, reading in readings.items() if answer(a, reading) is wanted))


def coagulopathy_severity(chart: Chart, episode: Episode) -> str:
    """Warning; in a newborn a note unless current platelets are low or the last D-dimer is beyond a newborn's."""
    moment = chart.judged_at(episode)
    seen = [reading for reading in chart.counted("d_dimer") if moment.sees(reading.time)]
    d_dimer = seen[-1] if seen else None
    platelets_low = answer("platelets", chart.current("platelets", moment)) is True
    beyond = d_dimer is not None and d_dimer.value.above(NEWBORN_D_DIMER) is True
    return "note" if chart.newborn(moment) and not platelets_low and not beyond else "warning"


def kmp_severity(chart: Chart, episode: Episode) -> str:
    """Critical or warning, as 3.4 says."""
    moment = chart.judged_at(episode)
    platelets = answer("platelets", chart.current("platelets", moment))
    fibrinogen = answer("fibrinogen", chart.current("fibrinogen", moment))
    d_dimer = answer("d_dimer", chart.current("d_dimer", moment))
    if episode.status == "confirmed":
        return "warning" if fibrinogen is False and d_dimer is False else "critical"
    hidden = latest_fibrinogen_is_neutral(chart, moment)
    companion = fibrinogen is True or (d_dimer is True and hidden)
    return "critical" if platelets is True and companion else "warning"


def latest_fibrinogen_is_neutral(chart: Chart, moment: Moment) -> bool:
    """Whether the last fibrinogen of the last 24 hours is a good one that does not count."""
    latest = chart.latest("fibrinogen", moment)
    return latest is not None and latest.time >= moment.time - RECENT and chart.neutral("fibrinogen", latest)
