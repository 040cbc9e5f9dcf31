"""The small pictures of the ward list: a time-true strip of one analyte, numbers first, then an SVG image."""

from __future__ import annotations

import datetime as dt
import math
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from khemon.figures.lines import ActionLine
from khemon.figures.samples import Sample
from khemon.figures.style import AXES, Axis, Theme

WIDTH, HEIGHT, PAD = 150, 46, 5


@dataclass(frozen=True, slots=True)
class SparkMark:
    """One sample: x from 0 (start) to 1 (now), y from 0 (floor) to 1 (top of the axis)."""

    x: float
    y: float
    shape: str
    severity: str | None


@dataclass(frozen=True, slots=True)
class SparkData:
    """One strip. lines: heights of the action lines. pieces: runs of marks that are connected."""

    marks: tuple[SparkMark, ...]
    pieces: tuple[tuple[int, ...], ...]
    lines: tuple[float, ...]
    alt: str


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
    return SparkData(marks, tuple(tuple(piece) for piece in pieces), heights, alt)


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
    """The strip as SVG text."""
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">']
    for height in data.lines:
        y = _down(height)
        parts.append(
            f'<path d="M0 {y}H{WIDTH}" stroke="{theme.muted}" stroke-width=".7" stroke-dasharray="2 4" opacity=".7"/>'
        )
    for piece in data.pieces:
        path = "L".join(f"{_across(data.marks[n].x)} {_down(data.marks[n].y)}" for n in piece)
        parts.append(f'<path d="M{path}" fill="none" stroke="{theme.ink}" stroke-width="1.2"/>')
    parts += [_dot(mark, theme, last=mark is data.marks[-1]) for mark in data.marks]
    return "".join([*parts, "</svg>"])


def spark_source(data: SparkData, theme: Theme) -> str:
    """The strip as the source of an image: nothing is fetched."""
    return f"data:image/svg+xml;base64,{b64encode(spark_svg(data, theme).encode()).decode()}"


def _across(x: float) -> str:
    return f"{PAD + x * (WIDTH - 2 * PAD):.1f}"


def _down(y: float) -> str:
    return f"{HEIGHT - PAD - y * (HEIGHT - 2 * PAD):.1f}"


def _dot(mark: SparkMark, theme: Theme, *, last: bool) -> str:
    x, y, color = _across(mark.x), _down(mark.y), theme.of(mark.severity)
    if mark.shape == "value":
        return f'<circle cx="{x}" cy="{y}" r="{3 if last else 1.6}" fill="{color}"/>'
    point = 4 if mark.shape == "below" else -4
    path = f"M{x} {y}m-3.5 {-point / 2}h7l-3.5 {point * 1.5}z"
    return f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.3"/>'
