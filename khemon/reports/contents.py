"""What a printed page says: texts as they stand on the page, in the words of the screen. Data only."""

from __future__ import annotations

from dataclasses import dataclass

from khemon.figures.board import SparkData
from khemon.figures.timeline import TimelineData
from khemon.models import Severity

#: A longer text is cut here, and says so; it stands whole on the screen.
LONGEST_TEXT = 300
LONGEST_NAME = 120
CUT = " … (cut; whole on the screen)"


def cut(text: str, most: int = LONGEST_TEXT) -> str:
    """A text on one line, not longer than the page has room for; where it was cut, it says so."""
    told = " ".join(text.split())
    return told if len(told) <= most else told[:most].rstrip() + CUT


@dataclass(frozen=True, slots=True)
class Said:
    """Words with their severity (None: nothing to mark), and why."""

    severity: Severity | None
    words: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands on every page: whose page it is, as of when, by which protocol, and what it is for.

    facts: beside the name, the id first. notes: what a reader must not miss (synthetic data, looked back, damage).
    """

    name: str
    facts: tuple[str, ...]
    as_of: str
    judged: str
    printed: str
    notes: tuple[str, ...]
    intended_use: str


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest value of an analyte. head: analyte and unit. more: change, age, what to know when reading it.

    stale: not rechecked for longer than a flag on it allows.
    """

    head: str
    value: str
    flag: Said
    more: str
    stale: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A question of the round with its answer."""

    title: str
    said: Said


@dataclass(frozen=True, slots=True)
class Run:
    """The latest run of a kind: how far it has come, how each week stands, and what proves it."""

    title: str
    words: str
    weeks: tuple[str, ...]
    facts: str


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One alert. live: it is not over. stands: what people decided, or that nobody did yet."""

    severity: Severity
    what: str
    since: str
    ended: str
    stands: str
    text: str
    live: bool


@dataclass(frozen=True, slots=True)
class PatientSheet:
    """Everything on the page of one child. Each list begins with what matters most: its end is cut where room ends."""

    heading: Heading
    state: Said
    latest: tuple[Latest, ...]
    answers: tuple[Answer, ...]
    timeline: TimelineData
    window: str
    runs: tuple[Run, ...]
    alerts: tuple[LedgerLine, ...]
    waiting: tuple[str, ...]
    events: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class WardRow:
    """One child on the ward list."""

    name: str
    facts: str
    severity: Severity | None
    state: Said
    latest: tuple[Latest, ...]
    spark: SparkData
    kmp: Said
    run: str
    review: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class WardSheet:
    """Everything on a ward list. analytes: the heads of the columns. elsewhere: what is not in these rows, in words."""

    heading: Heading
    analytes: tuple[str, ...]
    rows: tuple[WardRow, ...]
    elsewhere: tuple[str, ...]
