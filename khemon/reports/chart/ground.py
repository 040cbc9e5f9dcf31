"""Where things stand on the drawing: millimeters, days, and the ground that every panel has."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from khemon.figures.style import Theme
from khemon.figures.timeline import TimelineData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MM_PER_INCH = 25.4
WIDTH_MM = 186.0
LEFT_MM, RIGHT_MM = 25.0, 35.0
WORDS_PT, SMALL_PT = 6.5, 6.0
#: About the width of a letter, to see whether a word has room.
LETTER_MM = 1.25


class Ground:
    """One timeline on one figure; x is in days after the start of the window."""

    def __init__(self, figure: Figure, data: TimelineData, theme: Theme) -> None:
        self.figure, self.data, self.theme = figure, data, theme
        self.height_mm = figure.get_figheight() * MM_PER_INCH
        self.start = dt.datetime.fromisoformat(data.start)
        self.days = self.x(data.end)

    def x(self, at: str) -> float:
        """Where a time stands."""
        return (dt.datetime.fromisoformat(at) - self.start) / dt.timedelta(days=1)

    def mm(self, days: float) -> float:
        """A stretch of time on paper."""
        return days / self.days * (WIDTH_MM - LEFT_MM - RIGHT_MM)

    def room(self, top_mm: float, height_mm: float) -> Axes:
        """Axes of the full width, with what runs behind every panel."""
        inner = (WIDTH_MM - LEFT_MM - RIGHT_MM) / WIDTH_MM
        axes = self.figure.add_axes(
            (LEFT_MM / WIDTH_MM, (top_mm - height_mm) / self.height_mm, inner, height_mm / self.height_mm)
        )
        axes.set_xlim(0, self.days)
        axes.patch.set_alpha(0)
        axes.tick_params(length=1.5, width=0.4, pad=1.5, labelsize=SMALL_PT, colors=self.theme.muted)
        axes.tick_params(axis="x", length=0, labelbottom=False)
        for side, spine in axes.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(self.theme.muted)
        for band in self.data.bands:
            color = self.theme.wash(band.severity)
            axes.axvspan(self.x(band.start), self.x(band.end), color=color, zorder=0, linewidth=0)
        axes.axvline(self.x(self.data.now), color=self.theme.accent, linewidth=0.6, zorder=1)
        return axes


def width_mm(text: str) -> float:
    """About how wide a word is."""
    return len(text) * LETTER_MM


def shortened(text: str, room_mm: float) -> str:
    """A word cut to the room there is."""
    most = max(int(room_mm / LETTER_MM), 1)
    return text if len(text) <= most else f"{text[: max(most - 1, 1)]}…"
