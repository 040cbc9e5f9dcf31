"""What the rules say, what became of it, and the record of every act."""

from __future__ import annotations

import sqlalchemy as sa

from khemon.store.column_types import Integer, Text, Utc
from khemon.store.tables.form import column, table

#: What the rules say now; computed from the rows above and replaced by difference.
episode = table(
    "episode",
    column("episode_id", Integer, key=True),
    column("patient_no", Integer, of="patient.patient_no"),
    column("rule", Text),
    column("onset_ms", Utc),
    column("status", Text),
    column("severity", Text),
    column("confirmed_ms", Utc, null=True),
    column("end_ms", Utc, null=True),
    column("end_reason", Text, null=True),
    column("text", Text),
    column("source", Text),
    column("last_input_ms", Utc, null=True),
    column("evidence", Text),
    column("missing", Text),
    column("limbs", Text),
    sa.Index("episode_patient_no", "patient_no", "rule", "onset_ms"),
)

alert = table(
    "alert",
    column("alert_id", Integer, key=True),
    column("patient_no", Integer, of="patient.patient_no"),
    column("rule", Text),
    column("state", Text),
    column("severity", Text),
    column("status", Text),
    column("onset_ms", Utc),
    column("end_ms", Utc, null=True),
    column("text", Text),
    column("body", Text),
    sa.Index("alert_patient_no", "patient_no"),
    sa.Index("alert_state", "state"),
)

alert_move = table(
    "alert_move",
    column("alert_id", Integer, key=True, of="alert.alert_id"),
    column("move_no", Integer, key=True),
    column("at_ms", Utc),
    column("actor", Text),
    column("actor_kind", Text),
    column("move", Text),
    column("from_state", Text, null=True),
    column("to_state", Text),
    column("reason", Text, null=True),
    column("details", Text),
    clustered=True,
)

audit = table(
    "audit",
    column("sequence", Integer, key=True),
    column("at_ms", Utc),
    column("actor", Text),
    column("actor_kind", Text),
    column("action", Text),
    column("object", Text),
    column("details", Text),
    column("previous_hash", Text),
    column("hash", Text),
)

seen = table(
    "seen",
    column("kind", Text, key=True),
    column("object_id", Text, key=True),
    column("actor", Text, key=True),
    column("first_ms", Utc),
    column("last_ms", Utc),
    clustered=True,
)

#: Counts up with every change; patient_no 0 is the ward. The cache key of every page.
revision = table("revision", column("patient_no", Integer, key=True), column("revision", Integer))

#: What should be there of a kind of rows, of one patient or of the whole ward: how many, and their marks taken
#: together. Written with the rows and compared whenever they are read.
seal = table(
    "seal",
    column("number", Integer, key=True),
    column("kind", Text, key=True),
    column("counted", Integer),
    column("mark", Integer),
    column("digest", Integer),
    clustered=True,
)
