"""timeline_data: a patient's results, events and episodes in, the numbers of the timeline out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from khemon.figures.lines import action_lines
from khemon.figures.samples import Sample
from khemon.figures.style import AXES
from khemon.figures.timeline.contents import Panel, TimelineData, local_text
from khemon.figures.timeline.lanes import bands_of, lane_order, lanes_of
from khemon.figures.timeline.panels import Frame, panel_of
from khemon.figures.timeline.telling import heading_words, lane_words
from khemon.figures.timeline.weeks import DayZero, week_ticks
from khemon.models import Episode, Event
from khemon.rules.rulebook import Protocol, RunRule


def timeline_data(
    samples: Sequence[Sample],
    events: Sequence[Event],
    episodes: Sequence[Episode],
    protocol: Protocol,
    zone: ZoneInfo,
    window: tuple[dt.datetime, dt.datetime],
    now: dt.datetime,
    *,
    target: tuple[float, float, str] | None = None,
    analytes: Iterable[str] = tuple(AXES),
    linear: bool = False,
    born: dt.date | None = None,
    sex: str | None = None,
    weeks: DayZero | None = None,
) -> TimelineData:
    """What the timeline shows in the window (aware start and end), panels in the order of `analytes`.

    A panel without a sample is left out unless rules need its analyte. target: the sirolimus band and its words.
    linear: no axis is logarithmic. born, sex: for what is usual at the age. weeks: the axis counts weeks from there.
    """
    current = dt.timedelta(milliseconds=protocol.common.current_within.ms)
    frame = Frame(zone, window, longest_gap(protocol), current, _read(samples), linear, born, sex)
    panels = tuple(_panels(samples, protocol, analytes, target, frame))
    stale = dt.timedelta(milliseconds=protocol.common.not_rechecked_after.ms)
    bars, dots = lanes_of(events, episodes, zone, window, now, stale)
    lanes = lane_order(bars, dots)
    told = (heading_words(window, zone), *(panel.words for panel in panels), *lane_words(lanes, bars, dots))
    return TimelineData(
        start=local_text(window[0], zone),
        end=local_text(window[1], zone),
        now=local_text(now, zone),
        panels=panels,
        lanes=lanes,
        bars=tuple(bars),
        dots=tuple(dots),
        bands=tuple(bands_of(episodes, zone, window, now)),
        alt=" ".join(told),
        ticks=() if weeks is None else week_ticks(weeks, window, zone),
        note="" if weeks is None else weeks.words(zone),
        words=told,
    )


def _read(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """By analyte what rules read, by time."""
    found: dict[str, list[Sample]] = {analyte: [] for analyte in AXES}
    for sample in sorted(samples, key=lambda sample: sample.at):
        if sample.counted and sample.leads and sample.analyte in found:
            found[sample.analyte].append(sample)
    return found


def _panels(
    samples: Sequence[Sample],
    protocol: Protocol,
    analytes: Iterable[str],
    target: tuple[float, float, str] | None,
    frame: Frame,
) -> Iterator[Panel]:
    for analyte in analytes:
        lines = action_lines(protocol, analyte)
        band = target if analyte == "sirolimus" else None
        own = [sample for sample in samples if sample.analyte == analyte and sample.at <= frame.window[1]]
        if own or lines:
            yield panel_of(analyte, sorted(own, key=lambda s: (s.at, s.result_id)), lines, band, frame)


def longest_gap(protocol: Protocol) -> dt.timedelta:
    """The stretch without a count over which no line is drawn: the longest that a run may leave unseen."""
    return dt.timedelta(days=max(rule.gap.count for rule in protocol.rules.values() if isinstance(rule, RunRule)))
