"""Results one by one: those set aside for quality, and levels that are each judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from khemon.models import EXCLUDING_QUALITIES, QUALITIES, TIMINGS
from khemon.rules import choosing, series
from khemon.rules.keys import positions
from khemon.rules.series import Codes, Floats, Ints, Results
from khemon.units import ANALYTE_CODES

_SET_ASIDE = np.array([quality in EXCLUDING_QUALITIES for quality in QUALITIES])
UNKNOWN_TIMING, TROUGH, RANDOM = (np.int8(TIMINGS.index(timing)) for timing in ("unknown", "trough", "random"))


@dataclass(frozen=True, slots=True)
class Singles:
    """Results in order of patient and time, several of one time and analyte included; `row` leads back to Results."""

    key: Ints
    day: NDArray[np.int32]
    analyte: Codes
    low: Floats
    high: Floats
    quality: Codes
    timing: Codes
    row: Ints

    @classmethod
    def of(cls, results: Results, rows: Ints) -> Singles:
        """These results, in order."""
        key = series.keys(results.patient, results.time)
        timing = np.full(key.size, UNKNOWN_TIMING) if results.timing is None else results.timing
        order = np.lexsort((rows, key))
        found = cls(
            key, results.day, results.analyte, results.low, results.high, results.quality, timing.astype(np.int8), rows
        )
        return found.take(order)

    @classmethod
    def none(cls) -> Singles:
        """No results."""
        none, codes, floats = np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros(0)
        return cls(none, np.zeros(0, np.int32), codes, floats, floats, codes, codes, none)

    def take(self, rows: slice | NDArray[Any]) -> Singles:
        """The same columns, those rows only."""
        return Singles(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def of_analyte(self, analyte: str) -> Singles:
        """Those of one analyte."""
        return self.take(positions(self.analyte == ANALYTE_CODES[analyte]))


def set_aside(results: Results, rows: Ints, closing: Ints) -> Singles:
    """The results that stand but were set aside for quality, up to each patient's closing."""
    spoiled = _SET_ASIDE[results.quality]
    standing = choosing.standing(results)
    chosen = positions(spoiled if standing is None else spoiled & standing)
    return Singles.of(*choosing.cut(results.take(chosen), rows[chosen], closing))
