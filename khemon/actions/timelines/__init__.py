"""Timelines: what happens to one child day by day, and the alerts a ward has to see for it. As data, and run."""

from khemon.actions.timelines.form import Timeline, load_timeline, our_timelines
from khemon.actions.timelines.rows import Expected, Happening, Told
from khemon.actions.timelines.running import SeenDay, TimelineWard, differences, seen_days
from khemon.actions.timelines.watched import WatchedTimeline

__all__ = [
    "Expected",
    "Happening",
    "SeenDay",
    "Timeline",
    "TimelineWard",
    "Told",
    "WatchedTimeline",
    "differences",
    "load_timeline",
    "our_timelines",
    "seen_days",
]
