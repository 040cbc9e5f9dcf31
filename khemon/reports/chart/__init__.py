"""The timeline on paper: the same numbers as on the screen, drawn by matplotlib into SVG whose words stay text."""

from khemon.reports.chart.drawing import HEIGHTS_MM, timeline_svg

__all__ = ["HEIGHTS_MM", "timeline_svg"]
