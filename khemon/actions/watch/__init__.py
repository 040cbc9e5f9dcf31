"""What the pages show: reads of the store as lines and words, each for an actor and a moment. Nothing here writes."""

from khemon.actions.watch.alerts import AlertLine, AlertView, ReviewQueue, alert_view, patient_of_alert, review_queue
from khemon.actions.watch.damaged import read_only_because
from khemon.actions.watch.flags import Flag
from khemon.actions.watch.imports import BatchLine, imports, own_zone, revision, setting
from khemon.actions.watch.patient import PatientView, identity_of, last_visit, patient_of, patient_view
from khemon.actions.watch.rulebook import Definitions, definitions
from khemon.actions.watch.timelines import TimelineSheet, timeline_sheets
from khemon.actions.watch.ward import WardBoard, WardLine, ward_board
from khemon.actions.watch.windows import DEFAULT_WINDOW, WINDOWS

__all__ = [
    "DEFAULT_WINDOW",
    "WINDOWS",
    "AlertLine",
    "AlertView",
    "BatchLine",
    "Definitions",
    "Flag",
    "PatientView",
    "ReviewQueue",
    "TimelineSheet",
    "WardBoard",
    "WardLine",
    "alert_view",
    "definitions",
    "identity_of",
    "imports",
    "last_visit",
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
