"""The whole drawing: panels over lanes over the axis of time, as SVG."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from khemon.figures.style import Theme
from khemon.figures.timeline import TimelineData
from khemon.figures.timeline.drawing_lanes import rows_of
from khemon.figures.words import MONTHS
from khemon.reports.chart.canvas import svg_of
from khemon.reports.chart.ground import SMALL_PT, WIDTH_MM
from khemon.reports.chart.lanes import Lanes
from khemon.reports.chart.panels import Panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: For a page with room, and for one without.
HEIGHTS_MM = (118.0, 86.0)
TOP_MM, BOTTOM_MM, GAP_MM, ROW_MM = 3.5, 7.0, 1.6, 3.1
MOST_TICKS = 9
TICK_DAYS = (1, 2, 3, 7, 14, 28, 56, 91, 182, 364, 728, 1456)


def timeline_svg(
    data: TimelineData, theme: Theme, fonts: Sequence[Path] = (), height_mm: float = HEIGHTS_MM[-1]
) -> str:
    """The timeline as SVG text of a fixed size. fonts: files for letters that the usual font does not have."""
    return svg_of(lambda figure: _Drawing(figure, data, theme).draw(), (WIDTH_MM, height_mm), fonts)


class _Drawing(Panels, Lanes):
    """One timeline."""

    def draw(self) -> None:
        """Panels, lanes and the axis of time."""
        rows = rows_of(self.data)
        inside = self.height_mm - TOP_MM - BOTTOM_MM
        lanes_mm = min(len(rows) * ROW_MM, inside / 2)
        gaps = GAP_MM * (len(self.data.panels) - (0 if rows else 1))
        share = (inside - lanes_mm - gaps) / max(sum(panel.axis.height for panel in self.data.panels), 1)
        top = self.height_mm - TOP_MM
        for panel in self.data.panels:
            height = panel.axis.height * share
            self.panel(panel, self.room(top, height), height)
            top -= height + GAP_MM
        if rows:
            self.lanes(self.room(top, lanes_mm))
        if not self.figure.axes:
            self.figure.text(0.5, 0.5, "No results or events in this stretch of time.", ha="center", va="center")
            return
        self.time_axis(self.figure.axes[-1])
        self.figure.axes[0].annotate(
            "now", (self.x(self.data.now), 1), xycoords=("data", "axes fraction"), xytext=(0, 1.5),
            textcoords="offset points", ha="right", fontsize=SMALL_PT, color=self.theme.accent,
        )  # fmt: skip

    def time_axis(self, axes: Axes) -> None:
        """Day before month, month as a word; the year where it is not clear; study weeks where the axis counts them."""
        ticks = list(_ticks(self.start, self.days))
        words = []
        for number, (_, day) in enumerate(ticks):
            year = f"\n{day.year}" if number == 0 or ticks[number - 1][1].year != day.year else ""
            words.append(f"{day.day} {MONTHS[day.month - 1]}{year}")
        marked = list(zip([at for at, _ in ticks], words, strict=True))
        if self.data.ticks:
            marked = [(self.x(at), f"{week}\n{day}") for at, week, day in self.data.ticks if self.x(at) <= self.days]
        axes.set_xticks([at for at, _ in marked], [told for _, told in marked])
        axes.tick_params(axis="x", length=1.5, labelbottom=True)


def _ticks(start: dt.datetime, days: float) -> Iterator[tuple[float, dt.date]]:
    """Midnights in the window, not more than fit: days after the start, and the day."""
    step = next((each for each in TICK_DAYS if days / each <= MOST_TICKS), TICK_DAYS[-1])
    day = start.date() + dt.timedelta(days=1)
    while (at := (dt.datetime.combine(day, dt.time.min) - start) / dt.timedelta(days=1)) <= days:
        yield at, day
        day += dt.timedelta(days=step)
