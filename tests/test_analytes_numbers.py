"""Every number of the analyte table bites: a factor or limit one step up or down, and some fact about it is untrue."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from khemon import units
from khemon.importers import measures
from khemon.importers.measures import Measures, beyond_limits
from khemon.importers.staging import REVIEW
from khemon.units import convert
from tests.test_units import CONVERSIONS

TABLE = tomllib.loads(units.ANALYTES_FILE.read_text("utf-8"))
Path = tuple[str | int, ...]

#: Beside CONVERSIONS, one fact for each factor: analyte, value, unit, value in the canonical unit.
MORE_CONVERSIONS = [
    ("fibrinogen", "1.6", "g/L", "1.6"),
    ("hemoglobin", "60", "g/L", "60"),
    ("sirolimus", "8", "ng/mL", "8"),
    ("alt", "2", "ukat/L", "120"),
    ("triglycerides", "2", "mmol/L", "2"),
    ("cholesterol", "2", "mmol/L", "2"),
    ("creatinine", "40", "umol/L", "40"),
    ("d_dimer", "1", "mg/L FEU", "1"),
    ("d_dimer", "1", "mg/L DDU", "2"),
]
#: By analyte: the lowest and highest result that nobody has to confirm, and those that carry no note.
LIMITS = {
    "platelets": ("0", "3000", "0.001", "1000"),
    "fibrinogen": ("0", "15", "0.2", "8"),
    "d_dimer": ("0", "1000", "0.05", "100"),
    "hemoglobin": ("10", "300", "40", "240"),
    "sirolimus": ("0", "200", "0", "25"),
    "white_cells": ("0", "500", "0", "50"),
    "neutrophils": ("0", "500", "0", "50"),
    "lymphocytes": ("0", "500", "0", "50"),
    "inr": ("0.5", "30", "0.5", "5"),
    "aptt": ("10", "400", "10", "400"),
    "pt": ("5", "300", "5", "300"),
    "alt": ("0", "30000", "0", "1000"),
    "ast": ("0", "30000", "0", "1000"),
    "creatinine": ("1", "3000", "1", "200"),
    "triglycerides": ("0", "150", "0", "11.4"),
    "cholesterol": ("0", "50", "0", "12.9"),
}
#: By analyte: between which numbers the upper end of a laboratory's own range is believed.
UPPER_ENDS = {
    "platelets": ("200", "1200"),
    "fibrinogen": ("2", "10"),
    "d_dimer": ("0.1", "4"),
    "hemoglobin": ("90", "260"),
    "sirolimus": ("4", "35"),
}


def numbers(table: Any, path: Path = ()) -> Iterator[Path]:
    """Where the factors and limits of the table stand."""
    inner = table.items() if isinstance(table, dict) else enumerate(table)
    for key, part in inner:
        if key == "factor":
            yield (*path, key)
        elif key in ("hard", "soft", "reference_upper"):
            yield from ((*path, key, side) for side in range(len(part)))
        elif isinstance(part, dict | list):
            yield from numbers(part, (*path, key))


def step(number: str) -> Decimal:
    """One of the last digit as it is printed."""
    return Decimal(1).scaleb(min(0, int(Decimal(number).as_tuple().exponent)))


def moved(path: Path, steps: int) -> dict[str, Any]:
    """The table with one number moved by steps."""
    table = copy.deepcopy(TABLE)
    inner: Any = table
    for key in path[:-1]:
        inner = inner[key]
    number = inner[path[-1]]
    inner[path[-1]] = f"{Decimal(number) + steps * step(number):f}"
    return table


@pytest.fixture
def placed(monkeypatch):
    """Puts a table in the place of the one khemon reads."""

    def place(table: dict[str, Any]) -> None:
        found = units.analytes_of(table)
        for module in (units, measures):
            monkeypatch.setattr(module, "ANALYTES", found)
        units.unit_of.cache_clear()

    yield place
    monkeypatch.undo()
    units.unit_of.cache_clear()


def untrue_conversions() -> list[str]:
    """The conversions that do not come out as stated."""
    stated = [(analyte, value, unit, canonical) for analyte, value, unit, canonical, _ in CONVERSIONS]
    return [
        f"{value} {unit} of {analyte}"
        for analyte, value, unit, canonical in stated + MORE_CONVERSIONS
        if convert(analyte, Decimal(value), unit).value != Decimal(canonical)
    ]


def said_of(analyte: str, value: Decimal) -> str:
    """What the limits say of a value: `confirm`, `note` or nothing."""
    decision, reasons = beyond_limits(analyte, "", value)
    return "confirm" if decision == REVIEW else "note" if reasons else ""


def untrue_limits() -> list[str]:
    """The limits on which, or one step beside which, something else is said than should be."""
    found = []
    for analyte, (lowest, highest, low, high) in LIMITS.items():
        inner, outer = ("", "note"), ("", "note", "confirm")
        sides = [(lowest, -1, inner, ("confirm",)), (highest, 1, inner, ("confirm",))]
        sides += [(low, -1, ("",), outer[1:]), (high, 1, ("",), outer[1:])]
        for limit, direction, on_it, beside_it in sides:
            beside = Decimal(limit) + direction * step(limit)
            if said_of(analyte, Decimal(limit)) not in on_it or said_of(analyte, beside) not in beside_it:
                found.append(f"{limit} of {analyte}")
    return found


def doubted(analyte: str, upper: Decimal) -> bool:
    """Whether a range with this upper end makes khemon doubt the unit."""
    unit = units.ANALYTES[analyte].canonical_unit
    read = Measures(None).read["", analyte, LIMITS[analyte][2], unit, f"0.01 - {upper:f}"]
    return any(reason.startswith("unit_contradicts_range") for reason in read.reasons)


def untrue_upper_ends() -> list[str]:
    """The ends of ranges at which, or a tenth of a step beside which, the unit is wrongly believed or doubted."""
    return [
        f"{end} of {analyte}"
        for analyte, ends in UPPER_ENDS.items()
        for end, direction in zip(ends, (-1, 1), strict=True)
        if doubted(analyte, Decimal(end)) or not doubted(analyte, Decimal(end) + direction * step(end) / 10)
    ]


def soft_beyond_hard() -> list[str]:
    """The analytes whose soft limits lie outside the hard ones, where they could never be met."""
    both = [(analyte, *analyte.hard, *analyte.soft) for analyte in units.ANALYTES.values() if analyte.hard]
    return [analyte.name for analyte, lowest, highest, low, high in both if low < lowest or high > highest]


def untrue() -> list[str]:
    """Everything that should be true of the table and is not."""
    return untrue_conversions() + untrue_limits() + untrue_upper_ends() + soft_beyond_hard()


NUMBERS = list(numbers(TABLE))


def test_what_is_said_of_the_numbers_is_true():
    assert untrue() == []


@pytest.mark.untraced
@pytest.mark.parametrize("steps", [1, -1])
@pytest.mark.parametrize("path", NUMBERS, ids=lambda path: ".".join(map(str, path)))
def test_a_number_moved_one_step_makes_something_untrue(placed, path, steps):
    placed(moved(path, steps))
    assert untrue()


def test_every_factor_and_every_limit_of_the_file_is_moved():
    text = units.ANALYTES_FILE.read_text("utf-8")
    limits = sum(line.startswith(("hard = ", "soft = ", "reference_upper = ")) for line in text.splitlines())
    assert len(NUMBERS) == text.count("factor = ") + 2 * limits
