"""One bar per child: how long it was followed, its response, its drugs, its rebound, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from khemon.figures.cohort.curves import DAYS_PER_WEEK, ticks
from khemon.figures.cohort.drawing import LINE, TICKS, Figure, axis, faint, nothing, whole
from khemon.figures.style import Theme
from khemon.figures.timeline.contents import escaped

ROW = 15
#: The marks on a bar: kind -> plotly's symbol and the words of the key.
MARKS = {
    "onset": ("circle", "response begins"),
    "provisional": ("circle-open", "run not confirmed yet"),
    "rebound": ("diamond", "rebound"),
    "stopped": ("x-thin", "treatment given up"),
    "closed": ("square", "observation closed"),
    "followed": ("triangle-right-open", "still followed"),
}
#: The stretches on a bar: kind -> where it stands in its row, how high it is, and the words of the key.
SPANS = {
    "followed": (0.0, 0.86, "followed"),
    "response": (0.0, 0.86, "response"),
    "sirolimus": (-0.2, 0.2, "sirolimus"),
    "prednisolone": (0.2, 0.2, "prednisolone"),
}


@dataclass(frozen=True, slots=True)
class SwimSpan:
    """A stretch of days since day 0."""

    kind: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class SwimMark:
    """A day on which something was."""

    kind: str
    day: int


@dataclass(frozen=True, slots=True)
class Swim:
    """One child."""

    patient_id: str
    group: str
    spans: tuple[SwimSpan, ...]
    marks: tuple[SwimMark, ...]


@dataclass(frozen=True, slots=True)
class SwimmerData:
    """The children in the order of the figure, those of a group together."""

    swims: tuple[Swim, ...]
    caption: str

    @property
    def alt(self) -> str:
        """The picture in words."""
        told = [f"{len(self.swims)} children, a bar for each from day 0 to the day it was last seen."]
        for kind, (_, words) in MARKS.items():
            told.append(f"{words}: {sum(any(m.kind == kind for m in swim.marks) for swim in self.swims)}.")
        return " ".join([*told, self.caption])

    @property
    def until(self) -> int:
        """The last day that is drawn, at least 1."""
        return max((span.last for swim in self.swims for span in swim.spans), default=0) or 1

    def page(self, first: int, count: int) -> SwimmerData:
        """Some of the children, in the same order."""
        return SwimmerData(self.swims[first : first + count], self.caption)


def swimmer_figure(data: SwimmerData, theme: Theme) -> Figure:
    """The picture, the first child on top."""
    if not data.swims:
        empty: Figure = {"xaxis": {"visible": False}, "yaxis": {"visible": False}}
        return whole([], empty, [nothing("Nobody is in.", theme)], data.caption, theme, 160)
    until = data.until
    traces = [*_spans(data.swims, theme), *_marks(data.swims, theme)]
    weeks = ticks(until)
    inner = ROW * len(data.swims) + ROW
    layout: Figure = {
        "xaxis": axis(
            "Weeks since day 0", theme, range=[-0.01 * until, 1.02 * until],
            tickvals=[DAYS_PER_WEEK * week for week in weeks], ticktext=list(map(str, weeks)),
        ),
        "yaxis": axis(
            "", theme, range=[len(data.swims) - 0.3, -0.7], showgrid=False, tickvals=list(range(len(data.swims))),
            ticktext=[escaped(swim.patient_id) for swim in data.swims], ticks="",
        ) | {"tickfont": {"size": 10, "color": theme.ink}},
        "barmode": "overlay",
        "bargap": 0,
        "showlegend": True,
        "legend": {
            "orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False,
            "font": {"size": 11, "color": theme.ink}, "bgcolor": "rgba(0,0,0,0)",
        },
        "shapes": list(_between_groups(data.swims, theme)),
    }  # fmt: skip
    made = whole(traces, layout, list(_names(data.swims, theme)), data.caption, theme, inner)
    made["layout"]["margin"] |= {"t": TICKS + LINE}
    made["layout"]["height"] += TICKS
    return made


def _spans(swims: Sequence[Swim], theme: Theme) -> Iterator[Figure]:
    fills = {
        "followed": {"color": theme.wash_note, "line": {"width": 0}},
        "response": {"color": faint(theme.fine, 0.35), "line": {"width": 0}},
        "sirolimus": {"color": theme.drug, "line": {"width": 0}},
        "prednisolone": {
            "color": theme.surface, "line": {"width": 1, "color": theme.drug},
            "pattern": {"shape": "/", "fgcolor": theme.drug, "size": 4},
        },
    }  # fmt: skip
    for kind, (aside, height, words) in SPANS.items():
        own = [(row, swim, span) for row, swim in enumerate(swims) for span in swim.spans if span.kind == kind]
        if own:
            yield {
                "type": "bar",
                "orientation": "h",
                "name": words,
                "base": [span.first for _, _, span in own],
                "x": [span.last - span.first for _, _, span in own],
                "y": [row + aside for row, _, _ in own],
                "width": height,
                "hovertext": [_span_words(swim, span, words) for _, swim, span in own],
                "hovertemplate": "%{hovertext}<extra></extra>",
                "marker": fills[kind],
            }


def _span_words(swim: Swim, span: SwimSpan, words: str) -> str:
    return f"<b>{escaped(swim.patient_id)}</b> · {escaped(swim.group)}<br>{words}: day {span.first} to {span.last}"


def _marks(swims: Sequence[Swim], theme: Theme) -> Iterator[Figure]:
    colors = {"onset": theme.fine, "provisional": theme.fine, "rebound": theme.critical, "stopped": theme.warning}
    for kind, (symbol, words) in MARKS.items():
        own = [(row, swim, mark.day) for row, swim in enumerate(swims) for mark in swim.marks if mark.kind == kind]
        if own:
            color = colors.get(kind, theme.muted)
            line = {"width": 2 if symbol == "x-thin" else 1, "color": color if symbol == "x-thin" else theme.page}
            yield {
                "type": "scatter",
                "mode": "markers",
                "name": words,
                "x": [day for _, _, day in own],
                "y": [row for row, _, _ in own],
                "text": [f"<b>{escaped(swim.patient_id)}</b><br>{words}: day {day}" for _, swim, day in own],
                "hovertemplate": "%{text}<extra></extra>",
                "cliponaxis": False,
                "marker": {"symbol": symbol, "size": 9, "color": color, "line": line},
            }


def first_rows(swims: Sequence[Swim]) -> Iterator[tuple[int, str]]:
    """The row at which each group begins, with its name."""
    before = None
    for row, swim in enumerate(swims):
        if swim.group != before:
            yield row, swim.group
        before = swim.group


def _between_groups(swims: Sequence[Swim], theme: Theme) -> Iterator[Figure]:
    for row, _ in first_rows(swims):
        if row:
            across = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": row - 0.5, "y1": row - 0.5}
            yield {**across, "line": {"color": theme.muted, "width": 1}}


def _names(swims: Sequence[Swim], theme: Theme) -> Iterator[Figure]:
    for row, name in first_rows(swims):
        place = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 8, "yref": "y", "y": row, "yanchor": "top"}
        font = {"size": 12, "color": theme.ink}
        yield {**place, "yshift": 8, "showarrow": False, "text": f"<b>{escaped(name)}</b>", "font": font}
