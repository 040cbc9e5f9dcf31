"""The numbers of a timeline, and when and in whose words they are told."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from khemon.figures.lines import ActionLine
from khemon.figures.style import Axis


@dataclass(frozen=True, slots=True)
class Mark:
    """One sample on a panel. shape: value, below (`<`), above (`>`). reach: upper end when the basis leaves a range.

    beside: what stands next to it: why it was set aside, how many results lie on it, a value that the axis cannot show.
    """

    at: str
    y: float
    shape: str
    set_aside: bool
    supported: bool
    preliminary: bool
    is_new: bool
    severity: str | None
    hover: str
    reach: float | None = None
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual at the child's age over a stretch of the axis; an end without a number reaches the panel's edge."""

    start: str
    end: str
    low: float | None
    high: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One analyte. line: points of the connecting line, None where it is broken. band: a target range.

    loose: the pieces of the line at a censored value, which only say in which order the results came.
    words: the panel for those who hear it. usual: what is usual at the child's age, in steps.
    """

    analyte: str
    axis: Axis
    marks: tuple[Mark, ...]
    line: tuple[tuple[str, float] | None, ...]
    loose: tuple[tuple[str, float] | None, ...]
    action_lines: tuple[ActionLine, ...]
    band: tuple[float, float, str] | None = None
    usual: tuple[Usual, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that lasts, in a lane. row: its row when bars of a lane overlap.

    share: its height as a share of the row, the dose as a share of the highest one. is_hold: nothing is given here.
    """

    lane: str
    label: str
    start: str
    end: str
    goes_on: bool
    hover: str
    kind: str
    severity: str | None = None
    row: int = 0
    share: float = 1.0
    is_hold: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """Something that happened at a moment, in a lane."""

    lane: str
    label: str
    at: str
    hover: str
    kind: str


@dataclass(frozen=True, slots=True)
class Band:
    """An episode behind the panels."""

    start: str
    end: str
    label: str
    severity: str


@dataclass(frozen=True, slots=True)
class TimelineData:
    """Everything on the picture; times are ward-local ISO texts without offset. alt: the picture in words.

    ticks: where the axis is marked when it counts in weeks, with what, and the day. note: what to know of the axis.
    words: the picture in sentences, a panel or lane each.
    """

    start: str
    end: str
    now: str
    panels: tuple[Panel, ...]
    lanes: tuple[str, ...]
    bars: tuple[Bar, ...]
    dots: tuple[Dot, ...]
    bands: tuple[Band, ...]
    alt: str
    ticks: tuple[tuple[str, str, str], ...] = ()
    note: str = ""
    words: tuple[str, ...] = ()


def local_text(at: dt.datetime, zone: ZoneInfo) -> str:
    """A time as the chart's axis takes it: the ward's wall clock, no offset."""
    return at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")


def escaped(text: str) -> str:
    """Text from outside as the chart library shows it unchanged: its few tags are taken for tags otherwise."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
