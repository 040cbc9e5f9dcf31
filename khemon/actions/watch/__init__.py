"""What the pages show: reads of the store as lines and words, each for an actor and a moment. Nothing here writes."""

from khemon.actions.watch.alerts import AlertLine, AlertView, ReviewQueue, alert_view, patient_of_alert, review_queue
from khemon.actions.watch.changes import Changes, ward_changes
from khemon.actions.watch.comparing import (
    AlertChanges,
    OtherProtocol,
    alerts_compared,
    other_protocol,
    protocols_to_compare,
)
from khemon.actions.watch.corrections import CorrectionLine, corrections_since
from khemon.actions.watch.damaged import read_only_because, unchecked_because
from khemon.actions.watch.flags import Flag
from khemon.actions.watch.heldqueue import DecidedLine, HeldGroup, HeldLine, HeldQueue, held_queue
from khemon.actions.watch.imports import BatchLine, imports, own_zone, revision, setting
from khemon.actions.watch.moved import Movable, MoveNotice, decided_lines, movable_results, move_notice, move_notices
from khemon.actions.watch.news import News, Visits, last_visits
from khemon.actions.watch.patient import PatientView, ended_flags, identity_of, patient_of, patient_view
from khemon.actions.watch.rebounds import ReboundLine, ReboundReview, rebound_review
from khemon.actions.watch.rulebook import Definitions, definitions
from khemon.actions.watch.then import as_of_of, first_recorded, store_at
from khemon.actions.watch.timelines import TimelineSheet, timeline_sheets
from khemon.actions.watch.ward import WardBoard, WardLine, ward_board
from khemon.actions.watch.ward_news import SINCE, UP_TO, WardNews
from khemon.actions.watch.windows import DEFAULT_WINDOW, SCALES, WINDOWS

__all__ = [
    "DEFAULT_WINDOW",
    "SCALES",
    "SINCE",
    "UP_TO",
    "WINDOWS",
    "AlertChanges",
    "AlertLine",
    "AlertView",
    "BatchLine",
    "Changes",
    "CorrectionLine",
    "DecidedLine",
    "Definitions",
    "Flag",
    "HeldGroup",
    "HeldLine",
    "HeldQueue",
    "Movable",
    "MoveNotice",
    "News",
    "OtherProtocol",
    "PatientView",
    "ReboundLine",
    "ReboundReview",
    "ReviewQueue",
    "TimelineSheet",
    "Visits",
    "WardBoard",
    "WardLine",
    "WardNews",
    "alert_view",
    "alerts_compared",
    "as_of_of",
    "corrections_since",
    "decided_lines",
    "definitions",
    "ended_flags",
    "first_recorded",
    "held_queue",
    "identity_of",
    "imports",
    "last_visits",
    "movable_results",
    "move_notice",
    "move_notices",
    "other_protocol",
    "own_zone",
    "patient_of",
    "patient_of_alert",
    "patient_view",
    "protocols_to_compare",
    "read_only_because",
    "rebound_review",
    "review_queue",
    "revision",
    "setting",
    "store_at",
    "timeline_sheets",
    "unchecked_because",
    "ward_board",
    "ward_changes",
]
