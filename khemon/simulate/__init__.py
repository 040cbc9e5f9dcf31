"""Synthetic children for demonstration and tests; nothing here is evidence about patients."""

from khemon.simulate.child import Cohort, EventRow, LabRow, PatientRow
from khemon.simulate.cohort import simulate_cohort, simulate_parts
from khemon.simulate.dirty import simulate_dirty
from khemon.simulate.files import write_cohort, write_parts
from khemon.simulate.parquet import ParquetFiles
from khemon.simulate.ward import demo_ward

__all__ = [
    "Cohort",
    "EventRow",
    "LabRow",
    "ParquetFiles",
    "PatientRow",
    "demo_ward",
    "simulate_cohort",
    "simulate_dirty",
    "simulate_parts",
    "write_cohort",
    "write_parts",
]
