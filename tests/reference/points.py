"""3.1 point rules and 3.2 transfusion criteria: what the values say as they stand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from .chart import PLATELETS_VERY_LOW, RECENT, Chart, Moment, Reading, open_at
from .records import Episode
from .values import Answer, Interval, any_of

Comparison = Callable[[Interval], Answer]

POINT_RULES: dict[str, tuple[str, Comparison, str]] = {
    "thrombocytopenia": ("platelets", lambda value: value.below(Decimal(100)), "note"),
    "severe_thrombocytopenia": ("platelets", lambda value: value.below(Decimal(30)), "warning"),
    "hypofibrinogenemia": ("fibrinogen", lambda value: value.below(Decimal("1.6")), "note"),
    "elevated_d_dimer": ("d_dimer", lambda value: value.above(Decimal("0.5")), "note"),
    "severe_anemia": ("hemoglobin", lambda value: value.below(Decimal(60)), "warning"),
}
CRITERIA: dict[str, tuple[dict[str, Decimal], str]] = {
    "plasma_criterion": ({"platelets": Decimal(10), "fibrinogen": Decimal("0.5")}, "active_bleeding"),
    "red_cell_criterion": ({"hemoglobin": Decimal(60)}, "symptomatic_anemia"),
}


def point_episodes(chart: Chart, patterns: list[Episode]) -> list[Episode]:
    """The episodes of 3.1; `patterns` are those of `kmp` and `kmp_rebound`."""
    episodes = []
    for rule, (analyte, comparison, severity) in POINT_RULES.items():
        for episode in chart.close(point_rule(chart, rule, analyte, comparison)):
            episode.severity = severity
            if rule == "thrombocytopenia":
                episode.severity = thrombocytopenia_severity(chart, episode, patterns)
            episodes.append(episode)
    return episodes


def point_rule(chart: Chart, rule: str, analyte: str, comparison: Comparison) -> list[Episode]:
    """The stretches in which one comparison is true or cannot be told."""
    episodes: list[Episode] = []
    running: Episode | None = None
    for reading in chart.readings[analyte]:
        verdict = comparison(reading.value)
        before = running
        running = next_state(rule, running, verdict, reading.time, reading.supported, (reading.row,))
        if running is not None and running is not before:
            episodes.append(running)
    return episodes


def next_state(
    rule: str, running: Episode | None, verdict: Answer, time: dt.datetime, supported: bool, rows: tuple[int, ...]
) -> Episode | None:
    """The open episode after one evaluation; opening, confirming and ending as 3.1 says."""
    if verdict is False:
        if running is not None:
            running.end, running.end_reason = time, "supported" if supported else "resolved"
            running.rows["end"] = rows
        return None
    if running is None:
        running = Episode(rule, "possible", time, rows={"onset": rows})
        if verdict:
            running.status, running.confirmed_at = "confirmed", time
    elif verdict and running.status == "possible":
        running.status, running.confirmed_at = "confirmed", time
        running.rows["confirm"] = rows
    return running


def thrombocytopenia_severity(chart: Chart, episode: Episode, patterns: list[Episode]) -> str:
    """Warning at a latest count certainly below 50, unless a pattern that says more is open."""
    moment = chart.judged_at(episode)
    latest = chart.latest("platelets", moment)
    very_low = latest is not None and latest.value.below(PLATELETS_VERY_LOW) is True
    return "warning" if very_low and not open_at(patterns, moment) else "note"


def criterion_episodes(chart: Chart) -> list[Episode]:
    """The episodes of 3.2."""
    episodes: list[Episode] = []
    for rule, (limits, kind) in CRITERIA.items():
        running: Episode | None = None
        for time in criterion_times(chart, limits, kind):
            verdict = any_of(answer for answer, _ in limbs(chart, limits, kind, Moment(time)))
            at_this_time = {a: r for a in limits for r in chart.readings[a] if r.time == time}
            supported = any(reading.supported for reading in at_this_time.values())
            before = running
            running = next_state(rule, running, verdict, time, supported, agreeing(at_this_time, limits, verdict))
            if running is not None and running is not before:
                episodes.append(running)
        for episode in chart.close([episode for episode in episodes if episode.rule == rule]):
            episode.severity = criterion_severity(chart, episode, limits, kind)
    return episodes


def criterion_times(chart: Chart, limits: dict[str, Decimal], kind: str) -> list[dt.datetime]:
    """Every time at which a criterion is evaluated."""
    times = {reading.time for analyte in limits for reading in chart.readings[analyte]}
    for event in chart.events:
        if event.kind == kind:
            times |= {time for time in (event.start, event.end) if time is not None and time <= chart.last}
    return sorted(times)


def limbs(chart: Chart, limits: dict[str, Decimal], kind: str, moment: Moment) -> list[tuple[Answer, dt.datetime]]:
    """The inputs that take part, each with its answer and since when it stands."""
    taking_part: list[tuple[Answer, dt.datetime]] = []
    for analyte, limit in limits.items():
        latest = chart.latest(analyte, moment)
        if latest is not None:
            taking_part.append((latest.value.below(limit), latest.time))
    for event in chart.events:
        ended = event.end is not None and moment.sees(event.end)
        if event.kind == kind and moment.sees(event.start) and not ended:
            taking_part.append((True, event.start))
    return taking_part


def criterion_severity(chart: Chart, episode: Episode, limits: dict[str, Decimal], kind: str) -> str:
    """Critical; warning while all that holds it up is older than a day (what is undecided, if nothing is true)."""
    moment = chart.judged_at(episode)
    taking_part = limbs(chart, limits, kind, moment)
    holding = [time for answer, time in taking_part if answer is True]
    holding = holding or [time for answer, time in taking_part if answer is None]
    return "critical" if any(moment.time - time <= RECENT for time in holding) else "warning"


def agreeing(readings: dict[str, Reading], limits: dict[str, Decimal], verdict: Answer) -> tuple[int, ...]:
    """The rows of the readings whose own answer is the criterion's."""
    return tuple(sorted(r.row for a, r in readings.items() if r.value.below(limits[a]) is verdict))
