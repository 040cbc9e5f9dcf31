"""timeline_data: a patient's results, events and episodes in, the numbers of the timeline out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from khemon.figures.lines import action_lines
from khemon.figures.samples import Sample
from khemon.figures.style import AXES
from khemon.figures.timeline.contents import Panel, TimelineData, local_text
from khemon.figures.timeline.lanes import bands_of, lane_order, lanes_of
from khemon.figures.timeline.panels import panel_of
from khemon.figures.words import date_words, span_words
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
) -> TimelineData:
    """What the timeline shows in the window (aware start and end), panels in the order of `analytes`.

    A panel without a sample is left out unless rules need its analyte. target: the sirolimus band and its words.
    """
    start, end = window
    panels = []
    for analyte in analytes:
        lines = action_lines(protocol, analyte)
        band = target if analyte == "sirolimus" else None
        own = sorted((s for s in samples if s.analyte == analyte and s.at <= end), key=lambda s: (s.at, s.result_id))
        if own or lines:
            panels.append(panel_of(analyte, own, lines, band, longest_gap(protocol), zone, start))
    bars, dots = lanes_of(events, episodes, zone, window, now)
    lanes = lane_order(bars, dots)
    bands = tuple(bands_of(episodes, zone, window, now))
    alt = _in_words(panels, lanes, zone, window)
    first, last, at_now = local_text(start, zone), local_text(end, zone), local_text(now, zone)
    return TimelineData(first, last, at_now, tuple(panels), lanes, tuple(bars), tuple(dots), bands, alt)


def longest_gap(protocol: Protocol) -> dt.timedelta:
    """The stretch without a count over which no line is drawn: the longest that a run may leave unseen."""
    return dt.timedelta(days=max(rule.gap.count for rule in protocol.rules.values() if isinstance(rule, RunRule)))


def _in_words(
    panels: Sequence[Panel], lanes: Sequence[str], zone: ZoneInfo, window: tuple[dt.datetime, dt.datetime]
) -> str:
    """The picture in words, for those who hear it."""
    stretch = f"{date_words(window[0], zone)} to {date_words(window[1], zone)} ({span_words(window[1] - window[0])})"
    parts = [f"Timeline from {stretch}."]
    for panel in panels:
        lines = ", ".join(line.label for line in panel.action_lines)
        limits = f"; lines at {lines}" if lines else ""
        parts.append(f"{panel.axis.title} in {panel.axis.unit}: {len(panel.marks)} results{limits}.")
    if lanes:
        parts.append(f"Lanes: {', '.join(lanes)}.")
    return " ".join(parts)
