"""Episodes in the store: what the rules say now, replaced by difference so that an unchanged one keeps its number."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import sqlalchemy as sa

from khemon.models import Episode, EvidenceItem
from khemon.store.column_types import ms_of, time_of
from khemon.store.repository.bulk import (
    BLOCK,
    Column,
    ReadyOf,
    Same,
    chunks,
    insert_columns,
    insert_rows,
    next_number,
    only,
)
from khemon.store.repository.ready import Ready
from khemon.store.repository.seals import VERSION, seals_of
from khemon.store.rows import BareEpisodes, StoredEpisode
from khemon.store.tables import episode, patient

#: Made once: making an encoder takes longer than it takes to encode a row.
_PLAIN = json.JSONEncoder(ensure_ascii=False)
_DENSE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
#: Of the number that tells one version of a child's episodes from another.
_BITS = 63
_COLUMNS = [column.name for column in episode.c]
_STORED = ReadyOf(sa.select(episode), episode.c.patient_no)
_CHANGE = Ready(
    sa.text(
        f"UPDATE episode SET {', '.join(f'{name} = :{name}' for name in _COLUMNS[1:])} WHERE episode_id = :episode_id"
    )
)


def _packed(value: Episode, patient_no: int) -> tuple[Any, ...]:
    """The columns after `episode_id`."""
    evidence = [
        [item.result_id, item.analyte, ms_of(item.collected_at), item.value, item.unit, item.role]
        for item in value.evidence
    ]
    return (
        patient_no,
        value.rule,
        ms_of(value.onset),
        value.status,
        value.severity,
        None if value.confirmed_at is None else ms_of(value.confirmed_at),
        None if value.end is None else ms_of(value.end),
        value.end_reason,
        value.text,
        value.source,
        None if value.last_input_at is None else ms_of(value.last_input_at),
        _DENSE.encode(evidence),
        _PLAIN.encode(value.missing),
        _PLAIN.encode([value.limbs, value.fresh_limbs]),
    )


def _unpacked(row: tuple[Any, ...], patient_id: str) -> Episode:
    """The episode of columns after `episode_id`."""
    _, rule, onset, status, severity, confirmed, end, end_reason, text, source, last, evidence, missing, limbs = row
    items = (
        EvidenceItem(result_id=number, analyte=name, collected_at=time_of(collected), value=value, unit=unit, role=role)
        for number, name, collected, value, unit, role in json.loads(evidence)
    )
    held, fresh = json.loads(limbs)
    return Episode(
        patient_id=patient_id,
        rule=rule,
        status=status,
        severity=severity,
        onset=time_of(onset),
        confirmed_at=None if confirmed is None else time_of(confirmed),
        end=None if end is None else time_of(end),
        end_reason=end_reason,
        text=text,
        evidence=tuple(items),
        missing=tuple(json.loads(missing)),
        source=source,
        last_input_at=None if last is None else time_of(last),
        limbs=tuple(held),
        fresh_limbs=tuple(fresh),
    )


#: No episodes without words.
NO_BARE = BareEpisodes()
#: No evidence, nothing missing, no limbs.
_NOTHING_TOLD = ("[]", "[]", "[[], []]")


def _bare(value: BareEpisodes, numbers: dict[str, int]) -> list[Column]:
    """The same columns of episodes without words."""
    told = [Same(nothing) for nothing in _NOTHING_TOLD]
    patient_no = list(map(numbers.__getitem__, value.patient_id))
    return [patient_no, *value[1:-1], Same(""), value.source, Same(None), *told]


def load_episodes(
    connection: sa.Connection, numbers: Sequence[int] | None, *, open_only: bool = False
) -> list[StoredEpisode]:
    """Stored episodes sorted by patient id, rule and onset."""
    statement = sa.select(episode, patient.c.patient_id).join(patient, patient.c.patient_no == episode.c.patient_no)
    if open_only:
        statement = statement.where(episode.c.end_ms.is_(None))
    found = []
    for chunk in chunks(numbers) if numbers is not None else [None]:
        for row in connection.execute(only(statement, episode.c.patient_no, chunk)):
            found.append(StoredEpisode(row[0], _unpacked(tuple(row)[1:-1], row[-1])))
    return sorted(found, key=lambda each: (each.episode.patient_id, each.episode.rule, each.episode.onset))


def patients_with(connection: sa.Connection, rule: str, status: str | None) -> list[str]:
    """Sorted ids of the patients that have a stored episode of a rule, in that status if one is named."""
    joined = sa.select(patient.c.patient_id).join(episode, episode.c.patient_no == patient.c.patient_no).distinct()
    own = joined.where(episode.c.rule == rule)
    return sorted(connection.execute(own if status is None else own.where(episode.c.status == status)).scalars())


class _Difference:
    """What has to be written so that the stored episodes of some patients are those that were computed."""

    def __init__(self, connection: sa.Connection, stored: Sequence[tuple[Any, ...]]) -> None:
        self._connection = connection
        #: (patient, rule, onset) to what is stored and was not met yet, the oldest number last.
        self._stored: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        #: The rows that stand in the end, as far as they were numbered one by one.
        self.standing: list[tuple[Any, ...]] = []
        #: Patients who had none, and have some now.
        self._first: set[int] = set()
        for row in sorted(stored, reverse=True):
            same = self._stored.get(row[1:4])
            if same is None:
                self._stored[row[1:4]] = [row]
            else:
                same.append(row)
        self._next: int | None = None
        self.new: list[tuple[Any, ...]] = []
        self.changed: list[dict[str, Any]] = []

    def number_of(self, row: tuple[Any, ...]) -> int:
        """The number of an episode with these columns: its own when it was there before, else the next one."""
        same = self._stored.get(row[:3])
        if same:
            before = same.pop()
            if before[1:] != row:
                self.changed.append(dict(zip(_COLUMNS, (before[0], *row), strict=True)))
            self.standing.append((before[0], *row))
            return int(before[0])
        number = next_number(self._connection, episode.c.episode_id) if self._next is None else self._next
        self._next = number + 1
        self.new.append((number, *row))
        self.standing.append((number, *row))
        return number

    def number(self, columns: Sequence[Column], length: int) -> None:
        """Numbers so many episodes with these columns."""
        if self._stored:
            whole = [repeat(column.value, length) if isinstance(column, Same) else column for column in columns]
            for row in zip(*whole, strict=True):
                same = self._stored.get(row[:3])
                # Most stand as they were, and nobody asks for their numbers.
                if same is not None and same[-1:] and same[-1][1:] == row:
                    self.standing.append(same.pop())
                else:
                    self.number_of(row)
            return
        # None of these patients has an episode to be met again.
        first = next_number(self._connection, episode.c.episode_id) if self._next is None else self._next
        self._next = first + length
        self._first.update(columns[0])
        for start in range(0, length, BLOCK):
            some = slice(start, min(start + BLOCK, length))
            block = [column if isinstance(column, Same) else column[some] for column in columns]
            numbers = range(first + some.start, first + some.stop)
            insert_columns(self._connection, episode, [numbers, *block], len(numbers))

    def write(self) -> None:
        """Takes away what was not met, changes what differs, adds what is new; and notes whose episodes are others."""
        seals, gone = seals_of(self._connection), {row[1] for rest in self._stored.values() for row in rest}
        for number in gone | self._first | {row["patient_no"] for row in self.changed} | {row[1] for row in self.new}:
            seals.note(VERSION, number, secrets.randbits(_BITS))
        for chunk in chunks(row[0] for rest in self._stored.values() for row in rest):
            self._connection.execute(sa.delete(episode).where(episode.c.episode_id.in_(chunk)))
        if self.changed:
            _CHANGE.run(self._connection, self.changed)
        if self.new:
            insert_rows(self._connection, episode, self.new)


def save_episodes(
    connection: sa.Connection,
    numbers: dict[str, int],
    episodes: Iterable[Episode],
    bare: BareEpisodes = NO_BARE,
) -> list[StoredEpisode]:
    """Makes these the episodes of exactly these patients, writing differences only; those in words with numbers.

    An episode of the same patient, rule and onset keeps its number.
    """
    if len(numbers) == 1:
        return _saved_of_one(connection, numbers, episodes, bare)
    difference = _Difference(connection, _STORED.rows(connection, numbers.values()))
    kept = _numbered(difference, numbers, episodes)
    difference.number(_bare(bare, numbers), len(bare.patient_id))
    difference.write()
    return kept


def _numbered(difference: _Difference, numbers: dict[str, int], episodes: Iterable[Episode]) -> list[StoredEpisode]:
    packed = ((value, _packed(value, numbers[value.patient_id])) for value in episodes)
    return [StoredEpisode(difference.number_of(row), value) for value, row in packed]


class _Saved(NamedTuple):
    """The episodes of one child as they were saved: whole rows of those in words and of the others, which were bare."""

    told: list[tuple[Any, ...]]
    untold: list[tuple[Any, ...]]
    bare: BareEpisodes


def _saved_of_one(
    connection: sa.Connection, numbers: dict[str, int], episodes: Iterable[Episode], bare: BareEpisodes
) -> list[StoredEpisode]:
    """The same for one child, whose rows are not read again where its seal says that nobody changed them since."""
    [number] = numbers.values()
    seals, rests_on = seals_of(connection), [(number, VERSION)]
    before: _Saved | None = seals.known(VERSION, number, rests_on) if seals.has(VERSION, number) else None
    if before is not None and before.bare == bare:
        difference = _Difference(connection, before.told)
        kept, untold = _numbered(difference, numbers, episodes), before.untold
        told = difference.standing
    else:
        stored = _STORED.rows(connection, [number]) if before is None else [*before.told, *before.untold]
        difference = _Difference(connection, stored)
        kept = _numbered(difference, numbers, episodes)
        told = list(difference.standing)
        difference.number(_bare(bare, numbers), len(bare.patient_id))
        untold = difference.standing[len(told) :]
    difference.write()
    if len(untold) == len(bare.patient_id) and seals.has(VERSION, number):
        seals.learn(VERSION, number, rests_on, _Saved(told, untold, bare))
    return kept
