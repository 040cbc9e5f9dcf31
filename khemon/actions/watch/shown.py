"""Which results of a child the page says anything of: not every sample of a long history is made to show some weeks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import numpy as np

from khemon.actions.watch.cells import PAIR
from khemon.actions.watch.known import Known
from khemon.figures.words import moment
from khemon.rules.series import Bools, Ints


def span_of(known: Known, standing: Ints) -> tuple[dt.datetime, ...]:
    """The times of the first and the last of these rows; nothing where there are none."""
    times = known.results.time[standing]
    return (moment(int(times.min())), moment(int(times.max()))) if times.size else ()


def rows_shown(known: Known, standing: Ints, since_ms: int, news: Collection[int]) -> Ints:
    """Of the rows that stand those that are shown: inside the window, new, and what these are told with.

    Of each analyte the last two that rules read (a value and its change), the last of them before the window, with
    what the other analytes were at its time, and one at all: its panel is there.
    """
    time, analyte = known.results.time[standing], known.results.analyte[standing]
    leads = known.leads(standing)
    kept = time >= since_ms
    if news:
        kept |= np.isin(known.result_ids(standing), list(news))
    of_each = [np.flatnonzero(analyte == code) for code in np.unique(analyte).tolist()]
    leading = [own[leads[own]] for own in of_each]
    edges = [own[time[own] < since_ms][-1:] for own in leading]
    for own, led, edge in zip(of_each, leading, edges, strict=True):
        kept[own[-1:]] = kept[led[-PAIR:]] = kept[edge] = True
    _beside(kept, time, edges, leading)
    return standing[kept]


def _beside(kept: Bools, time: Ints, edges: Sequence[Ints], leading: Sequence[Ints]) -> None:
    """Keeps what the other analytes were at the times at the edge of the window."""
    at = np.unique(np.concatenate([time[:0], *(time[edge] for edge in edges)]))
    for led in leading:
        places = np.searchsorted(time[led], at, "right") - 1
        kept[led[places[places >= 0]]] = True
