"""What a file leaves open after it was read: questions for a person, with the answers there can be."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from khemon.importers.decoding import CANDIDATES, decoded, refuse_control_characters
from khemon.importers.findings import Findings
from khemon.importers.grid import cells_of, physical_lines
from khemon.importers.header import SAMPLED, Finder, find_start
from khemon.importers.items import named_analytes
from khemon.importers.layout import WIDE
from khemon.importers.numbers import SAY_DECIMAL
from khemon.importers.options import ReadOptions
from khemon.importers.proposing import date_choices
from khemon.importers.staging import Observation, Reading
from khemon.importers.tables import is_date
from khemon.importers.undecided import CODES, COLUMNS, D_DIMER_BASIS, DATE_FORMAT, DECIMAL, ENCODING, UNITS
from khemon.models import ImportProblem
from khemon.units import ANALYTES

#: So many items in doubt are asked for, and so many characters of a header are shown.
MOST_ASKED, SHOWN = 50, 120


@dataclass(frozen=True, slots=True)
class Question:
    """Something only a person can say: the key of a mapping it fills, about what, in words, the answers there can be.

    `shown` is what the file would look like with each answer, where that can be shown; `rows` how many wait for it.
    """

    asks: str
    words: str
    about: str = ""
    choices: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    rows: int = 0


def questions_of(reading: Reading) -> list[Question]:
    """Everything the rows of a file wait for that a mapping could say."""
    found = reading.found
    assert found is not None, "read with explained=True"
    return [
        *_dates(reading, found),
        *_numbers(reading),
        *_items(reading, found),
        *_units(reading),
        *_basis(reading),
    ]


def _waiting(reading: Reading, *codes: str) -> list[Observation]:
    """The observations that have a reason with one of these beginnings, or words."""
    return [one for one in reading.observations if any(code in reason for reason in one.reasons for code in codes)]


def _dates(reading: Reading, found: Findings) -> Iterator[Question]:
    if rows := len(_waiting(reading, "date_order:", "two_digit_year:")):
        words = "How are dates written: which part is the day, which the month, which the year?"
        yield Question(DATE_FORMAT, words, "", tuple(date_choices(found.dates, found.times_of_day)), rows=rows)


def _numbers(reading: Reading) -> Iterator[Question]:
    if rows := len(_waiting(reading, SAY_DECIMAL)):
        words = "Which sign is the decimal sign? The other one may group thousands."
        yield Question(DECIMAL, words, "", (".", ","), rows=rows)


def _items(reading: Reading, found: Findings) -> Iterator[Question]:
    doubtful = [item for item in found.items if item.why.startswith("analyte_in_doubt")][:MOST_ASKED]
    for item in doubtful:
        may_be = dict.fromkeys((*named_analytes(item.text), *named_analytes(item.name), item.analyte or ""))
        choices = tuple(name for name in may_be if name)
        yield Question(CODES, f"Which analyte is {(item.text or item.name)!r}?", item.text or item.name, choices)
    waiting = _waiting(reading, "analyte_in_doubt") if reading.layout == WIDE and not doubtful else []
    columns = Counter(one.field or "" for one in waiting)
    for header, rows in columns.most_common(MOST_ASKED):
        choices = named_analytes(header)
        yield Question(COLUMNS, f"Which analyte is column {header!r}?", header, choices, rows=rows)


def _units(reading: Reading) -> Iterator[Question]:
    without = Counter(one.analyte for one in _waiting(reading, "unknown_unit:") if one.analyte and not one.unit)
    for analyte, rows in without.most_common():
        choices = (ANALYTES[str(analyte)].canonical_unit,)
        yield Question(UNITS, f"In which unit is {analyte}?", str(analyte), choices, rows=rows)


def _basis(reading: Reading) -> Iterator[Question]:
    if rows := sum(one.analyte == "d_dimer" and one.basis == "unknown" for one in reading.observations):
        words = "Is D-dimer reported as FEU or as DDU? Until it is said, a value may be the number or twice the number."
        yield Question(D_DIMER_BASIS, words, "", ("FEU", "DDU"), rows=rows)


def encoding_question(content: bytes, options: ReadOptions, problem: ImportProblem) -> Question:
    """Which encoding it is, with the header as each would show it."""
    choices: list[str] = []
    shown: list[str] = []
    for name in CANDIDATES.split(", "):
        header = _header_in(content, name, options)
        if header is not None:
            choices.append(name)
            shown.append(header)
    words = f"Which encoding has the file? {problem.where}: {problem.found}."
    return Question(ENCODING, words, "", tuple(choices), tuple(shown))


def _header_in(content: bytes, encoding: str, options: ReadOptions) -> str | None:
    """The header as an encoding shows it, empty where none is found; None where the bytes are no text in it."""
    try:
        text, chosen = decoded(content, encoding)
        lines = physical_lines(text)
        refuse_control_characters(lines, chosen, content)
        finder = Finder(options.mapping, lambda name: is_date(name, options))
        start, delimiter = find_start(lines, finder)
        header = cells_of(lines[start], delimiter)
    except (ImportProblem, StopIteration, csv.Error):
        return None
    # A line that is no header may be a patient's.
    below = [line.split(delimiter) for line in lines[start + 1 : start + 1 + SAMPLED]]
    return lines[start].strip()[:SHOWN] if finder.kind(header, below) else ""
