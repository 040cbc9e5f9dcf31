"""Time to an event: the share of children with it, by Kaplan-Meier with intervals, and who is still at risk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from khemon.figures.cohort.drawing import Below, Figure, Look, apart, axis, faint, label, look_of, nothing, whole
from khemon.figures.cohort.words import median_time_words, p_words
from khemon.figures.style import Theme
from khemon.figures.timeline.contents import escaped

_HEIGHT = 280
#: The height of a label of two lines.
_LABEL = 34
DAYS_PER_WEEK = 7
#: Between ticks so many weeks, the smallest that leaves at most this many ticks.
STEPS, MOST_TICKS = (1, 2, 4, 8, 13, 26, 52, 104), 14
#: What is drawn goes on for so long after the last event, at least.
AFTERWARDS = 28


@dataclass(frozen=True, slots=True)
class Step:
    """One time at which something happened. share: with the event after it; low, high: None where there is none."""

    day: float
    share: float
    low: float | None
    high: float | None
    at_risk: int
    events: int
    censored: int


@dataclass(frozen=True, slots=True)
class EventCurve:
    """One group of n children, of whom `events` had it. median: days with interval, in words."""

    group: str
    n: int
    events: int
    median: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class CurvesData:
    """The whole figure. until: the last day that is drawn; test: the log-rank test in words, empty without one."""

    title: str
    since: str
    curves: tuple[EventCurve, ...]
    until: float
    test: str
    caption: str
    alt: str


def curves_data(
    told: dict[str, Any], title: str, since: str, caption: str, compared: tuple[str, str] | None = None
) -> CurvesData:
    """The figure of the `time_to_…` of a cohort's document; what is drawn ends some weeks after the last event.

    compared: the two groups of the log-rank test; they are named where there are more.
    """
    curves = tuple(_curve(group) for group in told["groups"])
    steps = [step for curve in curves for step in curve.steps]
    last, seen = (max((step.day for step in chosen), default=0.0) for chosen in ((s for s in steps if s.events), steps))
    until = min(last + AFTERWARDS, seen) if last else seen
    of = f"{' and '.join(compared)}: " if compared and len(curves) > len(compared) else ""
    test = f"{of}log-rank p {p_words(told['log_rank']['p'])}" if told["log_rank"] else ""
    return CurvesData(title, since, curves, until, test, caption, _in_words(title, curves, test, caption))


def _curve(group: dict[str, Any]) -> EventCurve:
    steps = tuple(
        Step(
            step["day"],
            1 - step["without"],
            None if step["high"] is None else 1 - step["high"],
            None if step["low"] is None else 1 - step["low"],
            step["at_risk"],
            step["events"],
            step["censored"],
        )
        for step in group["curve"]
    )
    return EventCurve(group["group"], group["n"], group["events"], median_time_words(group), steps)


def _in_words(title: str, curves: Sequence[EventCurve], test: str, caption: str) -> str:
    told = [f"{curve.group}: {curve.events} of {curve.n}, median {curve.median} days." for curve in curves if curve.n]
    return " ".join([f"{title}, by Kaplan-Meier.", *told, f"{test}." if test else "", caption])


def at_risk(curve: EventCurve, day: float) -> int:
    """How many were still without the event and still seen just before a day."""
    return next((step.at_risk for step in curve.steps if step.day >= day), 0)


def curves_figure(data: CurvesData, theme: Theme) -> Figure:
    """The picture: a step curve per group with its interval, ticks where a child was last seen without the event."""
    told = [curve for curve in data.curves if curve.steps]
    if not told:
        empty: Figure = {"xaxis": {"visible": False}, "yaxis": {"visible": False}}
        return whole([], empty, [nothing("Nobody of these children is at risk yet.", theme)], data.caption, theme, 160)
    traces: list[Figure] = []
    notes: list[Figure] = []
    for number, curve in enumerate(data.curves):
        look = look_of(number, theme)
        traces += _traces(curve, look, data.until)
    notes += _ends(data, theme)
    weeks = ticks(data.until)
    places = [DAYS_PER_WEEK * week for week in weeks]
    reach = [-0.01 * data.until, data.until * 1.01]
    layout: Figure = {
        "xaxis": axis(f"Weeks since {data.since}", theme, range=reach, tickvals=places, ticktext=list(map(str, weeks))),
        "yaxis": axis("Share with it, %", theme, range=[-2, 102], tickvals=[0, 25, 50, 75, 100]),
        "hoverdistance": 24,
    }
    if data.test:
        place = {"xref": "paper", "yref": "paper", "x": 1, "y": 1, "xanchor": "right", "yanchor": "bottom"}
        notes.append(
            {**place, "showarrow": False, "text": escaped(data.test), "font": {"size": 12, "color": theme.ink}}
        )
    below = [Below("at risk", ())]
    below += [Below(curve.group, tuple((x, str(at_risk(curve, x))) for x in places)) for curve in data.curves]
    return whole(traces, layout, notes, data.caption, theme, _HEIGHT, below)


def ticks(until: float) -> list[int]:
    """The weeks at which the axis is labelled."""
    weeks = int(until // DAYS_PER_WEEK)
    step = next((step for step in STEPS if weeks // step < MOST_TICKS), STEPS[-1])
    return list(range(0, weeks + 1, step))


def _traces(curve: EventCurve, look: Look, until: float) -> Iterator[Figure]:
    told = [step for step in curve.steps if step.low is not None and step.high is not None]
    if told:
        # Beyond the last child that was seen nothing is told.
        days = [*(step.day for step in told), min(until, curve.steps[-1].day)]
        low, high = ([100 * (getattr(step, side) or 0.0) for step in told] for side in ("low", "high"))
        edge = {"type": "scatter", "mode": "lines", "x": days, "line": {"width": 0, "shape": "hv"}, "hoverinfo": "skip"}
        yield {**edge, "y": [*low, low[-1]], "name": f"{curve.group}, low"}
        fill = {"fill": "tonexty", "fillcolor": faint(look.color, 0.16)}
        yield {**edge, **fill, "y": [*high, high[-1]], "name": f"{curve.group}, high"}
    steps = curve.steps
    yield {
        "type": "scatter",
        "mode": "lines",
        "name": curve.group,
        "x": [0, *(step.day for step in steps)],
        "y": [0, *(100 * step.share for step in steps)],
        "text": ["", *(_hover(curve, step) for step in steps)],
        "hovertemplate": "%{text}<extra></extra>",
        "line": {"color": look.color, "width": 1.8, "shape": "hv", "dash": look.dash},
    }
    gone = [step for step in steps if step.censored]
    yield {
        "type": "scatter",
        "mode": "markers",
        "name": f"{curve.group}, last seen without it",
        "x": [step.day for step in gone],
        "y": [100 * step.share for step in gone],
        "text": [_hover(curve, step) for step in gone],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": "line-ns-open", "size": 8, "color": look.color, "line": {"width": 1.4}},
    }


def _hover(curve: EventCurve, step: Step) -> str:
    between = "" if step.low is None or step.high is None else f" ({100 * step.low:.1f} to {100 * step.high:.1f})"
    counts = f"{step.at_risk} at risk, {step.events} with it, {step.censored} last seen without it"
    return f"<b>{escaped(curve.group)}</b> · day {step.day:g}<br>{100 * step.share:.1f} %{between}<br>{counts}"


def _ends(data: CurvesData, theme: Theme) -> Iterator[Figure]:
    """The name of each group at the end of its curve, none over another."""
    places = [number for number, curve in enumerate(data.curves) if curve.steps]
    shares = [100 * max((s.share for s in data.curves[n].steps if s.day <= data.until), default=0.0) for n in places]
    shifts = apart([share * _HEIGHT / 100 for share in shares], _LABEL, _HEIGHT)
    for number, share, shift in zip(places, shares, shifts, strict=True):
        curve = data.curves[number]
        words = f"<b>{escaped(curve.group)}</b><br>{curve.events} of {curve.n}"
        yield label(words, data.until, share, look_of(number, theme).color, shift)
