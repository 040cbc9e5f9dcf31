"""The small pictures of the ward list: a time-true strip of one analyte, numbers first, then an SVG image."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from khemon.figures.lines import ActionLine
from khemon.figures.samples import Sample
from khemon.figures.style import AXES, Axis, Theme

WIDTH, HEIGHT, PAD = 112, 34, 4
#: How a sample is drawn: a dot, the last one larger, a bound as an open triangle.
_PENS = {
    "value": "stroke-width='3.2' stroke-linecap='round'",
    "last": "stroke-width='6' stroke-linecap='round'",
    "bound": "stroke-width='1.3'",
}
#: What may not stand in an address as it is; a strip is made of numbers and names of ours, and holds nothing else.
_IN_ADDRESS = str.maketrans({"<": "%3C", ">": "%3E", "#": "%23"})


@dataclass(frozen=True, slots=True)
class SparkMark:
    """One sample: x from 0 (start) to 1 (now), y from 0 (floor) to 1 (top of the axis)."""

    x: float
    y: float
    shape: str
    severity: str | None


@dataclass(frozen=True, slots=True)
class SparkData:
    """One strip. lines: heights of the action lines, numbers: theirs. pieces: runs of marks that are connected."""

    marks: tuple[SparkMark, ...]
    pieces: tuple[tuple[int, ...], ...]
    lines: tuple[float, ...]
    alt: str
    numbers: tuple[str, ...] = ()
    #: The lines among them that a transfusion criterion draws.
    criteria: tuple[float, ...] = ()


def spark_data(
    samples: Sequence[Sample],
    lines: Sequence[ActionLine],
    now: dt.datetime,
    length: dt.timedelta,
    gap: dt.timedelta,
    analyte: str = "platelets",
) -> SparkData:
    """The counted samples of an analyte over `length` up to now; the same axis for every patient."""
    axis = AXES[analyte]
    start = now - length
    shown = [s for s in samples if s.analyte == analyte and s.counted and s.leads and start <= s.at <= now]
    shown.sort(key=lambda sample: sample.at)
    marks = tuple(_spark_mark(sample, axis, start, length) for sample in shown)
    pieces: list[list[int]] = []
    for number, sample in enumerate(shown):
        if not pieces or sample.at - shown[number - 1].at > gap:
            pieces.append([])
        pieces[-1].append(number)
    heights = tuple(_share(line.limit, axis) for line in lines)
    values = ", ".join(sample.words for sample in shown)
    alt = f"{axis.title}, last {length.days} days: {values}" if shown else f"{axis.title}: none in {length.days} days"
    numbers = tuple(line.number for line in lines)
    drawn = zip(lines, heights, strict=True)
    criteria = tuple(height for line, height in drawn if any(rule.endswith("_criterion") for rule in line.rules))
    return SparkData(marks, tuple(tuple(piece) for piece in pieces), heights, alt, numbers, criteria)


def _share(value: float, axis: Axis) -> float:
    """Where a value stands between the floor (0) and the top (1) of the axis, held inside it."""
    bottom, top = (math.log10(axis.bottom), math.log10(axis.top)) if axis.log else (axis.bottom, axis.top)
    inside = max(value, axis.bottom)
    height = math.log10(inside) if axis.log else inside
    return min(max((height - bottom) / (top - bottom), 0.0), 1.0)


def _spark_mark(sample: Sample, axis: Axis, start: dt.datetime, length: dt.timedelta) -> SparkMark:
    shape = {"<": "below", "<=": "below", ">": "above", ">=": "above"}.get(sample.comparator, "value")
    return SparkMark((sample.at - start) / length, _share(float(sample.value), axis), shape, sample.severity)


def spark_svg(data: SparkData, theme: Theme) -> str:
    """The strip as SVG text: one path for each kind of mark, because a ward list holds hundreds of strips."""
    parts = [f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{HEIGHT}' fill='none'>"]
    others = [height for height in data.lines if height not in data.criteria]
    for color, heights in ((theme.muted, others), (theme.critical, data.criteria)):
        if heights:
            levels = "".join(f"M0 {_down(height)}H{WIDTH}" for height in heights)
            parts.append(f"<path stroke='{color}' stroke-width='.8' stroke-dasharray='2 3' d='{levels}'/>")
    runs = ("L".join(_place(data.marks[n]) for n in piece) for piece in data.pieces if piece[1:])
    if path := "".join(f"M{run}" for run in runs):
        parts.append(f"<path stroke='{theme.ink}' stroke-width='1.1' d='{path}'/>")
    drawn: dict[tuple[str | None, str], str] = {}
    for mark in data.marks:
        pen = (mark.severity, "value" if mark.shape == "value" else "bound")
        drawn[pen] = drawn.get(pen, "") + _drawn(mark)
    if data.marks and data.marks[-1].shape == "value":
        drawn[data.marks[-1].severity, "last"] = _drawn(data.marks[-1])
    for (severity, kind), path in drawn.items():
        parts.append(f"<path stroke='{theme.of(severity)}' {_PENS[kind]} d='{path}'/>")
    return "".join([*parts, "</svg>"])


def spark_source(data: SparkData, theme: Theme) -> str:
    """The strip as the source of an image: nothing is fetched."""
    return f"data:image/svg+xml,{spark_svg(data, theme).translate(_IN_ADDRESS)}"


def _place(mark: SparkMark) -> str:
    return f"{_across(mark.x)} {_down(mark.y)}"


def _drawn(mark: SparkMark) -> str:
    """A dot as a line of no length, which a round end makes a dot; a triangle that points where the value may lie."""
    if mark.shape == "value":
        return f"M{_place(mark)}h0"
    point = 4 if mark.shape == "below" else -4
    return f"M{_place(mark)}m-3.5 {-point / 2:g}h7l-3.5 {point * 1.5:g}z"


def _across(x: float) -> str:
    return f"{PAD + x * (WIDTH - 2 * PAD):.1f}".removesuffix(".0")


def _down(y: float) -> str:
    return f"{HEIGHT - PAD - y * (HEIGHT - 2 * PAD):.1f}".removesuffix(".0")
