"""The figures of a cohort on paper: the numbers of the screen, drawn by matplotlib into SVG whose words stay text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from khemon.figures.cohort import CurvesData, SwimmerData, WeeklyData
from khemon.figures.style import Theme
from khemon.reports.chart.canvas import svg_of
from khemon.reports.cohort_chart.curves import draw_curves
from khemon.reports.cohort_chart.plot import WIDTH_MM, room_below
from khemon.reports.cohort_chart.swimmer import bars_mm, draw_swimmer
from khemon.reports.cohort_chart.weekly import draw_weekly

__all__ = ["cohort_svg"]

WEEKLY_MM, CURVES_MM = 82.0, 52.0


def cohort_svg(shown: WeeklyData | CurvesData | SwimmerData, theme: Theme, fonts: Sequence[Path] = ()) -> str:
    """A figure as SVG text. fonts: files for letters that the usual font does not have."""
    if isinstance(shown, WeeklyData):
        size = WIDTH_MM, WEEKLY_MM + room_below(len(shown.lines) + 1)
        return svg_of(lambda figure: draw_weekly(figure, shown, theme), size, fonts)
    if isinstance(shown, CurvesData):
        size = WIDTH_MM, CURVES_MM + room_below(len(shown.curves) + 1)
        return svg_of(lambda figure: draw_curves(figure, shown, theme), size, fonts)
    return svg_of(lambda figure: draw_swimmer(figure, shown, theme), (WIDTH_MM, bars_mm(len(shown.swims))), fonts)
