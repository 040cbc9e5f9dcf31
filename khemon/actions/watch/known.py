"""What is known of some patients at a moment: their results as samples, and the points that rules read."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from khemon.actions.judging import episodes_of
from khemon.actions.recompute import case_of
from khemon.actions.watch.flags import severities_of
from khemon.explain.looking import Series
from khemon.figures.samples import Sample
from khemon.figures.words import moment, span_words
from khemon.models import EXCLUDING_QUALITIES, QUALITIES, STATUSES, Episode, Event, Patient, Severity
from khemon.rules import NO_TIME, Episodes, Protocol, choosing, prepare
from khemon.rules import series as columns
from khemon.rules.calendar import to_ms
from khemon.rules.rulebook import Comparison
from khemon.store import Reader
from khemon.store.rows import ResultRow
from khemon.units import ANALYTES

_ANALYTE_NAMES = tuple(ANALYTES)


def _is_open(found: Episodes) -> columns.Bools:
    """Which episodes have no end."""
    still: columns.Bools = found.end == NO_TIME
    return still


class Known:
    """Results and events of some patients up to a moment; lookups are by patient id.

    read: results that were read already, so that they are not asked for again.
    """

    def __init__(
        self,
        reader: Reader,
        patients: Sequence[Patient],
        protocol: Protocol,
        zone: ZoneInfo,
        now: dt.datetime,
        read: Iterable[ResultRow] = (),
    ) -> None:
        self.protocol, self.zone, self.now = protocol, zone, now
        self.patients = {patient.patient_id: patient for patient in patients}
        self._reader = reader
        case, givens = case_of(reader, list(self.patients), str(zone))
        self.index = {name: number for number, name in enumerate(case.patient_ids)}
        self.events: dict[str, list[Event]] = defaultdict(list)
        for event in reader.events_for(case.patient_ids).events:
            self.events[event.patient_id].append(event)
        self.results = case.results
        self._case, self._givens = case, givens
        self._result_ids = givens.result_id.tolist()
        self.prepared = prepare(self.results, case.events, len(self.index), protocol, to_ms(now))
        self._leading = set(self.prepared.points.row.tolist())
        self._supported = set(self.prepared.points.row[self.prepared.points.supported].tolist())
        self._series: dict[Comparison, Series] = {}
        self._details: dict[int, ResultRow] = {row.result_id: row for row in read}

    def episodes(self, *, in_full: bool) -> dict[str, list[Episode]]:
        """Every patient's episodes as of now; words and grounds for all of them, or words for those that are open."""
        wanted = None if in_full else _is_open
        found: dict[str, list[Episode]] = {name: [] for name in self.index}
        asked = (self._case, self.protocol, str(self.zone), to_ms(self.now), self._givens, wanted)
        for episode in episodes_of(*asked, grounded=in_full):
            found[episode.patient_id].append(episode)
        return found

    def drawn(self, patient_id: str, rules: Collection[str]) -> tuple[list[Episode], int]:
        """A patient's open episodes in full, with those of some rules that ended, bare; and how many ended in all."""
        codes = [code for code, name in enumerate(self.protocol.rule_names) if name in rules]
        ended = 0

        def asked(found: Episodes) -> columns.Bools:
            nonlocal ended
            still = _is_open(found)
            ended = int(np.count_nonzero(~still & (found.patient == self.index[patient_id])))
            shown: columns.Bools = still | np.isin(found.rule, codes)
            return shown

        told = episodes_of(
            self._case,
            self.protocol,
            str(self.zone),
            to_ms(self.now),
            self._givens,
            _is_open,
            grounded=True,
            asked=asked,
        )
        return [episode for episode in told if episode.patient_id == patient_id], ended

    def series(self, limb: Comparison) -> Series:
        """The points of a limb's analyte, with what is neutral for it."""
        if limb not in self._series:
            self._series[limb] = Series(limb.analyte, self.prepared.of(limb.analyte), limb)
        return self._series[limb]

    def result_id(self, row: int) -> int:
        """The result behind a row of the columns."""
        return int(self._result_ids[row])

    def details(self, rows: Sequence[int]) -> list[ResultRow]:
        """The results behind rows, as received, in the same order; each is asked for once."""
        ids = [self.result_id(row) for row in rows]
        wanted = [number for number in ids if number not in self._details]
        if wanted:
            self._details |= self._reader.result_details(wanted, all_there=True)
        return [self._details[number] for number in ids]

    def value_words(self, row: int) -> str:
        """The value behind a row with its comparator, in the canonical unit: <5."""
        detail = self.details([row])[0]
        return f"{detail.comparator}{detail.canonical_value or detail.text}"

    def samples(self, patient_id: str, since: dt.datetime | None = None, last: int = 0) -> list[Sample]:
        """The results that stand (not replaced, not withdrawn), by time; `last`: of each analyte at least so many."""
        rows = self._standing_rows(patient_id)
        if since is not None:
            rows = self._recent(rows, to_ms(since), last)
        graver = self._severities(rows)
        details = self.details(rows)
        return [self._sample(row, detail, graver[row]) for row, detail in zip(rows, details, strict=True)]

    def _severities(self, rows: Sequence[int]) -> dict[int, Severity | None]:
        """The severity of what each row's value meets."""
        found: dict[int, Severity | None] = {}
        codes = self.results.analyte[rows]
        for code in set(codes.tolist()):
            own = np.asarray(rows)[codes == code]
            ends = self.results.low[own], self.results.high[own]
            met = severities_of(self.protocol, _ANALYTE_NAMES[code], *ends)
            found |= dict(zip(own.tolist(), met, strict=True))
        return found

    def _standing_rows(self, patient_id: str) -> list[int]:
        """Rows of versions that count, set aside or not, collected by now."""
        number = self.index.get(patient_id)
        if number is None:
            return []
        start, stop = np.searchsorted(self.results.patient, (number, number + 1))
        mine = np.arange(int(start), int(stop))
        mine = mine[self.results.time[mine] <= to_ms(self.now)]
        own = self.results.take(mine)
        # With no quality stated, what is left out is only what a later version replaced or withdrew.
        _, kept = choosing.usable(replace(own, quality=np.zeros_like(own.quality)), mine)
        return sorted(int(row) for row in kept)

    def _recent(self, rows: list[int], since_ms: int, last: int) -> list[int]:
        kept = [row for row in rows if self.results.time[row] >= since_ms]
        for code in set(self.results.analyte[rows].tolist()):
            own = [row for row in rows if self.results.analyte[row] == code]
            kept += [row for row in own if row in self._leading][-last:] if last else []
        return sorted(set(kept))

    def _sample(self, row: int, detail: ResultRow, severity: Severity | None) -> Sample:
        quality = QUALITIES[self.results.quality[row]]
        analyte = _ANALYTE_NAMES[self.results.analyte[row]]
        low, high = float(self.results.low[row]), float(self.results.high[row])
        counted = quality not in EXCLUDING_QUALITIES and self._is_judged(row)
        return Sample(
            result_id=detail.result_id,
            analyte=analyte,
            at=moment(int(self.results.time[row])),
            low=low,
            high=high,
            comparator=detail.comparator,
            value=detail.canonical_value or detail.text,
            text=detail.text,
            unit=detail.unit or "",
            counted=counted,
            leads=row in self._leading,
            supported=row in self._supported,
            preliminary=STATUSES[self.results.status[row]] == "preliminary",
            remarks=tuple(self._remarks(row, detail, quality, analyte)),
            severity=severity if counted else None,
        )

    def _is_judged(self, row: int) -> bool:
        return bool(self.results.time[row] <= self.prepared.closing[self.results.patient[row]])

    def _remarks(self, row: int, detail: ResultRow, quality: str, analyte: str) -> list[str]:
        found = []
        if quality in EXCLUDING_QUALITIES:
            found.append(f"set aside: {quality.replace('_', ' ')}")
        elif quality:
            found.append(f"caution: {quality}")
        if not self._is_judged(row):
            found.append("after observation closed: not judged")
        if STATUSES[self.results.status[row]] != "final":
            found.append(STATUSES[self.results.status[row]])
        if row in self._supported:
            found.append(self._support(detail.patient_id, analyte, moment(detail.collected_ms)))
        if detail.basis == "DDU":
            found.append("DDU, doubled to FEU")
        elif detail.basis == "unknown":
            found.append("basis not stated: FEU or DDU")
        if row not in self._leading and not found:
            found.append("another result of this time is read by the rules")
        return found

    def _support(self, patient_id: str, analyte: str, at: dt.datetime) -> str:
        """Which product may have lifted a value: 4 h after plasma."""
        products = self.protocol.common.supporting_products.get(analyte, ())
        given = [event for event in self.events[patient_id] if event.kind in products and event.start <= at]
        if not given:
            return "after a transfusion"
        latest = max(given, key=lambda event: event.end or event.start)
        over = min(latest.end or latest.start, at)
        return f"{span_words(at - over)} after {latest.kind.replace('_', ' ')}"
