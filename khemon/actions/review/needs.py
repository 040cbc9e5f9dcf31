"""What a held row leaves open: fields that a person must give before it can stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

#: What each reason of the importers leaves open. A reason that is not here leaves a reading that can be confirmed.
_OPEN: dict[str, tuple[str, ...]] = {
    "patient_id": (
        "identity_in_doubt",
        "nearly_known",
        "no_patient",
        "patient_id",
        "moved_away",
    ),
    "collected_at": (
        "no_time",
        "no_time_of_day",
        "date_order",
        "two_digit_year",
        "serial_date",
        "unreadable_time",
        "unreadable_date",
        "implausible_time",
        "skipped_time",
        "doubled_time",
    ),
    "unit": ("unit_contradicts_range", "basis_conflict", "two_units", "unknown_unit"),
    "value": ("thousands", "beyond_measure", "unreadable_number", "readers_disagree"),
    "status": ("unknown_status",),
    "quality": ("unknown_quality",),
    "kind": ("unknown_kind",),
    "end": ("end_before_start",),
}
_FIELD_OF = {code: field for field, codes in _OPEN.items() for code in codes}
_FUTURE = "future_time"
#: Rows of events and patients name the column their reason is about.
_COLUMN = re.compile(r"\(column '(\w+)'\)$")
#: Nothing of such a row can be told: everything is to be given.
_WHOLE = {
    "labs": ("patient_id", "collected_at", "analyte", "value", "unit"),
    "events": ("patient_id", "kind", "start"),
    "patients": ("patient_id",),
}


def code_of(reason: str) -> str:
    """The code before the sentence."""
    return reason.partition(":")[0]


def needed(kind: str, decision: str, reasons: Iterable[str], said: Mapping[str, Any], now_ms: int) -> tuple[str, ...]:
    """The fields that must be given, in order; none when the row can be confirmed as it was understood."""
    found: dict[str, None] = {}
    for reason in reasons:
        column = _COLUMN.search(reason)
        code = code_of(reason)
        if code == _FUTURE:
            at = said.get("start_ms" if kind == "events" else "collected_ms")
            ahead = kind == "patients" or (at is not None and at > now_ms)
            field = "collected_at" if ahead else None
        else:
            field = _FIELD_OF.get(code)
        if column is not None and (field == "collected_at" or code.startswith("unreadable")):
            field = column[1]
        if field is not None:
            found[field] = None
    found |= dict.fromkeys(_missing(kind, said))
    if decision == "rejected" and not found:
        found = dict.fromkeys(_WHOLE[kind])
    order = ("patient_id", "analyte", "kind", "collected_at", "start", "end", "value", "unit", "status", "quality")
    return tuple(sorted(found, key=lambda name: order.index(name) if name in order else len(order)))


def _missing(kind: str, said: Mapping[str, Any]) -> Iterable[str]:
    """Fields without which a row of this kind cannot stand."""
    if not said.get("patient_id"):
        yield "patient_id"
    if kind == "labs":
        if not said.get("analyte"):
            yield "analyte"
        if said.get("collected_ms") is None:
            yield "collected_at"
        if said.get("canonical_value") is None:
            yield "value" if said.get("value") is None else "unit"
    elif kind == "events":
        if not said.get("kind"):
            yield "kind"
        if said.get("start_ms") is None:
            yield "start"
