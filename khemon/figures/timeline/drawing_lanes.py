"""The lanes of a timeline as traces and an axis of the chart library."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from khemon.figures.style import DOTS, EPISODE_LANES, LASTING_DRUGS, SIGNS, Theme
from khemon.figures.timeline.contents import Bar, Dot, TimelineData, escaped
from khemon.figures.timeline.room import placed, share

Figure = dict[str, Any]


def rows_of(data: TimelineData) -> list[tuple[str, int]]:
    """Every row of the lanes, from the top: (lane, row of that lane)."""
    rows = []
    for lane in data.lanes:
        deepest = max((bar.row for bar in data.bars if bar.lane == lane), default=0)
        rows += [(lane, row) for row in range(deepest + 1)]
    return rows


def lane_axis(rows: Sequence[tuple[str, int]], domain: tuple[float, float], theme: Theme) -> Figure:
    count = len(rows)
    return {
        "domain": list(domain),
        "anchor": "x",
        "range": [count - 0.5, -0.5],
        "tickvals": [number for number, (_, row) in enumerate(rows) if row == 0],
        "ticktext": [lane for lane, row in rows if row == 0],
        "tickfont": {"color": theme.ink, "size": 12},
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    }


def lane_traces(data: TimelineData, rows: Sequence[tuple[str, int]], axis: str, theme: Theme) -> Iterator[Figure]:
    height = {place: number for number, place in enumerate(rows)}
    if data.bars:
        yield _bars(data.bars, height, axis, theme)
    if data.dots:
        yield _dots(data.dots, height, axis, theme)


#: Height of a full bar in its row.
_BAR = 0.72


def _bars(bars: Sequence[Bar], height: dict[tuple[str, int], int], axis: str, theme: Theme) -> Figure:
    colors = [_bar_color(bar, theme) for bar in bars]
    return {
        "type": "bar",
        "orientation": "h",
        "name": "lasting",
        "base": [bar.start for bar in bars],
        "x": [_length_ms(bar) for bar in bars],
        "y": [height[bar.lane, bar.row] for bar in bars],
        "yaxis": axis,
        # A dose stands on the floor of its row, which is drawn from the top down.
        "width": [_BAR * bar.share for bar in bars],
        "offset": [_BAR * (0.5 - bar.share) for bar in bars],
        "hovertext": [bar.hover for bar in bars],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {
            "color": [fill for fill, _ in colors],
            "line": {"width": 1, "color": [edge for _, edge in colors]},
            "pattern": {
                "shape": ["/" if bar.is_hold else "" for bar in bars],
                "fgcolor": theme.muted,
                "fillmode": "overlay",
                "size": 6,
                "solidity": 0.15,
            },
        },
    }


def _bar_color(bar: Bar, theme: Theme) -> tuple[str, str]:
    """Fill and edge of a bar. Doses have no edge: it would run through the words of a low one."""
    if bar.severity is not None:
        return theme.wash(bar.severity), theme.of(bar.severity)
    if bar.is_hold:
        return theme.page, theme.grid
    if bar.kind in LASTING_DRUGS:
        return theme.wash_drug, theme.wash_drug
    return theme.wash_note, theme.happening


def lane_words(data: TimelineData, rows: Sequence[tuple[str, int]], axis: str, theme: Theme) -> Iterator[Figure]:
    """The words on bars and beside dots, where there is room for them; all of them are in the hover text."""
    height = {place: number for number, place in enumerate(rows)}
    for row in rows:
        bars = [bar for bar in data.bars if (bar.lane, bar.row) == row]
        spans = [(share(data, bar.start), share(data, bar.end), _bar_words(bar)) for bar in bars]
        for bar, anchor in zip(bars, placed(spans), strict=True):
            if anchor:
                at = bar.end if anchor == "after" else bar.start
                yield _words(_bar_words(bar), at, anchor, height[row], axis, theme)
    for lane in data.lanes:
        dots = [dot for dot in data.dots if dot.lane == lane]
        spans = [(share(data, dot.at), share(data, dot.at), dot.label) for dot in dots]
        for dot, anchor in zip(dots, placed(spans), strict=True):
            if anchor:
                yield _words(dot.label, dot.at, anchor, height[lane, 0], axis, theme, away=8)


def _words(text: str, at: str, anchor: str, y: int, axis: str, theme: Theme, away: int = 4) -> Figure:
    side = "right" if anchor == "before" else "left"
    place = {"x": at, "xanchor": side, "xshift": away if side == "left" else -away, "y": y, "yref": axis}
    font = {"size": 11, "color": theme.ink}
    return {**place, "yanchor": "middle", "showarrow": False, "text": escaped(text), "font": font}


def _bar_words(bar: Bar) -> str:
    """What stands on a bar: a sign for an episode, an arrow when it goes on."""
    sign = f"{SIGNS[bar.severity]} " if bar.severity in SIGNS and bar.lane in EPISODE_LANES.values() else ""
    return f"{sign}{bar.label}{' →' if bar.goes_on else ''}"


def _length_ms(bar: Bar) -> float:
    return (dt.datetime.fromisoformat(bar.end) - dt.datetime.fromisoformat(bar.start)) / dt.timedelta(milliseconds=1)


def _dots(dots: Sequence[Dot], height: dict[tuple[str, int], int], axis: str, theme: Theme) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "moments",
        "x": [dot.at for dot in dots],
        "y": [height[dot.lane, 0] for dot in dots],
        "yaxis": axis,
        "text": [dot.hover for dot in dots],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "symbol": [DOTS.get(dot.kind, "line-ns-open") for dot in dots],
            "size": 10,
            "color": [theme.product if dot.kind in DOTS else theme.happening for dot in dots],
            "line": {"width": 1.5, "color": theme.page},
        },
    }
