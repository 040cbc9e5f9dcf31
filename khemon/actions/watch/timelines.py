"""The timelines as a person reads them: title, story, and a table of days and alerts."""

from __future__ import annotations

from dataclasses import dataclass

from khemon.actions.timelines import Expected, Happening, Timeline, Told, our_timelines
from khemon.rules import Protocol


@dataclass(frozen=True, slots=True)
class DaysLine:
    """Some days of a timeline: what happens on them, and the alerts the ward has on each of them."""

    days: str
    happens: tuple[str, ...]
    alerts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TimelineSheet:
    """One timeline; `calls`: how often an alert comes before the ward in all."""

    title: str
    story: str
    look: str
    calls: int
    lines: tuple[DaysLine, ...]


def timeline_sheets() -> tuple[TimelineSheet, ...]:
    """The timelines that come with khemon, by title."""
    return tuple(map(timeline_sheet, sorted(our_timelines(), key=lambda timeline: timeline.title.strip("`<>"))))


def timeline_sheet(timeline: Timeline) -> TimelineSheet:
    """The sheet of a timeline."""
    lines = tuple(_days(timeline, expected) for expected in timeline.expect)
    return TimelineSheet(timeline.title.replace("`", ""), timeline.story, timeline.look, timeline.calls, lines)


def _days(timeline: Timeline, expected: Expected) -> DaysLine:
    """What happens on a day after the time of looking is told with the day after."""
    first = timeline.look_ms(expected.numbers.start - 1) if expected.numbers.start else 0
    last = timeline.look_ms(expected.numbers.stop - 1)
    own = [each for each in timeline.happens if first < timeline.at_ms(each.at) <= last]
    alerts = tuple(_alert_words(told, timeline.rules) for told in expected.alerts)
    return DaysLine(expected.days, tuple(map(_happening_words, own)), alerts or ("nothing",))


def _happening_words(happening: Happening) -> str:
    more = [f"collected {happening.collected}"] if happening.collected else []
    more += [happening.status] if happening.status != "final" else []
    more += [happening.quality] if happening.quality else []
    more += [happening.timing] if happening.timing != "unknown" else []
    more += [f"from {happening.start}"] if happening.start else []
    more += [f"until {happening.until}"] if happening.until else []
    more += [f"dose {happening.dose}"] if happening.dose is not None else []
    told = f"{happening.at} {happening.what}" + (f" ({', '.join(more)})" if more else "")
    return told.replace("_", " ").replace("d dimer", "D-dimer")


def _alert_words(told: Told, protocol: Protocol) -> str:
    words = f"{protocol.rules[told.rule].title}: {told.status}, {told.severity}, {told.state}"
    words += f", muted by {protocol.rules[told.muted_by].title}" if told.muted_by else ""
    return words + (f" ({told.because})" if told.because else "")
