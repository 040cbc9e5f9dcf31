"""The panels of a timeline as traces, axes, limits and words of the chart library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from khemon.figures.style import Theme
from khemon.figures.timeline.contents import Mark, Panel, escaped
from khemon.figures.timeline.room import LINE_OF_TEXT, on_axis

Figure = dict[str, Any]

MARK = 8
#: Marks are smaller where a panel has more than so many.
_SMALLER = ((300, 5), (120, 6))
#: Between a word and the mark it stands beside.
_SPACE = "\u2002\u2009"
_MIDDLE = 0.5
_SYMBOLS = {"value": "circle", "below": "triangle-down-open", "above": "triangle-up-open"}


def panel_axis(panel: Panel, domain: tuple[float, float], theme: Theme) -> Figure:
    """The vertical axis of a panel; one that was opened and is not logarithmic finds its own ticks."""
    axis = panel.axis
    ticks = [tick for tick in axis.ticks if axis.bottom <= tick <= axis.top]
    return {
        "domain": list(domain),
        "anchor": "x",
        "type": "log" if axis.log else "linear",
        "range": [on_axis(axis.bottom, panel), on_axis(axis.top, panel)],
        **({"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]} if ticks else {"nticks": 6}),
        "gridcolor": theme.grid,
        "tickfont": {"color": theme.muted},
        "zeroline": False,
        "fixedrange": True,
    }


def panel_title(panel: Panel, top: float, left: int, theme: Theme) -> Figure:
    """Analyte, unit and scale, left of the panel."""
    scale = "<br>log scale" if panel.axis.log else ""
    place = {"xref": "paper", "yref": "paper", "x": 0, "xshift": -left + 4, "y": top}
    return {
        **place,
        "yanchor": "top",
        "xanchor": "left",
        "align": "left",
        "showarrow": False,
        "text": f"<b>{panel.axis.title}</b><br>{panel.axis.unit}<span style='color:{theme.muted}'>{scale}</span>",
        "font": {"size": 12, "color": theme.ink},
    }


def panel_traces(panel: Panel, axis: str, words: Sequence[str], theme: Theme) -> list[Figure]:
    """The line, the loose line at censored values, rings, crosses, every result as a mark, and the words beside them.

    words: what stands beside each mark, empty where there is no room.
    """
    lines = [_line(panel.line, axis, panel.axis.title, {"color": theme.ink, "width": 1.4})]
    if panel.loose:
        style = {"color": theme.muted, "width": 1, "dash": "dot"}
        lines.append(_line(panel.loose, axis, f"{panel.axis.title}, order only", style))
    marks = [*_rings(panel, axis, theme), _marks(panel, axis, theme), *_crosses(panel, axis, theme)]
    return [*lines, *marks, *_beside(panel, axis, words, theme)]


def _line(points: Sequence[tuple[str, float] | None], axis: str, name: str, style: Figure) -> Figure:
    placed = [point or (None, None) for point in points]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [x for x, _ in placed],
        "y": [y for _, y in placed],
        "yaxis": axis,
        "line": style,
        "connectgaps": False,
        "hoverinfo": "skip",
    }


def _at(marks: Sequence[Mark], axis: str, name: str) -> Figure:
    """The beginning of a trace that stands at some marks."""
    place = {"x": [mark.at for mark in marks], "y": [mark.y for mark in marks], "yaxis": axis}
    return {"type": "scatter", "mode": "markers", "name": name, **place, "cliponaxis": False}


def _marks(panel: Panel, axis: str, theme: Theme) -> Figure:
    marks = panel.marks
    reach = [0 if mark.reach is None else mark.reach - mark.y for mark in marks]
    size = next((small for count, small in _SMALLER if len(marks) > count), MARK)
    hollow = [mark.shape != "value" or mark.set_aside for mark in marks]
    found: Figure = _at(marks, axis, f"{panel.axis.title} results") | {
        "text": [mark.hover for mark in marks],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "symbol": [_symbol(mark) for mark in marks],
            "size": [size + 3 * (mark.shape != "value") + 4 * mark.is_new for mark in marks],
            "color": [theme.muted if mark.set_aside else theme.of(mark.severity) for mark in marks],
            "line": {"width": [2 if empty else 0 for empty in hollow]},
            "opacity": 1,
        },
    }
    if any(reach):
        found["error_y"] = {"type": "data", "array": reach, "arrayminus": [0] * len(reach), "symmetric": False}
        found["error_y"] |= {"color": theme.muted, "thickness": 1.5, "width": 4}
    return found


def _symbol(mark: Mark) -> str:
    """Filled for a value, an open triangle for a censored one, hollow for what was set aside."""
    return "circle-open" if mark.set_aside and mark.shape == "value" else _SYMBOLS[mark.shape]


def _rings(panel: Panel, axis: str, theme: Theme) -> Iterator[Figure]:
    """A ring around what is neutral when good: supported by a product, or preliminary."""
    kinds = (("supported", "circle-open", theme.product), ("preliminary", "square-open", theme.muted))
    for kind, symbol, color in kinds:
        marks = [mark for mark in panel.marks if getattr(mark, kind) and not mark.set_aside]
        if marks:
            marker = {"symbol": symbol, "size": MARK + 7, "color": color, "line": {"width": 1.5}}
            yield _at(marks, axis, f"{panel.axis.title} {kind}") | {"hoverinfo": "skip", "marker": marker}


def _crosses(panel: Panel, axis: str, theme: Theme) -> Iterator[Figure]:
    """A cross through what was set aside."""
    aside = [mark for mark in panel.marks if mark.set_aside]
    if aside:
        marker = {"symbol": "x-thin-open", "size": MARK, "color": theme.muted, "line": {"width": 1.5}}
        yield _at(aside, axis, f"{panel.axis.title} set aside") | {"hoverinfo": "skip", "marker": marker}


def _beside(panel: Panel, axis: str, words: Sequence[str], theme: Theme) -> Iterator[Figure]:
    """The words next to marks: a reason above or below its mark, whatever is shorter to the left of it."""
    told = [(mark, text) for mark, text in zip(panel.marks, words, strict=True) if text]
    if told:
        floor, top = on_axis(panel.axis.bottom, panel), on_axis(panel.axis.top, panel)
        shares = [(on_axis(mark.y, panel) - floor) / (top - floor) for mark, _ in told]
        edge = LINE_OF_TEXT / panel.axis.height
        aside = [mark.set_aside and share > edge for (mark, _), share in zip(told, shares, strict=True)]
        yield _at([mark for mark, _ in told], axis, f"{panel.axis.title} words") | {
            "mode": "text",
            "text": [f"{escaped(text)}{'' if over else _SPACE}" for (_, text), over in zip(told, aside, strict=True)],
            "textposition": [
                f"{'top' if share > _MIDDLE else 'bottom'} center" if over else "middle left"
                for share, over in zip(shares, aside, strict=True)
            ],
            "textfont": {"size": 11, "color": theme.ink},
            "hoverinfo": "skip",
        }


def panel_areas(panel: Panel, domain: tuple[float, float], theme: Theme) -> Iterator[Figure]:
    """What is usual at the age, and the target band, as quiet areas.

    Their heights are those of the drawing, not of the axis: so they lie below everything else, action lines included.
    """
    area = {"type": "rect", "yref": "paper", "layer": "below", "fillcolor": theme.usual}
    for step in panel.usual:
        low = panel.axis.bottom if step.low is None else max(step.low, panel.axis.bottom)
        high = panel.axis.top if step.high is None else min(step.high, panel.axis.top)
        place = {"xref": "x", "x0": step.start, "x1": step.end}
        if low < high:
            ends = {"y0": _on_paper(low, panel, domain), "y1": _on_paper(high, panel, domain)}
            yield {**area, **place, **ends, "line": {"width": 0}}
    if panel.band:
        low, high, _ = panel.band
        ends = {"y0": _on_paper(low, panel, domain), "y1": _on_paper(high, panel, domain)}
        edge = {"width": 1, "color": theme.muted, "dash": "dot"}
        yield {**area, "xref": "paper", "x0": 0, "x1": 1, **ends, "line": edge}


def _on_paper(value: float, panel: Panel, domain: tuple[float, float]) -> float:
    """Where a value stands as a share of the drawing's height."""
    bottom, top = on_axis(panel.axis.bottom, panel), on_axis(panel.axis.top, panel)
    share = (on_axis(value, panel) - bottom) / (top - bottom)
    return domain[0] + share * (domain[1] - domain[0])


