"""The states of an alert and its allowed moves, as a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from khemon.models import Alert, AlertState, Frozen, Refused
from khemon.rules.rulebook import Protocol

OPEN, ACKNOWLEDGED, SNOOZED = AlertState.OPEN, AlertState.ACKNOWLEDGED, AlertState.SNOOZED
RESOLVED, RETRACTED = AlertState.RESOLVED, AlertState.RETRACTED
LIVE = frozenset({OPEN, ACKNOWLEDGED, SNOOZED})
QUIET = frozenset({ACKNOWLEDGED, SNOOZED})

#: Every allowed move; what is not here is refused by name.
MOVES: dict[tuple[AlertState | None, str], AlertState] = {
    (None, "raise"): OPEN,
    (OPEN, "acknowledge"): ACKNOWLEDGED,
    (ACKNOWLEDGED, "acknowledge"): ACKNOWLEDGED,
    (SNOOZED, "acknowledge"): ACKNOWLEDGED,
    (OPEN, "snooze"): SNOOZED,
    (ACKNOWLEDGED, "snooze"): SNOOZED,
    (SNOOZED, "snooze"): SNOOZED,
    (OPEN, "hand_over"): OPEN,
    (ACKNOWLEDGED, "hand_over"): ACKNOWLEDGED,
    (SNOOZED, "hand_over"): SNOOZED,
    (ACKNOWLEDGED, "worsen"): OPEN,
    (SNOOZED, "worsen"): OPEN,
    (ACKNOWLEDGED, "expire"): OPEN,
    (SNOOZED, "expire"): OPEN,
    (OPEN, "resolve"): RESOLVED,
    (ACKNOWLEDGED, "resolve"): RESOLVED,
    (SNOOZED, "resolve"): RESOLVED,
    (OPEN, "retract"): RETRACTED,
    (ACKNOWLEDGED, "retract"): RETRACTED,
    (SNOOZED, "retract"): RETRACTED,
    (RESOLVED, "retract"): RETRACTED,
    (RESOLVED, "meet"): OPEN,
    (RETRACTED, "meet"): OPEN,
    (ACKNOWLEDGED, "meet"): OPEN,
    (SNOOZED, "meet"): OPEN,
    (OPEN, "follow"): OPEN,
    (ACKNOWLEDGED, "follow"): ACKNOWLEDGED,
    (SNOOZED, "follow"): SNOOZED,
    (RESOLVED, "follow"): RESOLVED,
}


def utc(time: dt.datetime) -> dt.datetime:
    """The same moment in UTC: two times of one zone are compared and added by the clock on the wall."""
    return time.astimezone(dt.UTC)


class Move(Frozen):
    """One move of an alert: the alert as it stands afterwards, and why."""

    alert: Alert
    move: str
    from_state: AlertState | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """What reconciling needs to know besides episodes and alerts."""

    now: dt.datetime
    protocol: Protocol
    #: When a result was recorded.
    recorded_at: Callable[[int], dt.datetime]
    #: Calendar days between two times in the ward's zone.
    days_between: Callable[[dt.datetime, dt.datetime], int]
    #: Whether observation of a patient is closed.
    is_closed: Callable[[str], bool] = lambda _: False
    #: That another protocol is in use from now on, in words; None while nothing but results and time moves alerts.
    new_protocol: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "now", utc(self.now))


@dataclass(slots=True)
class Work:
    """The moves made so far for one rule of one patient, and the alerts as they then stand."""

    moves: list[Move] = field(default_factory=list)

    def make(self, alert: Alert, move: str, because: str | None = None, **changes: Any) -> Move:  # noqa: ANN401
        """A move of the table, with the alert after it; Refused when the table does not have it."""
        after = alert.model_copy(update={"state": moved(alert.state, move), **changes})
        made = Move(alert=after, move=move, from_state=alert.state, reason=because)
        self.moves.append(made)
        return made


def moved(state: AlertState | None, move: str) -> AlertState:
    """The state after a move; Refused with both names when the table does not have it."""
    try:
        return MOVES[state, move]
    except KeyError:
        found = f"cannot {move} an alert that is {state or 'not there'}"
        raise Refused("alert", found, "reload to see how it stands now") from None
