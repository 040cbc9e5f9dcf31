"""Which results an alert stands on: those inside its episode, those that made it turn, and what still holds now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from .chart import RECENT, Chart, Moment, Reading, abnormal
from .points import CRITERIA, POINT_RULES, limbs
from .records import Episode
from .runs import informative
from .values import Answer

#: Bands, most harmless first: reaching one means being certainly below its limit.
BANDS: dict[str, tuple[Decimal, ...]] = {
    "platelets": (Decimal(100), Decimal(50), Decimal(30), Decimal(10)),
    "fibrinogen": (Decimal("1.6"), Decimal("1.0"), Decimal("0.5")),
    "hemoglobin": (Decimal(80), Decimal(60), Decimal(50)),
}
#: Rule -> the analytes it listens to.
LISTED: dict[str, tuple[str, ...]] = {
    **{rule: (analyte,) for rule, (analyte, _, _) in POINT_RULES.items()},
    **{rule: tuple(limits) for rule, (limits, _) in CRITERIA.items()},
    "consumptive_coagulopathy": ("fibrinogen", "d_dimer"),
    "kmp": ("platelets", "fibrinogen", "d_dimer"),
    "durable_platelet_response": ("platelets",),
    "fibrinogen_stabilization": ("fibrinogen",),
    "kmp_rebound": ("platelets", "fibrinogen"),
}
PATTERNS = ("consumptive_coagulopathy", "kmp")


def last_inside(episode: Episode, chart: Chart) -> Moment:
    """The last moment that belongs to an episode; the result that ended it lies outside."""
    if episode.end is None:
        return Moment(chart.last)
    return Moment(episode.end, inclusive=episode.end_reason == "observation_ended")


def inside(episode: Episode, chart: Chart, analyte: str) -> list[Reading]:
    """The readings of an analyte from the onset to the last moment inside."""
    last = last_inside(episode, chart)
    return [r for r in chart.readings[analyte] if r.time >= episode.onset and last.sees(r.time)]


def stood(episode: Episode, chart: Chart, analyte: str) -> list[Reading]:
    """The reading from before the onset that still stood there: of a criterion the latest, of an AND the current."""
    onset = Moment(episode.onset)
    if episode.rule in CRITERIA:
        reading = chart.latest(analyte, onset)
    elif episode.rule in (*PATTERNS, "kmp_rebound"):
        reading = chart.current(analyte, onset)
    else:
        reading = None
    return [reading] if reading is not None and reading.time < episode.onset else []


def band(analyte: str, reading: Reading) -> int:
    """How many of the analyte's limits a reading is certainly below."""
    return sum(reading.value.below(limit) is True for limit in BANDS.get(analyte, ()))


def deeper(analyte: str, readings: list[Reading]) -> list[Reading]:
    """The readings that reach a lower band than all before them; the first is not among them."""
    return [
        reading
        for place, reading in enumerate(readings)
        if place and band(analyte, reading) > max(band(analyte, earlier) for earlier in readings[:place])
    ]


def evidence(episode: Episode, chart: Chart) -> list[Reading]:
    """The results that opened, confirmed, worsened, mended and closed an episode."""
    if episode.rule in CRITERIA:
        found = evidence_of_criterion(episode, chart)
    elif episode.rule in PATTERNS:
        found = evidence_of_pattern(episode, chart)
    elif episode.rule == "kmp_rebound":
        found = evidence_of_rebound(episode, chart)
    else:
        analyte = LISTED[episode.rule][0]
        readings = inside(episode, chart, analyte)
        found = [r for r in chart.readings[analyte] if r.time in (episode.onset, episode.confirmed_at)]
        found += deeper(analyte, readings) if episode.rule in POINT_RULES else []
        found += ending(episode, chart, analyte, lambda _: True)
    return found


def ending(episode: Episode, chart: Chart, analyte: str, wanted: Callable[[Reading], bool]) -> list[Reading]:
    """The readings at the end of an episode that a result ended."""
    by_result = episode.end is not None and episode.end_reason != "observation_ended"
    return [r for r in chart.readings[analyte] if by_result and r.time == episode.end and wanted(r)]


