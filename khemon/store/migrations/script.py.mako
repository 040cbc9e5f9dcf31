"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Takes the schema one step forward; there is no way back but the backup."""
    ${upgrades if upgrades else "raise NotImplementedError"}
