"""What one cell says about one analyte: a number in the canonical unit, and whether a person must confirm it."""

from __future__ import annotations

import copy
import math
import re
from dataclasses import dataclass, replace
from decimal import Decimal

from khemon.importers.items import Item, find_item, takes
from khemon.importers.mapping import Mapping
from khemon.importers.numbers import Number, NumberGrammar
from khemon.importers.once import Once
from khemon.importers.signs import Signs, plain_text
from khemon.importers.staging import ACCEPTED, NO_VALUE, REJECTED, REVIEW, worse
from khemon.units import ANALYTES, Quantity, UnitProblem, convert, decimal_text, interval, unit_of

NUMBER_IN_RANGE = re.compile(r"[0-9][0-9.,']*")
UNIT_WORDS = 3
TWO_VALUES = "two_values: another column gives another number for this result"
#: More figures than these, all nine, stand for no number in some laboratories' systems.
NINES = 3
TWO_UNITS = "two_units: the unit beside the item is not the unit of the row"
MAY_GROUP = "thousands: the sign may group thousands here, and both numbers are plausible; state decimal in a mapping"


@dataclass(frozen=True, slots=True)
class Measure:
    """A cell understood: number as read and in canonical unit, closed interval, sample quality, fate and reasons."""

    analyte: str | None
    decision: str
    reasons: tuple[str, ...] = ()
    comparator: str = ""
    value: str | None = None
    canonical_value: str | None = None
    canonical_unit: str | None = None
    basis: str = ""
    low: float = 0.0
    high: float = math.inf
    quality: str = ""
    unit: str | None = None
    in_comment: bool = False


def beyond_limits(analyte: str, comparator: str, value: Decimal) -> tuple[str, tuple[str, ...]]:
    """Fate and reasons by the limits: beyond a hard one a person confirms, beyond a soft one there is only a note."""
    table = ANALYTES[analyte]
    if table.hard is None or table.soft is None:
        return ACCEPTED, ()
    low, high = table.hard
    below = value < low or (comparator == "<" and value == low)
    if below or value > high or (comparator == ">" and value == high):
        return REVIEW, (f"hard_limit: outside {decimal_text(low)} to {decimal_text(high)} {table.canonical_unit}",)
    low, high = table.soft
    if (value < low and comparator not in (">", ">=")) or (value > high and comparator not in ("<", "<=")):
        return ACCEPTED, (f"soft_limit: outside {decimal_text(low)} to {decimal_text(high)} {table.canonical_unit}",)
    return ACCEPTED, ()


def unit_at_start(analyte: str, text: str) -> str:
    """The unit a text begins with, longest first, empty if it begins with none of this analyte's."""
    words = text.split()
    for count in range(min(len(words), UNIT_WORDS), 0, -1):
        unit = " ".join(words[:count]).rstrip(".,;)")
        if takes(analyte, unit):
            return unit
    return ""


def same_unit(analyte: str, one: str, other: str) -> bool:
    """Whether two spellings say the same, factor and basis."""
    return takes(analyte, one) and takes(analyte, other) and unit_of(analyte, one) == unit_of(analyte, other)


def _rest_explained(analyte: str, unit: str, number: Number) -> tuple[str, Number]:
    """Unit and number once the text behind the number is understood as its unit; else a person must look."""
    if not number.rest:
        return unit, number
    rest = number.rest.strip()
    in_cell = rest if takes(analyte, rest) else ""
    if in_cell and (not unit or same_unit(analyte, in_cell, unit)):
        return unit or in_cell, replace(number, rest="")
    if not in_cell and number.rest[0].isalnum():
        return unit, Number(REJECTED, reasons=("unreadable_number: neither a number nor a known word",))
    two_units = "two_units: the unit in the cell is not the unit of the row"
    reason = two_units if in_cell else "text_behind_number: a person must say what it means"
    held = worse(REVIEW, number.decision)
    return unit or in_cell, replace(number, decision=held, reasons=(*number.reasons, reason), rest="")


