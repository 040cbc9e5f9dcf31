"""A panel on paper: axis, limits, line and marks of an analyte."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from khemon.figures.timeline import Mark, Panel
from khemon.figures.timeline.room import words_beside
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
        # The number of the upper edge would stand on that of the panel above.
        ticks = [tick for tick in axis.ticks if axis.bottom <= tick < axis.top]
        if ticks:
            axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_yticks([], minor=True)
        axes.grid(axis="y", color=self.theme.grid, linewidth=0.4, zorder=0)
        self.title(axes, axis.title, f"{axis.unit}{', log' if axis.log else ''}")
        self.areas(panel, axes)
        for line in panel.action_lines:
            dashes = (0, (1, 1.5)) if line.own else (0, (4, 2))
            axes.axhline(line.limit, color=self.theme.muted, linewidth=0.6, linestyle=dashes, zorder=1)
        self.limit_words(panel, axes, height_mm)
        for points, style in ((panel.line, "-"), (panel.loose, ":")):
            self.line(points, axes, style)
        shown = [mark for mark in panel.marks if 0 <= self.x(mark.at) <= self.days]
        self.marks(panel.analyte, shown, axes)
        self.beside(panel, axes)

    def areas(self, panel: Panel, axes: Axes) -> None:
        """What is usual at the child's age, in steps, and the target band."""
        words = "usual at this age"
        for step in panel.usual:
            low = panel.axis.bottom if step.low is None else max(step.low, panel.axis.bottom)
            high = panel.axis.top if step.high is None else min(step.high, panel.axis.top)
            start, end = max(self.x(step.start), 0), min(self.x(step.end), self.days)
            if low < high and start < end:
                axes.fill_between([start, end], low, high, color=self.theme.usual, linewidth=0, zorder=-1)
                axes.annotate(
                    words, (start, high), xytext=(2, -1), textcoords="offset points", va="top",
                    fontsize=SMALL_PT - 1, color=self.theme.muted,
                )  # fmt: skip
                words = ""
        if panel.band:
            axes.axhspan(*panel.band[:2], color=self.theme.wash_note, linewidth=0, zorder=0)

    def beside(self, panel: Panel, axes: Axes) -> None:
        """What stands next to marks: reasons, doubled results, a value that the axis cannot show."""
        for mark, words in zip(panel.marks, words_beside(self.data, panel), strict=True):
            if words and 0 <= self.x(mark.at) <= self.days:
                place, side = ((0, -6), "center") if mark.set_aside else ((-4, 0), "right")
                axes.annotate(
                    words, (self.x(mark.at), mark.y), xytext=place, textcoords="offset points", ha=side,
                    va="top" if mark.set_aside else "center", fontsize=SMALL_PT - 1, color=self.theme.ink, zorder=5,
                )  # fmt: skip

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
                marker=symbol, markersize=3.6 if hollow else 2.6, clip_on=False, zorder=4,
                markerfacecolor="white" if hollow else color, markeredgecolor=color, markeredgewidth=0.8,
            )  # fmt: skip
            drawn.set_gid(f"marks-{analyte}-{number}")
        self.rings(marks, axes)
        crossed = [mark for mark in marks if mark.set_aside]
        axes.plot(
            [self.x(mark.at) for mark in crossed], [mark.y for mark in crossed], linestyle="none", marker="x",
            markersize=3.2, markeredgewidth=0.7, color=self.theme.muted, clip_on=False, zorder=5,
        )  # fmt: skip
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
