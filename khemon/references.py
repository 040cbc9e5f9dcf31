"""What is usual in healthy children by age, as published: ranges with unit and source, in steps. No rule reads them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from khemon.units import ANALYTES

#: How sexes are registered that have ranges of their own; any other has those that hold for all.
_SEXES = {"female": "female", "f": "female", "male": "male", "m": "male"}
TABLE = Path(__file__).with_name("references.toml")


@dataclass(frozen=True, slots=True)
class UsualRange:
    """A range usual from an age until another, in completed days (None: from then on), in the canonical unit."""

    from_days: int
    until_days: int | None
    low: Decimal | None
    high: Decimal | None
    source: str


@cache
def usual_ranges(analyte: str, sex: str | None) -> tuple[UsualRange, ...]:
    """The steps of an analyte for children of a sex (as registered) by age; empty where nothing is on record."""
    table = _table().get(analyte)
    sex = _SEXES.get((sex or "").casefold())
    if table is None:
        return ()
    ages = sorted({step["from_days"] for step in table["steps"]})
    until: dict[int, int | None] = {**dict(pairwise(ages)), ages[-1]: None}
    return tuple(
        UsualRange(step["from_days"], until[step["from_days"]], _number(step, "low"), _number(step, "high"), source)
        for step in table["steps"]
        if (source := step.get("source")) and step.get("sex") in (None, sex)
    )


def usual_range(analyte: str, age_days: int, sex: str | None) -> UsualRange | None:
    """The step that holds at an age; None where there is none."""
    return next(
        (
            step
            for step in usual_ranges(analyte, sex)
            if step.from_days <= age_days and (step.until_days is None or age_days < step.until_days)
        ),
        None,
    )


def _number(step: dict[str, Any], name: str) -> Decimal | None:
    return Decimal(step[name]) if name in step else None


@cache
def _table() -> dict[str, Any]:
    """The table as written. ValueError names the analyte whose unit is not its canonical one."""
    table = tomllib.loads(TABLE.read_text("utf-8"))
    for analyte, told in table.items():
        if told["unit"] != ANALYTES[analyte].canonical_unit:
            raise ValueError(f"references.toml, {analyte}: the unit is not {ANALYTES[analyte].canonical_unit}")
    return table
