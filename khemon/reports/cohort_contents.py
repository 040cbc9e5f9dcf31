"""What the printed report of a cohort says: its tables as texts, its figures as the numbers of the screen."""

from __future__ import annotations

from dataclasses import dataclass

from khemon.figures.cohort import CurvesData, SwimmerData, WeeklyData
from khemon.reports.contents import Heading


@dataclass(frozen=True, slots=True)
class PrintedCell:
    """The words of a cell, and what is said below them in smaller letters, line by line."""

    words: str
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrintedTable:
    """A table with its title. widths: of the columns, as shares. note: what a reader has to know of it."""

    title: str
    heads: tuple[str, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[PrintedCell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure with its title, itself in words, and whom it shows."""

    title: str
    alt: str
    caption: str
    shown: WeeklyData | CurvesData | SwimmerData


@dataclass(frozen=True, slots=True)
class CohortSheet:
    """Everything in the report. who: who is in and who is not, line by line; left_out: what it does not show, and why.

    beside: the tables of these children; trial: those of the trial's own figures, with how they came out in words.
    """

    heading: Heading
    who: tuple[str, ...]
    beside: tuple[PrintedTable, ...]
    figures: tuple[Drawn, ...]
    left_out: tuple[str, ...]
    outcome: str
    trial: tuple[PrintedTable, ...]
