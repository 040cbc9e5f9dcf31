"""One bar per child, on paper: how long it was followed, its response, its drugs, its rebound, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from khemon.figures.cohort import Swim, SwimmerData
from khemon.figures.cohort.curves import DAYS_PER_WEEK, ticks
from khemon.figures.cohort.drawing import faint
from khemon.figures.cohort.swimmer import MARKS, SPANS, first_rows
from khemon.figures.style import Theme
from khemon.reports.chart.ground import SMALL_PT, shortened
from khemon.reports.cohort_chart.plot import AXIS_MM, LEFT_MM, RIGHT_MM, axes_in, nothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAR_MM, KEY_MM = 2.9, 6.0
#: What the screen calls a mark: its symbol on paper, and whether it is hollow.
SHAPES = {
    "circle": ("o", False),
    "circle-open": ("o", True),
    "diamond": ("D", False),
    "x-thin": ("x", False),
    "square": ("s", False),
    "triangle-right-open": (">", True),
}


def bars_mm(bars: int) -> float:
    """The height of a figure of so many bars, in mm."""
    return BAR_MM * max(bars, 2) + AXIS_MM + KEY_MM


def draw_swimmer(figure: Figure, data: SwimmerData, theme: Theme) -> None:
    """The bars, the first child on top."""
    if not data.swims:
        nothing(figure, "Nobody is in.", theme)
        return
    axes = axes_in(figure, AXIS_MM, theme, KEY_MM)
    until = data.until
    axes.set_xlim(-0.01 * until, 1.02 * until)
    axes.set_ylim(len(data.swims) - 0.3, -0.7)
    weeks = ticks(until)
    axes.set_xticks([DAYS_PER_WEEK * week for week in weeks], [str(week) for week in weeks])
    axes.set_xlabel("Weeks since day 0", color=theme.ink, labelpad=1)
    names = [shortened(swim.patient_id, LEFT_MM - 4) for swim in data.swims]
    axes.set_yticks(range(len(names)), names, color=theme.ink, fontsize=SMALL_PT - 0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=theme.grid, linewidth=0.4)
    key = [*_spans(axes, data.swims, theme), *_marks(axes, data.swims, theme)]
    axes.legend(
        handles=key, loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=len(key), frameon=False, fontsize=SMALL_PT,
        handlelength=1.4, handletextpad=0.4, columnspacing=1.2, borderpad=0.2,
    )  # fmt: skip
    for row, name in first_rows(data.swims):
        if row:
            axes.axhline(row - 0.5, color=theme.muted, linewidth=0.5)
        axes.annotate(
            shortened(name, RIGHT_MM - 4), (1, row), xycoords=axes.get_yaxis_transform(), xytext=(4, 0),
            textcoords="offset points", va="center", fontweight="bold", color=theme.ink,
        )  # fmt: skip


def _spans(axes: Axes, swims: Sequence[Swim], theme: Theme) -> list[Any]:
    from matplotlib.patches import Patch

    looks: dict[str, dict[str, Any]] = {
        "followed": {"facecolor": theme.wash_note, "linewidth": 0},
        "response": {"facecolor": _mixed(theme), "linewidth": 0},
        "sirolimus": {"facecolor": theme.drug, "linewidth": 0},
        "prednisolone": {"facecolor": theme.page, "edgecolor": theme.drug, "linewidth": 0.4, "hatch": "//////"},
    }
    key = []
    for order, (kind, (aside, height, words)) in enumerate(SPANS.items()):
        own = [(row + aside, span) for row, swim in enumerate(swims) for span in swim.spans if span.kind == kind]
        if own:
            axes.barh(
                [row for row, _ in own], [span.last - span.first for _, span in own],
                left=[span.first for _, span in own], height=height, zorder=2 + order / 10, **looks[kind],
            )  # fmt: skip
            key.append(Patch(label=words, **looks[kind]))
    return key


def _mixed(theme: Theme) -> tuple[float, float, float]:
    """The color of a response as it looks on paper: a part of it over white."""
    parts = faint(theme.fine, 0.35).removeprefix("rgba(").removesuffix(")").split(",")
    *color, share = map(float, parts)
    red, green, blue = (1 - share * (1 - part / 255) for part in color)
    return red, green, blue


def _marks(axes: Axes, swims: Sequence[Swim], theme: Theme) -> list[Any]:
    colors = {"onset": theme.fine, "provisional": theme.fine, "rebound": theme.critical, "stopped": theme.warning}
    key = []
    for kind, (screen, words) in MARKS.items():
        own = [(row, mark.day) for row, swim in enumerate(swims) for mark in swim.marks if mark.kind == kind]
        if own:
            symbol, hollow = SHAPES[screen]
            color = colors.get(kind, theme.muted)
            [drawn] = axes.plot(
                [day for _, day in own], [row for row, _ in own], linestyle="none", marker=symbol, markersize=3.4,
                color=color, markerfacecolor="white" if hollow else color, markeredgewidth=0.8, zorder=4,
                clip_on=False, label=words, gid=f"marks-{kind}",
            )  # fmt: skip
            key.append(drawn)
    return key
