"""What files brought: batches, their undoing, and every row with what became of it."""

from __future__ import annotations

import sqlalchemy as sa

from khemon.store.column_types import Blob, Integer, Real, Text, Utc
from khemon.store.tables.form import column, table

setting = table("setting", column("key", Text, key=True), column("value", Text), clustered=True)

#: Which code means which analyte here: compared with the analyte table at every opening.
analyte = table("analyte", column("code", Integer, key=True), column("name", Text), sa.UniqueConstraint("name"))

patient = table(
    "patient", column("patient_no", Integer, key=True), column("patient_id", Text), sa.UniqueConstraint("patient_id")
)

batch = table(
    "batch",
    column("batch_no", Integer, key=True),
    column("batch", Text),
    column("file", Text),
    column("sha256", Text),
    column("source", Text, null=True),
    column("mapping_digest", Text),
    column("kind", Text),
    column("format", Text),
    column("recorded_ms", Utc),
    column("actor", Text),
    column("actor_kind", Text),
    column("counts", Text),
    column("details", Text),
    column("digest", Text),
    sa.UniqueConstraint("batch"),
    sa.Index("batch_sha256", "sha256"),
)

batch_undo = table(
    "batch_undo",
    column("undo_no", Integer, key=True),
    column("batch_no", Integer, of="batch.batch_no"),
    column("recorded_ms", Utc),
    column("actor", Text),
    column("actor_kind", Text),
    column("restored", Integer),
    column("digest", Text),
    sa.UniqueConstraint("batch_no"),
)

raw_file = table("raw_file", column("sha256", Text, key=True), column("size", Integer), column("compressed", Blob))

#: Which patients a batch speaks of: a patient exists while a batch that is not undone does.
batch_patient = table(
    "batch_patient",
    column("patient_no", Integer, key=True, of="patient.patient_no"),
    column("batch_no", Integer, key=True, of="batch.batch_no"),
    sa.Index("batch_patient_batch_no", "batch_no"),
    clustered=True,
)

#: One range scan of the primary key is a chart or an evaluation; what every reader needs stands first in the row.
#: `restored_by` is the batch whose undoing let the row stand.
result = table(
    "result",
    column("patient_no", Integer, key=True, of="patient.patient_no"),
    column("collected_ms", Utc, key=True),
    column("analyte", Integer, key=True),
    column("result_id", Integer, key=True),
    column("low", Real),
    column("high", Real),
    column("status", Integer),
    column("quality", Integer),
    column("specimen", Text, null=True),
    column("restored_by", Integer, null=True),
    column("row", Integer),
    column("field", Text, null=True),
    column("collected_text", Text),
    column("text", Text),
    column("comparator", Text),
    column("value", Text, null=True),
    column("unit", Text, null=True),
    column("canonical_value", Text, null=True),
    column("canonical_unit", Text, null=True),
    column("basis", Text),
    column("timing", Integer),
    column("comment", Text, null=True),
    column("resulted_ms", Utc, null=True),
    column("reasons", Text, null=True),
    column("digest", Integer),
    sa.CheckConstraint("low >= 0 AND low <= high", name="result_interval"),
    # PostgreSQL keeps not-a-number and calls it greater than infinity; SQLite turns it into NULL, refused above.
    sa.CheckConstraint("high <= 'Infinity'", name="result_number").ddl_if(dialect="postgresql"),
    sa.Index("result_result_id", "result_id"),
    clustered=True,
)

#: Rows that were not accepted, whole in `content`; left out when a duplicate repeats the row `same_as` to the letter.
fate = table(
    "fate",
    column("fate_id", Integer, key=True),
    column("patient_no", Integer, null=True, of="patient.patient_no"),
    column("row", Integer),
    column("field", Text, null=True),
    column("decision", Text),
    column("reasons", Text),
    column("same_as", Integer, null=True),
    column("content", Text, null=True),
    column("digest", Integer),
    sa.Index("fate_decision", "decision", "patient_no"),
)

#: Held or repeated rows that were judged anew, with another verdict, because a batch was undone; the last one holds.
settlement = table(
    "settlement",
    column("fate_id", Integer, key=True, of="fate.fate_id"),
    column("undo_no", Integer, key=True, of="batch_undo.undo_no"),
    column("decision", Text),
    clustered=True,
)

#: What one usable row of an events file says, with the fate it got then. What holds now follows from the standing rows
#: in their order; `forced` rows supersede what they contradict.
event_version = table(
    "event_version",
    column("version_id", Integer, key=True),
    column("patient_no", Integer, of="patient.patient_no"),
    column("kind", Text),
    column("start_ms", Utc),
    column("end_ms", Utc, null=True),
    column("dose", Text, null=True),
    column("unit", Text, null=True),
    column("note", Text, null=True),
    column("forced", Integer),
    column("row", Integer),
    column("decision", Text),
    column("reasons", Text, null=True),
    column("digest", Integer),
    sa.Index("event_version_patient_no", "patient_no", "start_ms"),
    sa.Index("event_version_decision", "decision", "patient_no"),
)

#: What one usable row of a patients file says, in the same way.
patient_version = table(
    "patient_version",
    column("version_id", Integer, key=True),
    column("patient_no", Integer, of="patient.patient_no"),
    column("fields", Text),
    column("forced", Integer),
    column("row", Integer),
    column("decision", Text),
    column("reasons", Text, null=True),
    column("digest", Integer),
    sa.Index("patient_version_patient_no", "patient_no"),
    sa.Index("patient_version_decision", "decision", "patient_no"),
)
