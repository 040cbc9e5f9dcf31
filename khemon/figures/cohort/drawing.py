"""What the figures of a cohort have in common: looks of groups, the rows of numbers below, the words on whom."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from khemon.figures.style import Theme
from khemon.figures.timeline.contents import escaped
from khemon.figures.timeline.drawing import FONT

Figure = dict[str, Any]

LEFT, RIGHT, TOP = 104, 124, 30
TICKS, ROW, LINE = 44, 17, 15
#: So many letters of a caption fit beside each other on the narrowest screen.
_CAPTION_WIDTH = 112
#: And so many left of the axis.
_NAME_WIDTH = 17
#: The chart library takes no figure without a trace.
_UNSEEN: Figure = {"type": "scatter", "x": [], "y": [], "hoverinfo": "skip"}
_SYMBOLS = ("circle", "square", "diamond", "cross", "hexagon", "pentagon")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True, slots=True)
class Look:
    """How a group is drawn; groups differ without color too."""

    color: str
    symbol: str
    dash: str


def look_of(place: int, theme: Theme) -> Look:
    """The look of the group at that place; after six they begin again."""
    colors = (theme.accent, theme.product, theme.fine, theme.happening, theme.drug, theme.muted)
    at = place % len(colors)
    return Look(colors[at], _SYMBOLS[at], _DASHES[at])


def faint(color: str, share: float) -> str:
    """A color of which only a share covers what is behind."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"


@dataclass(frozen=True, slots=True)
class Below:
    """A row of numbers under the axis: its name, and a text at each place."""

    name: str
    cells: tuple[tuple[float, str], ...]


def whole(
    traces: list[Figure],
    layout: Figure,
    notes: list[Figure],
    caption: str,
    theme: Theme,
    inner: int,
    below: Sequence[Below] = (),
) -> Figure:
    """The figure with its rows of numbers and its caption; `inner` is the height of the drawing itself."""
    lines = textwrap.wrap(caption, _CAPTION_WIDTH)
    bottom = TICKS + ROW * len(below) + LINE * len(lines) + LINE
    notes = [*notes, *_rows(below, theme)]
    notes += [
        _note(escaped(line), TICKS + ROW * len(below) + LINE * (number + 1), theme) for number, line in enumerate(lines)
    ]
    base = {
        "height": inner + TOP + bottom,
        "margin": {"l": LEFT, "r": RIGHT, "t": TOP, "b": bottom},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": theme.ink},
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": theme.surface,
            "bordercolor": theme.muted,
            "font": {"family": FONT, "color": theme.ink, "size": 13},
            "align": "left",
        },
    }
    return {"data": traces or [_UNSEEN], "layout": {**base, **layout, "annotations": notes}}


def axis(title: str, theme: Theme, **more: object) -> Figure:
    """An axis in the manner of all figures."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": theme.ink}, "standoff": 8},
        "gridcolor": theme.grid,
        "tickfont": {"color": theme.muted},
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": theme.grid,
        "fixedrange": True,
        **more,
    }


def label(text: str, x: float, y: float, color: str, shift: float = 0) -> Figure:
    """Words at the right end of a line."""
    place = {"xref": "x", "yref": "y", "x": x, "y": y, "xanchor": "left", "xshift": 8, "yshift": shift}
    return {**place, "showarrow": False, "align": "left", "text": text, "font": {"size": 12, "color": color}}


def apart(heights: Sequence[float], least: float, most: float) -> list[float]:
    """How far each label moves, in pixels upward, so that no two stand nearer than `least` and none above `most`."""
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    at = list(heights)
    for below, place in itertools.pairwise(order):
        at[place] = max(at[place], at[below] + least)
    ceiling = most
    for place in reversed(order):
        at[place] = min(at[place], ceiling)
        ceiling = at[place] - least
    return [moved - height for moved, height in zip(at, heights, strict=True)]


def nothing(words: str, theme: Theme) -> Figure:
    """The words in the middle of a figure without anything in it."""
    place = {"xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5, "showarrow": False}
    return {**place, "text": words, "font": {"color": theme.muted, "size": 14}}


def _rows(below: Sequence[Below], theme: Theme) -> list[Figure]:
    found = []
    for number, row in enumerate(below):
        down = -(TICKS + ROW * number)
        place = {"yref": "paper", "y": 0, "yanchor": "top", "yshift": down, "showarrow": False}
        font = {"size": 11, "color": theme.ink}
        name = {"xref": "paper", "x": 0, "xanchor": "right", "xshift": -12, "text": escaped(_cut(row.name))}
        found.append({**place, **name, "font": {"size": 11, "color": theme.muted}})
        cells = ({"xref": "x", "x": x, "xanchor": "center", "text": text} for x, text in row.cells)
        found += [{**place, **cell, "font": font} for cell in cells]
    return found


def _cut(name: str) -> str:
    """A name as far as there is room for it."""
    return name if len(name) <= _NAME_WIDTH else f"{name[: _NAME_WIDTH - 1]}…"


def _note(text: str, down: int, theme: Theme) -> Figure:
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": 0, "xanchor": "left", "yanchor": "top", "yshift": -down}
    font = {"size": 11, "color": theme.muted}
    return {**place, "xshift": -LEFT + 6, "showarrow": False, "align": "left", "text": text, "font": font}
