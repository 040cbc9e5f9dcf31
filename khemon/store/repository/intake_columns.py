"""Results on their way in as columns: most rows of a long file stand alone, and no object is made of those.

What is decided and written is what `intake_labs` decides and writes for the same rows.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from khemon.store.digests import row_digests
from khemon.store.repository.beside import kept_beside, pays
from khemon.store.repository.bulk import BLOCK, Same, insert_columns, insert_rows
from khemon.store.repository.intake import WITHOUT_PATIENT, Intake, makes_patient
from khemon.store.repository.intake_labs import (
    QUALITY_CODES,
    STATUS_CODES,
    TIMING_CODES,
    Twins,
    is_accepted,
    moved_places,
    observation_content,
    result_values,
    versions_of,
)
from khemon.store.repository.results import AtHand
from khemon.store.repository.said_columns import NAMES, VARIED, Said
from khemon.store.repository.sealing import RESULT_COLUMNS, RULED, note_results_read
from khemon.store.repository.seals import seals_of
from khemon.store.tables import BATCH_SPAN, result
from khemon.store.triggers import key_guard_aside
from khemon.units import ANALYTE_CODES

Ints = npt.NDArray[np.int64]
#: In `what` of a row that says something of its own; in `who` of one that names nobody.
OWN = NOBODY = -1


@runtime_checkable
class InColumns(Protocol):
    """Observations as columns: what a row says, of whom and when are places in lists; `own` say it for themselves."""

    lines: array[int]
    who: array[int]
    when: array[int]
    what: array[int]
    patients: list[str]
    times: list[str]
    times_ms: list[int]
    said: list[Any]
    specimens: list[str | None] | None
    own: dict[int, Any]

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> Any:  # noqa: ANN401
        """A row that is brought up to date."""

    def seen(self, place: int) -> Any:  # noqa: ANN401
        """A row that is only looked at."""


def decisions_of(rows: Sequence[Any] | InColumns) -> Counter[str]:
    """How many rows have which decision now."""
    # A list is known at once; to look for every part of columns takes long.
    if isinstance(rows, list) or not isinstance(rows, InColumns):
        return Counter(row.decision for row in rows)
    what = np.array(rows.what, np.int64)
    what[list(rows.own)] = OWN
    found = Counter(row.decision for row in rows.own.values())
    counts = np.bincount(what[what != OWN], minlength=len(rows.said))
    for one, count in zip(rows.said, counts.tolist(), strict=True):
        found[one.decision] += count
    return found


def specimen_of(rows: InColumns, place: int) -> str | None:
    """The specimen of a row."""
    return rows.specimens[place] if rows.specimens else None


class _File:
    """The rows of a file as arrays; `own` are the places of those that say something of their own."""

    def __init__(self, rows: InColumns) -> None:
        self.rows = rows
        self.own = np.array(sorted(rows.own), np.int64)
        self.what, self.who = np.array(rows.what, np.int32), np.array(rows.who, np.int32)
        self.what[self.own] = OWN
        places = {name: place for place, name in enumerate(rows.patients)}
        for place in self.own.tolist():
            name = rows.own[place].patient_id
            self.who[place] = NOBODY if name is None else places.setdefault(name, len(places))
        self.names = list(places)
        self.at = np.array([*rows.times_ms, 0], np.int64)[np.array(rows.when, np.int32)]
        self.at[self.own] = [rows.own[place].collected_ms or 0 for place in self.own.tolist()]

    def each(self, of: Callable[[Any], Any], kind: npt.DTypeLike) -> npt.NDArray[Any]:
        """A value of each row."""
        found = np.array([*map(of, self.rows.said), 0], kind)[self.what]
        found[self.own] = [of(self.rows.own[place]) for place in self.own.tolist()]
        return found

    def numbers(self, intake: Intake, standing: Mapping[str, int]) -> Ints:
        """The number of each row's patient, who is made by the first row that says something of them; else NOBODY."""
        rows, count = self.rows, len(self.what)
        speaks = self.each(lambda each: _speaks(each, standing), np.bool_) & (self.who != NOBODY)
        backwards = np.flatnonzero(speaks)[::-1]
        first, number = np.full(len(self.names) + 1, count), np.full(len(self.names) + 1, NOBODY, np.int64)
        first[self.who[backwards]] = backwards
        for one in np.argsort(first[:-1], kind="stable").tolist():
            place = int(first[one])
            if place < count:
                row = rows.seen(place) if self.names[one] in standing else rows[place]
                number[one] = intake.patient_of(row) or NOBODY
        met = first[self.who] <= np.arange(count)
        return np.where(met, number[self.who], NOBODY)


