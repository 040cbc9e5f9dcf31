"""The definitions read slowly: one child, plain lists, exact numbers. The engine is held to it, and shares nothing."""

from .evaluation import evaluate, latest_time
from .records import PROTOCOLS, Child, Episode, Event, Lab
from .values import Interval, interval_of

__all__ = [
    "PROTOCOLS",
    "Child",
    "Episode",
    "Event",
    "Interval",
    "Lab",
    "evaluate",
    "interval_of",
    "latest_time",
]
