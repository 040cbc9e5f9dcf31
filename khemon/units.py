"""What khemon measures and in which unit: a closed table per analyte, and exact conversion into the canonical unit.

The numbers and the accepted spellings stand in `analytes.toml`. A unit that is not listed for an analyte is refused:
no unit is ever inferred from the size of a number, and no unit grammar is parsed (`K/uL` is thousand per microliter,
not kelvin; a grammar also drops the `{FEU}` of a D-dimer, a factor of two).
"""

from __future__ import annotations

import math
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any

#: Longer unit texts are refused unread.
LONGEST_UNIT = 60
#: Digits a short decimal may have so that its binary neighbor is never another short decimal.
SHORT_DIGITS = 15

EXACT = Context(prec=80, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
SUPERSCRIPTS = str.maketrans({digit: f"^{value}" for value, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")})
LOOKALIKES = str.maketrans({"×": "x", "✕": "x", "∗": "*", "∕": "/", "⁄": "/", "·": ".", "–": "-", "−": "-", "‐": "-"})  # noqa: RUF001
_SPACED_SLASH = re.compile(r"\s*/\s*")


class UnitProblem(ValueError):
    """A unit that is missing, or not listed for its analyte."""


class BasisConflict(UnitProblem):
    """A D-dimer whose unit says one basis and whose laboratory or code says another."""


@dataclass(frozen=True, slots=True)
class Unit:
    """An accepted spelling: the exact factor into the canonical unit, and the D-dimer basis it states."""

    factor: Decimal
    basis: str


@dataclass(frozen=True, slots=True)
class Analyte:
    """One row of the analyte table; limits are in the canonical unit."""

    name: str
    label: str
    canonical_unit: str
    has_rules: bool
    digits: int
    loinc: tuple[str, ...]
    loinc_basis: Mapping[str, str]
    names: tuple[str, ...]
    codes: tuple[str, ...]
    hard: tuple[Decimal, Decimal] | None
    soft: tuple[Decimal, Decimal] | None
    reference_upper: tuple[Decimal, Decimal] | None
    remedy: str
    unstated_unit: str
    folded_units: Mapping[str, Unit] = field(repr=False)
    exact_units: Mapping[str, Unit] = field(repr=False)
    basis_factors: Mapping[str, Decimal] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in its canonical unit; `basis` is FEU, DDU (already doubled) or unknown for a D-dimer, else empty."""

    value: Decimal
    unit: str
    basis: str


def folded(text: str) -> str:
    """The text with full width, superscripts, micro and look-alike signs folded and spaces tidied; case is kept."""
    plain = unicodedata.normalize("NFKC", text.translate(SUPERSCRIPTS)).translate(LOOKALIKES)
    return _SPACED_SLASH.sub("/", " ".join(plain.split()))


def folded_name(text: str) -> str:
    """An item name as it is compared: folded and without regard to case."""
    return folded(text).casefold()


def _spelled_out(template: str, notations: Mapping[str, list[str]]) -> Iterator[str]:
    """Every spelling a template of the table stands for."""
    parts = re.split(r"\{([^{}]+)\}", template)
    # A name that is no notation is a unit annotation such as {FEU} and stands for itself.
    choices = [notations.get(part, ["{" + part + "}"]) if odd % 2 else [part] for odd, part in enumerate(parts)]
    return ("".join(choice) for choice in product(*choices))


def _marked(spelling: str, mark: str) -> Iterator[str]:
    """A mass unit with its basis behind it, behind the mass, or before it."""
    mass, _, volume = spelling.partition("/")
    for gap in ("", " "):
        yield f"{spelling}{gap}{mark}"
        yield f"{mass}{gap}{mark}/{volume}"
    yield f"{mark} {spelling}"
    yield f"{spelling}-{mark}"


def _spellings(
    entries: list[dict[str, Any]], basis: dict[str, Any], notations: Mapping[str, list[str]]
) -> Iterator[tuple[str, Unit]]:
    for entry in entries:
        factor = Decimal(entry["factor"])
        plain = Unit(factor, "unknown" if basis else "")
        marked = [(Unit(factor, name), mark) for name, rule in basis.items() for mark in rule["marks"]]
        for spelling in (text for template in entry["spellings"] for text in _spelled_out(template, notations)):
            yield folded(spelling), plain
            for unit, mark in marked:
                yield from ((folded(text), unit) for text in _marked(spelling, mark))


def _limits(pair: list[str] | None) -> tuple[Decimal, Decimal] | None:
    return None if pair is None else (Decimal(pair[0]), Decimal(pair[1]))


def _analyte(name: str, row: dict[str, Any], unit_table: dict[str, Any], notations: Mapping[str, list[str]]) -> Analyte:
    basis = dict(unit_table.get("basis", {}))
    unstated = basis.pop("unstated", "")
    accepted = _spellings(unit_table["accepted"], basis, notations)
    exact = _spellings(unit_table.get("exact", []), {}, notations)
    return Analyte(
        name=name,
        label=row["label"],
        canonical_unit=unit_table["canonical"],
        has_rules=row.get("has_rules", False),
        digits=row["digits"],
        loinc=tuple(row["loinc"]),
        loinc_basis=MappingProxyType(row.get("loinc_basis", {})),
        names=tuple(dict.fromkeys(folded_name(text) for text in [name, row["label"], *row["names"]])),
        codes=tuple(folded_name(text) for text in row["codes"]),
        hard=_limits(row.get("hard")),
        soft=_limits(row.get("soft")),
        reference_upper=_limits(row.get("reference_upper")),
        remedy=unit_table["remedy"],
        unstated_unit=unstated,
        folded_units=MappingProxyType({text.casefold(): unit for text, unit in accepted}),
        exact_units=MappingProxyType(dict(exact)),
        basis_factors=MappingProxyType({key: Decimal(rule["factor"]) for key, rule in basis.items()}),
    )


def analytes_of(table: Mapping[str, Any]) -> dict[str, Analyte]:
    """Every analyte by name, in the order of a table such as `analytes.toml`."""
    return {
        name: _analyte(name, row, table["units"][row["units"]], table["notations"])
        for name, row in table["analytes"].items()
    }


#: The table of what khemon measures.
ANALYTES_FILE = Path(__file__).with_name("analytes.toml")
#: Every analyte, in the order of the file.
ANALYTES: Mapping[str, Analyte] = MappingProxyType(analytes_of(tomllib.loads(ANALYTES_FILE.read_text("utf-8"))))
#: An analyte's code in columns and in the store.
ANALYTE_CODES: Mapping[str, int] = MappingProxyType({name: code for code, name in enumerate(ANALYTES)})


@lru_cache(maxsize=4096)
def unit_of(analyte: str, unit: str) -> Unit:
    """The factor and basis of a unit spelling; UnitProblem when it is missing or not listed for the analyte."""
    table = ANALYTES[analyte]
    text = folded(unit) if len(unit) <= LONGEST_UNIT else "too long"
    found = table.exact_units.get(text) or table.folded_units.get(text.casefold())
    if found is None:
        finding = (
            f"unit {unit[:LONGEST_UNIT]!r} is not known for {analyte}" if unit.strip() else f"no unit for {analyte}"
        )
        raise UnitProblem(f"{finding}; use one of: {table.remedy}")
    return found


def basis_of(analyte: str, unit: str, stated: str = "") -> str:
    """The D-dimer basis by unit and by laboratory or code (`stated`); BasisConflict when they differ, empty for others.

    `stated` as `unknown` means that the basis is in doubt, whatever the unit says.
    """
    by_unit = unit_of(analyte, unit).basis
    if not by_unit or not stated:
        return by_unit
    if by_unit not in ("unknown", stated) and stated != "unknown":
        raise BasisConflict(f"the unit says {by_unit}, the laboratory or the code says {stated}")
    return stated


def convert(analyte: str, value: Decimal, unit: str, basis: str = "") -> Quantity:
    """The value in the analyte's canonical unit, exact; UnitProblem for a unit that is missing or not listed.

    `basis` is what the laboratory or the code says about a D-dimer whose unit says nothing. DDU is doubled;
    an unknown basis keeps the number as given, in mg/L.
    """
    table = ANALYTES[analyte]
    known = basis_of(analyte, unit, basis)
    exact = EXACT.multiply(value, unit_of(analyte, unit).factor)
    if known == "unknown":
        return Quantity(exact, table.unstated_unit, known)
    factor = table.basis_factors.get(known)
    return Quantity(exact if factor is None else EXACT.multiply(exact, factor), table.canonical_unit, known)


def decimal_text(value: Decimal) -> str:
    """The shortest plain text of a number, without exponent: 1.6, 5, 0.82."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _point(value: Decimal) -> tuple[float, bool]:
    """The float that stands for the value beside any short decimal limit, and whether it was moved off its own float.

    A number such as 1.60000000000000000001 has the float of 1.6 and would compare as equal to it: it is moved to the
    next float on its true side. Two short decimals are never neighboring floats, so no other limit is crossed.
    """
    nearest = float(value)
    shortest = Decimal(repr(nearest))
    if shortest == value or len(shortest.normalize().as_tuple().digits) > SHORT_DIGITS:
        return nearest, False
    return math.nextafter(nearest, math.inf if value > shortest else -math.inf), True


def interval(comparator: str, value: Decimal, basis: str) -> tuple[float, float]:
    """What a result may be, as a closed interval of floats; an open bound lies one float inwards; ValueError below 0.

    `basis` is that of a Quantity: with `unknown` a D-dimer may be the number or twice the number.
    """
    if value < 0 or (comparator == "<" and value == 0):
        raise ValueError("a result cannot lie below zero")
    top = EXACT.multiply(value, _largest_basis_factor()) if basis == "unknown" else value
    low, low_moved = _point(value)
    high, high_moved = _point(top)
    if comparator == "":
        return low, high
    if comparator == "<":
        return 0.0, high if high_moved else math.nextafter(high, -math.inf)
    if comparator == "<=":
        return 0.0, high
    if comparator == ">":
        return low if low_moved else math.nextafter(low, math.inf), math.inf
    if comparator == ">=":
        return low, math.inf
    raise ValueError(f"unknown comparator {comparator!r}")


@cache
def _largest_basis_factor() -> Decimal:
    return max(factor for analyte in ANALYTES.values() for factor in analyte.basis_factors.values())
