"""What the figures of a cohort have in common on paper: axes, looks of groups, rows of numbers, names at line ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from khemon.figures.cohort.drawing import apart, look_of
from khemon.figures.style import Theme
from khemon.reports.chart.ground import MM_PER_INCH, SMALL_PT, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_MM = 270.0
LEFT_MM, RIGHT_MM, TOP_MM = 34.0, 44.0, 5.0
#: Under the axis: its numbers with its title, then a row for each group.
AXIS_MM, ROW_MM = 9.0, 3.2
#: What the screen calls a symbol or a dash.
SYMBOLS = {"circle": "o", "square": "s", "diamond": "D", "cross": "P", "hexagon": "h", "pentagon": "p"}
DASHES: dict[str, Any] = {
    "solid": "-",
    "dash": (0, (5, 2)),
    "dot": (0, (1, 1.6)),
    "dashdot": "-.",
    "longdash": (0, (9, 3)),
    "longdashdot": (0, (9, 3, 2, 3)),
}
#: A name at the end of a line needs so much height for each of its own lines.
LABEL_MM = 2.8


def room_below(rows: int) -> float:
    """The height that the axis and so many rows of numbers take, in mm."""
    return AXIS_MM + ROW_MM * rows


def axes_in(figure: Figure, below_mm: float, theme: Theme, top_mm: float = TOP_MM) -> Axes:
    """Axes over what stands below them, with room for names at both sides."""
    height = figure.get_figheight() * MM_PER_INCH
    inner = (WIDTH_MM - LEFT_MM - RIGHT_MM) / WIDTH_MM
    axes = figure.add_axes((LEFT_MM / WIDTH_MM, below_mm / height, inner, (height - below_mm - top_mm) / height))
    axes.patch.set_alpha(0)
    axes.tick_params(length=1.5, width=0.4, pad=1.5, labelsize=SMALL_PT, colors=theme.muted)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.muted)
    return axes


def height_mm(axes: Axes) -> float:
    """How high the drawing itself is."""
    return float(axes.bbox.height / axes.figure.dpi * MM_PER_INCH)


def symbol_of(place: int, theme: Theme) -> str:
    """The symbol of the group at that place."""
    return SYMBOLS[look_of(place, theme).symbol]


def dash_of(place: int, theme: Theme) -> Any:  # noqa: ANN401
    """The dashes of the group at that place."""
    return DASHES[look_of(place, theme).dash]


def rows_below(axes: Axes, title: str, rows: Sequence[tuple[str, Sequence[tuple[float, str]]]], theme: Theme) -> None:
    """Rows of numbers under the axis: a name, and a text at each place. title: what they count."""
    inner = height_mm(axes)
    told: Sequence[tuple[str, Sequence[tuple[float, str]]]] = [(title, ()), *rows]
    for number, (name, cells) in enumerate(told):
        down = -(AXIS_MM + ROW_MM * number) / inner
        axes.annotate(
            shortened(name, LEFT_MM - 4), (0, down), xycoords="axes fraction", xytext=(-6, 0),
            textcoords="offset points", ha="right", va="bottom", fontsize=SMALL_PT, color=theme.muted,
        )  # fmt: skip
        for x, text in cells:
            axes.annotate(
                text, (x, down), xycoords=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=SMALL_PT,
                color=theme.ink, annotation_clip=False,
            )  # fmt: skip


def names_at_ends(axes: Axes, ends: Sequence[tuple[int, float, float, str]], theme: Theme) -> None:
    """The names of groups at the ends of their lines, none over another: place of the group, x, height (0 to 1)."""
    inner = height_mm(axes)
    lines = max((words.count("\n") + 1 for _, _, _, words in ends), default=1)
    shifts = apart([height * inner for _, _, height, _ in ends], LABEL_MM * lines, inner)
    for (place, x, height, words), shift in zip(ends, shifts, strict=True):
        axes.annotate(
            "\n".join(shortened(line, RIGHT_MM - 4) for line in words.split("\n")), (x, height + shift / inner),
            xycoords=axes.get_xaxis_transform(), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize=SMALL_PT, color=look_of(place, theme).color, annotation_clip=False,
        )  # fmt: skip


def nothing(figure: Figure, words: str, theme: Theme) -> None:
    """The words in the middle of a figure without anything in it."""
    figure.text(0.5, 0.5, words, ha="center", va="center", color=theme.muted)
