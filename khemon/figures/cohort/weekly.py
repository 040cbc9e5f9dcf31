"""Median platelets by week with quartiles, beside the medians that the trial printed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from khemon.figures.cohort.drawing import Below, Figure, Look, apart, axis, label, look_of, nothing, whole
from khemon.figures.cohort.words import spread_words
from khemon.figures.style import AXES, Theme
from khemon.figures.timeline.contents import escaped

#: From this week on the visits lie far apart: eight weeks take the room that one takes before.
DENSE_UNTIL, SHRUNK = 12, 8
_HEIGHT = 320
#: The ends of the axis, as powers of ten; and the height of a label.
ENDS, _LABEL = (0.3, 3.0), 16
#: Groups stand beside each other at a visit, so far apart.
APART = 0.16


@dataclass(frozen=True, slots=True)
class WeekPoint:
    """A group at a week. of: children in the group; n: with a settled count; waiting: whose count may still change.

    beyond: `<` or `>` where the median itself is only a bound.
    """

    week: int
    within_days: int
    of: int
    n: int
    waiting: int
    median: float | None
    first: float | None
    third: float | None
    beyond: str
    words: str


@dataclass(frozen=True, slots=True)
class WeekLine:
    """The weeks of one group, baseline (week 0) first."""

    group: str
    points: tuple[WeekPoint, ...]


@dataclass(frozen=True, slots=True)
class PrintedMedian:
    """A median that the trial printed."""

    arm: str
    week: int
    value: str


@dataclass(frozen=True, slots=True)
class WeeklyData:
    """The whole figure; caption: whom it shows; alt: the picture in words."""

    lines: tuple[WeekLine, ...]
    printed: tuple[PrintedMedian, ...]
    caption: str
    alt: str


def weekly_data(told: Sequence[dict[str, Any]], caption: str) -> WeeklyData:
    """The figure of the `platelets` of a cohort's document."""
    groups = [group["group"] for group in told[0]["groups"]] if told else []
    lines = tuple(
        WeekLine(name, tuple(_point(row, row["groups"][place]) for row in told)) for place, name in enumerate(groups)
    )
    printed = tuple(
        PrintedMedian(arm, row["week"], value)
        for row in told
        for arm, value in (row["published_medians"] or {}).items()
    )
    return WeeklyData(lines, printed, caption, _in_words(lines, caption))


def _point(row: dict[str, Any], group: dict[str, Any]) -> WeekPoint:
    return WeekPoint(
        row["week"],
        row["within_days"],
        group["of"],
        group["n"],
        group["not_assessable"],
        group["median"],
        group["first_quartile"],
        group["third_quartile"],
        group["beyond"],
        spread_words(group),
    )


def _in_words(lines: Sequence[WeekLine], caption: str) -> str:
    parts = ["Median platelets by week, with quartiles."]
    for line in lines:
        told = "; ".join(f"week {p.week}: {p.words}, {p.n} of {p.of}" for p in line.points if p.n)
        parts.append(f"{line.group}: {told or 'no counts'}.")
    return " ".join([*parts, caption])


def place_of(week: float) -> float:
    """Where a week stands on the axis."""
    return week if week <= DENSE_UNTIL else DENSE_UNTIL + (week - DENSE_UNTIL) / SHRUNK


def weekly_figure(data: WeeklyData, theme: Theme) -> Figure:
    """The picture: a line of medians per group, quartiles as bars, printed medians as open stars."""
    points = [point for line in data.lines for point in line.points if point.n]
    if not points:
        words = "No settled platelet count of these children yet."
        return whole([], {"xaxis": {"visible": False}, "yaxis": {"visible": False}}, [nothing(words, theme)],
                     data.caption, theme, 160)  # fmt: skip
    traces: list[Figure] = []
    notes: list[Figure] = []
    for number, line in enumerate(data.lines):
        look, aside = look_of(number, theme), APART * (number - (len(data.lines) - 1) / 2)
        traces += _line(line, look, aside)
    notes += _ends(data, theme)
    traces += _printed(data, theme)
    weeks = sorted({point.week for line in data.lines for point in line.points})
    ends = [place_of(weeks[0]) - 0.5, place_of(max(point.week for point in points)) + 0.6]
    panel = AXES["platelets"]
    layout: Figure = {
        "xaxis": axis(
            "Weeks since day 0", theme, range=ends, tickvals=[place_of(week) for week in weeks],
            ticktext=["0" if not week else f"{week}" for week in weeks],
        ),
        "yaxis": axis(
            f"Platelets, {panel.unit} (log scale)", theme, type="log", range=list(ENDS),
            tickvals=list(panel.ticks), ticktext=[f"{tick:g}" for tick in panel.ticks],
        ),
        "shapes": list(_turn(ends[1], theme)),
    }  # fmt: skip
    below = [Below("children counted", ()), *(_counts(line) for line in data.lines)]
    return whole(
        traces,
        layout,
        [*notes, *_turn_words(ends[1], theme), *_printed_words(data, theme)],
        data.caption,
        theme,
        _HEIGHT,
        below,
    )


