"""The tables, and which of them are protected: a protected row is written once and never changed or taken away.

Rows of one file share a number space: an observation, an event or a patient row has the id
`batch_no * BATCH_SPAN + position in its file`. So the order of ids is the order of recording, whatever the order of
insertion.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from khemon.store.column_types import Blob, Integer, Real, Text, Utc

#: Room for the rows of one file; ids stay below 2**53 for ninety million batches.
BATCH_SPAN = 100_000_000
#: The schema this code reads and writes; equals the head of `migrations/`.
SCHEMA = "0002"


def batch_of(row_id: int) -> int:
    """The number of the batch that brought a row."""
    return row_id // BATCH_SPAN


METADATA = sa.MetaData(
    naming_convention={"ix": "%(table_name)s_%(column_0_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s"}
)


def _column(
    name: str, kind: type[sa.types.TypeEngine[Any]], *, key: bool = False, null: bool = False, of: str | None = None
) -> sa.Column[Any]:
    reference = [] if of is None else [sa.ForeignKey(of)]
    return sa.Column(name, kind, *reference, primary_key=key, nullable=null, autoincrement=False)


def _table(name: str, *parts: sa.schema.SchemaItem, clustered: bool = False) -> sa.Table:
    return sa.Table(name, METADATA, *parts, sqlite_strict=True, sqlite_with_rowid=not clustered)


setting = _table("setting", _column("key", Text, key=True), _column("value", Text), clustered=True)

#: Which code means which analyte here: compared with the analyte table at every opening.
analyte = _table("analyte", _column("code", Integer, key=True), _column("name", Text), sa.UniqueConstraint("name"))

patient = _table(
    "patient", _column("patient_no", Integer, key=True), _column("patient_id", Text), sa.UniqueConstraint("patient_id")
)

batch = _table(
    "batch",
    _column("batch_no", Integer, key=True),
    _column("batch", Text),
    _column("file", Text),
    _column("sha256", Text),
    _column("source", Text, null=True),
    _column("mapping_digest", Text),
    _column("kind", Text),
    _column("format", Text),
    _column("recorded_ms", Utc),
    _column("actor", Text),
    _column("actor_kind", Text),
    _column("counts", Text),
    _column("details", Text),
    _column("digest", Text),
    sa.UniqueConstraint("batch"),
    sa.Index("batch_sha256", "sha256"),
)

batch_undo = _table(
    "batch_undo",
    _column("undo_no", Integer, key=True),
    _column("batch_no", Integer, of="batch.batch_no"),
    _column("recorded_ms", Utc),
    _column("actor", Text),
    _column("actor_kind", Text),
    _column("restored", Integer),
    _column("digest", Text),
    sa.UniqueConstraint("batch_no"),
)

raw_file = _table("raw_file", _column("sha256", Text, key=True), _column("size", Integer), _column("compressed", Blob))

#: Which patients a batch speaks of: a patient exists while a batch that is not undone does.
batch_patient = _table(
    "batch_patient",
    _column("patient_no", Integer, key=True, of="patient.patient_no"),
    _column("batch_no", Integer, key=True, of="batch.batch_no"),
    sa.Index("batch_patient_batch_no", "batch_no"),
    clustered=True,
)

#: One range scan of the primary key is a chart or an evaluation; what every reader needs stands first in the row.
#: `restored_by` is the batch whose undoing let the row stand.
result = _table(
    "result",
    _column("patient_no", Integer, key=True, of="patient.patient_no"),
    _column("collected_ms", Utc, key=True),
    _column("analyte", Integer, key=True),
    _column("result_id", Integer, key=True),
    _column("low", Real),
    _column("high", Real),
    _column("status", Integer),
    _column("quality", Integer),
    _column("specimen", Text, null=True),
    _column("restored_by", Integer, null=True),
    _column("row", Integer),
    _column("field", Text, null=True),
    _column("collected_text", Text),
    _column("text", Text),
    _column("comparator", Text),
    _column("value", Text, null=True),
    _column("unit", Text, null=True),
    _column("canonical_value", Text, null=True),
    _column("canonical_unit", Text, null=True),
    _column("basis", Text),
    _column("timing", Integer),
    _column("comment", Text, null=True),
    _column("resulted_ms", Utc, null=True),
    _column("reasons", Text, null=True),
    _column("digest", Integer),
    sa.CheckConstraint("low >= 0 AND low <= high", name="result_interval"),
    # PostgreSQL keeps not-a-number and calls it greater than infinity; SQLite turns it into NULL, refused above.
    sa.CheckConstraint("high <= 'Infinity'", name="result_number").ddl_if(dialect="postgresql"),
    sa.Index("result_result_id", "result_id"),
    clustered=True,
)

#: Rows that were not accepted, whole in `content`; left out when a duplicate repeats the row `same_as` to the letter.
fate = _table(
    "fate",
    _column("fate_id", Integer, key=True),
    _column("patient_no", Integer, null=True, of="patient.patient_no"),
    _column("row", Integer),
    _column("field", Text, null=True),
    _column("decision", Text),
    _column("reasons", Text),
    _column("same_as", Integer, null=True),
    _column("content", Text, null=True),
    _column("digest", Integer),
    sa.Index("fate_decision", "decision", "patient_no"),
)

#: Held or repeated rows that were judged anew, with another verdict, because a batch was undone; the last one holds.
settlement = _table(
    "settlement",
    _column("fate_id", Integer, key=True, of="fate.fate_id"),
    _column("undo_no", Integer, key=True, of="batch_undo.undo_no"),
    _column("decision", Text),
    clustered=True,
)

#: What one usable row of an events file says, with the fate it got then. What holds now follows from the standing rows
#: in their order; `forced` rows supersede what they contradict.
event_version = _table(
    "event_version",
    _column("version_id", Integer, key=True),
    _column("patient_no", Integer, of="patient.patient_no"),
    _column("kind", Text),
    _column("start_ms", Utc),
    _column("end_ms", Utc, null=True),
    _column("dose", Text, null=True),
    _column("unit", Text, null=True),
    _column("note", Text, null=True),
    _column("forced", Integer),
    _column("row", Integer),
    _column("decision", Text),
    _column("reasons", Text, null=True),
    _column("digest", Integer),
    sa.Index("event_version_patient_no", "patient_no", "start_ms"),
    sa.Index("event_version_decision", "decision", "patient_no"),
)

#: What one usable row of a patients file says, in the same way.
patient_version = _table(
    "patient_version",
    _column("version_id", Integer, key=True),
    _column("patient_no", Integer, of="patient.patient_no"),
    _column("fields", Text),
    _column("forced", Integer),
    _column("row", Integer),
    _column("decision", Text),
    _column("reasons", Text, null=True),
    _column("digest", Integer),
    sa.Index("patient_version_patient_no", "patient_no"),
    sa.Index("patient_version_decision", "decision", "patient_no"),
)

#: Every protocol the store was judged by, in full, from when on, and by whose decision; the last one is live.
protocol_live = _table(
    "protocol_live",
    _column("live_no", Integer, key=True),
    _column("at_ms", Utc),
    _column("name", Text),
    _column("version", Text),
    _column("protocol_digest", Text),
    _column("text", Text),
    _column("actor", Text),
    _column("actor_kind", Text),
    _column("reason", Text),
    _column("digest", Integer),
)

#: What the rules say now; computed from the rows above and replaced by difference.
episode = _table(
    "episode",
    _column("episode_id", Integer, key=True),
    _column("patient_no", Integer, of="patient.patient_no"),
    _column("rule", Text),
    _column("onset_ms", Utc),
    _column("status", Text),
    _column("severity", Text),
    _column("confirmed_ms", Utc, null=True),
    _column("end_ms", Utc, null=True),
    _column("end_reason", Text, null=True),
    _column("text", Text),
    _column("source", Text),
    _column("last_input_ms", Utc, null=True),
    _column("evidence", Text),
    _column("missing", Text),
    _column("limbs", Text),
    sa.Index("episode_patient_no", "patient_no", "rule", "onset_ms"),
)

alert = _table(
    "alert",
    _column("alert_id", Integer, key=True),
    _column("patient_no", Integer, of="patient.patient_no"),
    _column("rule", Text),
    _column("state", Text),
    _column("severity", Text),
    _column("status", Text),
    _column("onset_ms", Utc),
    _column("end_ms", Utc, null=True),
    _column("text", Text),
    _column("body", Text),
    sa.Index("alert_patient_no", "patient_no"),
    sa.Index("alert_state", "state"),
)

alert_move = _table(
    "alert_move",
    _column("alert_id", Integer, key=True, of="alert.alert_id"),
    _column("move_no", Integer, key=True),
    _column("at_ms", Utc),
    _column("actor", Text),
    _column("actor_kind", Text),
    _column("move", Text),
    _column("from_state", Text, null=True),
    _column("to_state", Text),
    _column("reason", Text, null=True),
    _column("details", Text),
    clustered=True,
)

audit = _table(
    "audit",
    _column("sequence", Integer, key=True),
    _column("at_ms", Utc),
    _column("actor", Text),
    _column("actor_kind", Text),
    _column("action", Text),
    _column("object", Text),
    _column("details", Text),
    _column("previous_hash", Text),
    _column("hash", Text),
)

seen = _table(
    "seen",
    _column("kind", Text, key=True),
    _column("object_id", Text, key=True),
    _column("actor", Text, key=True),
    _column("first_ms", Utc),
    _column("last_ms", Utc),
    clustered=True,
)

#: Counts up with every change; patient_no 0 is the ward. The cache key of every page.
revision = _table("revision", _column("patient_no", Integer, key=True), _column("revision", Integer))

PROTECTED: tuple[sa.Table, ...] = (
    analyte,
    patient,
    batch,
    batch_undo,
    raw_file,
    batch_patient,
    result,
    fate,
    settlement,
    event_version,
    patient_version,
    protocol_live,
    alert_move,
    audit,
)
