"""Handover on paper: a page for a child and a list for a ward, as PDF, in the words and numbers of the screen."""

from khemon.actions.handover.leaving import Handover, handover_of_patient, handover_of_ward, wards_to_print
from khemon.actions.handover.patient_sheet import patient_sheet
from khemon.actions.handover.ward_sheet import ward_sheet

__all__ = [
    "Handover",
    "handover_of_patient",
    "handover_of_ward",
    "patient_sheet",
    "ward_sheet",
    "wards_to_print",
]