class Measures:
    """Reads the cells of one file.

    `read[item, name, text, unit, reference]` is what a value text says, for item and name as the file gives them.
    """

    def __init__(self, mapping: Mapping | None, signs: Signs | None = None) -> None:
        decimal, thousands = (mapping.decimal, mapping.thousands) if mapping else (None, None)
        self.numbers = NumberGrammar(decimal, thousands, signs)
        self.codes = mapping.coded() if mapping else {}
        self.units = mapping.units if mapping else {}
        self.basis = (mapping.d_dimer_basis or "") if mapping else ""
        self.read = Once(self._read)
        self._items: Once[tuple[str, str, str], Item] = Once(lambda told: find_item(*told, self.codes))

    def _read(self, cell: tuple[str, str, str, str, str]) -> Measure:
        item, name, text, unit, reference = cell
        return self._measure(self.item(item, name, unit), self.numbers.read[text], unit, reference)

    def exactly(self) -> Measures:
        """The same for exact numbers with a decimal point, as a workbook or JSON holds them."""
        plain = copy.copy(self)
        plain.numbers = NumberGrammar(".", None)
        plain.read = Once(plain._read)
        return plain

    def item(self, item: str, name: str, unit: str) -> Item:
        """Which analyte an item code, its name and its unit mean."""
        return self._items[item, name, unit]

    def from_comment(self, item: str, name: str, comment: str, unit: str, known: Measure) -> Measure:
        """The value that stands only in the comment, for a person to confirm; the known measure if it gives none."""
        found = self.item(item, name, unit)
        said = self.numbers.in_comment(comment)
        if found.analyte is None or not any(map(str.isdigit, comment)):
            return known
        if said is None:
            reasons = (*known.reasons, "value_in_comment: the comment holds figures, and not one plain number")
            return replace(known, decision=worse(REVIEW, known.decision), reasons=reasons)
        number, rest = said
        measure = self._measure(found, number, unit_at_start(found.analyte, rest) or unit, "")
        reasons = ("value_in_comment: the number stands only in the comment", *measure.reasons)
        return replace(measure, decision=worse(REVIEW, measure.decision), reasons=reasons)

    def beside(self, cell: tuple[str, str, str, str, str], number: str, known: Measure) -> tuple[str, Measure]:
        """Text and measure of a value that a second column gives as a number; held where the two do not say the same.

        Where the first says nothing at all, the number is the value.
        """
        item, name, text, unit, reference = cell
        second = self.read[item, name, number, unit, reference]
        if not text.strip():
            return number, second
        stands_for_none = set(number.strip()) == {"9"} and len(number.strip()) > NINES
        if known.analyte is None or stands_for_none or second.value in (None, known.value):
            return text, known
        return text, replace(known, decision=worse(REVIEW, known.decision), reasons=(*known.reasons, TWO_VALUES))

    def _measure(self, item: Item, number: Number, unit: str, reference: str) -> Measure:
        if item.analyte is None:
            return Measure(None, item.decision, item.reasons)
        if item.reasons:
            number = replace(
                number, decision=worse(item.decision, number.decision), reasons=item.reasons + number.reasons
            )
        if item.unit and unit.strip() and not same_unit(item.analyte, item.unit, unit):
            number = replace(number, decision=worse(REVIEW, number.decision), reasons=(*number.reasons, TWO_UNITS))
        unit = unit.strip() or item.unit or self.units.get(item.analyte, "")
        unit, number = _rest_explained(item.analyte, unit, number)
        without_number = Measure(
            item.analyte,
            number.decision,
            number.reasons,
            number.comparator,
            None,
            quality=number.quality,
            unit=unit or None,
            in_comment=number.in_comment,
        )
        try:
            basis, reasons = self._basis(item, unit)
            quantity = convert(item.analyte, number.value or Decimal(0), unit, basis)
        except UnitProblem as problem:
            if number.decision == NO_VALUE:
                return without_number
            return replace(
                without_number,
                decision=REJECTED,
                reasons=(*number.reasons, f"unknown_unit: {problem}"),
                value=_text(number.value),
            )
        if number.value is None:
            return replace(without_number, canonical_unit=quantity.unit, basis=quantity.basis)
        doubts = reasons + self._range_reasons(item.analyte, unit, quantity.basis, reference)
        doubts += _group_reasons(item.analyte, number, unit, basis)
        return self._judged(item.analyte, number, quantity, doubts, unit)

    def _basis(self, item: Item, unit: str) -> tuple[str, tuple[str, ...]]:
        """The stated D-dimer basis, and a reason for review when unit, code and laboratory do not agree on it."""
        by_unit = unit_of(item.analyte or "", unit).basis
        if not by_unit:
            return "", ()
        stated = {basis for basis in (by_unit, item.basis, self.basis) if basis not in ("", "unknown")}
        if len(stated) > 1:
            return "unknown", ("basis_conflict: unit, code and mapping do not agree on FEU or DDU",)
        return next(iter(stated), ""), ()

    def _range_reasons(self, analyte: str, unit: str, basis: str, reference: str) -> tuple[str, ...]:
        """A reason for review when the reference range, read in the unit, lies far off any laboratory's range."""
        usual = ANALYTES[analyte].reference_upper
        upper = self._upper_end(reference) if usual and reference else None
        if usual is None or not upper:
            return ()
        end = convert(analyte, upper, unit, basis).value
        if usual[0] <= end <= usual[1]:
            return ()
        return ("unit_contradicts_range: with this unit the reference range is off by a power of ten",)

    def _upper_end(self, reference: str) -> Decimal | None:
        text = plain_text(reference)
        found = NUMBER_IN_RANGE.findall(text)
        if len(found) not in (1, 2) or (len(found) == 1 and ">" in text):
            return None
        return self.numbers.read[found[-1]].value

    @staticmethod
    def _judged(analyte: str, number: Number, quantity: Quantity, doubts: tuple[str, ...], unit: str) -> Measure:
        """The measure of a number in its unit; every doubt sends it to a person."""
        decision, notes = beyond_limits(analyte, number.comparator, quantity.value)
        decision = worse(worse(decision, number.decision), REVIEW if doubts else ACCEPTED)
        low, high = interval(number.comparator, quantity.value, quantity.basis)
        return Measure(
            analyte,
            decision,
            (*number.reasons, *doubts, *notes),
            number.comparator,
            _text(number.value),
            decimal_text(quantity.value),
            quantity.unit,
            quantity.basis,
            low,
            high,
            number.quality,
            unit,
        )


def _group_reasons(analyte: str, number: Number, unit: str, basis: str) -> tuple[str, ...]:
    """A reason for review when the three digits behind the sign may as well be thousands: 27.000 /uL."""
    if number.grouped is None:
        return ()
    decision, _ = beyond_limits(analyte, number.comparator, convert(analyte, number.grouped, unit, basis).value)
    return (MAY_GROUP,) if decision == ACCEPTED else ()


def _text(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)
