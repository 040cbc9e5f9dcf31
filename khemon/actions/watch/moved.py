"""Moves of results to another patient, for those who had looked at the wrong one, and decisions that were made."""

from __future__ import annotations

from dataclasses import dataclass

from khemon.actions.permitted import permitted
from khemon.actions.review.moving import MOVE
from khemon.actions.review.recording import FORMAT
from khemon.actions.review.standing import counting
from khemon.actions.watch.heldqueue import DecidedLine
from khemon.actions.watch.heldreadings import understood
from khemon.actions.watch.setting import Setting, setting_of
from khemon.figures.style import rule_words
from khemon.figures.words import date_words, moment, unit_words
from khemon.models import Actor, Refused
from khemon.store import BatchRow, Reader, ResultRow, Store

#: How a person's opening of a move, and of its taking back, stands in the list of what was seen.
SEEN_MOVE, SEEN_BACK = "move", "move_taken_back"


@dataclass(frozen=True, slots=True)
class MoveNotice:
    """What someone who had looked at the wrong patient is told. key: of the wrong, to_key: of the right patient."""

    batch: str
    at: str
    by: str
    reason: str
    key: int
    wrong: str
    to_key: int
    right: str
    looked: str
    results: tuple[str, ...]
    alerts: tuple[str, ...]
    taken_back: str


@dataclass(frozen=True, slots=True)
class Movable:
    """A result that counts for a patient, in words, the newest first in a list."""

    result_id: int
    words: str
    batch: str


@permitted("look")
def movable_results(store: Store, actor: Actor, patient_id: str) -> tuple[Movable, ...]:
    """A patient's results that count now, the newest first. Refused for an unknown patient."""
    with store.reading() as reader:
        if patient_id not in reader.patient_ids():
            raise Refused("patient", "no patient has this id", "list all with: khemon status")
        setting, ids = setting_of(reader), counting(reader, [patient_id])
        rows = [row for row in reader.results_of(patient_id) if row.result_id in ids]
        rows.sort(key=lambda row: (-row.collected_ms, row.analyte, row.result_id))
        return tuple(Movable(row.result_id, result_words(row, setting), row.batch) for row in rows)


@permitted("look")
def move_notices(store: Store, actor: Actor) -> tuple[MoveNotice, ...]:
    """Moves this person has not opened and is to be told of: they had looked before, or it was taken back since."""
    with store.reading() as reader:
        setting = setting_of(reader)
        news = [row for row in reader.batches(MOVE) if _is_news(reader, row, actor)]
        return tuple(_notice(reader, row, actor, setting) for row in news)


@permitted("look")
def move_notice(store: Store, actor: Actor, batch: str) -> MoveNotice:
    """One move. Refused for a batch that is none."""
    with store.reading() as reader:
        row = reader.batch(batch)
        if row is None or row.format != MOVE:
            raise Refused("move", "no move has this number", "open it from the list")
        return _notice(reader, row, actor, setting_of(reader))


def _is_news(reader: Reader, row: BatchRow, actor: Actor) -> bool:
    opened = reader.seen_at(SEEN_MOVE, row.batch, actor.name) is not None
    if row.undone:
        return opened and reader.seen_at(SEEN_BACK, row.batch, actor.name) is None
    return not opened and actor.name in _looked(row)


def _looked(row: BatchRow) -> dict[str, int]:
    """Who had looked at the wrong patient since the results stood there, and when last."""
    return dict(row.details.get("looked", ()))


def _notice(reader: Reader, row: BatchRow, actor: Actor, setting: Setting) -> MoveNotice:
    zone, numbers = setting.zone, reader.patient_numbers()
    names = {patient.patient_id: patient.name or patient.patient_id for patient in reader.patients()}
    wrong, right = row.details["from"], row.details["to"]
    at_ms = _looked(row).get(actor.name)
    back = "" if row.undone_ms is None else f"{date_words(moment(row.undone_ms), zone)} by {row.undone_by}"
    details = reader.result_details(row.details["results"])
    return MoveNotice(
        batch=row.batch,
        at=date_words(moment(row.recorded_ms), zone),
        by=row.actor,
        reason=row.details["reason"],
        key=numbers.get(wrong, 0),
        wrong=names.get(wrong, wrong),
        to_key=numbers.get(right, 0),
        right=names.get(right, right),
        looked="" if at_ms is None else date_words(moment(at_ms), zone),
        results=tuple(result_words(details[number], setting) for number in row.details["results"] if number in details),
        alerts=tuple(_alerts(reader, row, [wrong, right], names)),
        taken_back=back,
    )


def result_words(row: ResultRow, setting: Setting) -> str:
    """A result in a list: platelets <5 ×10⁹/L, 21 Nov 2026 06:00."""
    value = f"{row.comparator}{row.canonical_value or row.text} {unit_words(row.canonical_unit)}".strip()
    return f"{row.analyte.replace('_', ' ')} {value}, {date_words(moment(row.collected_ms), setting.zone)}"


def _alerts(reader: Reader, row: BatchRow, patient_ids: list[str], names: dict[str, str]) -> list[str]:
    """The moves of alerts that the move of results made, at both patients."""
    found = []
    for alert in reader.alerts(None, patient_ids):
        for move in reader.alert_moves(alert.alert_id):
            if move.at_ms == row.recorded_ms:
                who = names.get(alert.patient_id, alert.patient_id)
                found.append(f"{who}: {rule_words(alert.rule)} {move.move.replace('_', ' ')} ({move.to_state})")
    return found


@permitted("look")
def decided_lines(store: Store, actor: Actor, most: int) -> tuple[DecidedLine, ...]:
    """The last decisions of people that stand, the newest first."""
    with store.reading() as reader:
        zone = setting_of(reader).zone
        acts = {row.batch_no: row for row in (*reader.batches(FORMAT), *reader.batches(MOVE))}
        own = [one for one in reader.decisions().values() if one.batch_no in acts]
        last = sorted(own, key=lambda one: -one.decision_no)[:most]
        kept = reader.kept_whole(one.row_id for one in last)
        results = reader.result_details(one.row_id for one in last)
        setting = setting_of(reader)
        told = {number: understood(row, zone) for number, row in kept.items()}
        told |= {number: result_words(row, setting) for number, row in results.items()}
        return tuple(
            DecidedLine(
                date_words(moment(acts[one.batch_no].recorded_ms), zone),
                acts[one.batch_no].actor,
                one.verdict,
                told.get(one.row_id, ""),
                one.reason,
                acts[one.batch_no].batch,
            )
            for one in last
        )
