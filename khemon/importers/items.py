"""Which analyte a file means by a name, a LOINC code or a local code: an ambiguous code needs a unit that decides."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from functools import cache

from khemon.importers.staging import ACCEPTED, IGNORED, REJECTED
from khemon.units import ANALYTES, UnitProblem, folded_name, unit_of

LOINC = re.compile(r"[0-9]{1,5}-[0-9]")
#: Marks that laboratories put before an item name (accredited, sent away).
NAME_MARKS = "★☆*▲△#"


@dataclass(frozen=True, slots=True)
class Item:
    """The analyte a file means, the D-dimer basis its code states, or the fate and reason of an item that is none."""

    analyte: str | None
    basis: str = ""
    decision: str = ACCEPTED
    reasons: tuple[str, ...] = ()


@cache
def _by_loinc() -> dict[str, str]:
    return {code: analyte.name for analyte in ANALYTES.values() for code in analyte.loinc}


@cache
def _by_name() -> dict[str, str]:
    return {name: analyte.name for analyte in ANALYTES.values() for name in analyte.names}


@cache
def _by_code() -> dict[str, tuple[str, ...]]:
    codes: dict[str, tuple[str, ...]] = {}
    for analyte in ANALYTES.values():
        for code in analyte.codes:
            codes[code] = (*codes.get(code, ()), analyte.name)
    return codes


def named_analytes(text: str) -> tuple[str, ...]:
    """The analytes a name or local code may stand for: one, several for an ambiguous code, none if unknown."""
    folded = folded_name(text).lstrip(NAME_MARKS)
    if folded in _by_name():
        return (_by_name()[folded],)
    return _by_code().get(folded, ())


def takes(analyte: str, unit: str) -> bool:
    """Whether the analyte's table lists this unit."""
    try:
        unit_of(analyte, unit)
    except UnitProblem:
        return False
    return True


def find_item(text: str, name: str, unit: str, codes: MappingType[str, str]) -> Item:
    """The analyte of an item code and, where there is one, its name: by mapping, LOINC, name, or code and unit."""
    code = text.strip()
    for stated in (code, name):
        if stated and folded_name(stated) in codes:
            return Item(codes[folded_name(stated)])
    if LOINC.fullmatch(code):
        found = _by_loinc().get(code)
        if found is None:
            return Item(None, decision=IGNORED, reasons=(f"unknown_analyte: LOINC {code} is not in the analyte table",))
        return Item(found, ANALYTES[found].loinc_basis.get(code, ""))
    by_code, by_name = named_analytes(code), named_analytes(name)
    candidates = (
        tuple(analyte for analyte in by_code if analyte in by_name) if by_code and by_name else by_code or by_name
    )
    if by_code and by_name and not candidates:
        return Item(
            None, decision=REJECTED, reasons=("analyte_in_doubt: item code and item name mean different analytes",)
        )
    if not candidates:
        return Item(None, decision=IGNORED, reasons=("unknown_analyte: not in the analyte table",))
    if len(candidates) > 1:
        return _by_unit(candidates, unit)
    return Item(candidates[0])


def _by_unit(candidates: tuple[str, ...], unit: str) -> Item:
    agreeing = [analyte for analyte in candidates if takes(analyte, unit)]
    if len(agreeing) == 1:
        return Item(agreeing[0])
    finding = f"the code may mean {' or '.join(candidates)} and the unit does not decide"
    return Item(None, decision=REJECTED, reasons=(f"analyte_in_doubt: {finding}; add it to [codes] of a mapping",))
