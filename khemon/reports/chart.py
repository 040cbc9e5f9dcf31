"""The timeline on paper: the same numbers as on the screen, drawn by matplotlib into SVG whose words stay text."""

from __future__ import annotations

import datetime as dt
import io
import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from khemon.figures.style import DOTS, EPISODE_LANES, LASTING_DRUGS, SIGNS, Theme
from khemon.figures.timeline import Bar, Mark, Panel, TimelineData
from khemon.figures.timeline.drawing_lanes import rows_of
from khemon.figures.words import MONTHS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MM_PER_INCH = 25.4
WIDTH_MM, HEIGHT_MM = 186.0, 86.0
LEFT_MM, RIGHT_MM, TOP_MM, BOTTOM_MM, GAP_MM, ROW_MM = 25.0, 35.0, 3.5, 7.0, 1.6, 3.1
WORDS_PT, SMALL_PT = 6.5, 6.0
#: Words that would stand on each other are moved apart to this share of a panel's height per line.
LINE_MM = 2.5
#: About the width of a letter, to see whether a word has room.
LETTER_MM = 1.25
MOST_TICKS = 9
TICK_DAYS = (1, 2, 3, 7, 14, 28, 56, 91, 182, 364, 728, 1456)
#: Marks of the chart: shape or filling tells what color tells on the screen.
MARKS = {"value": "o", "below": "v", "above": "^"}
MOMENTS = {"circle": "o", "square": "s", "diamond": "D", "pentagon": "p", "star": "*", "hexagon": "h"}
#: Words stay words (selectable); ids do not change from one drawing to the next; a dollar sign is a dollar sign.
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "khemon",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": WORDS_PT,
    "axes.linewidth": 0.4,
    "path.simplify": False,
}


