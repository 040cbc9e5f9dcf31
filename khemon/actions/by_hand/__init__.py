"""By hand: entering, correcting and setting out results and events. Every act is a batch that can be undone."""

from khemon.actions.by_hand.changing import edit_result, void_result
from khemon.actions.by_hand.changing_events import edit_event, void_event
from khemon.actions.by_hand.changing_patients import edit_patient
from khemon.actions.by_hand.checks import Question
from khemon.actions.by_hand.entering import enter_events, enter_result
from khemon.actions.by_hand.forms import (
    EventForm,
    Kind,
    ResultForm,
    analyte_labels,
    day_is_enough,
    groups,
    kinds,
    units_of,
)
from khemon.actions.by_hand.listing import Entry, events_stored, results_stored
from khemon.actions.by_hand.previewing import Preview, children, clock_readings, preview_events, preview_result
from khemon.actions.by_hand.recording import BY_HAND, Recorded

__all__ = [
    "BY_HAND",
    "Entry",
    "EventForm",
    "Kind",
    "Preview",
    "Question",
    "Recorded",
    "ResultForm",
    "analyte_labels",
    "children",
    "clock_readings",
    "day_is_enough",
    "edit_event",
    "edit_patient",
    "edit_result",
    "enter_events",
    "enter_result",
    "events_stored",
    "groups",
    "kinds",
    "preview_events",
    "preview_result",
    "results_stored",
    "units_of",
    "void_event",
    "void_result",
]
