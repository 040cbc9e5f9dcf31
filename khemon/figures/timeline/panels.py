"""A panel: the samples of one analyte as marks, a line and limits."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from khemon.figures.lines import ActionLine
from khemon.figures.samples import Sample
from khemon.figures.style import AXES, Axis
from khemon.figures.timeline.contents import Mark, Panel, escaped, local_text
from khemon.figures.words import date_words

Line = tuple[tuple[str, float] | None, ...]
#: How far a logarithmic axis is opened below a value that lies under it.
_LOG_STEP = 10


def panel_of(
    analyte: str,
    samples: Sequence[Sample],
    lines: tuple[ActionLine, ...],
    band: tuple[float, float, str] | None,
    gap: dt.timedelta,
    zone: ZoneInfo,
    start: dt.datetime,
) -> Panel:
    axis = AXES[analyte]
    # One sample before the window keeps the line coming in from the left edge.
    before = [sample for sample in samples if sample.at < start and sample.leads][-1:]
    shown = before + [sample for sample in samples if sample.at >= start]
    axis = _opened(axis, [float(sample.value) for sample in shown])
    marks = tuple(_mark(sample, axis, zone) for sample in shown)
    return Panel(analyte, axis, marks, *_lines(shown, axis, gap, zone), lines, band)


def _opened(axis: Axis, values: Sequence[float]) -> Axis:
    """The axis, opened where a value lies outside: no value is ever cut off."""
    top = max([axis.top, *(value * 1.15 for value in values if value > axis.top)])
    bottom = axis.bottom
    low = [value for value in values if 0 < value < axis.bottom]
    if low:
        bottom = bottom / _LOG_STEP if axis.log else min(low) * 0.85
        while axis.log and bottom > min(low):
            bottom /= _LOG_STEP
    return replace(axis, bottom=bottom, top=top)


def _height(value: float, axis: Axis) -> float:
    """Where a value stands on the axis; zero stands on the floor of a logarithmic one."""
    return max(value, axis.bottom) if axis.log else value


def _mark(sample: Sample, axis: Axis, zone: ZoneInfo) -> Mark:
    shape = {"<": "below", "<=": "below", ">": "above", ">=": "above"}.get(sample.comparator, "value")
    value = float(sample.value)
    reach = sample.high if shape == "value" and sample.high > value * 1.01 else None
    remarks = "".join(f"<br>{remark}" for remark in sample.remarks)
    received = f"<br>as received: {escaped(sample.text)} {escaped(sample.unit)}"
    hover = (
        f"<b>{axis.title} {escaped(sample.words)}</b> {axis.unit}<br>{date_words(sample.at, zone)}{received}{remarks}"
    )
    at, y = local_text(sample.at, zone), _height(value, axis)
    aside = not sample.counted
    return Mark(at, y, shape, aside, sample.supported, sample.preliminary, sample.is_new, sample.severity, hover, reach)


def _lines(samples: Sequence[Sample], axis: Axis, gap: dt.timedelta, zone: ZoneInfo) -> tuple[Line, Line]:
    """The line between measured values, and the loose one from and to censored ones; both broken over gaps."""
    firm: list[tuple[str, float] | None] = []
    loose: list[tuple[str, float] | None] = []
    told = [sample for sample in samples if sample.counted and sample.leads]
    for before, after in itertools.pairwise(told):
        if after.at - before.at <= gap:
            line = loose if before.comparator or after.comparator else firm
            start, end = _point(before, axis, zone), _point(after, axis, zone)
            line += [end] if line and line[-1] == start else [None, start, end]
    return tuple(firm[1:]), tuple(loose[1:])


def _point(sample: Sample, axis: Axis, zone: ZoneInfo) -> tuple[str, float]:
    return local_text(sample.at, zone), _height(float(sample.value), axis)
