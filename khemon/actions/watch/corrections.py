"""What was recorded after a moment about the time before it: corrections, withdrawals, late arrivals."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from khemon.actions.permitted import permitted
from khemon.actions.watch.patient import patient_id_of
from khemon.actions.watch.setting import setting_of
from khemon.figures.style import LANES
from khemon.figures.words import date_words, moment, unit_words
from khemon.models import Actor, Event, Patient
from khemon.rules import Results, choosing
from khemon.rules.calendar import to_ms
from khemon.store import BatchRow, Moment, Reader, ResultColumns, ResultRow, RowDecision, Store
from khemon.units import ANALYTES

#: Entries of the register that rules or readers go by, in words.
_ENTRIES = {
    "name": "name",
    "birth_date": "birth date",
    "sex": "sex",
    "diagnosis": "diagnosis",
    "day0": "day 0",
    "sirolimus_target": "sirolimus target",
}
_NOT_YET, _GONE = "not yet here", "no longer counted"


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """One thing that the board did not know at the moment. key: the child's in addresses; 0: the whole ward."""

    key: int
    patient: str
    what: str
    then: str
    now: str
    since: str
    #: Nothing was there then: it came late. Otherwise what was there changed or went.
    arrived: bool


@permitted("look")
def corrections_since(
    store: Store, actor: Actor, as_of: dt.datetime, key: str | int | None = None
) -> tuple[CorrectionLine, ...]:
    """What is known now of the time up to a moment and was not known then, of one child or of all.

    What changed or was withdrawn stands first, then what arrived late. Refused for an unknown key.
    """
    at_ms = to_ms(as_of)
    past = store.looking_back(Moment(at_ms, at_ms, lambda *_: [], lambda *_: []))
    with store.reading() as now, past.reading() as then:
        asked = None if key is None else [patient_id_of(now, key)]
        return tuple(sorted(_Changes(then, now, at_ms, asked).lines(), key=lambda line: line.arrived))


class _Changes:
    """The differences between two readers."""

    def __init__(self, then: Reader, now: Reader, at_ms: int, asked: list[str] | None) -> None:
        self.then, self.now, self.at_ms, self.asked = then, now, at_ms, asked
        self.zone: ZoneInfo = setting_of(now).zone
        self.numbers = {**then.patient_numbers(), **now.patient_numbers()}
        self.before = {child.patient_id: child for child in then.patients(asked)}
        self.after = {child.patient_id: child for child in now.patients(asked)}

    def lines(self) -> Iterator[CorrectionLine]:
        """By child: the register, results by time, events by start; last what concerns the whole ward."""
        by_child: dict[str, list[CorrectionLine]] = defaultdict(list)
        for name, lines in (*self._entries(), *self._results(), *self._events()):
            by_child[name] += lines
        for name in sorted(by_child):
            yield from by_child[name]
        before, after = setting_of(self.then).protocol, setting_of(self.now).protocol
        if before.called != after.called:
            yield CorrectionLine(0, "The whole ward", "protocol", before.called, after.called, "", arrived=False)

    def _line(self, name: str, what: str, then: str, now: str, since: str = "") -> CorrectionLine:
        child = self.after.get(name) or self.before.get(name)
        called = (child.name if child else None) or name
        number, arrived = self.numbers.get(name, 0), not then
        return CorrectionLine(number, called, what, then or _NOT_YET, now or _GONE, since, arrived)

    def _entries(self) -> Iterator[tuple[str, list[CorrectionLine]]]:
        for name, child in self.before.items():
            other = self.after.get(name)
            if other is None:
                words = "every import that spoke of this child was taken back"
                yield name, [self._line(name, "the child", "on record", "", words)]
                continue
            changed = [entry for entry in _ENTRIES if getattr(child, entry) != getattr(other, entry)]
            yield name, [self._line(name, _ENTRIES[e], self._said(child, e), self._said(other, e)) for e in changed]

    def _said(self, child: Patient, entry: str) -> str:
        value = getattr(child, entry)
        return date_words(value, self.zone) if isinstance(value, dt.datetime) else str(value or "")

    def _results(self) -> Iterator[tuple[str, list[CorrectionLine]]]:
        before = _standing_ids(self.then.results_for(self.asked, until_ms=self.at_ms, all_analytes=True))
        after = _standing_ids(self.now.results_for(self.asked, until_ms=self.at_ms, all_analytes=True))
        gone, come = np.setdiff1d(before, after).tolist(), np.setdiff1d(after, before).tolist()
        rows = self.now.result_details([*gone, *come])
        pairs: dict[tuple[str, int, str], tuple[list[ResultRow], list[ResultRow]]] = defaultdict(lambda: ([], []))
        for side, numbers in enumerate((gone, come)):
            for row in (rows[number] for number in numbers if number in rows):
                pairs[row.patient_id, row.collected_ms, row.analyte][side].append(row)
        why = _Why(self.now, self.zone) if pairs else None
        for (name, at_ms, analyte), (was, now) in sorted(pairs.items()):
            what = f"{ANALYTES[analyte].label}, {date_words(moment(at_ms), self.zone)}"
            yield name, [self._line(name, what, _values(was), _values(now), why.of(was, now) if why else "")]

    def _events(self) -> Iterator[tuple[str, list[CorrectionLine]]]:
        before, after = self._told_of(self.then), self._told_of(self.now)
        for name in sorted(before.keys() | after.keys()):
            gone, come = before[name] - after[name], after[name] - before[name]
            found = []
            for kind, start_ms in sorted({(each[0], each[1]) for each in gone | come}, key=lambda each: each[1]):
                was, is_now = (_said_of(told, kind, start_ms, self.zone) for told in (gone, come))
                what = f"{LANES.get(kind, ('', kind))[1]}, {date_words(moment(start_ms), self.zone)}"
                found.append(self._line(name, what, was, is_now))
            yield name, found

    def _told_of(self, reader: Reader) -> defaultdict[str, set[_Told]]:
        """What is said of every event that had begun by the moment; an end that lies after it is none yet."""
        found: defaultdict[str, set[_Told]] = defaultdict(set)
        for event in reader.events_for(self.asked).events:
            if to_ms(event.start) <= self.at_ms:
                found[event.patient_id].add(_told(event, self.at_ms))
        return found