def timeline_svg(data: TimelineData, theme: Theme, fonts: Sequence[Path] = ()) -> str:
    """The timeline as SVG text of a fixed size. fonts: files for letters that the usual font does not have."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.font_manager import fontManager
    from matplotlib.ft2font import FT2Font

    for font in fonts:
        fontManager.addfont(font)
    families = [STYLE["font.family"], *dict.fromkeys(FT2Font(str(font)).family_name for font in fonts)]
    with matplotlib.rc_context(STYLE | {"font.family": families}):
        figure = Figure(figsize=(WIDTH_MM / MM_PER_INCH, HEIGHT_MM / MM_PER_INCH))
        _Drawing(figure, data, theme).draw()
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return out.getvalue()


class _Drawing:
    """One timeline on one figure; x is in days after the start of the window."""

    def __init__(self, figure: Figure, data: TimelineData, theme: Theme) -> None:
        self.figure, self.data, self.theme = figure, data, theme
        self.start = dt.datetime.fromisoformat(data.start)
        self.days = self.x(data.end)
        self.rows = rows_of(data)

    def x(self, at: str) -> float:
        """Where a time stands."""
        return (dt.datetime.fromisoformat(at) - self.start) / dt.timedelta(days=1)

    def mm(self, days: float) -> float:
        """A stretch of time on paper."""
        return days / self.days * (WIDTH_MM - LEFT_MM - RIGHT_MM)

    def draw(self) -> None:
        inside = HEIGHT_MM - TOP_MM - BOTTOM_MM
        lanes_mm = min(len(self.rows) * ROW_MM, inside / 2) if self.rows else 0.0
        gaps = GAP_MM * (len(self.data.panels) - (0 if self.rows else 1))
        share = (inside - lanes_mm - gaps) / max(sum(panel.axis.height for panel in self.data.panels), 1)
        top = HEIGHT_MM - TOP_MM
        for panel in self.data.panels:
            height = panel.axis.height * share
            self.panel(panel, self.room(top, height), height)
            top -= height + GAP_MM
        if self.rows:
            self.lanes(self.room(top, lanes_mm), lanes_mm)
        if not self.figure.axes:
            self.figure.text(0.5, 0.5, "No results or events in this stretch of time.", ha="center", va="center")
            return
        self.time_axis(self.figure.axes[-1])
        self.figure.axes[0].annotate(
            "now", (self.x(self.data.now), 1), xycoords=("data", "axes fraction"), xytext=(0, 1.5),
            textcoords="offset points", ha="right", fontsize=SMALL_PT, color=self.theme.accent,
        )  # fmt: skip

    def room(self, top_mm: float, height_mm: float) -> Axes:
        """Axes of the full width, with what runs behind every panel."""
        inner = (WIDTH_MM - LEFT_MM - RIGHT_MM) / WIDTH_MM
        axes = self.figure.add_axes(
            (LEFT_MM / WIDTH_MM, (top_mm - height_mm) / HEIGHT_MM, inner, height_mm / HEIGHT_MM)
        )
        axes.set_xlim(0, self.days)
        axes.patch.set_alpha(0)
        axes.tick_params(length=1.5, width=0.4, pad=1.5, labelsize=SMALL_PT, colors=self.theme.muted)
        axes.tick_params(axis="x", length=0, labelbottom=False)
        for side, spine in axes.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(self.theme.muted)
        for band in self.data.bands:
            color = self.theme.wash(band.severity)
            axes.axvspan(self.x(band.start), self.x(band.end), color=color, zorder=0, linewidth=0)
        axes.axvline(self.x(self.data.now), color=self.theme.accent, linewidth=0.6, zorder=1)
        return axes

    # ---- panels -----------------------------------------------------------------------------------------------

    def panel(self, panel: Panel, axes: Axes, height_mm: float) -> None:
        """An analyte: axis, limits, line and marks."""
        axis = panel.axis
        if axis.log:
            axes.set_yscale("log")
        axes.set_ylim(axis.bottom, axis.top)
        ticks = [tick for tick in axis.ticks if axis.bottom <= tick <= axis.top]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_yticks([], minor=True)
        axes.grid(axis="y", color=self.theme.grid, linewidth=0.4, zorder=0)
        self.title(axes, axis.title, f"{axis.unit}{', log' if axis.log else ''}")
        if panel.band:
            axes.axhspan(*panel.band[:2], color=self.theme.wash_note, linewidth=0, zorder=0)
        for line in panel.action_lines:
            dashes = (0, (1, 1.5)) if line.own else (0, (4, 2))
            axes.axhline(line.limit, color=self.theme.muted, linewidth=0.6, linestyle=dashes, zorder=1)
        self.limit_words(panel, axes, height_mm)
        for points, style in ((panel.line, "-"), (panel.loose, ":")):
            self.line(points, axes, style)
        shown = [mark for mark in panel.marks if 0 <= self.x(mark.at) <= self.days]
        self.marks(panel.analyte, shown, axes)

    def title(self, axes: Axes, name: str, unit: str) -> None:
        place: dict[str, Any] = {
            "xycoords": ("figure fraction", "axes fraction"),
            "va": "top",
            "textcoords": "offset points",
        }
        axes.annotate(name, (0, 1), xytext=(0, 0), fontweight="bold", color=self.theme.ink, **place)
        axes.annotate(unit, (0, 1), xytext=(0, -8), fontsize=SMALL_PT, color=self.theme.muted, **place)

    def limit_words(self, panel: Panel, axes: Axes, height_mm: float) -> None:
        """What each line means, at its right end; lines that stand close get their words moved apart."""
        labels = [(line.limit, line.label) for line in panel.action_lines]
        if panel.band:
            low, high, words = panel.band
            labels.append(((low + high) / 2, words))
        heights = [(axes.transAxes.inverted().transform(axes.transData.transform((0, at)))[1], words)
                   for at, words in sorted(labels)]  # fmt: skip
        for height, (_, words) in zip(_apart([at for at, _ in heights], LINE_MM / height_mm), heights, strict=True):
            axes.annotate(
                words, (1, height), xycoords="axes fraction", xytext=(4, 0), textcoords="offset points",
                va="center", fontsize=SMALL_PT, color=self.theme.ink,
            )  # fmt: skip

    def line(self, points: Sequence[tuple[str, float] | None], axes: Axes, style: str) -> None:
        """The pieces of a line, broken where the data are."""
        color, width = (self.theme.ink, 0.8) if style == "-" else (self.theme.muted, 0.6)
        for is_point, piece in itertools.groupby(points, key=lambda point: point is not None):
            if is_point:
                told = [point for point in piece if point is not None]
                x, y = [self.x(at) for at, _ in told], [value for _, value in told]
                axes.plot(x, y, color=color, linewidth=width, linestyle=style, zorder=2)

    def marks(self, analyte: str, marks: Sequence[Mark], axes: Axes) -> None:
        """Every sample; those that look the same are drawn together."""
        alike: dict[tuple[str, bool, str | None], list[Mark]] = defaultdict(list)
        for mark in marks:
            alike[mark.shape, mark.set_aside, mark.severity].append(mark)
        for number, ((shape, aside, severity), own) in enumerate(alike.items()):
            color = self.theme.muted if aside else self.theme.of(severity)
            hollow = aside or shape != "value"
            symbol = "D" if severity == "critical" and shape == "value" else MARKS[shape]
            [drawn] = axes.plot(
                [self.x(mark.at) for mark in own], [mark.y for mark in own], linestyle="none",
                marker="o" if aside else symbol, markersize=3.6 if hollow else 2.6, clip_on=False, zorder=4,
                markerfacecolor="white" if hollow else color, markeredgecolor=color, markeredgewidth=0.8,
            )  # fmt: skip
            drawn.set_gid(f"marks-{analyte}-{number}")
        self.rings(marks, axes)
        for mark in marks:
            if mark.reach is not None:
                axes.plot([self.x(mark.at)] * 2, [mark.y, mark.reach], color=self.theme.muted, linewidth=0.8, zorder=3)

    def rings(self, marks: Sequence[Mark], axes: Axes) -> None:
        """Around what is not counted when it is good: a ring after a product, a square for a preliminary result."""
        for kind, symbol, color in (("supported", "o", self.theme.product), ("preliminary", "s", self.theme.muted)):
            own = [mark for mark in marks if getattr(mark, kind) and not mark.set_aside]
            axes.plot(
                [self.x(mark.at) for mark in own], [mark.y for mark in own], linestyle="none", marker=symbol,
                markersize=6, markerfacecolor="none", markeredgecolor=color, markeredgewidth=0.7, zorder=3,
                clip_on=False,
            )  # fmt: skip

    # ---- lanes ------------------------------------------------------------------------------------------------

    def lanes(self, axes: Axes, height_mm: float) -> None:
        """Drugs, products, what happened, and episodes, one row below the other."""
        place = {where: number for number, where in enumerate(self.rows)}
        axes.set_ylim(len(self.rows) - 0.5, -0.5)
        first = [(number, lane) for number, (lane, row) in enumerate(self.rows) if row == 0]
        axes.set_yticks([number for number, _ in first], [lane for _, lane in first], color=self.theme.ink)
        axes.tick_params(axis="y", length=0)
        for bar in self.data.bars:
            self.bar(bar, place[bar.lane, bar.row], axes)
        for number, dot in enumerate(self.data.dots):
            x, y = self.x(dot.at), place[dot.lane, 0]
            symbol = MOMENTS.get(DOTS.get(dot.kind, ""), "|")
            color = self.theme.product if dot.kind in DOTS else self.theme.happening
            axes.plot([x], [y], marker=symbol, markersize=3.4, color=color, markeredgewidth=0.9, zorder=3)
            if self.has_room(number):
                self.word(dot.label, x, x, y, axes)

    def has_room(self, number: int) -> bool:
        """Whether the word of a moment fits up to the next one in its lane, or after the last, up to the one before."""
        dot = self.data.dots[number]
        needs = _width_mm(dot.label) + 2
        own = [(other, self.mm(self.x(each.at))) for other, each in enumerate(self.data.dots) if each.lane == dot.lane]
        here, right = self.mm(self.x(dot.at)), self.mm(self.days)
        later = [at for other, at in own if other > number]
        if later or right - here >= needs:
            return min([*later, right]) - here >= needs
        return here - max((at for other, at in own if other < number), default=0.0) >= needs

    def bar(self, bar: Bar, y: int, axes: Axes) -> None:
        """Something that lasts, with its words."""
        start, end = self.x(bar.start), self.x(bar.end)
        drug = self.theme.drug if bar.kind in LASTING_DRUGS else self.theme.happening
        fill, edge = (self.theme.wash_note, drug) if bar.severity is None else (
            self.theme.wash(bar.severity), self.theme.of(bar.severity))  # fmt: skip
        axes.barh(y, end - start, left=start, height=0.74, color=fill, edgecolor=edge, linewidth=0.6, zorder=2)
        sign = f"{SIGNS[bar.severity]} " if bar.severity in SIGNS and bar.lane in EPISODE_LANES.values() else ""
        self.word(f"{sign}{bar.label}{' →' if bar.goes_on else ''}", start, end, y, axes)

    def word(self, text: str, start: float, end: float, y: int, axes: Axes) -> None:
        """Words inside what they name, else to its right, else to its left; cut where there is no room at all."""
        needs = _width_mm(text)
        if self.mm(end - start) >= needs:
            at, side = start, "left"
        elif self.mm(self.days - end) >= needs:
            at, side = end, "left"
        else:
            at, side = start, "right"
            text = _shortened(text, self.mm(start))
        axes.annotate(
            text, (at, y), xytext=(2.2 if side == "left" else -2.2, 0), textcoords="offset points", ha=side,
            va="center_baseline", fontsize=SMALL_PT, color=self.theme.ink, zorder=5, annotation_clip=False,
        )  # fmt: skip

    # ---- time -------------------------------------------------------------------------------------------------

    def time_axis(self, axes: Axes) -> None:
        """Day before month, month as a word; the year where it is not clear."""
        ticks = list(_ticks(self.start, self.days))
        words = []
        for number, (_, day) in enumerate(ticks):
            year = f"\n{day.year}" if number == 0 or ticks[number - 1][1].year != day.year else ""
            words.append(f"{day.day} {MONTHS[day.month - 1]}{year}")
        axes.set_xticks([at for at, _ in ticks], words)
        axes.tick_params(axis="x", length=1.5, labelbottom=True)


def _ticks(start: dt.datetime, days: float) -> Iterator[tuple[float, dt.date]]:
    """Midnights in the window, not more than fit: days after the start, and the day."""
    step = next((each for each in TICK_DAYS if days / each <= MOST_TICKS), TICK_DAYS[-1])
    day = start.date() + dt.timedelta(days=1)
    while (at := (dt.datetime.combine(day, dt.time.min) - start) / dt.timedelta(days=1)) <= days:
        yield at, day
        day += dt.timedelta(days=step)


def _apart(heights: Sequence[float], least: float) -> list[float]:
    """The heights (rising), moved up where one stands closer than `least` above the one below."""
    found: list[float] = []
    for height in heights:
        found.append(max(height, found[-1] + least) if found else height)
    return found


def _width_mm(text: str) -> float:
    return len(text) * LETTER_MM


def _shortened(text: str, room_mm: float) -> str:
    most = max(int(room_mm / LETTER_MM), 1)
    return text if len(text) <= most else f"{text[: max(most - 1, 1)]}…"
