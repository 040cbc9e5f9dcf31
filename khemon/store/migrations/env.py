"""Runs the steps on the connection that the store hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from khemon.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
