"""The timeline in words, for those who hear it and for those who would rather read: each panel and lane a sentence."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from khemon.figures.lines import ActionLine
from khemon.figures.samples import Sample
from khemon.figures.style import Axis
from khemon.figures.timeline.contents import Bar, Dot, Usual
from khemon.figures.words import date_words, span_words


def panel_words(
    axis: Axis,
    inside: Sequence[Sample],
    lines: Sequence[ActionLine],
    band: tuple[float, float, str] | None,
    usual: Sequence[Usual],
    zone: ZoneInfo,
) -> str:
    """A panel from its samples inside the window: how many, lowest, highest, latest, what is marked, the limits."""
    scale = "log scale" if axis.log else "linear scale"
    count = f"{len(inside) or 'no'} {'results' if len(inside) > 1 else 'result'}"
    parts = [f"{axis.title} in {axis.unit}, {scale}: {count}", *_values(inside, zone), *_marked(inside)]
    if lines:
        parts.append(f"lines at {', '.join(line.label for line in lines)}")
    if band:
        parts.append(band[2])
    if usual:
        parts.append(f"usual at this age {', then '.join(step.words for step in usual)}")
    return f"{'; '.join(parts)}."


def _values(inside: Sequence[Sample], zone: ZoneInfo) -> Iterator[str]:
    counted = [sample for sample in inside if sample.counted]
    if not counted:
        return
    lowest = min(counted, key=lambda sample: (sample.low, sample.high))
    highest = max(counted, key=lambda sample: (sample.high, sample.low))
    read = [sample for sample in counted if sample.leads] or counted
    named = (("lowest", lowest), ("highest", highest), ("latest", read[-1]))
    for name, sample in named[2:] if len(counted) == 1 else named:
        yield f"{name} {sample.words} on {date_words(sample.at, zone)}"


def _marked(inside: Sequence[Sample]) -> Iterator[str]:
    """How many are marked as what."""
    aside = Counter(
        remark for sample in inside if not sample.counted for remark in sample.remarks[:1] or ("set aside",)
    )
    yield from (f"{count} {remark}" for remark, count in sorted(aside.items()))
    kinds = (
        ("after a transfusion", [sample for sample in inside if sample.supported]),
        ("preliminary", [sample for sample in inside if sample.preliminary]),
        ("new since your last visit", [sample for sample in inside if sample.is_new]),
    )
    yield from (f"{len(own)} {name}" for name, own in kinds if own)


def lane_words(lanes: Iterable[str], bars: Sequence[Bar], dots: Sequence[Dot]) -> Iterator[str]:
    """What lies in each lane, in order of time."""
    for lane in lanes:
        own = [(bar.start, bar.label, bar) for bar in bars if bar.lane == lane]
        told = [(at, _bar(label, bar)) for at, label, bar in own]
        told += [(dot.at, f"{dot.label} {_at(dot.at)}") for dot in dots if dot.lane == lane]
        yield f"{lane}: {'; '.join(words for _, words in sorted(told))}."


def _bar(label: str, bar: Bar) -> str:
    until = "and goes on" if bar.goes_on else f"until {_at(bar.end)}"
    return f"{label or bar.lane.lower()} from {_at(bar.start)} {until}"


def _at(local: str) -> str:
    """A time of the picture in words; it is the ward's clock already, so no zone moves it."""
    return date_words(dt.datetime.fromisoformat(local).replace(tzinfo=dt.UTC), ZoneInfo("UTC"))


def heading_words(window: tuple[dt.datetime, dt.datetime], zone: ZoneInfo) -> str:
    """Which stretch of time is shown."""
    first, last = (date_words(edge, zone) for edge in window)
    return f"Timeline from {first} to {last} ({span_words(window[1] - window[0])})."