def _line(line: WeekLine, look: Look, aside: float) -> Iterator[Figure]:
    told = [point for point in line.points if point.median is not None]
    medians = [point.median or 0.0 for point in told]
    above = [(point.third or 0.0) - median for point, median in zip(told, medians, strict=True)]
    under = [median - (point.first or 0.0) for point, median in zip(told, medians, strict=True)]
    yield {
        "type": "scatter",
        "mode": "lines+markers",
        "name": line.group,
        "x": [place_of(point.week) + aside for point in told],
        "y": medians,
        "text": [_hover(line.group, point) for point in told],
        "hovertemplate": "%{text}<extra></extra>",
        "line": {"color": look.color, "width": 1.6, "dash": look.dash},
        "marker": {"color": look.color, "size": 8, "symbol": [_symbol(point, look) for point in told]},
        "error_y": {
            "type": "data", "symmetric": False, "array": above, "arrayminus": under,
            "color": look.color, "thickness": 1.2, "width": 3,
        },
    }  # fmt: skip


def _symbol(point: WeekPoint, look: Look) -> str:
    return {"<": "triangle-down-open", ">": "triangle-up-open"}.get(point.beyond, look.symbol)


def _hover(group: str, point: WeekPoint) -> str:
    waiting = f", {point.waiting} may still change" if point.waiting else ""
    where = "Baseline" if not point.week else f"Week {point.week} ± {point.within_days} d"
    counts = f"{point.n} of {point.of} children{waiting}"
    return f"<b>{escaped(group)}</b> · {where}<br>median {escaped(point.words)}<br>{counts}"


def _ends(data: WeeklyData, theme: Theme) -> Iterator[Figure]:
    """The name of each group at the end of its line; of lines that end at one week none over another."""
    last: dict[int, list[tuple[int, float]]] = {}
    for number, line in enumerate(data.lines):
        told = [point for point in line.points if point.median]
        if told:
            last.setdefault(told[-1].week, []).append((number, math.log10(told[-1].median or 1)))
    for week, ends in last.items():
        scale = _HEIGHT / (ENDS[1] - ENDS[0])
        shifts = apart([height * scale for _, height in ends], _LABEL, _HEIGHT)
        for (number, height), shift in zip(ends, shifts, strict=True):
            words = f"<b>{escaped(data.lines[number].group)}</b>"
            yield label(words, place_of(week) + 0.3, height, look_of(number, theme).color, shift)


def _printed(data: WeeklyData, theme: Theme) -> Iterator[Figure]:
    """What the trial printed, in the color of the group of the same name."""
    places = {line.group: number for number, line in enumerate(data.lines)}
    for arm in dict.fromkeys(printed.arm for printed in data.printed):
        own = [printed for printed in data.printed if printed.arm == arm]
        color = look_of(places[arm], theme).color if arm in places else theme.muted
        yield {
            "type": "scatter",
            "mode": "markers",
            "name": f"printed: {arm}",
            "x": [place_of(printed.week) + 0.42 for printed in own],
            "y": [float(printed.value) for printed in own],
            "text": [f"printed by the trial, {arm}, week {p.week}: median {float(p.value):g}" for p in own],
            "hovertemplate": "%{text}<extra></extra>",
            "marker": {"symbol": "star-open", "size": 11, "color": color},
        }


def printed_words(data: WeeklyData) -> str:
    """The key of the stars, with the numbers they stand for; empty without any."""
    weeks = {printed.week: [p for p in data.printed if p.week == printed.week] for printed in data.printed}
    told = [
        f"week {week}: {', '.join(f'{p.arm} {float(p.value):g}' for p in own)}" for week, own in sorted(weeks.items())
    ]
    return f"☆ median as the trial printed it: {'; '.join(told)}" if told else ""


def _printed_words(data: WeeklyData, theme: Theme) -> Iterator[Figure]:
    if words := printed_words(data):
        place = {"xref": "paper", "x": 1, "xanchor": "right", "yref": "paper", "y": 0.02, "yanchor": "bottom"}
        yield {**place, "showarrow": False, "text": words, "font": {"size": 11, "color": theme.muted}}


def _counts(line: WeekLine) -> Below:
    return Below(line.group, tuple((place_of(point.week), str(point.n)) for point in line.points))


def _turn(end: float, theme: Theme) -> Iterator[Figure]:
    """Where the scale of the axis changes."""
    if end > DENSE_UNTIL + 1:
        across = {"type": "line", "xref": "x", "x0": DENSE_UNTIL, "x1": DENSE_UNTIL, "yref": "paper", "y0": 0, "y1": 1}
        yield {**across, "layer": "below", "line": {"color": theme.muted, "width": 1, "dash": "dot"}}


def turn_words() -> str:
    """What the change of the axis means."""
    return f"from here on {SHRUNK} weeks take the room of one"


def _turn_words(end: float, theme: Theme) -> Iterator[Figure]:
    if end > DENSE_UNTIL + 1:
        place = {"xref": "x", "x": DENSE_UNTIL, "yref": "paper", "y": 1, "yanchor": "bottom", "xanchor": "left"}
        yield {**place, "showarrow": False, "text": turn_words(), "font": {"size": 11, "color": theme.muted}}
