"""The printed page: first everything that it says, as text, then a PDF of it, made in a process of its own."""

from khemon.reports.apart import printed
from khemon.reports.cohort_contents import CohortSheet, Drawn, PrintedCell, PrintedTable
from khemon.reports.contents import (
    Answer,
    Heading,
    Latest,
    LedgerLine,
    PatientSheet,
    Run,
    Said,
    WardRow,
    WardSheet,
)

__all__ = [
    "Answer",
    "CohortSheet",
    "Drawn",
    "Heading",
    "Latest",
    "LedgerLine",
    "PatientSheet",
    "PrintedCell",
    "PrintedTable",
    "Run",
    "Said",
    "WardRow",
    "WardSheet",
    "printed",
]