def opening(episode: Episode, chart: Chart) -> list[Reading]:
    """The results that opened an episode: of an AND all that were current at its onset."""
    if episode.rule in PATTERNS:
        found = [chart.current(analyte, Moment(episode.onset)) for analyte in LISTED[episode.rule]]
        return [reading for reading in found if reading is not None]
    return [reading for reading in evidence(episode, chart) if reading.time == episode.onset]


def evidence_of_criterion(episode: Episode, chart: Chart) -> list[Reading]:
    """Each reading by which an input was met anew, the undecided ones of the onset, deeper ones, and the end."""
    found = []
    for analyte, limit in CRITERIA[episode.rule][0].items():
        readings = inside(episode, chart, analyte)
        before: Answer = False
        for reading in readings:
            verdict = reading.value.below(limit)
            if (verdict and not before) or (reading.time == episode.onset and verdict is not False):
                found.append(reading)
            before = verdict
        found += deeper(analyte, readings) + ending(episode, chart, analyte, lambda _: True)
    return found


def evidence_of_pattern(episode: Episode, chart: Chart) -> list[Reading]:
    """What was current when it opened and when it was confirmed, deeper readings, and what ended it."""
    found = []
    for analyte in LISTED[episode.rule]:
        for time in (episode.onset, episode.confirmed_at):
            reading = None if time is None else chart.current(analyte, Moment(time))
            found += [] if reading is None else [reading]
        found += deeper(analyte, [r for r in inside(episode, chart, analyte) if not chart.neutral(analyte, r)])
        enders = LISTED[episode.rule] if episode.status == "possible" else {"kmp": ("platelets",)}.get(episode.rule)
        if analyte in (enders or LISTED[episode.rule]):

            def against(reading: Reading, analyte: str = analyte) -> bool:
                return not chart.neutral(analyte, reading) and abnormal(analyte, reading.value) is False

            found += ending(episode, chart, analyte, against)
    return found


def evidence_of_rebound(episode: Episode, chart: Chart) -> list[Reading]:
    """Its first low, each turn before it was confirmed, deeper counts, what confirmed it, and the end."""
    counts = informative(chart, "platelets")
    last = last_inside(episode, chart)
    samples = [s for s in counts if s.time >= episode.onset and last.sees(s.time)]
    found, good = [], False
    for sample in samples:
        turned = sample.good is not good and not (episode.confirmed_at and sample.time >= episode.confirmed_at)
        if sample.time in (episode.onset, episode.confirmed_at) or turned:
            found.append(sample.reading)
        good = sample.good
    found += deeper("platelets", [sample.reading for sample in samples])
    if episode.confirmed_at is not None:
        fibrinogen = chart.current("fibrinogen", Moment(episode.confirmed_at))
        if fibrinogen is not None and abnormal("fibrinogen", fibrinogen.value) is True:
            found.append(fibrinogen)
    by_result = episode.end_reason in ("isolated", "recovered")
    return found + [s.reading for s in counts if by_result and s.time == episode.end]


def true_limbs(rule: str, episode: Episode, chart: Chart, *, fresh: bool = False) -> frozenset[str]:
    """The inputs of a criterion that are certainly met at the last moment inside; with `fresh` within 24 h of it."""
    if rule not in CRITERIA:
        return frozenset()
    limits, kind = CRITERIA[rule]
    moment = last_inside(episode, chart)
    names = set()
    for name, inputs in [(analyte, {analyte: limit}) for analyte, limit in limits.items()] + [(kind, {})]:
        met = limbs(chart, inputs, kind if name == kind else "", moment)
        if any(answer is True and (not fresh or moment.time - time <= RECENT) for answer, time in met):
            names.add(name)
    return frozenset(names)


def last_input(episode: Episode, chart: Chart) -> dt.datetime:
    """When a result or event that the rule listens to was last known inside the episode."""
    last, times = last_inside(episode, chart), [episode.onset]
    for analyte in LISTED[episode.rule]:
        readings = chart.counted(analyte) if episode.rule in PATTERNS else chart.readings[analyte]
        times += [r.time for r in readings if last.sees(r.time)]
    for event in chart.events:
        if episode.rule in CRITERIA and event.kind == CRITERIA[episode.rule][1]:
            times += [time for time in (event.start, event.end) if time is not None and last.sees(time)]
    return max(times)
