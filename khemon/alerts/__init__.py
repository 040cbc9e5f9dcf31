"""Alerts: states and allowed moves as a table, how alerts follow episodes, what people do with them. Pure."""

from khemon.alerts.carrying import recorded_after_it_ended
from khemon.alerts.changing import with_floors
from khemon.alerts.muting import muted
from khemon.alerts.people import acknowledged, handed_over, lasting, standing_at
from khemon.alerts.reasons import Reason, reasons
from khemon.alerts.reconciling import reconcile
from khemon.alerts.states import LIVE, MOVES, QUIET, Move, Setting, moved
from khemon.alerts.worsening import why_worse

__all__ = [
    "LIVE",
    "MOVES",
    "QUIET",
    "Move",
    "Reason",
    "Setting",
    "acknowledged",
    "handed_over",
    "lasting",
    "moved",
    "muted",
    "reasons",
    "reconcile",
    "recorded_after_it_ended",
    "standing_at",
    "why_worse",
    "with_floors",
]
