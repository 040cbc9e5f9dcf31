"""Results as charts, strips and tables show them: what counts, what leads, and what to know when reading it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from khemon.actions.watch.flags import severities_of
from khemon.figures.samples import Sample
from khemon.figures.words import moment, span_words
from khemon.models import EXCLUDING_QUALITIES, QUALITIES, STATUSES, Event, Severity
from khemon.rules import Prepared, Protocol, Results
from khemon.rules.series import Ints
from khemon.store.rows import ResultRow
from khemon.units import ANALYTES

_ANALYTE_NAMES = tuple(ANALYTES)
_FINAL, _PRELIMINARY = STATUSES.index("final"), STATUSES.index("preliminary")


class Sampling:
    """Makes samples of the rows of an evaluation."""

    def __init__(
        self, protocol: Protocol, results: Results, prepared: Prepared, events: Mapping[str, Sequence[Event]]
    ) -> None:
        self._protocol, self._results, self._prepared, self._events = protocol, results, prepared, events
        self.leading = set(prepared.points.row.tolist())
        self._supported = set(prepared.points.row[prepared.points.supported].tolist())

    def samples(self, rows: Ints, details: Sequence[ResultRow]) -> list[Sample]:
        """The samples of these rows, in the same order."""
        own, at = self._results.take(rows), cache(moment)
        judged = own.time <= self._prepared.closing[own.patient]
        columns = (own.time, own.low, own.high, own.quality, own.status, own.analyte, judged)
        each = zip(rows.tolist(), details, self._severities(own), *(column.tolist() for column in columns), strict=True)
        found = []
        for row, detail, severity, time, low, high, quality, status, analyte, is_judged in each:
            called, name = QUALITIES[quality], _ANALYTE_NAMES[analyte]
            counted = is_judged and called not in EXCLUDING_QUALITIES
            found.append(
                Sample(
                    detail.result_id,
                    name,
                    at(time),
                    low,
                    high,
                    detail.comparator,
                    detail.canonical_value or detail.text,
                    detail.text,
                    detail.unit or "",
                    counted,
                    row in self.leading,
                    row in self._supported,
                    status == _PRELIMINARY,
                    self._remarks(row, detail, called, status, name, is_judged=is_judged),
                    severity=severity if counted else None,
                )
            )
        return found

    def _severities(self, own: Results) -> list[Severity | None]:
        """The severity of what each row's value meets."""
        found: list[Severity | None] = [None] * own.time.size
        for code in np.unique(own.analyte).tolist():
            places = np.flatnonzero(own.analyte == code)
            met = severities_of(self._protocol, _ANALYTE_NAMES[code], own.low[places], own.high[places])
            for place, severity in zip(places.tolist(), met, strict=True):
                found[place] = severity
        return found

    def _remarks(
        self, row: int, detail: ResultRow, quality: str, status: int, analyte: str, *, is_judged: bool
    ) -> tuple[str, ...]:
        found = []
        if quality in EXCLUDING_QUALITIES:
            found.append(f"set aside: {quality.replace('_', ' ')}")
        elif quality:
            found.append(f"caution: {quality}")
        if not is_judged:
            found.append("after observation closed: not judged")
        if status != _FINAL:
            found.append(STATUSES[status])
        if row in self._supported:
            found.append(self._support(detail.patient_id, analyte, moment(detail.collected_ms)))
        if detail.basis == "DDU":
            found.append("DDU, doubled to FEU")
        elif detail.basis == "unknown":
            found.append("basis not stated: FEU or DDU")
        if not found and row not in self.leading:
            found.append("another result of this time is read by the rules")
        return tuple(found)

    def _support(self, patient_id: str, analyte: str, at: dt.datetime) -> str:
        """Which product may have lifted a value: 4 h after plasma."""
        products = self._protocol.common.supporting_products.get(analyte, ())
        given = [event for event in self._events[patient_id] if event.kind in products and event.start <= at]
        if not given:
            return "after a transfusion"
        latest = max(given, key=lambda event: event.end or event.start)
        over = min(latest.end or latest.start, at)
        return f"{span_words(at - over)} after {latest.kind.replace('_', ' ')}"
