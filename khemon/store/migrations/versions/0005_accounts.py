"""Who may sign in: accounts and their states, two protected tables."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0003"


def upgrade() -> None:
    """Creates the tables, their indexes and triggers."""
    connection = op.get_bind()
    script = Path(__file__).with_name(f"0005_{connection.dialect.name}.sql").read_text(encoding="utf-8")
    for statement in script.split("\n\n"):
        connection.exec_driver_sql(statement)
