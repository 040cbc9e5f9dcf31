"""What a person fills in: texts as typed, and what is asked for each kind of event."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

from khemon.importers.records import BY_DATE
from khemon.units import ANALYTES

Asked = Literal["needed", "optional", "none"]


@dataclass(frozen=True, slots=True)
class ResultForm:
    """A result as typed; times are ISO 8601, in the ward's zone when they have no offset."""

    patient_id: str
    analyte: str
    value: str
    unit: str
    collected_at: str
    specimen_id: str = ""
    status: str = ""
    quality: str = ""
    timing: str = ""
    comment: str = ""

    @property
    def row(self) -> dict[str, str]:
        """The columns of labs.csv."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class EventForm:
    """An event as typed; times as in `ResultForm`."""

    patient_id: str
    kind: str
    start: str
    end: str = ""
    dose: str = ""
    unit: str = ""
    note: str = ""

    @property
    def row(self) -> dict[str, str]:
        """The columns of events.csv."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is asked for one kind of event; `between` are the ends of its scale, `sure` what a person is asked first."""

    name: str
    group: str
    dose: Asked
    note: Asked
    end: Asked
    dose_called: str = "Dose"
    units: tuple[str, ...] = ()
    between: tuple[Decimal, Decimal] | None = None
    sure: str = ""


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("kinds.toml").read_text(encoding="utf-8"))


@cache
def kinds() -> dict[str, Kind]:
    """Every kind of event by its name, in the order in which they are offered."""
    return {name: _kind(name, row) for name, row in _table()["kinds"].items()}


def groups() -> dict[str, str]:
    """Each group of kinds and its words, in order."""
    return dict(_table()["groups"])


def units_of(analyte: str) -> list[str]:
    """The units that are offered for an analyte, its canonical one first; a D-dimer's with the basis, or without."""
    table = ANALYTES[analyte]
    if not table.basis_factors:
        return list(dict.fromkeys((table.canonical_unit, *table.remedy.split(", "))))
    masses = [unit.partition("{")[0] for unit in table.remedy.split(", ") if "/" in unit]
    marks = [f"{{{basis}}}" for basis in table.basis_factors]
    return [mass + mark for mark in (*marks, "") for mass in masses]


def analyte_labels() -> dict[str, str]:
    """Every analyte and what it is called."""
    return {name: table.label for name, table in ANALYTES.items()}


def day_is_enough(kind: str) -> bool:
    """Whether a calendar date without a time says enough about an event of this kind."""
    return kind in BY_DATE


def _kind(name: str, row: dict[str, Any]) -> Kind:
    ends = row.pop("between", None)
    units = tuple(row.pop("units", ()))
    return Kind(name, units=units, between=(Decimal(ends[0]), Decimal(ends[1])) if ends else None, **row)
