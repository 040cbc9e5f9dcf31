"""timeline_figure: the numbers of a timeline in, a plain dict for the chart library out. No validation at run time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from khemon.figures.style import Theme
from khemon.figures.timeline.contents import TimelineData
from khemon.figures.timeline.drawing_lanes import lane_axis, lane_traces, lane_words, rows_of
from khemon.figures.timeline.drawing_panels import (
    limit_words,
    panel_areas,
    panel_axis,
    panel_lines,
    panel_title,
    panel_traces,
    usual_words,
)
from khemon.figures.timeline.room import words_beside

Figure = dict[str, Any]

ROW, GAP, TOP, BOTTOM = 22, 16, 26, 36
LEFT, RIGHT = 118, 168
#: The font of the pages, served by Streamlit itself.
FONT = '"Source Sans", sans-serif'


def timeline_figure(data: TimelineData, theme: Theme) -> Figure:
    """The picture of a timeline as {"data": [...], "layout": {...}}; times on the axis are the ward's wall clock."""
    rows = rows_of(data)
    heights = [panel.axis.height for panel in data.panels] + ([len(rows) * ROW] if rows else [])
    inner = sum(heights) + GAP * max(len(heights) - 1, 0)
    places = list(_places(heights, inner))
    traces: list[Figure] = []
    areas: list[Figure] = []
    lines: list[Figure] = []
    notes: list[Figure] = []
    layout = _layout(data, theme, inner)
    for number, (panel, place) in enumerate(zip(data.panels, places, strict=False), start=1):
        axis = "y" if number == 1 else f"y{number}"
        layout[axis.replace("y", "yaxis")] = panel_axis(panel, place, theme)
        traces += panel_traces(panel, axis, words_beside(data, panel), theme)
        areas += panel_areas(panel, place, theme)
        lines += panel_lines(panel, axis, theme)
        notes += [*usual_words(panel, axis, theme), *limit_words(panel, axis, theme)]
        notes.append(panel_title(panel, place[1], LEFT, theme))
    if rows:
        axis = f"y{len(data.panels) + 1}" if data.panels else "y"
        layout[axis.replace("y", "yaxis")] = lane_axis(rows, places[-1], theme)
        traces += lane_traces(data, rows, axis, theme)
        notes += lane_words(data, rows, axis, theme)
    bands = [_band(band.start, band.end, theme.wash(band.severity)) for band in data.bands]
    if not data.panels and not rows:
        notes.append(_empty(theme))
    shapes = [*areas, *bands, *lines, _now_line(data.now, theme)]
    return {"data": traces, "layout": {**layout, "shapes": shapes, "annotations": notes}}


def _places(heights: Sequence[int], inner: int) -> Iterator[tuple[float, float]]:
    """Where panels and lanes stand, as fractions of the drawing's height."""
    top = float(inner)
    for height in heights:
        yield max((top - height) / inner, 0.0), top / inner
        top -= height + GAP


def _layout(data: TimelineData, theme: Theme, inner: int) -> Figure:
    return {
        "height": inner + TOP + BOTTOM if inner else 160,
        "margin": {"l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": theme.ink},
        "showlegend": False,
        "bargap": 0.25,
        "hovermode": "closest",
        "hoverdistance": 24,
        "hoverlabel": {
            "bgcolor": theme.surface,
            "bordercolor": theme.muted,
            "font": {"family": FONT, "color": theme.ink, "size": 13},
            "align": "left",
        },
        "dragmode": "zoom",
        "barmode": "overlay",
        "xaxis": {
            "type": "date",
            "range": [data.start, data.end],
            "anchor": "free",
            "position": 0,
            "gridcolor": theme.grid,
            "tickfont": {"color": theme.muted},
            **_ticks(data),
            "showspikes": True,
            "spikemode": "across",
            "spikesnap": "hovered data",
            "spikethickness": 1,
            "spikedash": "dot",
            "spikecolor": theme.muted,
            "zeroline": False,
            "ticks": "outside",
            "tickcolor": theme.grid,
        },
    }


def _ticks(data: TimelineData) -> Figure:
    """Study weeks where the axis counts in them; else day before month, month as a word: no date reads in two ways."""
    if data.ticks:
        words = [f"{name}<br>{day}" for _, name, day in data.ticks]
        return {"tickvals": [at for at, _, _ in data.ticks], "ticktext": words}
    day, week = 86_400_000, 7 * 86_400_000
    stops = [
        {"dtickrange": [None, day - 1], "value": "%H:%M<br>%-d %b %Y"},
        {"dtickrange": [day, 4 * week], "value": "%-d %b<br>%Y"},
        {"dtickrange": [4 * week, None], "value": "%b<br>%Y"},
    ]
    return {"tickformatstops": stops}


def _band(start: str, end: str, color: str) -> Figure:
    area = {"type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    return {**area, "x0": start, "x1": end, "fillcolor": color, "opacity": 0.6, "line": {"width": 0}}


def _now_line(now: str, theme: Theme) -> Figure:
    line = {"color": theme.accent, "width": 1}
    place = {"type": "line", "xref": "x", "yref": "paper", "x0": now, "x1": now, "y0": 0, "y1": 1}
    # The hour, not "now": the picture may look back, or hang on a wall.
    words = f"as of {now.partition('T')[2][:5]}"
    label = {"text": words, "font": {"size": 11, "color": theme.accent}, "textposition": "end", "textangle": 0}
    return {**place, "line": line, "label": {**label, "xanchor": "right", "yanchor": "bottom"}}


def _empty(theme: Theme) -> Figure:
    place = {"xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5, "showarrow": False}
    return {
        **place,
        "text": "No results or events in this stretch of time.",
        "font": {"color": theme.muted, "size": 14},
    }
