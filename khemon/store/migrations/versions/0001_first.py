"""The first schema: everything append-only from the start, audit rows with sequence and hash chain included."""

from __future__ import annotations

from alembic import op

from khemon.store.tables import METADATA
from khemon.store.triggers import create_triggers

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates every table and trigger."""
    METADATA.create_all(op.get_bind())
    create_triggers(op.get_bind())
