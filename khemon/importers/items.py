"""Which analyte a file means by a name, a LOINC code or a local code: an ambiguous code needs a unit that decides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, replace
from functools import cache

from khemon.importers.numbers import vocabulary
from khemon.importers.staging import ACCEPTED, IGNORED, REJECTED, REVIEW
from khemon.units import ANALYTES, UnitProblem, folded, folded_name, unit_of

LOINC = re.compile(r"[0-9]{1,5}-[0-9]")
#: Marks that laboratories put before an item name (accredited, sent away).
NAME_MARKS = "★☆*▲△#"
#: A name and its code, or what it was measured in: 血小板计数(PLT), Hemoglobin (blood).
IN_BRACKETS = re.compile(r"(.+?)\s*[(\[]([^()\[\]]+)[)\]]")
#: An item that also names its unit: Fibrinogen (mg/dL), Platelets [10*9/L].
WITH_UNIT = re.compile(r"(.+?)\s*(?:\(([^()]+)\)|\[([^\[\]]+)\])")
#: Where an item may end and its unit begin: Fibrinogen, g/L; PLT_10*9/L; Hb g/dl.
UNIT_GAP = re.compile(r"[\s,;:/_-]+")
FIRST_IDEOGRAPH = "\u2e80"
#: A code of so many letters tells an item among other words: PLT-F, PLT (optical).
TELLING = 3


@dataclass(frozen=True, slots=True)
class Item:
    """The analyte a file means, the D-dimer basis its code states, or the fate and reason of an item that is none.

    `unit` is the one that the item itself names: Fibrinogen (mg/dL).
    """

    analyte: str | None
    basis: str = ""
    decision: str = ACCEPTED
    reasons: tuple[str, ...] = ()
    unit: str = ""


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
    folded = folded_name(text).strip(NAME_MARKS + " :")
    found = _listed(folded)
    match = IN_BRACKETS.fullmatch(folded)
    if found or match is None:
        return found
    outer, inner = _listed(match[1]), match[2].strip()
    if inner in _same_item():
        return outer
    return tuple(analyte for analyte in outer if analyte in _listed(inner))


def _listed(folded: str) -> tuple[str, ...]:
    return (_by_name()[folded],) if folded in _by_name() else _by_code().get(folded, ())


@cache
def _same_item() -> frozenset[str]:
    return frozenset(map(folded_name, vocabulary()["same_item"]["words"]))


def speaks_of(text: str, unit: str) -> str | None:
    """The analyte with rules whose name stands among others in an unknown item, if the unit is one of its own."""
    words = " " + re.sub(r"[^\w-]+", " ", folded_name(text)) + " "
    parts = re.sub(r"\W+", " ", words)
    for analyte in ANALYTES.values():
        if analyte.has_rules and unit.strip() and takes(analyte.name, unit):
            names = [name for name in analyte.names if len(name) > 1]
            if any(f" {name} " in words or (name[0] >= FIRST_IDEOGRAPH and name in words) for name in names):
                return analyte.name
            if any(f" {code} " in parts for code in analyte.codes if len(code) >= TELLING):
                return analyte.name
    return None


def qualified(text: str, unit: str) -> str | None:
    """The analyte with rules before a remark in brackets, in a unit of its own or none: Platelets (citrate)."""
    match = IN_BRACKETS.fullmatch(folded_name(text).strip(NAME_MARKS + " :"))
    found = _listed(match[1]) if match else ()
    may_be = len(found) == 1 and ANALYTES[found[0]].has_rules and (not unit.strip() or takes(found[0], unit))
    return found[0] if may_be else None


def takes(analyte: str, unit: str) -> bool:
    """Whether the analyte's table lists this unit."""
    try:
        unit_of(analyte, unit)
    except UnitProblem:
        return False
    return True


def parted(text: str) -> Iterator[tuple[str, str]]:
    """An item and the unit it may name, for each place where the one may end and the other begin."""
    plain = folded(text)
    if match := WITH_UNIT.fullmatch(plain):
        yield match[1], match[2] or match[3]
    for gap in UNIT_GAP.finditer(plain):
        yield plain[: gap.start()].strip(), plain[gap.end() :].strip()


def with_unit(text: str) -> tuple[str, str]:
    """A text as item and unit, where it names an analyte and a unit of it; else the text itself and no unit."""
    if not named_analytes(text):
        for item, unit in parted(text):
            if any(takes(analyte, unit) for analyte in named_analytes(item)):
                return item, unit
    return text, ""


def names_analyte(text: str) -> bool:
    """Whether a text stands for an analyte, alone or with its unit."""
    return bool(named_analytes(text) or with_unit(text)[1])


def _mapped(text: str, analyte: str) -> Item:
    """The item that a mapping names, with the unit that stands in it."""
    return Item(analyte, unit=next((unit for _, unit in parted(text) if takes(analyte, unit)), ""))


def find_item(text: str, name: str, unit: str, codes: MappingType[str, str]) -> Item:
    """The analyte of an item code and, where there is one, its name: by mapping, LOINC, name, or code and unit."""
    code = text.strip()
    for stated in (code, name):
        if stated and folded_name(stated) in codes:
            return _mapped(stated, codes[folded_name(stated)])
    (plain_code, by_code), (plain_name, by_name) = with_unit(code), with_unit(name)
    named = by_code or by_name
    if not named:
        return _found(code, name, unit)
    return replace(_found(plain_code, plain_name, unit or named), unit=named)


def _found(code: str, name: str, unit: str) -> Item:
    """The analyte of an item code and, where there is one, its name, neither of which holds a unit."""
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
        return _unlisted(code, name, unit)
    if len(candidates) > 1:
        return _by_unit(candidates, unit, folded_name(code or name))
    return Item(candidates[0])


#: What a code of the total count of white cells, counted singly, may mean in another laboratory.
COUNTED = "platelets"
TOTAL = Item(
    COUNTED,
    decision=REVIEW,
    reasons=(
        "analyte_in_doubt: counted singly this may be the total count of white cells; add it to [codes] of a mapping",
    ),
)


def _unlisted(code: str, name: str, unit: str) -> Item:
    """An item that is in no table: held where it may be one with rules, such as platelets (manual)."""
    found = speaks_of(f"{code} {name}", unit) or qualified(code, unit) or qualified(name, unit)
    if found is None:
        return Item(None, decision=IGNORED, reasons=("unknown_analyte: not in the analyte table",))
    reason = f"analyte_in_doubt: may be {found}, or another quantity of a like name; add it to [codes] of a mapping"
    return Item(found, decision=REVIEW, reasons=(reason,))


def _by_unit(candidates: tuple[str, ...], unit: str, code: str) -> Item:
    agreeing = [analyte for analyte in candidates if takes(analyte, unit)]
    if len(agreeing) == 1:
        raw = code in vocabulary()["total_count"]["codes"] and agreeing[0] == COUNTED
        return TOTAL if raw and unit_of(COUNTED, unit).factor < 1 else Item(agreeing[0])
    finding = f"the code may mean {' or '.join(candidates)} and the unit does not decide"
    return Item(None, decision=REJECTED, reasons=(f"analyte_in_doubt: {finding}; add it to [codes] of a mapping",))
