"""How far numbering has come in one transaction, and what waits to be written with more of its kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from khemon.store.repository.bulk import insert_rows
from khemon.store.repository.ready import Ready
from khemon.store.tables import alert, alert_move, audit

_ALERT = [column.name for column in alert.c]
_SAVE_ALERT = Ready(
    sa.text(
        f"INSERT INTO alert ({', '.join(_ALERT)}) VALUES ({', '.join(f':{name}' for name in _ALERT)})"
        f" ON CONFLICT (alert_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _ALERT[1:])}"
    )
)


@dataclass(slots=True)
class Heads:
    """How far numbering has come, as far as one transaction asked: writers queue, so nobody else goes on with it.

    together: what is saved waits for `write`; nobody may read alerts, their moves or the audit chain meanwhile.
    """

    last_alert: int | None = None
    last_move: dict[int, int] = field(default_factory=dict)
    audit: tuple[int, str] | None = None
    patients: dict[str, int] = field(default_factory=dict)
    together: bool = False
    #: Columns of alerts by number, rows of the log, rows of the chain.
    alerts: dict[int, dict[str, Any]] = field(default_factory=dict)
    moves: list[tuple[Any, ...]] = field(default_factory=list)
    entries: list[tuple[Any, ...]] = field(default_factory=list)

    def saved(self, connection: sa.Connection) -> None:
        """Writes what was just saved, unless it is to be written together with more."""
        if not self.together:
            self.write(connection)

    def write(self, connection: sa.Connection) -> None:
        """Writes what waits; a move after its alert."""
        if self.alerts:
            _SAVE_ALERT.run(connection, self.alerts.values())
        insert_rows(connection, alert_move, self.moves)
        insert_rows(connection, audit, self.entries)
        for waiting in (self.alerts, self.moves, self.entries):
            waiting.clear()
