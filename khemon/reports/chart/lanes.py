"""The lanes on paper: drugs, products, what happened, and episodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from khemon.figures.style import DOTS, EPISODE_LANES, LASTING_DRUGS, SIGNS
from khemon.figures.timeline import Bar
from khemon.figures.timeline.drawing_lanes import rows_of
from khemon.reports.chart.ground import SMALL_PT, Ground, shortened, width_mm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The marks of moments, by their names on the screen.
MOMENTS = {"circle": "o", "square": "s", "diamond": "D", "pentagon": "p", "star": "*", "hexagon": "h"}
#: The height of a full bar as a share of its row.
BAR = 0.74


class Lanes(Ground):
    """Draws lanes."""

    def lanes(self, axes: Axes) -> None:
        """Drugs, products, what happened, and episodes, one row below the other."""
        rows = rows_of(self.data)
        place = {where: number for number, where in enumerate(rows)}
        axes.set_ylim(len(rows) - 0.5, -0.5)
        first = [(number, lane) for number, (lane, row) in enumerate(rows) if row == 0]
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
        needs = width_mm(dot.label) + 2
        own = [(other, self.mm(self.x(each.at))) for other, each in enumerate(self.data.dots) if each.lane == dot.lane]
        here, right = self.mm(self.x(dot.at)), self.mm(self.days)
        later = [at for other, at in own if other > number]
        if later or right - here >= needs:
            return min([*later, right]) - here >= needs
        return here - max((at for other, at in own if other < number), default=0.0) >= needs

    def bar(self, bar: Bar, y: int, axes: Axes) -> None:
        """Something that lasts, with its words."""
        start, end = self.x(bar.start), self.x(bar.end)
        theme = self.theme
        fill, edge = theme.wash_note, theme.happening
        if bar.severity is not None:
            fill, edge = theme.wash(bar.severity), theme.of(bar.severity)
        elif bar.kind in LASTING_DRUGS:
            # Doses have no edge: it would run through the words of a low one.
            fill, edge = (theme.page, theme.muted) if bar.is_hold else (theme.wash_drug, theme.wash_drug)
        # A dose stands on the floor of its row, which is drawn from the top down.
        height = BAR * bar.share
        axes.barh(
            y + (BAR - height) / 2, end - start, left=start, height=height, color=fill, edgecolor=edge, linewidth=0.5,
            linestyle=":" if bar.is_hold else "-", hatch="////" if bar.is_hold else None, zorder=2,
        )  # fmt: skip
        sign = f"{SIGNS[bar.severity]} " if bar.severity in SIGNS and bar.lane in EPISODE_LANES.values() else ""
        self.word(f"{sign}{bar.label}{' →' if bar.goes_on else ''}", start, end, y, axes)

    def word(self, text: str, start: float, end: float, y: int, axes: Axes) -> None:
        """Words inside what they name, else to its right, else to its left; cut where there is no room at all."""
        needs = width_mm(text)
        if self.mm(end - start) >= needs:
            at, side = start, "left"
        elif self.mm(self.days - end) >= needs:
            at, side = end, "left"
        else:
            at, side = start, "right"
            text = shortened(text, self.mm(start))
        axes.annotate(
            text, (at, y), xytext=(2.2 if side == "left" else -2.2, 0), textcoords="offset points", ha=side,
            va="center_baseline", fontsize=SMALL_PT, color=self.theme.ink, zorder=5, annotation_clip=False,
        )  # fmt: skip
