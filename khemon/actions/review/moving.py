"""Results that stand at the wrong patient: withdrawn there, new at the right one, both judged, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from khemon.actions.permitted import permitted
from khemon.actions.recompute import recompute, ward_of
from khemon.actions.review.recording import Part, Recorded, alerts_told, record, why
from khemon.actions.review.standing import counting, standing_like
from khemon.importers import Observation
from khemon.importers.rowfacts import read_identity
from khemon.importers.staging import ACCEPTED
from khemon.models import Actor, Refused
from khemon.rules.calendar import from_ms, to_ms
from khemon.store import NEW_PATIENT, Reader, ResultRow, RowDecision, Store, Writer

MOVE = "move"
_OWN = {each.name for each in fields(Observation)}


@permitted("review")
def move_results(
    store: Store,
    actor: Actor,
    result_ids: Sequence[int],
    from_patient: str,
    to_patient: str,
    reason: str,
    *,
    now: dt.datetime,
    batch: str | None = None,
    new_patient: bool = False,
    keep: bool = True,
) -> dict[str, Any]:
    """The act as a document: what became of the results at the right patient, and the alerts that came and went.

    batch: every result of this import that counts for the wrong patient, in place of result_ids. The same move again
    changes nothing. keep=False: a preview. Refused when one of them is not there, or would be lost by it.
    """
    told = why(reason)
    with store.writing(keep=keep) as writer:
        zone = ward_of(writer).timezone
        _check_patients(writer, from_patient, to_patient, new_patient=new_patient)
        mine = {row.result_id: row for row in writer.results_of(from_patient)}
        wanted = _of_batch(writer, mine, batch) if batch is not None else list(dict.fromkeys(result_ids))
        if not wanted:
            raise Refused("results", "none is named that counts for this patient", "choose from the patient's results")
        before = _moved_before(writer, wanted, to_patient, zone)
        if before is not None:
            return _document(from_patient, to_patient, wanted, before, [], committed=keep) | {"repeated": True}
        rows = _movable(writer, mine, wanted, from_patient)
        parts, arrived = _parts(writer, actor, rows, from_patient, to_patient, told)
        statement = {"act": MOVE, "reason": told, "from": from_patient, "to": to_patient}
        done = record(writer, actor, parts, statement, to_ms(now), MOVE)
        _check_arrived(writer, arrived)
        looked = sorted({name for part in parts for name, _ in part.details["looked"]})
        audited = statement | {"results": wanted, "batches": done.batches, "counts": done.counts, "to_be_told": looked}
        writer.audit(actor, "move_results", f"batch {done.batches[0]}", audited, to_ms(now))
        both = sorted({from_patient, to_patient})
        moves = recompute(writer, both, to_ms(now), actor)
        writer.bump_revisions(both)
        document = _document(from_patient, to_patient, wanted, done, alerts_told(moves), committed=keep)
        fates = dict(Counter(row.decision for row in arrived))
        return document | {"withdrawn": len(rows), "arrived": fates, "to_be_told": looked, "repeated": False}


def _check_patients(reader: Reader, from_patient: str, to_patient: str, *, new_patient: bool) -> None:
    known = set(reader.patient_ids())
    if from_patient not in known:
        raise Refused("--from", "no patient has this id", "list all with: khemon status")
    if from_patient == to_patient:
        raise Refused("--to", "is the patient they stand at", "name the right patient")
    if to_patient not in known and not new_patient:
        raise Refused("--to", "no patient has this id", "check it, or state that it is a new patient")
    identity = read_identity(to_patient, None)
    if identity.decision != ACCEPTED or identity.patient_id != to_patient:
        raise Refused("--to", "is no patient id", "write it as it stands in the register")


def _of_batch(reader: Reader, mine: dict[int, ResultRow], batch: str) -> list[int]:
    """The patient's results of an import that count; those that were moved before where none does any more."""
    own = [row for row in mine.values() if row.batch == batch]
    ids = counting(reader, {row.patient_id for row in own}) if own else set()
    decided = reader.decisions(["moved"])
    return [row.result_id for row in own if row.result_id in ids] or [
        row.result_id for row in own if row.result_id in decided
    ]


def _moved_before(reader: Reader, wanted: Sequence[int], to_patient: str, zone: str) -> Recorded | None:
    """The acts that moved all of these to the same patient before; Refused when some were moved otherwise."""
    decided = reader.decisions(["moved"])
    moved = [decided[number] for number in wanted if number in decided]
    if not moved:
        return None
    names = {batch.batch_no: batch for batch in reader.batches(MOVE)}
    acts = {decision.batch_no: names[decision.batch_no] for decision in moved}
    if len(moved) == len(wanted) and all(_now_at(reader, decision) == to_patient for decision in moved):
        return Recorded([act.batch for act in acts.values()], {}, ())
    act = next(iter(acts.values()))
    at = from_ms(act.recorded_ms, zone).isoformat(timespec="minutes")
    found = f"was moved by {act.actor} at {at}"
    raise Refused(f"result {moved[0].row_id}", found, f"to move it otherwise take back batch {act.batch} first")


