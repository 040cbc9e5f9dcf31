"""How an act of a person is recorded: batches of its own, one for each batch its rows came with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from khemon.actions.review.stated import Row
from khemon.alerts import Move
from khemon.importers import EventRow, Observation, PatientRow
from khemon.models import Actor, Refused
from khemon.store import ImportMeta, ImportOutcome, Writer
from khemon.store.digests import canonical_json

LONGEST_REASON = 500
FORMAT = "review"


@dataclass(slots=True)
class Part:
    """The rows of an act that came with one batch; what they become shares its source, and is undone with it.

    decisions: row, verdict, the place in `rows` of what it became or None, reason.
    """

    batch: str
    source: str | None
    kind: str
    supersede: bool = False
    rows: list[Row] = field(default_factory=list)
    decisions: list[tuple[int, str, int | None, str]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The batches of an act, what became of its rows, and whom it concerns."""

    batches: list[str]
    counts: dict[str, int]
    patient_ids: tuple[str, ...]


def why(reason: str) -> str:
    """A reason as it is kept; Refused for none or one without end."""
    told = " ".join(reason.split())
    if not told or len(told) > LONGEST_REASON:
        found = "is missing" if not told else f"is longer than {LONGEST_REASON} characters"
        raise Refused("reason", found, "say in a few words why")
    return told


def record(
    writer: Writer,
    actor: Actor,
    parts: Sequence[Part],
    statement: Mapping[str, Any],
    now_ms: int,
    form: str = FORMAT,
) -> Recorded:
    """Records the parts of an act, each as a batch that holds the act itself as its bytes, and its decisions."""
    batches: list[str] = []
    counts: Counter[str] = Counter()
    patients: set[str] = set()
    for number, part in enumerate(parts):
        outcome = _record(writer, actor, part, {**statement, "part": number, "at_ms": now_ms}, form)
        writer.record_decisions(outcome.batch, part.decisions)
        batches.append(outcome.batch)
        counts.update(outcome.counts)
        patients |= set(outcome.patient_ids)
    return Recorded(batches, {name: count for name, count in counts.items() if count}, tuple(sorted(patients)))


def _record(writer: Writer, actor: Actor, part: Part, statement: Mapping[str, Any], form: str) -> ImportOutcome:
    asked = [[row_id, verdict, place] for row_id, verdict, place, _ in part.decisions]
    said = {**statement, "actor": actor.name, "actor_kind": actor.kind, "of": part.batch, "rows": asked}
    meta = ImportMeta(
        file=f"{statement['act']} by {actor.name}",
        content=canonical_json(said).encode(),
        source=part.source,
        mapping_digest="",
        kind=part.kind,
        format=form,
        recorded_ms=int(statement["at_ms"]),
        actor=actor,
        details={"act": statement["act"], "of": part.batch, "reason": statement["reason"], **part.details},
    )
    return writer.record_import(
        meta,
        observations=[row for row in part.rows if isinstance(row, Observation)],
        events=[row for row in part.rows if isinstance(row, EventRow)],
        patients=[row for row in part.rows if isinstance(row, PatientRow)],
        on_conflict="supersede" if part.supersede else "hold",
    )


def alerts_told(moves: Sequence[Move]) -> list[dict[str, Any]]:
    """The alerts that an act raised, moved or took away."""
    return [
        {
            "alert": move.alert.alert_id,
            "patient_id": move.alert.patient_id,
            "rule": move.alert.rule,
            "severity": move.alert.severity,
            "move": move.move,
            "reason": move.reason,
            "text": move.alert.text,
        }
        for move in moves
    ]
