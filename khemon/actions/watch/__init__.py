"""What the pages show: reads of the store as lines and words, each for an actor and a moment. Nothing here writes."""

from khemon.actions.watch.alerts import AlertLine, AlertView, ReviewQueue, alert_view, patient_of_alert, review_queue
from khemon.actions.watch.damaged import read_only_because
from khemon.actions.watch.flags import Flag
from khemon.actions.watch.heldqueue import DecidedLine, HeldGroup, HeldLine, HeldQueue, held_queue
from khemon.actions.watch.imports import BatchLine, imports, own_zone, revision, setting
from khemon.actions.watch.moved import Movable, MoveNotice, decided_lines, movable_results, move_notice, move_notices
from khemon.actions.watch.news import News, Visits, last_visits
from khemon.actions.watch.patient import PatientView, ended_flags, identity_of, patient_of, patient_view
from khemon.actions.watch.rulebook import Definitions, definitions
from khemon.actions.watch.timelines import TimelineSheet, timeline_sheets
from khemon.actions.watch.ward import WardBoard, WardLine, ward_board
from khemon.actions.watch.windows import DEFAULT_WINDOW, SCALES, WINDOWS

__all__ = [
    "DEFAULT_WINDOW",
    "SCALES",
    "WINDOWS",
    "AlertLine",
    "AlertView",
    "BatchLine",
    "DecidedLine",
    "Definitions",
    "Flag",
    "HeldGroup",
    "HeldLine",
    "HeldQueue",
    "Movable",
    "MoveNotice",
    "News",
    "PatientView",
    "ReviewQueue",
    "TimelineSheet",
    "Visits",
    "WardBoard",
    "WardLine",
    "alert_view",
    "decided_lines",
    "definitions",
    "ended_flags",
    "held_queue",
    "identity_of",
    "imports",
    "last_visits",
    "movable_results",
    "move_notice",
    "move_notices",
    "own_zone",
    "patient_of",
    "patient_of_alert",
    "patient_view",
    "read_only_because",
    "review_queue",
    "revision",
    "setting",
    "timeline_sheets",
    "ward_board",
]