_Told = tuple[str, int, int, str, str]


def _told(event: Event, at_ms: int) -> _Told:
    end = to_ms(event.end) if event.end is not None and to_ms(event.end) <= at_ms else 0
    dose = " ".join(part for part in (event.dose, event.unit) if part)
    return event.kind, to_ms(event.start), end, dose, event.note or ""


def _said_of(told: Iterable[_Told], kind: str, start_ms: int, zone: ZoneInfo) -> str:
    """The events of one kind and start in words."""
    said = []
    for _, _, end, dose, note in sorted(each for each in told if each[:2] == (kind, start_ms)):
        parts = [dose, f"until {date_words(moment(end), zone)}" if end else "", note]
        said.append(", ".join(part for part in parts if part) or "recorded, no end by then")
    return "; ".join(said)


def _standing_ids(found: ResultColumns) -> npt.NDArray[np.int64]:
    """Ids of the versions that count, set aside by quality or not."""
    nothing = np.zeros(len(found), np.int32)
    parts = found.patient, found.time, nothing, found.analyte, found.low, found.high
    results = Results(*parts, found.status, found.quality, found.specimen, found.recorded, found.timing)
    stands = choosing.standing(results)
    return found.result_id if stands is None else found.result_id[stands]


def _values(rows: Sequence[ResultRow]) -> str:
    return "; ".join(map(_value, rows))


def _value(row: ResultRow) -> str:
    marks = [row.status if row.status not in ("final", "corrected") else "", row.quality]
    told = ", ".join(mark.replace("_", " ") for mark in marks if mark)
    return f"{row.text} {unit_words(row.unit)}".strip() + (f" ({told})" if told else "")


class _Why:
    """When and why a result came or went."""

    def __init__(self, reader: Reader, zone: ZoneInfo) -> None:
        self._zone = zone
        self._batches: Mapping[str, BatchRow] = {row.batch: row for row in reader.batches()}
        self._numbered: Mapping[int, BatchRow] = {row.batch_no: row for row in self._batches.values()}
        self._decisions: Mapping[int, RowDecision] = reader.decisions()

    def of(self, gone: Sequence[ResultRow], come: Sequence[ResultRow]) -> str:
        """In words: recorded 20 Nov 2026 14:00; taken back, set out or moved, by whom."""
        said = [f"recorded {date_words(moment(max(row.recorded_ms for row in come)), self._zone)}"] if come else []
        said += filter(None, map(self._went, gone))
        return "; ".join(dict.fromkeys(said))

    def _went(self, row: ResultRow) -> str:
        batch = self._batches.get(row.batch)
        if batch is not None and batch.undone_ms is not None:
            return f"import taken back {date_words(moment(batch.undone_ms), self._zone)} by {batch.undone_by}"
        decided = self._decisions.get(row.result_id)
        if decided is None:
            return ""
        act = self._numbered.get(decided.batch_no)
        who = "" if act is None else f" {date_words(moment(act.recorded_ms), self._zone)} by {act.actor}"
        return f"{decided.verdict.replace('_', ' ')}{who}: {decided.reason}"
