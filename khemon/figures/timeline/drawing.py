"""timeline_figure: the numbers of a timeline in, a plain dict for the chart library out. No validation at run time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from khemon.figures.style import Theme
from khemon.figures.timeline.contents import Panel, TimelineData
from khemon.figures.timeline.drawing_lanes import lane_axis, lane_traces, lane_words, rows_of

Figure = dict[str, Any]

ROW, GAP, TOP, BOTTOM = 22, 16, 26, 36
LEFT, RIGHT = 118, 168
MARK = 8
#: The font of the pages, served by Streamlit itself.
FONT = '"Source Sans", sans-serif'
_SYMBOLS = {"value": "circle", "below": "triangle-down-open", "above": "triangle-up-open"}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a panel or the lanes stand, as fractions of the drawing's height."""

    low: float
    high: float


def timeline_figure(data: TimelineData, theme: Theme) -> Figure:
    """The picture of a timeline as {"data": [...], "layout": {...}}; times on the axis are the ward's wall clock."""
    rows = rows_of(data)
    heights = [panel.axis.height for panel in data.panels] + ([len(rows) * ROW] if rows else [])
    inner = sum(heights) + GAP * max(len(heights) - 1, 0)
    places = list(_places(heights, inner))
    traces: list[Figure] = []
    shapes: list[Figure] = [_band(band.start, band.end, theme.wash(band.severity)) for band in data.bands]
    notes: list[Figure] = []
    layout = _layout(data, theme, inner)
    for number, (panel, place) in enumerate(zip(data.panels, places, strict=False), start=1):
        axis = "y" if number == 1 else f"y{number}"
        layout[axis.replace("y", "yaxis")] = _axis(panel, place, theme)
        traces += _panel_traces(panel, axis, theme)
        shapes += _limits(panel, axis, theme)
        notes += [*_limit_words(panel, axis, theme), _title(panel, place, theme)]
    if rows:
        axis = f"y{len(data.panels) + 1}" if data.panels else "y"
        layout[axis.replace("y", "yaxis")] = lane_axis(rows, (places[-1].low, places[-1].high), theme)
        traces += lane_traces(data, rows, axis, theme)
        notes += lane_words(data, rows, axis, theme)
    shapes.append(_now_line(data.now, theme))
    if not data.panels and not rows:
        notes.append(_empty(theme))
    return {"data": traces, "layout": {**layout, "shapes": shapes, "annotations": notes}}


def _places(heights: Sequence[int], inner: int) -> Iterator[_Place]:
    top = float(inner)
    for height in heights:
        yield _Place(max((top - height) / inner, 0.0), top / inner)
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
            "tickformatstops": _ticks(),
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


def _ticks() -> list[Figure]:
    """Day before month, month as a word, at every zoom: never a date that can be read in two ways."""
    day, week = 86_400_000, 7 * 86_400_000
    return [
        {"dtickrange": [None, day - 1], "value": "%H:%M<br>%-d %b %Y"},
        {"dtickrange": [day, 4 * week], "value": "%-d %b<br>%Y"},
        {"dtickrange": [4 * week, None], "value": "%b<br>%Y"},
    ]


def _axis(panel: Panel, place: _Place, theme: Theme) -> Figure:
    axis = panel.axis
    ends = [math.log10(axis.bottom), math.log10(axis.top)] if axis.log else [axis.bottom, axis.top]
    return {
        "domain": [place.low, place.high],
        "anchor": "x",
        "type": "log" if axis.log else "linear",
        "range": ends,
        "tickvals": [tick for tick in axis.ticks if axis.bottom <= tick <= axis.top],
        "ticktext": [f"{tick:g}" for tick in axis.ticks if axis.bottom <= tick <= axis.top],
        "gridcolor": theme.grid,
        "tickfont": {"color": theme.muted},
        "zeroline": False,
        "fixedrange": True,
    }


def _title(panel: Panel, place: _Place, theme: Theme) -> Figure:
    scale = "<br>log scale" if panel.axis.log else ""
    return {
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "xshift": -LEFT + 4,
        "y": place.high,
        "yanchor": "top",
        "xanchor": "left",
        "align": "left",
        "showarrow": False,
        "text": f"<b>{panel.axis.title}</b><br>{panel.axis.unit}<span style='color:{theme.muted}'>{scale}</span>",
        "font": {"size": 12, "color": theme.ink},
    }


