"""The last blood product of a child, with the values before and after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from khemon.actions.watch.at import Looking
from khemon.actions.watch.known import Known
from khemon.figures.samples import Sample
from khemon.figures.style import LANES
from khemon.figures.words import DAY, ago_words, short_date_words, span_words
from khemon.models import Event
from khemon.units import ANALYTES

PRODUCTS = frozenset(kind for kind, (lane, _) in LANES.items() if lane == "Products")
#: What a product is given for, beside what the protocol says that it lifts.
_ALSO = {"hemoglobin": ("red_cell_transfusion", "exchange_transfusion")}


@dataclass(frozen=True, slots=True)
class Around:
    """The value of an analyte before and after a product; None: none in the weeks that are shown."""

    analyte: str
    before: Sample | None
    after: Sample | None


@dataclass(frozen=True, slots=True)
class Given:
    """A product: what it was, when it began and ended, and the values around it."""

    words: str
    start: dt.datetime
    end: dt.datetime
    around: tuple[Around, ...]


@dataclass(frozen=True, slots=True)
class GivenWords:
    """The same in words: the product, how long ago, at what time, and the values around it."""

    product: str
    ago: str
    at: str
    around: tuple[str, ...]


def last_given(known: Known, name: str, samples: Sequence[Sample], shown: dt.timedelta) -> Given | None:
    """The last product of a child by now, with the values around it when all samples of that time are given.

    shown: how far back they are. None when no product is recorded.
    """
    given = [event for event in known.events[name] if event.kind in PRODUCTS and event.start <= known.now]
    if not given:
        return None
    last = max(given, key=lambda event: (event.start, event.kind))
    end = last.end or last.start
    recent = last.start >= known.now - shown
    around = tuple(_around(samples, analyte, last, end) for analyte in _lifted(known, last.kind) if recent)
    return Given(LANES[last.kind][1], last.start, end, around)


def _lifted(known: Known, kind: str) -> list[str]:
    """The analytes that a product lifts."""
    by_analyte = [*known.protocol.common.supporting_products.items(), *_ALSO.items()]
    return [analyte for analyte, kinds in by_analyte if kind in kinds]


def _around(samples: Sequence[Sample], analyte: str, event: Event, end: dt.datetime) -> Around:
    own = [sample for sample in samples if sample.analyte == analyte and sample.counted and sample.leads]
    before = [sample for sample in own if sample.at <= event.start]
    after = [sample for sample in own if sample.at > max(event.start, end)]
    return Around(analyte, before[-1] if before else None, after[0] if after else None)


def given_words(at: Looking, given: Given | None) -> GivenWords | None:
    """A product in words; None without one."""
    if given is None:
        return None
    runs = given.start <= at.now < given.end
    ago = "running" if runs else ago_words(given.end, at.now)
    when = short_date_words(given.start if runs else given.end, at.zone, at.now)
    around = (_around_words(each, given) for each in given.around)
    return GivenWords(given.words, ago, when, tuple(words for words in around if words))


def _around_words(around: Around, given: Given) -> str:
    """fibrinogen 0.7 → 1.2 (4 h after); empty where neither is known."""
    label, before, after = ANALYTES[around.analyte].label, around.before, around.after
    told = ""
    if before is not None:
        lead = given.start - before.at
        told = f"{before.words} ({span_words(lead)} before)" if lead > DAY else before.words
    if after is not None:
        return f"{label} {told} → {after.words} ({span_words(after.at - given.end)} after)".replace("  ", " ")
    return f"{label} {told} before, not measured since" if told else ""
