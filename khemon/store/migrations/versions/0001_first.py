"""The first schema, as it was: two scripts that never change, with a blank line between their statements."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates every table, index and trigger."""
    connection = op.get_bind()
    script = Path(__file__).with_name(f"0001_{connection.dialect.name}.sql").read_text(encoding="utf-8")
    for statement in script.split("\n\n"):
        connection.exec_driver_sql(statement)
