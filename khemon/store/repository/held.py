"""Rows that wait for a person, and samples that gave no value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa

from khemon.store.digests import row_digest
from khemon.store.repository.bulk import chunks
from khemon.store.repository.events import event_histories
from khemon.store.repository.fates import OBSERVATION_FIELDS, contents, printed_fields, usable_rows
from khemon.store.repository.ledger import Decided, Ledger
from khemon.store.repository.marks import mark_of, totals
from khemon.store.repository.people import fields_of
from khemon.store.repository.seals import WARD, damage, seals_of
from khemon.store.rows import HeldRow
from khemon.store.tables import BATCH_SPAN, batch_undo, event_version, fate, patient_version, settlement

#: The verdict of an undoing on a row that a person rejected for what is no longer stored: it waits again.
AGAIN = "review"


class KeptRow(NamedTuple):
    """A held row with everything it says, in the fields of an observation, an event or a patient."""

    row_id: int
    kind: str
    batch: str
    source: str | None
    row: int
    field: str | None
    reasons: list[str]
    said: dict[str, Any]


class Anew(NamedTuple):
    """The verdict a row got when it was last judged anew, and when that was."""

    decision: str
    at_ms: int


class Kept(NamedTuple):
    """A held row, and whether a person has decided about it."""

    row: HeldRow
    decided: bool


def settled(connection: sa.Connection, ledger: Ledger, known_at_ms: int | None = None) -> dict[int, Anew]:
    """Id of a row to the verdict it got when it was last judged anew; rows that never were are not in it."""
    known_at_ms = ledger.cut(known_at_ms)
    joined = settlement.join(batch_undo, batch_undo.c.undo_no == settlement.c.undo_no)
    columns = sa.select(*settlement.c, batch_undo.c.recorded_ms).select_from(joined)
    rows = [tuple(row) for row in connection.execute(columns.order_by(settlement.c.undo_no))]
    seals_of(connection).compare("settlement", totals((WARD, mark_of(*row[:-1])) for row in rows), [WARD])
    if not {row[-1] for row in rows} <= set(ledger.undone.values()):
        raise damage("rows judged anew")
    known = (row for row in rows if known_at_ms is None or row[-1] <= known_at_ms)
    return {fate_id: Anew(decision, at_ms) for fate_id, _, decision, at_ms in known}


def kept_rows(
    connection: sa.Connection,
    ledger: Ledger,
    decisions: tuple[str, ...],
    patient_no: int | None = None,
    known_at_ms: int | None = None,
) -> list[Kept]:
    """Standing rows for which one of these decisions holds now, in order of recording.

    Of rows that a person decided about only those that a waiting one may repeat: theirs grow with the years.
    """
    anew = settled(connection, ledger, known_at_ms)
    turned = [fate_id for fate_id, verdict in anew.items() if verdict.decision in decisions]
    now = fate.c.decision.in_(decisions)
    statement = sa.select(fate).where(now | fate.c.fate_id.in_(turned) if turned else now)
    if patient_no is not None:
        statement = statement.where(fate.c.patient_no == patient_no)
    gone = ledger.not_standing(known_at_ms)
    decided = ledger.decided(known_at_ms)
    found: list[tuple[sa.RowMapping, str, bool]] = []
    rows = list(connection.execute(statement).mappings())
    for row in _sound_rows(connection, rows, decisions, patient_no):
        row_id = row["fate_id"]
        decision = anew[row_id].decision if row_id in anew else row["decision"]
        if decision in decisions and row_id // BATCH_SPAN not in gone:
            found.append((row, decision, _is_decided(ledger, decided.get(row_id), anew.get(row_id))))
    found = _of_interest(found)
    said = contents(connection, ledger, [row for row, *_ in found])
    found.sort(key=lambda each: each[0]["fate_id"])
    return [
        Kept(_held(ledger, row, row["fate_id"], said[row["fate_id"]], decision), was) for row, decision, was in found
    ]


def _of_interest(found: list[tuple[sa.RowMapping, str, bool]]) -> list[tuple[sa.RowMapping, str, bool]]:
    """Rows that wait, and of those that were decided about the ones that they may repeat: of the same patients."""
    waiting = {row["patient_no"] for row, _, was_decided in found if not was_decided}
    if not waiting:
        return []
    asked = {*waiting, None}
    return [each for each in found if not each[2] or None in waiting or each[0]["patient_no"] in asked]


def _is_decided(ledger: Ledger, decided: Decided | None, anew: Anew | None) -> bool:
    """Whether a decision holds; one for what was stored then does not, when that was taken back since."""
    if decided is None:
        return False
    again = anew is not None and anew.decision == AGAIN
    return not (again and anew is not None and ledger.batches[decided.batch_no].recorded_ms <= anew.at_ms)


def waiting_rows(kept: Iterable[Kept]) -> list[HeldRow]:
    """Rows nobody has decided about, in order of recording, without those that repeat one that was decided about."""
    rows = sorted(kept, key=lambda each: each.row.fate_id)
    saying = _sayings()
    said = [(saying(each.row), each) for each in rows]
    answered = {key for key, each in said if each.decided}
    return [each.row for key, each in said if key not in answered]


def _sound_rows(
    connection: sa.Connection, rows: list[sa.RowMapping], decisions: tuple[str, ...], patient_no: int | None
) -> list[sa.RowMapping]:
    """The rows when they are what should be there, without those of patients who are set aside."""
    seals = seals_of(connection)
    for row in rows:
        _vouched(row)
    asked = None if patient_no is None else [patient_no]
    for decision in decisions:
        own = ((row["patient_no"] or WARD, row["digest"]) for row in rows if row["decision"] == decision)
        seals.compare(decision, totals(own), asked)
    return [row for row in rows if row["patient_no"] not in seals.left_out]


def _vouched(row: sa.RowMapping) -> sa.RowMapping:
    *values, digest = row.values()
    if row_digest(tuple(values)) != digest:
        raise damage(f"row {row['fate_id']} of a file")
    return row


def first_of_each(rows: list[HeldRow]) -> list[HeldRow]:
    """The rows without those that say the same as an earlier one: every new export of a laboratory repeats them."""
    saying, said = _sayings(), dict[tuple[object, ...], HeldRow]()
    for row in rows:
        said.setdefault(saying(row), row)
    return list(said.values())


def _sayings() -> Callable[[HeldRow], tuple[object, ...]]:
    """What makes two rows repeat each other, asked of rows in order.

    Where the time is not certain, two rows of one file may be two samples; where the patient or any time is missing,
    nothing says that a row repeats another.
    """
    turns: dict[tuple[object, ...], int] = {}

    def saying(row: HeldRow) -> tuple[object, ...]:
        taken = (row.patient_id, row.collected_ms, row.collected_text, row.specimen_id, row.analyte)
        key = (*taken, row.text, row.unit, row.status, row.quality, row.decision)
        if row.patient_id is None or (row.collected_ms is None and not row.collected_text and row.analyte is not None):
            return (*key, row.fate_id)
        if row.collected_ms is None:
            turns[(*key, row.batch)] = turns.get((*key, row.batch), 0) + 1
            return (*key, turns[(*key, row.batch)])
        return key

    return saying


def contradictions(
    connection: sa.Connection, ledger: Ledger, patient_no: int | None = None, known_at_ms: int | None = None
) -> list[Kept]:
    """Standing event and patient rows that contradict what the rows before them say.

    A row that a person rejected waits again when what it contradicted was taken back.
    """
    found: list[Kept] = []
    decided = ledger.decided(known_at_ms)
    for table in (event_version, patient_version):
        numbers = _doubtful(connection, ledger, table) if patient_no is None else [patient_no]
        if not numbers:
            continue
        _, now = (event_histories if table is event_version else fields_of)(connection, ledger, numbers, known_at_ms)
        again = {row for row, verdict in now.items() if verdict == "accepted" and _was_rejected(decided.get(row))}
        waiting = [row_id for row_id, decision in now.items() if decision == "conflict" or row_id in again]
        if waiting:
            for row, text in usable_rows(connection, table, table.c.version_id.in_(waiting)):
                row_id = row["version_id"]
                held = _held(ledger, row, row_id, json.loads(text), "conflict")
                found.append(Kept(held, row_id in decided and row_id not in again))
    return found


def _was_rejected(decided: Decided | None) -> bool:
    return decided is not None and decided.verdict == "rejected"


def _doubtful(connection: sa.Connection, ledger: Ledger, table: sa.Table) -> list[int]:
    """Numbers of patients whose rows may contradict each other: an undoing can make a conflict of a repeated row."""
    doubt = table.c.decision != "accepted" if ledger.undone else table.c.decision == "conflict"
    return [number for (number,) in connection.execute(sa.select(table.c.patient_no).where(doubt).distinct())]


def kept_whole(connection: sa.Connection, ledger: Ledger, row_ids: Iterable[int]) -> dict[int, KeptRow]:
    """Id of a kept row to everything it says; unknown ids are left out."""
    found: dict[int, KeptRow] = {}
    for wanted in chunks(row_ids):
        stored = connection.execute(sa.select(fate).where(fate.c.fate_id.in_(wanted))).mappings()
        rows = [_vouched(row) for row in stored]
        said = contents(connection, ledger, rows)
        found |= {row["fate_id"]: _whole(ledger, row, row["fate_id"], said[row["fate_id"]]) for row in rows}
        for table in (event_version, patient_version):
            for row, text in usable_rows(connection, table, table.c.version_id.in_(wanted)):
                found[row["version_id"]] = _whole(ledger, row, row["version_id"], json.loads(text))
    return found


def _whole(ledger: Ledger, row: sa.RowMapping, row_id: int, said: dict[str, Any]) -> KeptRow:
    facts = ledger.of_row(row_id)
    if facts.kind == "labs":
        said = {name: said[name] for name in OBSERVATION_FIELDS if name in said}
    reasons = json.loads(row["reasons"] or "[]")
    return KeptRow(row_id, facts.kind, facts.batch, facts.source, row["row"], row.get("field"), reasons, said)


def _held(ledger: Ledger, row: sa.RowMapping, row_id: int, said: dict[str, Any], decision: str) -> HeldRow:
    facts = ledger.of_row(row_id)
    printed = printed_fields(said, facts.kind)
    printed["collected_ms"] = said.get("collected_ms", said.get("start_ms"))
    return HeldRow(
        fate_id=row_id,
        batch=facts.batch,
        recorded_ms=facts.recorded_ms,
        row=row["row"],
        field=row.get("field"),
        **printed,
        collected_text=said.get("collected_text"),
        status=said.get("status"),
        quality=said.get("quality"),
        specimen_id=said.get("specimen_id"),
        decision=decision,
        reasons=json.loads(row["reasons"] or "[]"),
    )
