"""Cases: small series with the episodes a rule has to find in them, as data. The form is described in docs/cases.md."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from khemon.models import (
    EVENT_KINDS,
    EvidenceRole,
    Frozen,
    KhemonError,
    Quality,
    ResultStatus,
    RulebookProblem,
    Severity,
)
from khemon.rules.calendar import MS_PER_UNIT, to_ms
from khemon.rules.episodes import END_REASONS, STATUS_WORDS
from khemon.rules.protocols import load_protocol
from khemon.rules.rulebook import Protocol
from khemon.units import ANALYTES, Quantity, convert, interval

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
_SPAN = re.compile(r"(\d+ d)?( ?\d+ h)?( ?\d+ min)?")
_VALUE = re.compile(r"([<>]=?)?(\d+(?:\.\d+)?)")


def elapsed_ms(text: str) -> int:
    """Milliseconds of an elapsed time such as `3 d 6 h` (a day is 24 hours); ValueError for anything else."""
    if not text or text != text.strip() or not _SPAN.fullmatch(text):
        raise ValueError(f"{text!r} is no time since the start; write it like '3 d 6 h' or '90 min'")
    words = text.split()
    return sum(int(number) * MS_PER_UNIT[unit] for number, unit in zip(words[::2], words[1::2], strict=True))


def _is_elapsed(text: str) -> str:
    elapsed_ms(text)
    return text


Elapsed = Annotated[str, AfterValidator(_is_elapsed)]


class Lab(Frozen):
    """One result, in the order of recording: value text with its comparator; without a unit in the canonical one."""

    analyte: str
    at: Elapsed
    value: str
    unit: str = ""
    status: ResultStatus = "final"
    quality: Quality = ""
    specimen: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_row(cls, row: Any) -> Any:  # noqa: ANN401
        """`[analyte, time, value]`, with a table of the rest behind them where there is more to say."""
        if not isinstance(row, list):
            return row
        *told, more = row if row and isinstance(row[-1], dict) else [*row, {}]
        names = ("analyte", "at", "value")
        if len(told) != len(names) or any(name in more for name in names):
            raise ValueError("a result is [analyte, time, value] or [analyte, time, value, {unit = …, status = …, …}]")
        return {**dict(zip(names, told, strict=True)), **more}

    @field_validator("analyte")
    @classmethod
    def _has_rules(cls, name: str) -> str:
        if name not in ANALYTES or not ANALYTES[name].has_rules:
            known = ", ".join(name for name, analyte in ANALYTES.items() if analyte.has_rules)
            raise ValueError(f"no rule reads {name!r}; use one of: {known}")
        return name

    @model_validator(mode="after")
    def _readable(self) -> Lab:
        interval(self.comparator, self.quantity.value, self.quantity.basis)
        return self

    @property
    def comparator(self) -> str:
        """The comparator of the value, empty without one."""
        return self._parts()[0]

    @property
    def quantity(self) -> Quantity:
        """The number in the canonical unit, exact, with its basis."""
        return convert(self.analyte, Decimal(self._parts()[1]), self.unit or ANALYTES[self.analyte].canonical_unit)

    def _parts(self) -> tuple[str, str]:
        found = _VALUE.fullmatch(self.value)
        if found is None:
            raise ValueError(f"value {self.value!r} is no number with or without a comparator")
        return found[1] or "", found[2]


class CaseEvent(Frozen):
    """One event; `end` is None when none was recorded."""

    kind: str
    start: Elapsed
    end: Elapsed | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_row(cls, row: Any) -> Any:  # noqa: ANN401
        """`[kind, start]` or `[kind, start, end]`."""
        if not isinstance(row, list):
            return row
        names = ("kind", "start", "end")
        if len(row) not in (len(names) - 1, len(names)):
            raise ValueError("an event is [kind, start] or [kind, start, end]")
        return dict(zip(names, row, strict=False))

    @model_validator(mode="after")
    def _possible(self) -> CaseEvent:
        if self.kind not in EVENT_KINDS:
            raise ValueError(f"unknown event kind {self.kind!r}")
        if self.end is not None and elapsed_ms(self.end) < elapsed_ms(self.start):
            raise ValueError("it ends before it starts")
        return self


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
    protocol: str = "ward"
    timezone: str = "UTC"
    start: dt.datetime = START
    as_of: Elapsed | None = None
    expect: tuple[Expected, ...]

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