def _speaks(each: Any, standing: Mapping[str, int]) -> bool:  # noqa: ANN401
    """Whether a row says something of a patient who is there, or makes one. Of rows that say the same any may."""
    return each.decision not in WITHOUT_PATIENT and (each.patient_id in standing or makes_patient(each))


def take_columns(intake: Intake, rows: InColumns) -> None:
    """Gives every row its final decision and collects what is to be written."""
    file = _File(rows)
    standing = intake.look_up(file.names)
    number = file.numbers(intake, standing)
    readable = file.each(lambda each: each.decision == "accepted", np.bool_)
    for place in np.flatnonzero(~readable).tolist():
        each = rows.seen(place)
        own = int(number[place])
        intake.settle(place, each, None if own == NOBODY else own, observation_content(each))
    code = file.each(lambda each: ANALYTE_CODES.get(each.analyte or "", 0), np.int64)
    places = np.flatnonzero(readable)
    keys = np.array([number[places], file.at[places], code[places]])
    if not _in_order(keys):
        order = np.lexsort(keys[::-1])
        places, keys = places[order], keys[:, order]
    dropped = _dropped(intake, file, standing, places, keys)
    kept = ~np.isin(places, dropped) if dropped else np.ones(len(places), np.bool_)
    intake.columns = Results(file, intake, places[kept], *keys[:, kept])


def _in_order(keys: Ints) -> bool:
    """Whether rows with these keys, one row of the array for each of its columns, stand in their order already."""
    after, same = np.zeros(keys.shape[1] - 1 if keys.size else 0, np.bool_), True
    for column in keys:
        after |= same & (column[1:] > column[:-1])
        same = same & (column[1:] == column[:-1])
    return bool((after | same).all())


def _dropped(intake: Intake, file: _File, standing: Mapping[str, int], places: Ints, keys: Ints) -> list[int]:
    """The readable rows that are not accepted in view of the store and of the rest of their file."""
    _, at, _ = keys
    between = (int(at.min()), int(at.max())) if at.size else (0, 0)
    stored = versions_of(intake.connection, intake.ledger, standing.values(), between) if standing else {}
    moved = moved_places(intake.ledger, stored)
    same = np.zeros(len(places) + 1, np.bool_)
    same[1:-1] = np.all(keys[:, 1:] == keys[:, :-1], axis=0)
    doubtful = same[1:] | same[:-1]
    groups = {(number, at, code): Twins() for number, at, code in zip(*keys[:, doubtful].tolist(), strict=True)}
    source, known = intake.meta.source, {}
    asked = np.ones(len(places), np.bool_) if stored else doubtful
    for place, number, at, code in zip(places[asked].tolist(), *keys[:, asked].tolist(), strict=True):
        there = (number, code, specimen_of(file.rows, place) or at)
        if (number, at, code) in groups or (source, *there) in stored or there in moved:
            known[place] = (number, at, code)
    return [
        place
        for place, key in sorted(known.items())
        if not is_accepted(intake, stored, groups, moved, (*key, intake.first_id + place), file.rows[place])
    ]


#: The columns that follow from what a row says.
_EVALUATED: dict[str, Callable[[Any], Any]] = {
    "low": lambda each: each.low,
    "high": lambda each: each.high,
    "status": lambda each: STATUS_CODES[each.status],
    "quality": lambda each: QUALITY_CODES[each.quality],
    "timing": lambda each: TIMING_CODES[each.timing],
}


