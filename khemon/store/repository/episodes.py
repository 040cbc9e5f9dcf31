"""Episodes in the store: what the rules say now, replaced by difference so that an unchanged one keeps its number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from khemon.models import Episode, EvidenceItem
from khemon.store.column_types import ms_of, time_of
from khemon.store.repository.bulk import chunks, insert_rows, next_number, only
from khemon.store.rows import StoredEpisode
from khemon.store.tables import episode, patient


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
        json.dumps(evidence, ensure_ascii=False, separators=(",", ":")),
        json.dumps(value.missing, ensure_ascii=False),
        json.dumps([value.limbs, value.fresh_limbs], ensure_ascii=False),
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


def save_episodes(
    connection: sa.Connection, numbers: dict[str, int], episodes: Iterable[Episode]
) -> list[StoredEpisode]:
    """Makes these the episodes of exactly these patients, writing differences only.

    An episode of the same patient, rule and onset keeps its number.
    """
    stored = _stored(connection, list(numbers.values()))
    number_next = next_number(connection, episode.c.episode_id)
    new: list[tuple[Any, ...]] = []
    changed: list[dict[str, Any]] = []
    kept: list[StoredEpisode] = []
    for value in episodes:
        row = _packed(value, numbers[value.patient_id])
        same = stored.get(row[:3])
        if not same:
            episode_id, number_next = number_next, number_next + 1
            new.append((episode_id, *row))
        else:
            episode_id, before = same.pop(0)
            if before != row:
                changed.append({"number": episode_id} | _named(row))
        kept.append(StoredEpisode(episode_id, value))
    over = [episode_id for rest in stored.values() for episode_id, _ in rest]
    for chunk in chunks(over):
        connection.execute(sa.delete(episode).where(episode.c.episode_id.in_(chunk)))
    if changed:
        connection.execute(sa.update(episode).where(episode.c.episode_id == sa.bindparam("number")), changed)
    insert_rows(connection, episode, new)
    return kept


def _named(row: tuple[Any, ...]) -> dict[str, Any]:
    return {column.name: value for column, value in zip(list(episode.c)[1:], row, strict=True)}


def _stored(
    connection: sa.Connection, numbers: Sequence[int]
) -> dict[tuple[Any, ...], list[tuple[int, tuple[Any, ...]]]]:
    """(patient, rule, onset) to the stored (number, columns)."""
    found: dict[tuple[Any, ...], list[tuple[int, tuple[Any, ...]]]] = {}
    for chunk in chunks(numbers):
        for row in connection.execute(
            only(sa.select(episode), episode.c.patient_no, chunk).order_by(episode.c.episode_id)
        ):
            columns = tuple(row)
            found.setdefault(columns[1:4], []).append((columns[0], columns[1:]))
    return found
