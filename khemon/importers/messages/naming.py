"""Which item and which unit a sender means by several codes and names: one of them, and why a person must look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from khemon.importers.items import LOINC, named_analytes, takes
from khemon.units import ANALYTES, unit_of

DIFFERENT = "analyte_in_doubt: the codes and names of the item mean different analytes"
BASES = "basis_conflict: the codes of the item do not agree on FEU or DDU"
DISGUISED = "analyte_in_doubt: a code in the form of a LOINC code that is said to be of another system"
TWO_UNITS = "two_units: code and text of the unit do not say the same"


@dataclass(frozen=True, slots=True)
class Coding:
    """A code with its name; `loinc`: whether it is said to be of LOINC, None where nothing is said."""

    code: str
    text: str = ""
    loinc: bool | None = None


@dataclass(slots=True)
class Named:
    """The code and name to go by, the others one in a line, and why a person must look."""

    analyte: str = ""
    name: str = ""
    others: str = ""
    doubts: list[str] = field(default_factory=list)


@cache
def _by_loinc() -> dict[str, str]:
    return {code: analyte.name for analyte in ANALYTES.values() for code in analyte.loinc}


def item_of(codings: Sequence[Coding]) -> Named:
    """The item that some codings name: by LOINC where one is listed, else by a local code or name."""
    codings = [coding for coding in codings if coding.code or coding.text]
    if not codings:
        return Named()
    loinc = [coding for coding in codings if coding.loinc is not False and LOINC.fullmatch(coding.code)]
    local = [coding for coding in codings if coding not in loinc]
    listed = [coding for coding in loinc if coding.code in _by_loinc()]
    if listed:
        named = Named(listed[0].code, "", "", _doubts_of_listed(listed, codings))
    elif loinc:
        named = _unlisted(loinc, codings)
    else:
        named = _local(local)
    texts = (text for coding in codings for text in (coding.code, coding.text) if text)
    named.others = "\n".join(dict.fromkeys(texts))
    return named


def _doubts_of_listed(listed: Sequence[Coding], codings: Sequence[Coding]) -> list[str]:
    """Why a listed LOINC code is doubtful: another one, a local code or a name says something else."""
    meant = {_by_loinc()[coding.code] for coding in listed}
    analyte = _by_loinc()[listed[0].code]
    bases = {ANALYTES[analyte].loinc_basis.get(coding.code, "") for coding in listed} - {""}
    said = (names for coding in codings for names in _meant(coding, coding in listed))
    doubts = [DIFFERENT] if len(meant) > 1 or any(analyte not in names for names in said) else []
    return doubts + ([BASES] if len(bases) > 1 else [])


def _meant(coding: Coding, by_loinc: bool) -> Iterator[tuple[str, ...]]:
    """The analytes that code and name may stand for, each where it stands for any."""
    texts = (coding.text,) if by_loinc else (coding.code, coding.text)
    yield from filter(None, map(named_analytes, filter(None, texts)))


def _unlisted(loinc: Sequence[Coding], codings: Sequence[Coding]) -> Named:
    """An item whose LOINC code is not in the table: held where a local code or a name stands for an analyte."""
    known = next((coding for coding in codings if any(_meant(coding, coding in loinc))), None)
    if known is None:
        return Named(loinc[0].code)
    doubt = f"analyte_in_doubt: LOINC {loinc[0].code} is not in the analyte table, and code or name stand for one"
    return Named("" if known in loinc else known.code, known.text, "", [doubt])


def _local(local: Sequence[Coding]) -> Named:
    """An item with codes of a laboratory's own."""
    known = [coding for coding in local if any(_meant(coding, False))]
    chosen = known[0] if known else local[0]
    doubts = [DISGUISED] if LOINC.fullmatch(chosen.code) else []
    meant = [set(names) for coding in known for names in _meant(coding, False)]
    if meant and not set.intersection(*meant) and len(known) > 1:
        doubts.append(DIFFERENT)
    return Named(chosen.code, chosen.text, "", doubts)


@cache
def _is_known(unit: str) -> bool:
    return any(takes(analyte, unit) for analyte in ANALYTES)


def chosen_unit(spellings: Iterable[str]) -> tuple[str, list[str]]:
    """The first spelling that is a unit of some analyte, or the one that says more; held where they contradict."""
    stated = list(dict.fromkeys(spelling.strip() for spelling in spellings if spelling.strip()))
    known = [spelling for spelling in stated if _is_known(spelling)]
    if not known:
        return (stated[0] if stated else ""), []
    unit = known[0]
    for other in known[1:]:
        unit, agree = _joined(unit, other)
        if not agree:
            return unit, [TWO_UNITS]
    return unit, []


@cache
def _joined(one: str, other: str) -> tuple[str, bool]:
    """Of two spellings of a unit the one that says more about the basis, and whether they agree."""
    both = [(unit_of(name, one), unit_of(name, other)) for name in ANALYTES if takes(name, one) and takes(name, other)]
    if not both or any(first.factor != second.factor for first, second in both):
        return one, False
    first, second = both[0]
    if {first.basis, second.basis} == {"FEU", "DDU"}:
        return one, False
    return (other, True) if first.basis == "unknown" and second.basis != "unknown" else (one, True)
