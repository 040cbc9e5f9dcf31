"""By hand: entering, correcting and setting out results and events. Every act is a batch that can be undone."""

from khemon.actions.by_hand.changing import edit_result, void_result
from khemon.actions.by_hand.changing_events import edit_event, void_event
from khemon.actions.by_hand.checks import Question
from khemon.actions.by_hand.entering import enter_events, enter_result
from khemon.actions.by_hand.forms import EventForm, Kind, ResultForm, groups, kinds
from khemon.actions.by_hand.recording import BY_HAND, Recorded

__all__ = [
    "BY_HAND",
    "EventForm",
    "Kind",
    "Question",
    "Recorded",
    "ResultForm",
    "edit_event",
    "edit_result",
    "enter_events",
    "enter_result",
    "groups",
    "kinds",
    "void_event",
    "void_result",
]