class Results:
    """The accepted rows of a file in the order of the table's key."""

    def __init__(self, file: _File, intake: Intake, places: Ints, number: Ints, at: Ints, code: Ints) -> None:
        # A copy of its own: the three keys were made together, and would be kept together.
        self.rows, self.places, self.at = file.rows, places, at.copy()
        self.number, self.code = number.astype(np.int32), code.astype(np.int8)
        self.first_id, self._new = intake.first_id, intake.new_numbers()
        self._what = file.what[places]
        own = np.zeros(len(file.what), np.bool_)
        own[list(file.rows.own)] = True
        #: Which of them say something of their own.
        self._own = own[places]
        self._evaluated = {name: np.array([*map(of, file.rows.said), 0]) for name, of in _EVALUATED.items()}

    def write(self, connection: sa.Connection) -> Ints:
        """Inserts the rows; their digests."""
        # Few rows are not worth the change of the schema, after which every other connection reads it anew.
        with key_guard_aside(connection, result) if len(self.places) > BLOCK else nullcontext():
            return self._written(connection)

    def _written(self, connection: sa.Connection) -> Ints:
        said, times = Said(self.rows.said), [*self.rows.times, ""]
        digests = np.zeros(len(self.places), np.int64)
        # What names no column of the table is not given: without specimens there is none.
        given = [name for name in VARIED if name != "specimen" or self.rows.specimens]
        worth = pays(connection, len(self.places))
        with kept_beside(connection, result, given, said.kept) if worth else nullcontext() as beside:
            for start in range(0, len(self.places), BLOCK):
                block = slice(start, start + BLOCK)
                alone = self._own[block]
                own = self._alone(start + np.flatnonzero(alone))
                varied, what = self._block(said, times, start + np.flatnonzero(~alone))
                if beside is not None:
                    beside.insert([varied[name] for name in given], what)
                elif what:
                    varied |= said.columns((name for name in NAMES if name not in varied), what)
                    insert_columns(connection, result, [varied[name] for name in NAMES], len(what))
                insert_rows(connection, result, own)
                note_results_read(seals_of(connection), self._read(block))
                digests[block][~alone], digests[block][alone] = varied["digest"], [row[-1] for row in own]
        return digests

    def _block(self, said: Said, times: Sequence[str], kept: Ints) -> tuple[dict[str, Any], list[int]]:
        """The columns of some of the rows that are not what they say of a result, and where that stands."""
        rows, places = self.rows, self.places[kept].tolist()
        what = self._what[kept].tolist()
        varied: dict[str, Any] = {
            "patient_no": self.number[kept].tolist(),
            "collected_ms": self.at[kept].tolist(),
            "result_id": (self.places[kept] + self.first_id).tolist(),
            "specimen": [rows.specimens[place] for place in places] if rows.specimens else Same(None),
            "row": list(map(rows.lines.__getitem__, places)),
            "collected_text": list(map(times.__getitem__, map(rows.when.__getitem__, places))),
        }
        varied["digest"] = row_digests(said.texts(what, varied))
        return varied, what

    def _alone(self, kept: Ints) -> list[tuple[Any, ...]]:
        """The rows of the table for some that say something of their own."""
        keys = zip(*(column[kept].tolist() for column in (self.number, self.at, self.code, self.places)), strict=True)
        return [
            result_values(number, at, code, place + self.first_id, self.rows.own[place], restored_by=None)
            for number, at, code, place in keys
        ]

    def at_hand(self, wanted: Collection[int]) -> AtHand:
        """What an evaluation takes of the patients who are new with this file: of them there are no other rows."""
        numbers = self._new.intersection(wanted)
        first, last = np.searchsorted(self.number, (min(numbers, default=0), max(numbers, default=0) + 1)).tolist()
        kept = (self.code[first:last] < RULED) & np.isin(self.number[first:last], list(numbers))
        return AtHand(numbers, self._read(first + np.flatnonzero(kept)))

    def _read(self, kept: Ints | slice) -> list[Sequence[Any]]:
        """What is read of some of the rows for an evaluation."""
        places, rows = self.places[kept], self.rows
        own = {index: rows.own[int(places[index])] for index in np.flatnonzero(self._own[kept]).tolist()}
        columns: dict[str, Any] = {"patient_no": self.number, "collected_ms": self.at, "analyte": self.code}
        columns = {name: column[kept] for name, column in columns.items()}
        columns["result_id"] = places + self.first_id
        columns["restored_by"] = columns["specimen"] = [None] * len(places)
        if rows.specimens:
            columns["specimen"] = list(map(rows.specimens.__getitem__, places.tolist()))
        for name, of in _EVALUATED.items():
            column = columns[name] = self._evaluated[name][self._what[kept]]
            column[list(own)] = [of(each) for each in own.values()]
        return [columns[column.name] for column in RESULT_COLUMNS]

    def text_of(self, row_id: int) -> tuple[str, str | None, str] | None:
        """Text and unit of a row as received, and its canonical text; None for a row of another file."""
        if row_id // BATCH_SPAN != self.first_id // BATCH_SPAN:
            return None
        place = row_id - self.first_id
        each = self.rows.own.get(place) or self.rows.said[self.rows.what[place]]
        return each.text, each.unit, each.comparator + (each.canonical_value or "")
