"""The figures of a cohort: numbers first (`…_data`), then the picture (`…_figure`); each says whom it shows."""

from khemon.figures.cohort.curves import CurvesData, curves_data, curves_figure
from khemon.figures.cohort.swimmer import Swim, SwimMark, SwimmerData, SwimSpan, swimmer_figure
from khemon.figures.cohort.weekly import WeeklyData, weekly_data, weekly_figure

__all__ = [
    "CurvesData",
    "Swim",
    "SwimMark",
    "SwimSpan",
    "SwimmerData",
    "WeeklyData",
    "curves_data",
    "curves_figure",
    "swimmer_figure",
    "weekly_data",
    "weekly_figure",
]
