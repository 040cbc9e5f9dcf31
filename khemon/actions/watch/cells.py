"""The latest value of an analyte with flag, change and age: what stands in a cell of the ward list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from khemon.actions.watch.answers import open_of
from khemon.actions.watch.at import Looking
from khemon.actions.watch.flags import Flag, crossed
from khemon.figures.samples import Sample
from khemon.figures.words import ago_words, change_words, date_words
from khemon.models import Episode

#: The four analytes of a ward round, in the order of the columns.
ROUND = ("platelets", "fibrinogen", "d_dimer", "hemoglobin")
#: A change needs two values.
PAIR = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """The latest value of an analyte; empty value: never measured. stale: older than a flag on it allows."""

    analyte: str
    value: str
    flag: Flag
    change: str = ""
    age: str = ""
    at: str = ""
    stale: bool = False
    remarks: tuple[str, ...] = ()


def cell_of(known: Looking, analyte: str, samples: Sequence[Sample], episodes: Sequence[Episode]) -> Cell:
    """The cell of an analyte from a patient's samples (by time)."""
    own = [sample for sample in samples if sample.analyte == analyte and sample.counted and sample.leads]
    if not own:
        return Cell(analyte, "", Flag(None, "never measured"))
    latest = own[-1]
    flag = crossed(known.protocol, analyte, latest.low, latest.high)
    is_old = known.now - latest.at > dt.timedelta(milliseconds=known.protocol.common.not_rechecked_after.ms)
    matters = flag.severity in ("critical", "warning") or open_of(episodes, "kmp") is not None
    return Cell(
        analyte,
        latest.words,
        flag,
        _change(own),
        ago_words(latest.at, known.now),
        date_words(latest.at, known.zone),
        is_old and matters,
        latest.remarks,
    )


def _change(own: Sequence[Sample]) -> str:
    """How the value changed since the one before; a censored value has no difference, so both are told."""
    if len(own) < PAIR:
        return ""
    before, latest = own[-2], own[-1]
    if before.comparator or latest.comparator:
        return f"before: {before.words}"
    return change_words(before.value, latest.value, latest.at - before.at)
