"""The timeline of a patient: numbers first (`timeline_data`), then the picture (`timeline_figure`)."""

from khemon.figures.timeline.build import longest_gap, timeline_data
from khemon.figures.timeline.contents import Band, Bar, Dot, Mark, Panel, TimelineData, Usual, local_text
from khemon.figures.timeline.drawing import timeline_figure
from khemon.figures.timeline.weeks import DayZero

__all__ = [
    "Band",
    "Bar",
    "DayZero",
    "Dot",
    "Mark",
    "Panel",
    "TimelineData",
    "Usual",
    "local_text",
    "longest_gap",
    "timeline_data",
    "timeline_figure",
]
