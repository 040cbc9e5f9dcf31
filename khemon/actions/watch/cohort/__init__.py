"""The cohort page: who is in, the table beside the published one, its figures, and the children behind each number."""

from khemon.actions.watch.cohort.asked import CohortQuestion
from khemon.actions.watch.cohort.people import People, PersonLine
from khemon.actions.watch.cohort.recomputed import Recomputed, recomputed
from khemon.actions.watch.cohort.table import TableCell, TableLine
from khemon.actions.watch.cohort.view import Choices, CohortView, cohort_choices, cohort_view

__all__ = [
    "Choices",
    "CohortQuestion",
    "CohortView",
    "People",
    "PersonLine",
    "Recomputed",
    "TableCell",
    "TableLine",
    "cohort_choices",
    "cohort_view",
    "recomputed",
]
