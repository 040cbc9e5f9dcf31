"""Rows that wait for a person, and samples that gave no value."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from khemon.store.digests import row_digest
from khemon.store.repository.events import event_histories
from khemon.store.repository.fates import contents, printed_fields, usable_rows
from khemon.store.repository.ledger import Ledger
from khemon.store.repository.marks import mark_of, totals
from khemon.store.repository.people import fields_of
from khemon.store.repository.seals import WARD, damage, seals_of
from khemon.store.rows import HeldRow
from khemon.store.tables import BATCH_SPAN, event_version, fate, patient_version, settlement


def settled(connection: sa.Connection) -> dict[int, str]:
    """Id of a row to the verdict it got when it was last judged anew; rows that never were are not in it."""
    rows = [tuple(row) for row in connection.execute(sa.select(settlement).order_by(settlement.c.undo_no))]
    seals_of(connection).compare("settlement", totals((WARD, mark_of(*row)) for row in rows), [WARD])
    return {fate_id: decision for fate_id, _, decision in rows}


def kept_rows(
    connection: sa.Connection, ledger: Ledger, decisions: tuple[str, ...], patient_no: int | None = None
) -> list[HeldRow]:
    """Standing rows for which one of these decisions holds now, in order of recording."""
    anew = settled(connection)
    turned = [fate_id for fate_id, decision in anew.items() if decision in decisions]
    now = fate.c.decision.in_(decisions)
    statement = sa.select(fate).where(now | fate.c.fate_id.in_(turned) if turned else now)
    if patient_no is not None:
        statement = statement.where(fate.c.patient_no == patient_no)
    gone = ledger.not_standing()
    found_rows = _sound_rows(connection, list(connection.execute(statement).mappings()), decisions, patient_no)
    rows = [row for row in found_rows if row["fate_id"] // BATCH_SPAN not in gone]
    said = contents(connection, ledger, rows)
    found = []
    for row in sorted(rows, key=lambda row: row["fate_id"]):
        decision = anew.get(row["fate_id"], row["decision"])
        if decision in decisions:
            found.append(_held(ledger, row, row["fate_id"], said[row["fate_id"]], decision))
    return found


def _sound_rows(
    connection: sa.Connection, rows: list[sa.RowMapping], decisions: tuple[str, ...], patient_no: int | None
) -> list[sa.RowMapping]:
    """The rows when they are what should be there, without those of patients who are set aside."""
    seals = seals_of(connection)
    for row in rows:
        *values, digest = row.values()
        if row_digest(tuple(values)) != digest:
            raise damage(f"row {row['fate_id']} of a file")
    asked = None if patient_no is None else [patient_no]
    for decision in decisions:
        own = ((row["patient_no"] or WARD, row["digest"]) for row in rows if row["decision"] == decision)
        seals.compare(decision, totals(own), asked)
    return [row for row in rows if row["patient_no"] not in seals.left_out]


def first_of_each(rows: list[HeldRow]) -> list[HeldRow]:
    """The rows without those that say the same as an earlier one: every new export of a laboratory repeats them."""
    said: dict[tuple[object, ...], HeldRow] = {}
    for row in rows:
        taken = (row.patient_id, row.collected_ms, row.collected_text, row.specimen_id, row.analyte)
        said.setdefault((*taken, row.text, row.unit, row.status, row.quality, row.decision), row)
    return list(said.values())


def contradictions(connection: sa.Connection, ledger: Ledger, patient_no: int | None = None) -> list[HeldRow]:
    """Standing event and patient rows that contradict what the rows before them say."""
    found: list[HeldRow] = []
    for table in (event_version, patient_version):
        numbers = _doubtful(connection, ledger, table) if patient_no is None else [patient_no]
        if not numbers:
            continue
        _, now = (event_histories if table is event_version else fields_of)(connection, ledger, numbers)
        waiting = [row_id for row_id, decision in now.items() if decision == "conflict"]
        if waiting:
            for row, text in usable_rows(connection, table, table.c.version_id.in_(waiting)):
                found.append(_held(ledger, row, row["version_id"], json.loads(text), "conflict"))
    return found


def _doubtful(connection: sa.Connection, ledger: Ledger, table: sa.Table) -> list[int]:
    """Numbers of patients whose rows may contradict each other: an undoing can make a conflict of a repeated row."""
    doubt = table.c.decision != "accepted" if ledger.undone else table.c.decision == "conflict"
    return [number for (number,) in connection.execute(sa.select(table.c.patient_no).where(doubt).distinct())]


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
