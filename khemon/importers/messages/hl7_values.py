"""What the fields of OBX say: value by its type, status, flags, code and unit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from khemon.importers.grid import MAX_CELL, Fact
from khemon.importers.messages.hl7_text import Delimiters, Segment
from khemon.importers.messages.naming import Coding, chosen_unit
from khemon.importers.messages.reported import CUT, EXACT_NUMBER, Reported

PLAIN_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+", re.ASCII)
TEXTS, CODED, NUMBER, STRUCTURED = ("ST", "TX", "FT", "IS", "ID", "SI", ""), ("CE", "CWE", "CNE", "CF"), "NM", "SN"
#: A unit of which the sign that parts components is a part: 10^9/L.
POWER = re.compile(r"[xX*]?\s?10\^[0-9]{1,2}\s?/\s?[^\s^]{1,8}")
#: HL7 table 0085: the letters of a result, and of an order (table 0123) where the result has none.
STATUSES = {"F": "final", "P": "preliminary", "R": "preliminary", "S": "preliminary", "C": "corrected"} | {
    "A": "corrected",
    "B": "corrected",
    "X": "cancelled",
    "D": "entered_in_error",
    "W": "entered_in_error",
}
ORDER_STATUSES = {"F": "final", "C": "corrected", "P": "preliminary", "A": "preliminary", "R": "preliminary"}
#: There is no result yet, or none was asked for.
PENDING = ("I", "O", "N")
WITHDRAWN = ("D", "W")
#: Beyond what the instrument measures (HL7 table 0078).
OFF_SCALE = ("<", ">")
NORMAL = ("", "N")
FLAG = re.compile(r"[A-Z]{1,4}")
LONGEST_TEXT = 200
COMPARATORS = ("", "=", "<", "<=", ">", ">=", "<>")


@dataclass(frozen=True, slots=True)
class Status:
    """A status in our words, and why a person must look; `note` is only said."""

    word: str
    doubt: str = ""
    note: str = ""


def status_of(letter: str, order_letter: str, has_value: bool) -> Status:
    """What OBX-11 says of a result, or OBR-25 where it says nothing; an unknown letter holds the row."""
    if not letter:
        known = ORDER_STATUSES.get(order_letter)
        return Status(known or "final", "" if known else "no_status: neither OBX-11 nor OBR-25 states the status")
    if letter in PENDING:
        note = f"result_status: {letter}, there is no result yet"
        doubt = f"result_status: {letter} says that there is no result, and one is given" if has_value else ""
        return Status("preliminary", doubt, note)
    word = STATUSES.get(letter)
    if letter in WITHDRAWN and not has_value:
        return Status(str(word), "withdrawn: a result is taken back and not repeated; set the stored one aside by hand")
    if word is None:
        known_letters = ", ".join(STATUSES)
        return Status("final", f"unknown_status: OBX-11 is none of {known_letters}; a person must say what it means")
    return Status(word, "", "result_status: R, entered and not verified" if letter == "R" else "")


def put_value(row: Reported, obx: Segment, signs: Delimiters) -> None:
    """Set value and fact of a row by the type of its value."""
    kind, raw = signs.plain(obx.field(2)).upper(), obx.field(5)
    if len(raw) > MAX_CELL:
        row.doubts.append(CUT)
        raw = raw[:LONGEST_TEXT]
    exact: Fact | None = None
    if kind == NUMBER:
        row.value = signs.plain(raw)
        exact = EXACT_NUMBER if PLAIN_NUMBER.fullmatch(row.value) else None
    elif kind == STRUCTURED:
        row.value, exact = _structured(raw, signs)
    elif kind in CODED:
        row.value = signs.part(raw, 2) or signs.part(raw, 1) or signs.part(raw, 9)
    elif kind in TEXTS:
        row.value = "\n".join(map(signs.plain, signs.repetitions(raw)))
    else:
        row.value = signs.plain(raw)
        row.doubts.append("value_type: a value of this type is not read as a number")
    row.fact = exact


def _structured(raw: str, signs: Delimiters) -> tuple[str, Fact | None]:
    """A number with its comparator; two numbers, a range or a ratio, stay as they are written."""
    comparator, first, sign, second = (signs.part(raw, number) for number in range(1, 5))
    if comparator not in COMPARATORS:
        # Beside a number a figure or a point would become a part of it.
        return signs.plain(raw), None
    comparator = "" if comparator == "=" else comparator
    is_one = not sign and not second and not signs.part(raw, 5)
    return f"{comparator}{first}{sign}{second}", EXACT_NUMBER if is_one and PLAIN_NUMBER.fullmatch(first) else None


def put_flags(row: Reported, obx: Segment, signs: Delimiters, note: str) -> None:
    """Note what OBX-8 says; hold a number that the instrument could not measure and that is given as one."""
    flags = [signs.part(flag, 1).upper() for flag in signs.repetitions(obx.field(8))]
    for flag in flags:
        if flag in OFF_SCALE and not row.value.startswith(flag):
            row.doubts.append("off_scale: the flag says that it lies beyond what was measured, the number does not")
    told = [flag for flag in flags if flag not in NORMAL and flag not in OFF_SCALE]
    words = (
        [f"flag: {', '.join(told)}"] if told and all(map(FLAG.fullmatch, told)) else ["flag: marked"] if told else []
    )
    said = "; ".join([*words, *([note] if note else [])])
    if said:
        row.fact = Fact(number=row.fact is not None and row.fact.number, note=said)


def codings_of(item: str, signs: Delimiters) -> list[Coding]:
    """Code and name of the item, and the alternate ones."""
    found = []
    for first in (1, 4):
        code, text, system = (signs.part(item, first + step) for step in range(3))
        found.append(Coding(code, text, None if not system else system.upper() in ("LN", "LOINC")))
    return found


def unit_of_field(raw: str, signs: Delimiters) -> tuple[str, list[str]]:
    """The unit of OBX-6, by its UCUM code where it has one, and why it is doubtful."""
    if signs.component == "^" and (power := POWER.match(raw)):
        return chosen_unit([signs.plain(power[0])])
    parts = [signs.part(raw, number) for number in range(1, 7)]
    by_code = [parts[at] for at in (0, 3) if parts[at + 2].upper() == "UCUM"]
    return chosen_unit([*by_code, parts[0], parts[1], parts[3], parts[4]])


def range_of_field(obx: Segment, signs: Delimiters) -> str:
    """The reference range as text."""
    return " ".join(filter(None, map(signs.plain, signs.components(obx.field(7)))))