def _now_at(reader: Reader, decision: RowDecision) -> str | None:
    """Whose the moved result became, be it stored or held there."""
    assert decision.became is not None
    stored = reader.result_details([decision.became]).get(decision.became)
    if stored is not None:
        return stored.patient_id
    return reader.kept_whole([decision.became])[decision.became].said.get("patient_id")


def _movable(reader: Reader, mine: dict[int, ResultRow], wanted: Sequence[int], from_patient: str) -> list[ResultRow]:
    """The results that are to go; Refused when one is not there, does not count, or would take another one with it."""
    ids = counting(reader, [from_patient])
    for number in wanted:
        if number not in mine:
            raise Refused(f"result {number}", "is none of this patient's", "choose from the patient's results")
        if number not in ids:
            found = "does not count: it was withdrawn, or a later version took its place"
            raise Refused(f"result {number}", found, "move the version that counts")
    going = set(wanted)
    places = {_place(mine[number]) for number in wanted}
    for number in ids - going:
        if number in mine and mine[number].specimen_id is None and _place(mine[number]) in places:
            found = "has the same time as one that is to go, neither has a specimen id: it would be withdrawn with it"
            raise Refused(f"result {number}", found, "move both, and correct the one that was right")
    return [mine[number] for number in wanted]


def _place(row: ResultRow) -> tuple[object, ...]:
    return row.analyte, row.specimen_id or row.collected_ms


def _parts(
    writer: Writer, actor: Actor, rows: Sequence[ResultRow], from_patient: str, to_patient: str, reason: str
) -> tuple[list[Part], list[Observation]]:
    """The rows of the act by the batch they came with: each withdrawn where it stood, and new where it belongs."""
    batches = {batch.batch: batch for batch in writer.batches()}
    parts: dict[str, Part] = {}
    arrived: list[Observation] = []
    for row in rows:
        part = parts.setdefault(row.batch, Part(row.batch, batches[row.batch].source, "labs"))
        origin = f"came_from: row {row.row} of batch {row.batch}"
        gone = _copy(row, from_patient, [f"moved_away: moved to another patient by {actor.name}: {reason}", origin])
        gone.status = "entered_in_error"
        here = _copy(row, to_patient, [f"moved_here: moved from another patient by {actor.name}: {reason}", origin])
        gone.row, here.row = len(part.rows) + 1, len(part.rows) + 2
        part.decisions.append((row.result_id, "moved", len(part.rows) + 1, reason))
        part.rows += [gone, here]
        arrived.append(here)
    for name, part in parts.items():
        since = min(row.recorded_ms for row in rows if row.batch == name)
        looked = _looked(writer, from_patient, since)
        part.details = {
            "from": from_patient,
            "to": to_patient,
            "results": [row_id for row_id, *_ in part.decisions],
            "looked": [[who, at_ms] for who, at_ms in sorted(looked.items()) if who != actor.name],
        }
    return list(parts.values()), arrived


def _looked(reader: Reader, patient_id: str, since_ms: int) -> dict[str, int]:
    """Who opened the patient, or decided on an alert of hers or his, since then, and when last."""
    found = {seen.actor: seen.last_ms for seen in reader.seen_by("patient", patient_id) if seen.last_ms >= since_ms}
    for alert in reader.alerts(None, [patient_id]):
        for move in reader.alert_moves(alert.alert_id):
            if move.at_ms >= since_ms and move.move in ("acknowledge", "snooze"):
                found[move.actor] = max(move.at_ms, found.get(move.actor, 0))
    return found


def _copy(row: ResultRow, patient_id: str, reasons: list[str]) -> Observation:
    """The result as received, at a patient, with what is known about it besides."""
    kept = [reason for reason in row.reasons if reason not in (NEW_PATIENT, "same_time")]
    values = {name: value for name, value in row._asdict().items() if name in _OWN}
    return Observation(**values | {"patient_id": patient_id, "reasons": [*kept, *reasons], "decision": "accepted"})


def _check_arrived(reader: Reader, arrived: Sequence[Observation]) -> None:
    """Refused when a result would neither stand nor wait at the right patient: it would be lost."""
    like = standing_like(reader, arrived)
    for row in arrived:
        if row.decision != "conflict" and not like(row):
            found = "another version of it was withdrawn there, or corrected since: it would not count"
            raise Refused("the right patient", found, "take that act back first, or enter the result by hand")


def _document(
    from_patient: str,
    to_patient: str,
    results: Sequence[int],
    done: Recorded,
    alerts: list[dict[str, Any]],
    *,
    committed: bool,
) -> dict[str, Any]:
    return {
        "act": MOVE,
        "committed": committed,
        "from": from_patient,
        "to": to_patient,
        "results": list(results),
        "counts": done.counts,
        "batches": done.batches if committed else [],
        "alerts": alerts,
    }
