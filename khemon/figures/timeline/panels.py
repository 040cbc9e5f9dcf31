"""A panel: the samples of one analyte as marks, a line, limits, and what is usual at the child's age."""

from __future__ import annotations

import bisect
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from khemon.figures.lines import ActionLine
from khemon.figures.samples import Sample
from khemon.figures.style import AXES, LINEAR_AXES, Axis
from khemon.figures.timeline.contents import Mark, Panel, Usual, escaped, local_text
from khemon.figures.timeline.telling import panel_words
from khemon.figures.words import date_words, number_words, span_words
from khemon.references import usual_ranges

Line = tuple[tuple[str, float] | None, ...]
#: How far a logarithmic axis is opened below a value that lies under it.
_LOG_STEP = 10
_ASIDE = "set aside: "


@dataclass(frozen=True, slots=True)
class Frame:
    """What every panel of a picture shares. born, sex: of the child, None where not recorded.

    read: by analyte what rules read, by time; current: for how long a value is the current one.
    """

    zone: ZoneInfo
    window: tuple[dt.datetime, dt.datetime]
    gap: dt.timedelta
    current: dt.timedelta
    read: Mapping[str, Sequence[Sample]]
    linear: bool = False
    born: dt.date | None = None
    sex: str | None = None


def panel_of(
    analyte: str,
    samples: Sequence[Sample],
    lines: tuple[ActionLine, ...],
    band: tuple[float, float, str] | None,
    frame: Frame,
) -> Panel:
    """The panel of an analyte from its samples up to the end of the window, by time."""
    axis = LINEAR_AXES.get(analyte, AXES[analyte]) if frame.linear else AXES[analyte]
    # One sample before the window keeps the line coming in from the left edge.
    inside = [sample for sample in samples if sample.at >= frame.window[0]]
    shown = [sample for sample in samples if sample.at < frame.window[0] and sample.leads][-1:] + inside
    axis = _opened(axis, [float(sample.value) for sample in shown])
    same = Counter((sample.at, sample.words, sample.counted) for sample in shown)
    marks = tuple(_mark(sample, axis, frame, same[sample.at, sample.words, sample.counted]) for sample in shown)
    usual = tuple(_usual(analyte, frame))
    told = panel_words(axis, inside, lines, band, usual, frame.zone)
    firm, loose = _lines(shown, axis, frame.gap, frame.zone)
    return Panel(analyte, axis, marks, firm, loose, lines, band, usual, told)


def _opened(axis: Axis, values: Sequence[float]) -> Axis:
    """The axis, opened where a value lies outside: no value is ever cut off."""
    top = max([axis.top, *(value * 1.15 for value in values if value > axis.top)])
    bottom = axis.bottom
    low = [value for value in values if 0 < value < axis.bottom]
    if low:
        bottom = bottom / _LOG_STEP if axis.log else min(low) * 0.85
        while axis.log and bottom > min(low):
            bottom /= _LOG_STEP
    # An axis that is not logarithmic finds its own numbers once it is opened.
    ticks = axis.ticks if axis.log or top == axis.top else ()
    return replace(axis, bottom=bottom, top=top, ticks=ticks)


def _height(value: float, axis: Axis) -> float:
    """Where a value stands on the axis; zero stands on the floor of a logarithmic one."""
    return max(value, axis.bottom) if axis.log else value


def _mark(sample: Sample, axis: Axis, frame: Frame, same: int) -> Mark:
    shape = {"<": "below", "<=": "below", ">": "above", ">=": "above"}.get(sample.comparator, "value")
    value = float(sample.value)
    reach = sample.high if shape == "value" and sample.high > value * 1.01 else None
    said = [*sample.remarks, "new since your last visit"] if sample.is_new else list(sample.remarks)
    said += [f"{same} results of this time say the same"] if same > 1 else []
    remarks = "".join(f"<br>{remark}" for remark in [*said, *_at_this_time(sample, frame)])
    received = f"<br>as received: {escaped(sample.text)} {escaped(sample.unit)}"
    hover = (
        f"<b>{axis.title} {escaped(sample.words)}</b> {axis.unit}<br>"
        f"{date_words(sample.at, frame.zone)}{received}{remarks}"
    )
    at, y = local_text(sample.at, frame.zone), _height(value, axis)
    aside = not sample.counted
    told = [_why_aside(sample)] if aside else []
    told += [sample.words] if y != value else []
    told += [f"{same}×"] if same > 1 else []
    flags = (aside, sample.supported, sample.preliminary, sample.is_new, sample.severity)
    return Mark(at, y, shape, *flags, hover, reach, " ".join(told))


def _at_this_time(sample: Sample, frame: Frame) -> Iterator[str]:
    """What the other panels show at this time: the latest value of each analyte that is not too old, with its age."""
    told = []
    for analyte, others in frame.read.items():
        place = bisect.bisect_right(others, sample.at, key=lambda other: other.at)
        found = others[place - 1] if place and analyte != sample.analyte else None
        if found is not None and sample.at - found.at <= frame.current:
            age = f" ({span_words(sample.at - found.at)} before)" if found.at != sample.at else ""
            told.append(f"{AXES[analyte].title} {escaped(found.words)}{age}")
    if told:
        yield f"at this time: {' · '.join(told)}"


def _why_aside(sample: Sample) -> str:
    """The reason in the word that fits beside a mark; all of it is in the hover text."""
    told = (remark.removeprefix(_ASIDE) for remark in sample.remarks if remark.startswith(_ASIDE))
    return next(told, "not judged")


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


def _usual(analyte: str, frame: Frame) -> Iterator[Usual]:
    """The steps of what is usual at the child's age inside the window; none for a child without a birth date."""
    if frame.born is None:
        return
    start, end = (edge.astimezone(frame.zone).replace(tzinfo=None) for edge in frame.window)
    born = dt.datetime.combine(frame.born, dt.time.min)
    for step in usual_ranges(analyte, frame.sex):
        first = max(start, born + dt.timedelta(days=step.from_days))
        last = end if step.until_days is None else min(end, born + dt.timedelta(days=step.until_days))
        if first < last:
            low, high = (None if each is None else float(each) for each in (step.low, step.high))
            numbers = " to ".join(number_words(each) for each in (step.low, step.high) if each is not None)
            edges = (first.isoformat(timespec="seconds"), last.isoformat(timespec="seconds"))
            yield Usual(*edges, low, high, f"{numbers} ({step.source})")