def usual_words(panel: Panel, axis: str, theme: Theme) -> Iterator[Figure]:
    """What the quiet area is, on the area itself."""
    drawn = [step for step in panel.usual if step.high is not None or step.low is not None]
    if drawn:
        step = drawn[0]
        high = panel.axis.top if step.high is None else min(step.high, panel.axis.top)
        place = {"xref": "x", "x": step.start, "xanchor": "left", "xshift": 3, "yref": axis, "y": on_axis(high, panel)}
        text = {"text": "usual at this age", "font": {"size": 10, "color": theme.muted}}
        yield {**place, "yanchor": "top", "showarrow": False, **text}


def panel_lines(panel: Panel, axis: str, theme: Theme) -> Iterator[Figure]:
    """The action lines; khemon's own numbers are dotted."""
    across = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": axis, "layer": "below"}
    for line in panel.action_lines:
        style = {"color": theme.muted, "width": 1, "dash": "dot" if line.own else "dash"}
        yield {**across, "y0": line.limit, "y1": line.limit, "line": style}


def limit_words(panel: Panel, axis: str, theme: Theme) -> Iterator[Figure]:
    """What stands on the lines at the right edge; labels that would cover each other are moved apart."""
    labels = [(on_axis(line.limit, panel), line.label) for line in panel.action_lines]
    if panel.band:
        low, high, words = panel.band
        labels.append((on_axis((low + high) / 2, panel), words))
    bottom, top = on_axis(panel.axis.bottom, panel), on_axis(panel.axis.top, panel)
    labels.sort()
    pixels = [(y - bottom) / (top - bottom) * panel.axis.height for y, _ in labels]
    for (y, label), at, put in zip(labels, pixels, apart(pixels), strict=True):
        place = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 6, "yref": axis, "y": y}
        moved = {"yshift": round(put - at)} if round(put - at) else {}
        text = {"text": label, "font": {"size": 11, "color": theme.ink}}
        yield {**place, **moved, "yanchor": "middle", "showarrow": False, **text}


def apart(pixels: Sequence[float]) -> list[float]:
    """Rising heights moved up just so far that no two are closer than a line of text."""
    placed: list[float] = []
    for at in pixels:
        placed.append(max(at, placed[-1] + LINE_OF_TEXT) if placed else at)
    return placed