def _panel_traces(panel: Panel, axis: str, theme: Theme) -> list[Figure]:
    lines = [_line(panel.line, axis, panel.axis.title, {"color": theme.ink, "width": 1.4})]
    if panel.loose:
        style = {"color": theme.muted, "width": 1, "dash": "dot"}
        lines.append(_line(panel.loose, axis, f"{panel.axis.title}, order only", style))
    return [*lines, *_rings(panel, axis, theme), _marks(panel, axis, theme)]


def _line(points: Sequence[tuple[str, float] | None], axis: str, name: str, style: Figure) -> Figure:
    placed = [point or (None, None) for point in points]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [x for x, _ in placed],
        "y": [y for _, y in placed],
        "yaxis": axis,
        "line": style,
        "connectgaps": False,
        "hoverinfo": "skip",
    }


def _marks(panel: Panel, axis: str, theme: Theme) -> Figure:
    marks = panel.marks
    reach = [0 if mark.reach is None else mark.reach - mark.y for mark in marks]
    found: Figure = {
        "type": "scatter",
        "mode": "markers",
        "name": f"{panel.axis.title} results",
        "x": [mark.at for mark in marks],
        "y": [mark.y for mark in marks],
        "yaxis": axis,
        "text": [mark.hover for mark in marks],
        "hovertemplate": "%{text}<extra></extra>",
        "cliponaxis": False,
        "marker": {
            "symbol": ["circle-open" if mark.set_aside else _SYMBOLS[mark.shape] for mark in marks],
            "size": [MARK + 3 * (mark.shape != "value") + 3 * mark.is_new for mark in marks],
            "color": [theme.muted if mark.set_aside else theme.of(mark.severity) for mark in marks],
            "line": {"width": [2 if mark.shape != "value" or mark.set_aside else 0 for mark in marks]},
        },
    }
    if any(reach):
        found["error_y"] = {"type": "data", "array": reach, "arrayminus": [0] * len(reach), "symmetric": False}
        found["error_y"] |= {"color": theme.muted, "thickness": 1.5, "width": 4}
    return found


def _rings(panel: Panel, axis: str, theme: Theme) -> Iterator[Figure]:
    """A ring around what is neutral when good: supported by a product, or preliminary."""
    kinds = (("supported", "circle-open", theme.product), ("preliminary", "square-open", theme.muted))
    for kind, symbol, color in kinds:
        marks = [mark for mark in panel.marks if getattr(mark, kind) and not mark.set_aside]
        if marks:
            yield {
                "type": "scatter",
                "mode": "markers",
                "name": f"{panel.axis.title} {kind}",
                "x": [mark.at for mark in marks],
                "y": [mark.y for mark in marks],
                "yaxis": axis,
                "hoverinfo": "skip",
                "cliponaxis": False,
                "marker": {"symbol": symbol, "size": MARK + 7, "color": color, "line": {"width": 1.5}},
            }


def _limits(panel: Panel, axis: str, theme: Theme) -> Iterator[Figure]:
    across = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": axis, "layer": "below"}
    for line in panel.action_lines:
        style = {"color": theme.muted, "width": 1, "dash": "dot" if line.own else "dash"}
        yield {**across, "y0": line.limit, "y1": line.limit, "line": style}
    if panel.band:
        low, high, _ = panel.band
        area = {"type": "rect", "fillcolor": theme.wash_note, "line": {"width": 0}}
        yield {**across, **area, "y0": low, "y1": high}


def _limit_words(panel: Panel, axis: str, theme: Theme) -> Iterator[Figure]:
    labels = [(line.limit, line.label) for line in panel.action_lines]
    if panel.band:
        low, high, words = panel.band
        labels.append(((low + high) / 2, words))
    for limit, label in labels:
        yield {
            "xref": "paper",
            "x": 1,
            "xanchor": "left",
            "xshift": 6,
            "yref": axis,
            "y": math.log10(limit) if panel.axis.log else limit,
            "yanchor": "middle",
            "showarrow": False,
            "text": label,
            "font": {"size": 11, "color": theme.ink},
        }


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
