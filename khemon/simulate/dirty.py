"""A small cohort as bad as laboratory files are: every fate a row can meet is in it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from khemon.simulate.child import Cohort, EventRow, LabRow, PatientRow
from khemon.simulate.cohort import local_end
from khemon.simulate.numbers import DIRTY
from khemon.simulate.ward import before

_OTHER_KEYS = {"ago", "at", "unit", "specimen", "status", "quality", "timing", "case"}


def _time(row: dict[str, str], end: dt.datetime) -> str:
    """The time as told: word for word, or so long before the end (after it with a minus sign)."""
    if "at" in row:
        return row["at"]
    span = row.get("ago", "")
    return before(end, span).isoformat() if span else ""


def _lab(name: str, row: dict[str, str], end: dt.datetime) -> LabRow:
    """One line of results; its one key that is no column is the analyte."""
    (analyte,) = row.keys() - _OTHER_KEYS
    return LabRow(
        name,
        _time(row, end),
        analyte,
        row[analyte],
        row.get("unit", DIRTY["units"].get(analyte, "")),
        row.get("specimen", ""),
        status=row.get("status", "final"),
        quality=row.get("quality", ""),
        timing=row.get("timing", ""),
        comment=row.get("case", ""),
    )


def _labs(blocks: list[dict[str, Any]], end: dt.datetime) -> list[LabRow]:
    """The lines of a delivery, in the order told."""
    return [_lab(block["id"], row, end) for block in blocks for row in block["rows"]]


def _patient(told: dict[str, str], end: dt.datetime) -> PatientRow:
    """One register line."""
    born = told.get("birth_date") or before(end, told["born"]).date().isoformat()
    day0 = before(end, told["day0"]).isoformat() if "day0" in told else ""
    return PatientRow(told["id"], told["name"], born, diagnosis="KHE", day0=day0)


def _event(told: dict[str, str], end: dt.datetime) -> EventRow:
    """One event line."""
    until = before(end, told["until"]).isoformat() if "until" in told else ""
    texts = (told.get(column, "") for column in ("dose", "unit", "note"))
    return EventRow(told["id"], told["kind"], _time(told, end), until, *texts)


def simulate_dirty(seed: int, end: dt.datetime, *, timezone: str = "UTC") -> Cohort:
    """The dirty set, its results in the order this seed shuffles them to; `later_labs` is the second delivery."""
    until = local_end(end, timezone)
    labs = _labs(DIRTY["labs"], until)
    order = np.random.default_rng([seed, 3]).permutation(len(labs))
    return Cohort(
        patients=tuple(_patient(told, until) for told in DIRTY["patient"]),
        labs=tuple(labs[i] for i in order),
        events=tuple(_event(told, until) for told in DIRTY["event"]),
        later_labs=tuple(_labs(DIRTY["later"], until)),
    )
