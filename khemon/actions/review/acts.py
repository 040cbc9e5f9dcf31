"""Decisions about held rows: confirmed, corrected or rejected, one or many, all of it or nothing."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from khemon.actions.permitted import permitted
from khemon.actions.recompute import recompute, ward_of
from khemon.actions.review.needs import needed
from khemon.actions.review.recording import Part, alerts_told, record, why
from khemon.actions.review.standing import standing_like
from khemon.actions.review.stated import Row, as_understood, corrected
from khemon.importers import Observation
from khemon.models import Actor, Refused
from khemon.rules.calendar import from_ms, to_ms
from khemon.store import HeldRow, KeptRow, Reader, Store

#: A value of its own belongs to one row.
_OF_ONE = ("value",)
#: Fields that say where a row stands: with another place it is not what it contradicted that it would replace.
_PLACE = frozenset({"patient_id", "collected_at", "analyte", "kind", "start"})


@permitted("review")
def confirm(
    store: Store, actor: Actor, row_ids: Sequence[int], reason: str, *, now: dt.datetime, keep: bool = True
) -> dict[str, Any]:
    """Lets rows stand as they were understood; a conflicting one takes the place of what is stored, as corrected.

    Refused for all when one of them leaves something open, does not wait, or was decided about. keep=False: a preview.
    """

    def take(row: HeldRow, kept: KeptRow, place: int) -> Row:
        fields = needed(kept.kind, row.decision, kept.reasons, kept.said, to_ms(now))
        if fields or row.decision == "rejected":
            found = f"cannot be confirmed: it leaves open {', '.join(fields)}"
            raise Refused(_where(row), found, f"correct it and give: {', '.join(fields)}")
        return as_understood(kept, place)

    return _decide(store, actor, "confirm", row_ids, reason, take, now, keep=keep)


@permitted("review")
def correct(
    store: Store,
    actor: Actor,
    row_ids: Sequence[int],
    changes: Mapping[str, str],
    reason: str,
    *,
    now: dt.datetime,
    new_patient: bool = False,
    beyond_limits: bool = False,
    keep: bool = True,
) -> dict[str, Any]:
    """Lets rows stand with what a person states in place of what was understood, read as an import would read it.

    new_patient: that an id nobody knows yet is meant. beyond_limits: that a value beyond a hard limit is so.
    """
    if not changes:
        raise Refused("correction", "nothing is stated", "give at least one field, or confirm the row")
    if len(row_ids) > 1 and any(name in changes for name in _OF_ONE):
        raise Refused("correction", "one value is stated for several rows", "correct the value of each row by itself")

    with store.reading() as reader:
        zone = ward_of(reader).timezone
        known = changes.get("patient_id", "").strip() in {"", *reader.patient_ids()}
    if not known and not new_patient:
        raise Refused("patient_id", "no patient has this id", "check it, or state that it is a new patient")

    def take(row: HeldRow, kept: KeptRow, place: int) -> Row:
        fields = needed(kept.kind, row.decision, kept.reasons, kept.said, to_ms(now))
        missing = [name for name in fields if name not in changes]
        if missing:
            raise Refused(_where(row), f"still leaves open {', '.join(missing)}", f"give also: {', '.join(missing)}")
        return corrected(kept, place, changes, zone, to_ms(now), beyond_limits=beyond_limits)

    return _decide(store, actor, "correct", row_ids, reason, take, now, changes=changes, keep=keep)


@permitted("review")
def reject(
    store: Store, actor: Actor, row_ids: Sequence[int], reason: str, *, now: dt.datetime, keep: bool = True
) -> dict[str, Any]:
    """Sets rows aside for good: what is stored stays. The rows stay readable with the reason."""
    return _decide(store, actor, "reject", row_ids, reason, None, now, keep=keep)


VERDICTS = {"confirm": "confirmed", "correct": "corrected", "reject": "rejected"}


def _decide(
    store: Store,
    actor: Actor,
    act: str,
    row_ids: Sequence[int],
    reason: str,
    take: Callable[[HeldRow, KeptRow, int], Row] | None,
    now: dt.datetime,
    *,
    changes: Mapping[str, str] | None = None,
    keep: bool,
) -> dict[str, Any]:
    """The act as a document; in one transaction with its audit entry, evaluation and alerts."""
    told, wanted = why(reason), list(dict.fromkeys(row_ids))
    if not wanted:
        raise Refused("rows", "none was named", "list them with: khemon review")
    with store.writing(keep=keep) as writer:
        zone = ward_of(writer).timezone
        rows = _waiting(writer, wanted, zone)
        kept = writer.kept_whole(wanted)
        stays = act == "confirm" or (changes is not None and not _PLACE & changes.keys())
        asked = [(rows[number], kept[number]) for number in wanted]
        parts = _parts(act, told, actor, asked, take, stays=stays)
        statement = {"act": act, "reason": told} | ({"changes": dict(changes)} if changes else {})
        outcome = record(writer, actor, parts, statement, to_ms(now))
        _check_taken(writer, parts)
        touched = sorted({*outcome.patient_ids, *(row.patient_id for row in rows.values() if row.patient_id)})
        audited = statement | {"rows": wanted, "batches": outcome.batches, "counts": outcome.counts}
        writer.audit(actor, f"review_{act}", f"batch {outcome.batches[0]}", audited, to_ms(now))
        moves = recompute(writer, outcome.patient_ids, to_ms(now), actor)
        writer.bump_revisions(writer.patient_numbers().keys() & set(touched))
        counts = {"rows": len(wanted), "counts": outcome.counts, "patients": len(outcome.patient_ids)}
        return {
            "act": act,
            "committed": keep,
            **counts,
            "batches": outcome.batches if keep else [],
            "alerts": alerts_told(moves),
        }


def _waiting(reader: Reader, wanted: Sequence[int], zone: str) -> dict[int, HeldRow]:
    """The rows that are asked about; Refused by name when one of them does not wait (any more)."""
    waiting = {row.fate_id: row for row in reader.undecided()}
    lost = [number for number in wanted if number not in waiting]
    if lost:
        decided = reader.decisions().get(lost[0])
        if decided is None:
            remedy = "list what waits with: khemon review"
            raise Refused(f"row {lost[0]}", "does not wait, or says the same as one that was decided about", remedy)
        act = next(batch for batch in reader.batches() if batch.batch_no == decided.batch_no)
        at = from_ms(act.recorded_ms, zone).isoformat(timespec="minutes")
        found = f"was decided by {act.actor} at {at}: {decided.verdict}"
        raise Refused(f"row {lost[0]}", found, f"look again; to change it take back batch {act.batch} first")
    return {number: waiting[number] for number in wanted}


def _parts(
    act: str,
    reason: str,
    actor: Actor,
    asked: Sequence[tuple[HeldRow, KeptRow]],
    take: Callable[[HeldRow, KeptRow, int], Row] | None,
    *,
    stays: bool,
) -> list[Part]:
    """The rows of the act by the batch they came with, and by whether they take the place of what is stored.

    stays: the rows stand where they stood, so that a conflicting one replaces what it contradicts.
    """
    parts: dict[tuple[str, bool], Part] = {}
    for row, kept in asked:
        supersede = stays and row.decision == "conflict"
        part = parts.setdefault((kept.batch, supersede), Part(kept.batch, kept.source, kept.kind, supersede))
        place = None
        if take is not None:
            taken = take(row, kept, len(part.rows) + 1)
            verb = VERDICTS[act]
            came = f"came_from: row {kept.row} of batch {kept.batch}, held there"
            taken.reasons = [*taken.reasons, f"{verb}_by_person: {verb} by {actor.name}: {reason}", came]
            place = len(part.rows)
            part.rows.append(taken)
        part.decisions.append((row.fate_id, VERDICTS[act], place, reason))
    return list(parts.values())


def _check_taken(reader: Reader, parts: Sequence[Part]) -> None:
    """Refused when a row that was to take the place of what is stored does not stand now."""
    asked = [
        (row_id, part.rows[place])
        for part in parts
        if part.supersede
        for row_id, _, place, _ in part.decisions
        if place is not None
    ]
    results = [row for _, row in asked if isinstance(row, Observation)]
    like = standing_like(reader, results)
    twice = Counter(_place(one) for one in results)
    for row_id, row in asked:
        if isinstance(row, Observation) and (twice[_place(row)] > 1 or not like(row)):
            found = "would not stand: it was withdrawn since, or another row of this act is about the same result"
            raise Refused(f"row {row_id}", found, "take one row by itself, or reject it")
        if row.decision not in ("accepted", "duplicate"):
            raise Refused(f"row {row_id}", "would still contradict what is stored", "correct or reject it")


def _place(row: Observation) -> tuple[object, ...]:
    return row.patient_id, row.analyte, row.specimen_id or row.collected_ms


def _where(row: HeldRow) -> str:
    return f"row {row.fate_id} (row {row.row} of batch {row.batch})"
