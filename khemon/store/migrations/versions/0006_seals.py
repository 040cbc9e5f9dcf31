"""What should be there: one table, filled from the rows of a store that was written without it."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from khemon.store.repository.sealing import make

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Creates the table and fills it; from here on a row that changes without its seal is found when it is read."""
    connection = op.get_bind()
    script = Path(__file__).with_name(f"0006_{connection.dialect.name}.sql").read_text(encoding="utf-8")
    for statement in script.split("\n\n"):
        connection.exec_driver_sql(statement)
    make(connection)
