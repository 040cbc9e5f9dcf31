"""What is known of some patients at a moment: their results as samples, and the points that rules read."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from khemon.actions.judging import episodes_of, shown_episodes, told_of_all
from khemon.actions.recompute import case_of
from khemon.actions.watch.received import Received
from khemon.actions.watch.sampling import Sampling
from khemon.explain.looking import Givens, Series
from khemon.figures.samples import Sample
from khemon.models import EXCLUDING_QUALITIES, QUALITIES, STATUSES, Episode, Event, Patient
from khemon.rules import NO_TIME, Episodes, Protocol, choosing, prepare
from khemon.rules import series as columns
from khemon.rules.calendar import to_ms
from khemon.rules.rulebook import Comparison
from khemon.store import NO_VERSIONS, Reader, Versions, batch_of
from khemon.store.rows import ResultRow
from khemon.units import ANALYTES

_ANALYTE_NAMES = tuple(ANALYTES)
_PRELIMINARY = STATUSES.index("preliminary")
_EXCLUDED = np.array([quality in EXCLUDING_QUALITIES for quality in QUALITIES])


def _is_open(found: Episodes) -> columns.Bools:
    """Which episodes have no end."""
    still: columns.Bools = found.end == NO_TIME
    return still


class Known:
    """Results and events of some patients up to a moment; lookups are by patient id.

    versions: those of the one patient, where they were read already.
    """

    def __init__(
        self,
        reader: Reader,
        patients: Sequence[Patient],
        protocol: Protocol,
        zone: ZoneInfo,
        now: dt.datetime,
        versions: Versions = NO_VERSIONS,
    ) -> None:
        self.protocol, self.zone, self.now = protocol, zone, now
        self.patients = {patient.patient_id: patient for patient in patients}
        self._reader = reader
        case, givens = case_of(reader, list(self.patients), str(zone), read=versions)
        self.index = {name: number for number, name in enumerate(case.patient_ids)}
        self.events: dict[str, list[Event]] = defaultdict(list)
        self._event_batches: dict[str, list[tuple[int, str]]] = defaultdict(list)
        told = reader.events_for(case.patient_ids)
        for event, row_id in zip(told.events, told.event_id.tolist(), strict=True):
            self.events[event.patient_id].append(event)
            self._event_batches[event.patient_id].append((batch_of(row_id), event.kind))
        self.results = case.results
        self._details: dict[int, ResultRow] = {}
        self._givens: Givens = givens
        if len(versions):
            self._givens = Received(reader, case.patient_ids[0], givens.result_id, self._details)
        self._result_ids = givens.result_id
        self.case = case
        self.prepared = prepare(self.results, case.events, len(self.index), protocol, to_ms(now))
        self._sampling = Sampling(protocol, self.results, self.prepared, self.events)
        self._series: dict[Comparison, Series] = {}
        self._standing: dict[str, columns.Ints] = {}

    def read(self, rows: Iterable[ResultRow]) -> None:
        """Takes note of whole rows that were read already, so that they are not asked for again."""
        self._details |= {row.result_id: row for row in rows}

    def episodes(self, *, in_full: bool) -> dict[str, list[Episode]]:
        """Every patient's episodes as of now; words and grounds for all of them, or words for those that are open."""
        wanted = None if in_full else _is_open
        found: dict[str, list[Episode]] = {name: [] for name in self.index}
        asked = (self.case, self.protocol, str(self.zone), to_ms(self.now), self._givens, wanted)
        for episode in episodes_of(*asked, grounded=in_full):
            found[episode.patient_id].append(episode)
        return found

    def standing_episodes(self, last_of: str) -> tuple[dict[str, list[Episode]], Episodes]:
        """Every patient's open episodes as of now and the last one of a rule, in words; with all of them as columns."""
        code = self.protocol.rule_names.index(last_of)

        def wanted(found: Episodes) -> columns.Bools:
            own = found.rule == code
            ends_row = np.append(found.patient[1:] != found.patient[:-1], True) | np.append(~own[1:], True)
            still: columns.Bools = (found.end == NO_TIME) | (own & ends_row)
            return still

        asked = (self.case, self.protocol, str(self.zone), to_ms(self.now), self._givens, wanted)
        told, columns_of_all, _ = told_of_all(*asked)
        by_patient: dict[str, list[Episode]] = {name: [] for name in self.index}
        for episode in told:
            by_patient[episode.patient_id].append(episode)
        return by_patient, columns_of_all

    def brought(self, patient_id: str, batches: Collection[int]) -> Counter[tuple[int, str, bool]]:
        """What some batches brought of a patient: batch, analyte or kind of event, whether a result; and how many."""
        number = self.index.get(patient_id)
        if number is None or not batches:
            return Counter()
        start, stop = np.searchsorted(self.results.patient, (number, number + 1))
        came = batch_of(self.results.recorded[start:stop])
        late = np.isin(came, list(batches))
        codes = came[late] * len(_ANALYTE_NAMES) + self.results.analyte[start:stop][late]
        places, counts = np.unique(codes, return_counts=True)
        found: Counter[tuple[int, str, bool]] = Counter()
        for place, count in zip(places.tolist(), counts.tolist(), strict=True):
            batch, code = divmod(place, len(_ANALYTE_NAMES))
            found[batch, _ANALYTE_NAMES[code], True] = count
        for batch, kind in self._event_batches[patient_id]:
            if batch in batches:
                found[batch, kind, False] += 1
        return found

    def told(self, rules: Collection[str]) -> dict[str, list[Episode]]:
        """Every patient's episodes of some rules as of now, in words."""
        codes = [code for code, name in enumerate(self.protocol.rule_names) if name in rules]

        def wanted(found: Episodes) -> columns.Bools:
            own: columns.Bools = np.isin(found.rule, codes)
            return own

        told: dict[str, list[Episode]] = {name: [] for name in self.index}
        for episode in episodes_of(
            self.case, self.protocol, str(self.zone), to_ms(self.now), self._givens, wanted, grounded=False
        ):
            told[episode.patient_id].append(episode)
        return told

    def drawn(self, rules: Collection[str]) -> tuple[list[Episode], int]:
        """The one patient's open episodes in full, those of some rules that ended, bare; and how many ended in all."""
        codes = [code for code, name in enumerate(self.protocol.rule_names) if name in rules]
        ended = 0

        def asked(found: Episodes) -> columns.Bools:
            nonlocal ended
            still = _is_open(found)
            ended = int(np.count_nonzero(~still))
            shown: columns.Bools = still | np.isin(found.rule, codes)
            return shown

        case = (self.case, self.protocol, str(self.zone), self.prepared)
        return shown_episodes(*case, self._givens, _is_open, asked), ended

    def series(self, limb: Comparison) -> Series:
        """The points of a limb's analyte, with what is neutral for it."""
        if limb not in self._series:
            self._series[limb] = Series(limb.analyte, self.prepared.of(limb.analyte), limb)
        return self._series[limb]

    def result_id(self, row: int) -> int:
        """The result behind a row of the columns."""
        return int(self._result_ids[row])

    def details(self, rows: Sequence[int] | columns.Ints) -> list[ResultRow]:
        """The results behind rows, as received, in the same order; each is asked for once."""
        ids: list[int] = self._result_ids[np.asarray(rows, np.int64)].tolist()
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
        rows = self.standing(patient_id).tolist()
        if since is not None:
            rows = self._recent(rows, to_ms(since), last)
        return self.sampled(np.array(rows, np.int64))

    def sampled(self, rows: columns.Ints) -> list[Sample]:
        """The samples of some rows."""
        return self._sampling.samples(rows, self.details(rows))

    def standing(self, patient_id: str) -> columns.Ints:
        """Rows of versions that count, set aside or not, collected by now, in order of time."""
        if patient_id not in self._standing:
            self._standing[patient_id] = self._standing_of(patient_id)
        return self._standing[patient_id]

    def _standing_of(self, patient_id: str) -> columns.Ints:
        number = self.index.get(patient_id)
        if number is None:
            return np.zeros(0, np.int64)
        start, stop = np.searchsorted(self.results.patient, (number, number + 1))
        mine = np.arange(int(start), int(stop))
        mine = mine[self.results.time[mine] <= to_ms(self.now)]
        own = self.results.take(mine)
        # With no quality stated, what is left out is only what a later version replaced or withdrew.
        _, kept = choosing.usable(replace(own, quality=np.zeros_like(own.quality)), mine)
        return np.sort(kept)

    def counts(self, rows: columns.Ints) -> columns.Bools:
        """Which of some rows rules may see: not set aside, and before observation closed."""
        judged = self.results.time[rows] <= self.prepared.closing[self.results.patient[rows]]
        found: columns.Bools = judged & ~_EXCLUDED[self.results.quality[rows]]
        return found

    def leads(self, rows: columns.Ints) -> columns.Bools:
        """Which of some rows the rules read, of several of one time."""
        found: columns.Bools = np.isin(rows, self.prepared.points.row)
        return found

    def is_lifted_or_preliminary(self, rows: columns.Ints) -> columns.Bools:
        """Which of some rows a run passes over when they are good: after a transfusion, or preliminary."""
        points = self.prepared.points
        lifted = np.isin(rows, points.row[points.supported])
        found: columns.Bools = lifted | (self.results.status[rows] == _PRELIMINARY)
        return found

    def result_ids(self, rows: columns.Ints) -> columns.Ints:
        """The results behind rows."""
        found: columns.Ints = self._result_ids[rows]
        return found

    def _recent(self, rows: list[int], since_ms: int, last: int) -> list[int]:
        kept = [row for row in rows if self.results.time[row] >= since_ms]
        for code in set(self.results.analyte[rows].tolist()):
            own = [row for row in rows if self.results.analyte[row] == code]
            kept += [row for row in own if row in self._sampling.leading][-last:] if last else []
        return sorted(set(kept))
