"""Cases: small series with the episodes a rule has to find in them, as data. The form is described in docs/cases.md."""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator

from khemon.models import (
    EvidenceRole,
    Frozen,
    KhemonError,
    RulebookProblem,
    Severity,
)
from khemon.rules.calendar import to_ms
from khemon.rules.case_rows import CaseEvent, Elapsed, Lab, elapsed_ms
from khemon.rules.episodes import END_REASONS, STATUS_WORDS
from khemon.rules.protocols import load_protocol
from khemon.rules.rulebook import Protocol

CASES = Path(__file__).parent.parent / "rulebook" / "cases"
#: Where the clock of a case stands at "0 d" unless it says otherwise: a morning, so that dates are easy to count.
START = dt.datetime.fromisoformat("2026-01-01T08:00:00")
Kind = Literal[
    "fires",
    "silent",
    "cannot_tell",
    "limit",
    "ends",
    "censored",
    "unit",
    "basis",
    "supported",
    "preliminary",
    "corrected",
    "excluded",
    "duplicate",
    "gap",
    "calendar",
    "age",
    "stale",
    "event",
    "closed",
]


class Turn(Frozen):
    """One result of an episode's evidence."""

    role: EvidenceRole
    analyte: str
    at: Elapsed

    @model_validator(mode="before")
    @classmethod
    def _from_row(cls, row: Any) -> Any:  # noqa: ANN401
        """`[role, analyte, time]`."""
        if not isinstance(row, list):
            return row
        names = ("role", "analyte", "at")
        if len(row) != len(names):
            raise ValueError("evidence is [role, analyte, time]")
        return dict(zip(names, row, strict=True))


class Expected(Frozen):
    """One episode the rule has to find; text, missing and evidence are compared where they are given."""

    status: str
    severity: Severity
    onset: Elapsed
    confirmed_at: Elapsed | None = None
    end: Elapsed | None = None
    end_reason: str | None = None
    text: str | None = None
    missing: tuple[str, ...] | None = None
    evidence: tuple[Turn, ...] | None = None

    @model_validator(mode="after")
    def _in_words(self) -> Expected:
        if self.status not in STATUS_WORDS:
            raise ValueError(f"unknown status {self.status!r}")
        if self.end_reason is not None and self.end_reason not in END_REASONS[1:]:
            raise ValueError(f"unknown end_reason {self.end_reason!r}")
        if (self.end is None) != (self.end_reason is None):
            raise ValueError("end and end_reason go together")
        return self


class Case(Frozen):
    """A series of one child and what one rule has to say about it."""

    rule: str
    name: str
    kind: Kind
    why: str = ""
    labs: tuple[Lab, ...] = ()
    events: tuple[CaseEvent, ...] = ()
    birth: int | None = Field(default=None, ge=0)
    diagnosis: Literal["KHE", "tufted angioma"] | None = None
    day0: Elapsed | None = None
    followed_until: Elapsed | None = None
    target: str = ""
    protocol: str = "ward"
    timezone: str = "UTC"
    start: dt.datetime = START
    as_of: Elapsed | None = None
    expect: tuple[Expected, ...]

    @field_validator("target", mode="before")
    @classmethod
    def _band_as_written(cls, told: Any) -> Any:  # noqa: ANN401
        """`[10, 15]` or the text of the register."""
        return "-".join(map(str, told)) if isinstance(told, list | tuple) else told

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, OSError, ValueError) as error:
            raise ValueError(f"unknown time zone {name!r}") from error
        return name

    @field_validator("start")
    @classmethod
    def _on_the_wards_clock(cls, start: dt.datetime) -> dt.datetime:
        if start.tzinfo is not None:
            raise ValueError("a time on the ward's clock, without an offset")
        return start

    @model_validator(mode="after")
    def _rule_exists(self) -> Case:
        try:
            protocol = _protocol(self.protocol)
        except KhemonError as problem:
            raise ValueError(str(problem)) from problem
        if self.rule not in protocol.rules:
            raise ValueError(f"no rule {self.rule!r} in protocol {self.protocol}")
        return self

    @property
    def rules(self) -> Protocol:
        """The protocol it is judged by."""
        return _protocol(self.protocol)

    @property
    def start_ms(self) -> int:
        """The start in UTC milliseconds."""
        return to_ms(self.start.replace(tzinfo=ZoneInfo(self.timezone)))

    def at_ms(self, text: str) -> int:
        """UTC milliseconds of a time since the start."""
        return self.start_ms + elapsed_ms(text)


@lru_cache
def _protocol(name: str) -> Protocol:
    return load_protocol(name)


def load_cases(path: Path) -> tuple[Case, ...]:
    """The cases of a file. RulebookProblem names file, case and field of what is wrong."""
    where = f"cases {path.name}"
    try:
        table = tomllib.loads(path.read_text("utf-8"), parse_float=str)
    except OSError as error:
        raise RulebookProblem(where, "the file cannot be read", "name a file of cases") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulebookProblem(where, f"not TOML: {error}", "mend the file") from error
    blocks = table.pop("case", None)
    if table or not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        found = f"unknown key {sorted(table)[0]!r}" if table else "no [[case]] in it"
        raise RulebookProblem(where, found, "write each case as a block [[case]]")
    cases: dict[str, Case] = {}
    for number, block in enumerate(blocks, start=1):
        case = _case(f"{where}, case {block.get('name') or number}", block)
        if case.name in cases:
            raise RulebookProblem(f"{where}, case {case.name}", "a second case of that name", "give it its own name")
        cases[case.name] = case
    return tuple(cases.values())


def _case(where: str, block: dict[str, Any]) -> Case:
    try:
        return Case.model_validate(block)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        found = first["msg"].removeprefix("Value error, ")
        raise RulebookProblem(f"{where}, {field}" if field else where, found, "see docs/cases.md") from error


@lru_cache
def cases_for(rule: str) -> tuple[Case, ...]:
    """The cases that come with khemon for a rule; none for a rule without a file."""
    path = CASES / f"{rule}.toml"
    return load_cases(path) if path.is_file() else ()
