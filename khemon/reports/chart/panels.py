"""A panel on paper: axis, limits, line and marks of an analyte."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from khemon.figures.timeline import Mark, Panel
from khemon.reports.chart.ground import SMALL_PT, Ground

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Words that would stand on each other are moved so far apart.
LINE_MM = 2.5
#: Marks of the chart: shape or filling tells what color tells on the screen.
MARKS = {"value": "o", "below": "v", "above": "^"}


class Panels(Ground):
    """Draws panels."""

    def panel(self, panel: Panel, axes: Axes, height_mm: float) -> None:
        """An analyte: axis, limits, line and marks."""
        axis = panel.axis
        if axis.log:
            axes.set_yscale("log")
        axes.set_ylim(axis.bottom, axis.top)
        ticks = [tick for tick in axis.ticks if axis.bottom <= tick <= axis.top]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_yticks([], minor=True)
        axes.grid(axis="y", color=self.theme.grid, linewidth=0.4, zorder=0)
        self.title(axes, axis.title, f"{axis.unit}{', log' if axis.log else ''}")
        if panel.band:
            axes.axhspan(*panel.band[:2], color=self.theme.wash_note, linewidth=0, zorder=0)
        for line in panel.action_lines:
            dashes = (0, (1, 1.5)) if line.own else (0, (4, 2))
            axes.axhline(line.limit, color=self.theme.muted, linewidth=0.6, linestyle=dashes, zorder=1)
        self.limit_words(panel, axes, height_mm)
        for points, style in ((panel.line, "-"), (panel.loose, ":")):
            self.line(points, axes, style)
        shown = [mark for mark in panel.marks if 0 <= self.x(mark.at) <= self.days]
        self.marks(panel.analyte, shown, axes)

    def title(self, axes: Axes, name: str, unit: str) -> None:
        place: dict[str, Any] = {
            "xycoords": ("figure fraction", "axes fraction"),
            "va": "top",
            "textcoords": "offset points",
        }
        axes.annotate(name, (0, 1), xytext=(0, 0), fontweight="bold", color=self.theme.ink, **place)
        axes.annotate(unit, (0, 1), xytext=(0, -8), fontsize=SMALL_PT, color=self.theme.muted, **place)

    def limit_words(self, panel: Panel, axes: Axes, height_mm: float) -> None:
        """What each line means, at its right end; lines that stand close get their words moved apart."""
        labels = [(line.limit, line.label) for line in panel.action_lines]
        if panel.band:
            low, high, words = panel.band
            labels.append(((low + high) / 2, words))
        heights = [(axes.transAxes.inverted().transform(axes.transData.transform((0, at)))[1], words)
                   for at, words in sorted(labels)]  # fmt: skip
        for height, (_, words) in zip(_apart([at for at, _ in heights], LINE_MM / height_mm), heights, strict=True):
            axes.annotate(
                words, (1, height), xycoords="axes fraction", xytext=(4, 0), textcoords="offset points",
                va="center", fontsize=SMALL_PT, color=self.theme.ink,
            )  # fmt: skip

    def line(self, points: Sequence[tuple[str, float] | None], axes: Axes, style: str) -> None:
        """The pieces of a line, broken where the data are."""
        color, width = (self.theme.ink, 0.8) if style == "-" else (self.theme.muted, 0.6)
        for is_point, piece in itertools.groupby(points, key=lambda point: point is not None):
            if is_point:
                told = [point for point in piece if point is not None]
                x, y = [self.x(at) for at, _ in told], [value for _, value in told]
                axes.plot(x, y, color=color, linewidth=width, linestyle=style, zorder=2)

    def marks(self, analyte: str, marks: Sequence[Mark], axes: Axes) -> None:
        """Every sample; those that look the same are drawn together."""
        alike: dict[tuple[str, bool, str | None], list[Mark]] = defaultdict(list)
        for mark in marks:
            alike[mark.shape, mark.set_aside, mark.severity].append(mark)
        for number, ((shape, aside, severity), own) in enumerate(alike.items()):
            color = self.theme.muted if aside else self.theme.of(severity)
            hollow = aside or shape != "value"
            symbol = "D" if severity == "critical" and shape == "value" else MARKS[shape]
            [drawn] = axes.plot(
                [self.x(mark.at) for mark in own], [mark.y for mark in own], linestyle="none",
                marker="o" if aside else symbol, markersize=3.6 if hollow else 2.6, clip_on=False, zorder=4,
                markerfacecolor="white" if hollow else color, markeredgecolor=color, markeredgewidth=0.8,
            )  # fmt: skip
            drawn.set_gid(f"marks-{analyte}-{number}")
        self.rings(marks, axes)
        for mark in marks:
            if mark.reach is not None:
                axes.plot([self.x(mark.at)] * 2, [mark.y, mark.reach], color=self.theme.muted, linewidth=0.8, zorder=3)

    def rings(self, marks: Sequence[Mark], axes: Axes) -> None:
        """Around what is not counted when it is good: a ring after a product, a square for a preliminary result."""
        for kind, symbol, color in (("supported", "o", self.theme.product), ("preliminary", "s", self.theme.muted)):
            own = [mark for mark in marks if getattr(mark, kind) and not mark.set_aside]
            axes.plot(
                [self.x(mark.at) for mark in own], [mark.y for mark in own], linestyle="none", marker=symbol,
                markersize=6, markerfacecolor="none", markeredgecolor=color, markeredgewidth=0.7, zorder=3,
                clip_on=False,
            )  # fmt: skip


def _apart(heights: Sequence[float], least: float) -> list[float]:
    """The heights (rising), moved up where one stands closer than `least` above the one below."""
    found: list[float] = []
    for height in heights:
        found.append(max(height, found[-1] + least) if found else height)
    return found
