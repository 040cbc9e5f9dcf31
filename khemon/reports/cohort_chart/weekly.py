"""Median platelets by week with quartiles, on paper."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from khemon.figures.cohort import WeeklyData
from khemon.figures.cohort.drawing import look_of
from khemon.figures.cohort.weekly import APART, DENSE_UNTIL, ENDS, WeekLine, place_of, printed_words, turn_words
from khemon.figures.style import AXES, Theme
from khemon.reports.chart.ground import SMALL_PT
from khemon.reports.cohort_chart.plot import axes_in, dash_of, names_at_ends, nothing, room_below, rows_below, symbol_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Printed medians stand so far right of the week.
BESIDE = 0.42
BOUNDS = {"<": "v", ">": "^"}


def draw_weekly(figure: Figure, data: WeeklyData, theme: Theme) -> None:
    """A line of medians per group, quartiles as bars, printed medians as open stars."""
    points = [point for line in data.lines for point in line.points if point.n]
    if not points:
        nothing(figure, "No settled platelet count of these children yet.", theme)
        return
    axes = axes_in(figure, room_below(len(data.lines) + 1), theme)
    weeks = sorted({point.week for line in data.lines for point in line.points})
    end = place_of(max(point.week for point in points)) + 0.6
    axes.set_xlim(place_of(weeks[0]) - 0.5, end)
    axes.set_yscale("log")
    axes.set_ylim(*(10**power for power in ENDS))
    panel = AXES["platelets"]
    shown = [tick for tick in panel.ticks if 10 ** ENDS[0] <= tick <= 10 ** ENDS[1]]
    axes.set_yticks(shown, [f"{tick:g}" for tick in shown])
    axes.set_yticks([], minor=True)
    axes.set_xticks([place_of(week) for week in weeks], [str(week) for week in weeks])
    axes.grid(axis="y", color=theme.grid, linewidth=0.4)
    axes.set_ylabel(f"Platelets, {panel.unit} (log scale)", color=theme.ink)
    axes.set_xlabel("Weeks since day 0", color=theme.ink, labelpad=1)
    for number, line in enumerate(data.lines):
        _line(axes, line, number, APART * (number - (len(data.lines) - 1) / 2), theme)
    _names(axes, data, theme)
    _printed(axes, data, theme)
    if end > DENSE_UNTIL + 1:
        axes.axvline(DENSE_UNTIL, color=theme.muted, linewidth=0.5, linestyle=":", zorder=0)
        words: dict[str, Any] = {"fontsize": SMALL_PT, "color": theme.muted, "va": "bottom"}
        axes.text(DENSE_UNTIL, 1, turn_words(), transform=axes.get_xaxis_transform(), **words)
    rows = [(line.group, [(place_of(p.week), str(p.n)) for p in line.points]) for line in data.lines]
    rows_below(axes, "children counted", rows, theme)


def _line(axes: Axes, line: WeekLine, place: int, aside: float, theme: Theme) -> None:
    told = [point for point in line.points if point.median is not None]
    color = look_of(place, theme).color
    at = [place_of(point.week) + aside for point in told]
    axes.plot(at, [p.median or 0.0 for p in told], color=color, linewidth=0.9, linestyle=dash_of(place, theme))
    for x, point in zip(at, told, strict=True):
        median = point.median or 0.0
        spread = [[median - (point.first or 0.0)], [(point.third or 0.0) - median]]
        hollow = point.beyond in BOUNDS
        drawn = axes.errorbar(
            [x], [median], yerr=spread, fmt=BOUNDS.get(point.beyond, symbol_of(place, theme)), color=color,
            markersize=3.6, elinewidth=0.7, capsize=1.6, capthick=0.7,
            markerfacecolor="white" if hollow else color, zorder=3,
        )  # fmt: skip
        drawn.lines[0].set_gid(f"median-{place}-{point.week}")


def _names(axes: Axes, data: WeeklyData, theme: Theme) -> None:
    """Of lines that end at one week none over another."""
    last: dict[int, list[tuple[int, float, float, str]]] = {}
    for number, line in enumerate(data.lines):
        told = [point for point in line.points if point.median]
        if told:
            height = (math.log10(told[-1].median or 1) - ENDS[0]) / (ENDS[1] - ENDS[0])
            last.setdefault(told[-1].week, []).append((number, place_of(told[-1].week) + 0.3, height, line.group))
    for ends in last.values():
        names_at_ends(axes, ends, theme)


def _printed(axes: Axes, data: WeeklyData, theme: Theme) -> None:
    """What the trial printed, in the color of the group of the same name."""
    places = {line.group: number for number, line in enumerate(data.lines)}
    for printed in data.printed:
        color = look_of(places[printed.arm], theme).color if printed.arm in places else theme.muted
        axes.plot(
            [place_of(printed.week) + BESIDE], [float(printed.value)], linestyle="none", marker="*", markersize=6,
            markerfacecolor="none", markeredgecolor=color, markeredgewidth=0.7, zorder=4,
        )  # fmt: skip
    if data.printed:
        words: dict[str, Any] = {"fontsize": SMALL_PT, "color": theme.muted, "ha": "right", "va": "bottom"}
        axes.text(1, 0.02, printed_words(data), transform=axes.transAxes, **words)
