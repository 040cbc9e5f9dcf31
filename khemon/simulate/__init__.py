"""Synthetic children for demonstration and tests; nothing here is evidence about patients."""

from khemon.simulate.child import Cohort, EventRow, LabRow, PatientRow
from khemon.simulate.cohort import simulate_cohort
from khemon.simulate.dirty import simulate_dirty
from khemon.simulate.files import write_cohort
from khemon.simulate.ward import demo_ward

__all__ = [
    "Cohort",
    "EventRow",
    "LabRow",
    "PatientRow",
    "demo_ward",
    "simulate_cohort",
    "simulate_dirty",
    "write_cohort",
]
