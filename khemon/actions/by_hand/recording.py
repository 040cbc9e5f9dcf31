"""One act of a person: a batch of its own, evaluated and audited in one transaction, which `khemon undo` takes back."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from khemon.actions.recompute import recompute
from khemon.alerts import Move
from khemon.importers import EventRow, Observation, PatientRow
from khemon.models import Actor, Refused
from khemon.rules.calendar import from_ms, to_ms
from khemon.store import Act, ImportMeta, Writer, row_id

#: The source of what a person enters: no file of a laboratory is held because of it.
BY_HAND = "by hand"
FORMAT = "by_hand"
#: What a list of imports calls an act.
_CALLED = {
    "enter_result": "result entered",
    "edit_result": "result corrected",
    "void_result": "result set out as entered in error",
    "enter_event": "events entered",
    "edit_event": "event corrected",
    "void_event": "event set out as entered in error",
    "edit_patient": "register corrected",
}
Row = Observation | EventRow | PatientRow
_KINDS = {"result": "labs", "event": "events", "patient": "patients"}
#: A row that the act decides about: its id, the verdict, and the place in the act's batch of the row it became.
Decided = tuple[int, str, int | None]


@dataclass(frozen=True)
class Recorded:
    """What an act did: its batch, the rows it brought with their numbers, and the moves of alerts."""

    act: str
    batch: str
    timezone: str
    rows: tuple[dict[str, Any], ...]
    moves: tuple[Move, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """For --json."""
        alerts = [
            {
                "alert": move.alert.alert_id,
                "move": move.move,
                "rule": move.alert.rule,
                "severity": move.alert.severity,
                "status": move.alert.status,
                "state": str(move.alert.state),
                "text": move.alert.text,
            }
            for move in self.moves
        ]
        return {"act": self.act, "batch": self.batch, "rows": list(self.rows), "alerts": alerts}


@dataclass(frozen=True)
class Deed:
    """An act before it is recorded."""

    act: str
    patient_id: str
    source: str | None
    reason: str = ""
    observations: Sequence[Observation] = ()
    events: Sequence[EventRow] = ()
    patients: Sequence[PatientRow] = ()
    decided: Sequence[Decided] = ()
    #: Whether the rows it brings are out themselves: the version that says entered in error.
    brings_withdrawn: bool = False
    before: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> list[Row]:
        """The rows it brings."""
        return [*self.observations, *self.events, *self.patients]

    @property
    def kind(self) -> str:
        """The kind of its batch."""
        return _KINDS[self.act.partition("_")[2]]


def said_of(row: Row) -> dict[str, Any]:
    """What a row says, for the batch's content."""
    if isinstance(row, PatientRow):
        return dict(row.fields)
    names = ("comparator", "canonical_value", "canonical_unit", "collected_ms") if isinstance(row, Observation) else ()
    own = ("analyte", "text", "unit", "specimen_id", "status", "quality", "timing", "comment") if names else ()
    events = () if names else ("kind", "start_ms", "end_ms", "dose", "unit", "note")
    return {name: getattr(row, name) for name in (*own, *names, *events)}


def record(writer: Writer, actor: Actor, deed: Deed, now: dt.datetime, timezone: str) -> Recorded:
    """Keeps an act and what follows from it, in the writer's transaction."""
    at_ms = to_ms(now)
    said = [said_of(row) for row in deed.rows]
    content = {"act": deed.act, "at_ms": at_ms, "by": actor.name, "patient_id": deed.patient_id, "rows": said}
    content |= {"reason": deed.reason, "instead_of": [row[0] for row in deed.decided]}
    packed = json.dumps(content, ensure_ascii=False, sort_keys=True).encode()
    details = {"act": deed.act, "reason": deed.reason}
    meta = ImportMeta(
        f"by hand: {_CALLED[deed.act]}", packed, deed.source, "", deed.kind, FORMAT, at_ms, actor, details
    )
    act = Act(frozenset(row[0] for row in deed.decided), (deed.patient_id,))
    outcome = writer.record_import(
        meta, observations=deed.observations, events=deed.events, patients=deed.patients, act=act
    )
    if outcome.repeated:
        raise Refused(
            "entry", f"the same was stored a moment ago as batch {outcome.batch}", "look at what is stored now"
        )
    brought = list(_brought(writer, outcome.batch, deed))
    # What was not accepted as said would be lost without a word.
    assert outcome.counts["accepted"] == len(said), outcome.counts
    out = [(number, "voided", None) for number in brought] if deed.brings_withdrawn else []
    writer.record_decisions(outcome.batch, ((*one, deed.reason) for one in (*deed.decided, *out)))
    told = {"batch": outcome.batch, "rows": brought, "said": said, "before": dict(deed.before), "reason": deed.reason}
    writer.audit(actor, deed.act, f"batch {outcome.batch}", told, at_ms)
    moves = recompute(writer, [deed.patient_id], at_ms, actor)
    writer.bump_revisions([deed.patient_id])
    rows = tuple(_row(number, row, timezone) for number, row in zip(brought, deed.rows, strict=True))
    spoken = tuple(move for move in moves if move.move != "follow" or move.reason)
    return Recorded(deed.act, outcome.batch, timezone, rows, spoken)


def _brought(writer: Writer, batch: str, deed: Deed) -> Iterable[int]:
    """The numbers of the rows an act brought."""
    found = writer.batch(batch)
    assert found is not None
    return (row_id(found.batch_no, place) for place in range(len(deed.rows)))


def _row(number: int, row: Row, zone: str) -> dict[str, Any]:
    head = {"number": number, "patient_id": row.patient_id}
    if isinstance(row, PatientRow):
        return head | {"fields": dict(row.fields), "reasons": list(row.reasons)}
    told: Callable[[int | None], str | None] = lambda ms: None if ms is None else from_ms(ms, zone).isoformat()  # noqa: E731
    if isinstance(row, EventRow):
        times = {"kind": row.kind, "start": told(row.start_ms), "end": told(row.end_ms)}
        return head | times | {"dose": row.dose, "unit": row.unit, "note": row.note, "reasons": list(row.reasons)}
    names = ("analyte", "text", "comparator", "value", "unit", "canonical_value", "canonical_unit", "status", "quality")
    said = {name: getattr(row, name) for name in names}
    return head | {"collected_at": told(row.collected_ms)} | said | {"reasons": list(row.reasons)}
