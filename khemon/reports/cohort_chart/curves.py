"""Time to an event, on paper: the share of children with it, by Kaplan-Meier with intervals, and who is at risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from khemon.figures.cohort import CurvesData
from khemon.figures.cohort.curves import DAYS_PER_WEEK, EventCurve, at_risk, ticks
from khemon.figures.cohort.drawing import look_of
from khemon.figures.style import Theme
from khemon.reports.cohort_chart.plot import axes_in, dash_of, names_at_ends, nothing, room_below, rows_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_curves(figure: Figure, data: CurvesData, theme: Theme) -> None:
    """A step curve per group with its interval, strokes where a child was last seen without the event."""
    told = [(number, curve) for number, curve in enumerate(data.curves) if curve.steps]
    if not told:
        nothing(figure, "Nobody of these children is at risk yet.", theme)
        return
    axes = axes_in(figure, room_below(len(data.curves) + 1), theme)
    until = data.until or 1.0
    axes.set_xlim(-0.01 * until, 1.01 * until)
    axes.set_ylim(-2, 102)
    axes.set_yticks([0, 25, 50, 75, 100])
    weeks = ticks(data.until)
    axes.set_xticks([DAYS_PER_WEEK * week for week in weeks], [str(week) for week in weeks])
    axes.grid(axis="y", color=theme.grid, linewidth=0.4)
    axes.set_ylabel("Share with it, %", color=theme.ink)
    axes.set_xlabel(f"Weeks since {data.since}", color=theme.ink, labelpad=1)
    for number, curve in told:
        _curve(axes, curve, number, until, theme)
    shares = [max((s.share for s in curve.steps if s.day <= data.until), default=0.0) for _, curve in told]
    ends = [(number, until, (100 * share + 2) / 104, f"{curve.group}\n{curve.events} of {curve.n}")
            for (number, curve), share in zip(told, shares, strict=True)]  # fmt: skip
    names_at_ends(axes, ends, theme)
    if data.test:
        axes.text(0, 1, data.test, transform=axes.transAxes, va="bottom", color=theme.ink)
    places = [DAYS_PER_WEEK * week for week in weeks]
    rows = [(curve.group, [(x, str(at_risk(curve, x))) for x in places]) for curve in data.curves]
    rows_below(axes, "at risk", rows, theme)


def _curve(axes: Axes, curve: EventCurve, place: int, until: float, theme: Theme) -> None:
    color = look_of(place, theme).color
    # What happened after the last day that is drawn is on the file, not here; the line itself goes on to that day.
    steps = [step for step in curve.steps if step.day <= until]
    end = min(until, curve.steps[-1].day)
    days = [0.0, *(step.day for step in steps), end]
    shares = [0.0, *(100 * step.share for step in steps)]
    axes.plot(days, [*shares, shares[-1]], color=color, linewidth=1.0, drawstyle="steps-post",
              linestyle=dash_of(place, theme), zorder=3, gid=f"curve-{place}")  # fmt: skip
    told = [step for step in steps if step.low is not None and step.high is not None]
    if told:
        low, high = ([100 * (getattr(step, side) or 0.0) for step in told] for side in ("low", "high"))
        at = [*(step.day for step in told), end]
        axes.fill_between(at, [*low, low[-1]], [*high, high[-1]], step="post", color=color, alpha=0.14, linewidth=0)
    gone = [step for step in steps if step.censored]
    axes.plot(
        [step.day for step in gone], [100 * step.share for step in gone], linestyle="none", marker="|",
        markersize=4, markeredgewidth=0.7, color=color, zorder=4, clip_on=False,
    )  # fmt: skip
