"""What people decided: protocols, mappings of laboratories, and verdicts on rows."""

from __future__ import annotations

import sqlalchemy as sa

from khemon.store.column_types import Integer, Text, Utc
from khemon.store.tables.form import column, table

#: Every protocol the store was judged by, in full, from when on, and by whose decision; the last one is live.
protocol_live = table(
    "protocol_live",
    column("live_no", Integer, key=True),
    column("at_ms", Utc),
    column("name", Text),
    column("version", Text),
    column("protocol_digest", Text),
    column("text", Text),
    column("actor", Text),
    column("actor_kind", Text),
    column("reason", Text),
    column("digest", Integer),
)

#: How the files of a laboratory are read: every version of its mapping as TOML, and the shape of the tables it was made
#: for, so that another shape is noticed. The last version of a source is the one that is proposed.
mapping_version = table(
    "mapping_version",
    column("mapping_no", Integer, key=True),
    column("source", Text),
    column("version", Integer),
    column("text", Text),
    column("mapping_digest", Text),
    column("shape", Text),
    column("at_ms", Utc),
    column("actor", Text),
    column("actor_kind", Text),
    column("reason", Text),
    column("digest", Integer),
    sa.UniqueConstraint("source", "version"),
)

#: What a person decided about a row (a fate, a result, a version of an event), and the row it became, if any. The act
#: is a batch of its own: while that stands, the decision does.
row_decision = table(
    "row_decision",
    column("decision_no", Integer, key=True),
    column("row_id", Integer),
    column("batch_no", Integer, of="batch.batch_no"),
    column("verdict", Text),
    column("became", Integer, null=True),
    column("reason", Text),
    column("digest", Integer),
    sa.Index("row_decision_row_id", "row_id"),
    sa.Index("row_decision_batch_no", "batch_no"),
)
