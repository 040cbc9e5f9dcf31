"""The trial's table from a center's own children: from files or from the store."""

from khemon.actions.cohort.asking import Cohort, cohort_of_files, cohort_of_store
from khemon.actions.cohort.gathering import Gathered, of_files, of_store
from khemon.actions.cohort.reproduced import reproduction
from khemon.actions.cohort.selecting import GROUPINGS, Selection

__all__ = [
    "GROUPINGS",
    "Cohort",
    "Gathered",
    "Selection",
    "cohort_of_files",
    "cohort_of_store",
    "of_files",
    "of_store",
    "reproduction",
]
