"""What a case is told in: times since its start, results and events, a line each."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, field_validator, model_validator

from khemon.models import EVENT_KINDS, Frozen, Quality, ResultStatus, Timing
from khemon.rules.calendar import MS_PER_UNIT
from khemon.units import ANALYTES, Quantity, convert, interval

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
    timing: Timing = "unknown"

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
    """One event; `end` is None when none was recorded; a dose of 0 says that a drug is held; unit: of the dose."""

    kind: str
    start: Elapsed
    end: Elapsed | None = None
    dose: Decimal | None = None
    unit: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_row(cls, row: Any) -> Any:  # noqa: ANN401
        """`[kind, start]` or `[kind, start, end]`, with a table behind them where there is a dose."""
        if not isinstance(row, list):
            return row
        *told, more = row if row and isinstance(row[-1], dict) else [*row, {}]
        names = ("kind", "start", "end")
        if len(told) not in (len(names) - 1, len(names)) or any(name in more for name in names):
            raise ValueError("an event is [kind, start] or [kind, start, end], then {dose = …} if there is one")
        return {**dict(zip(names, told, strict=False)), **more}

    @model_validator(mode="after")
    def _possible(self) -> CaseEvent:
        if self.kind not in EVENT_KINDS:
            raise ValueError(f"unknown event kind {self.kind!r}")
        if self.end is not None and elapsed_ms(self.end) < elapsed_ms(self.start):
            raise ValueError("it ends before it starts")
        return self
