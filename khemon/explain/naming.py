"""A value in words: its number, what the limit says about it, and why it may not count."""

from __future__ import annotations

import re
from decimal import Decimal

from khemon.explain.evidence import Stretch
from khemon.explain.looking import Book, Givens, Point
from khemon.rules.calendar import MS_PER_UNIT, from_ms
from khemon.rules.logic import TRUE, UNKNOWN
from khemon.rules.rulebook import Comparison
from khemon.units import ANALYTES, UnitProblem, basis_of

_TRANSFUSIONS = "transfusions not recorded: unadjusted"


class Naming:
    """Names values and times for one evaluation."""

    def __init__(self, book: Book, givens: Givens) -> None:
        self.book = book
        self.givens = givens

    def moment(self, ms: int) -> str:
        """A time of the ward's clock in ISO form, to the minute."""
        return f"{from_ms(ms, self.book.timezone):%Y-%m-%d %H:%M}"

    def date(self, ms: int) -> str:
        """A day of the ward's calendar in ISO form."""
        return f"{from_ms(ms, self.book.timezone):%Y-%m-%d}"

    def value(self, point: Point) -> str:
        """The canonical value with its comparator."""
        return self.givens.given(point.row).canonical

    def labeled(self, point: Point) -> str:
        """'platelets 8'."""
        return f"{label(point.analyte)} {self.value(point)}"

    def named(self, point: Point, limb: Comparison) -> str:
        """'platelets 8 (<10)', or that it is not so, or cannot be told."""
        verdict = self.book.series(limb.analyte).verdict(point, limb)
        told = f"{limb.test}{limb.limit.words}"
        if verdict == UNKNOWN:
            told = f"cannot tell whether {told}"
        elif verdict != TRUE:
            told = f"not {told}"
        marks = [told, *self._basis(point), *(["preliminary"] if point.preliminary else [])]
        return f"{self.labeled(point)} ({', '.join(marks)})"

    def _basis(self, point: Point) -> list[str]:
        """What there is to say about the basis of a value: converted, or not stated."""
        if not ANALYTES[point.analyte].basis_factors:
            return []
        given = self.givens.given(point.row)
        comparator, number = re.fullmatch(r"([<>]=?|)(.+)", given.canonical).groups()  # type: ignore[union-attr]
        factors = ANALYTES[point.analyte].basis_factors
        # An unstated basis shows in the interval: it reaches up to the number in the other basis.
        between = Decimal(number) * sum(factors.values()) / len(factors)
        if not comparator.startswith(">") and Decimal(point.high) > between:
            return ["basis not stated"]
        try:
            basis = basis_of(point.analyte, given.unit)
        except UnitProblem:
            return []
        converted = factors.get(basis, 1) != 1
        return [f"converted from {given.text} {given.unit}"] if converted else []

    def not_counted(self, patient: int, point: Point) -> str:
        """'fibrinogen 1.8 on 2026-01-03 06:00, 4 h after plasma: not counted'."""
        reasons = [self.support(patient, point)] if point.supported else []
        reasons += ["preliminary"] if point.preliminary else []
        return f"{self.labeled(point)} on {self.moment(point.time)}, {', '.join(reasons)}: not counted"

    def support(self, patient: int, point: Point) -> str:
        """'4 h after plasma': the product that may carry a supported value, the nearest if there are several."""
        products = self.book.protocol.common.supporting_products[point.analyte]
        spans = [(kind, span) for kind in products for span in self.book.spans(patient, kind)]
        given = [(kind, span) for kind, span in spans if span.start <= point.time]
        for kind, span in given:
            if span.end is not None and span.end > point.time:
                return f"during {label(kind)}"
        time, kind = max((span.start if span.end is None else span.end, kind) for kind, span in given)
        return f"{elapsed(point.time - time)} after {label(kind)}"

    def lifted(self, stretch: Stretch, points: list[Point]) -> str:
        """'; lifted by transfusion: platelets 45 on …, 4 h after platelet transfusion', of the values that ended it."""
        lifting = [point for point in points if point.supported]
        told = [
            f"{self.labeled(point)} on {self.moment(point.time)}, {self.support(stretch.patient, point)}"
            for point in lifting
        ]
        return f"; lifted by transfusion: {'; '.join(told)}"

    def unadjusted(self, patient: int) -> str:
        """'; transfusions not recorded: unadjusted' for a patient without any, else nothing."""
        return "" if self.book.has_transfusions(patient) else f"; {_TRANSFUSIONS}"


def label(name: str) -> str:
    """The everyday word for an analyte or an event kind, in the middle of a sentence."""
    if name in ANALYTES:
        words = ANALYTES[name].label
        return words if words.startswith("D-") else words[:1].lower() + words[1:]
    return name.replace("_", " ")


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def elapsed(ms: int) -> str:
    """Elapsed time in whole hours, under one hour in minutes."""
    unit = "h" if ms >= MS_PER_UNIT["h"] else "min"
    return f"{ms // MS_PER_UNIT[unit]} {unit}"
