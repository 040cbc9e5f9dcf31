"""The fields of a correction: an empty one leaves what was understood as it is."""

from __future__ import annotations

from typing import Any

import streamlit as st

from khemon.actions.review.stated import FIELDS
from khemon.actions.watch import HeldGroup
from khemon.models import EVENT_KINDS, QUALITIES, STATUSES, TIMINGS
from khemon.units import ANALYTES

_COLUMNS = 4
_TOLD = {
    "patient_id": "Patient id",
    "collected_at": "Collected at (2026-01-31 08:00, ward time)",
    "value": "Value (decimal point; < <= > >= allowed)",
    "start": "Start (2026-01-31 08:00, ward time)",
    "end": "End (2026-01-31 08:00, ward time)",
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "analyte": tuple(ANALYTES),
    "status": STATUSES,
    "quality": QUALITIES[1:],
    "timing": TIMINGS,
    "kind": EVENT_KINDS,
}


def changes_asked(group: HeldGroup) -> tuple[dict[str, str], dict[str, Any]]:
    """What a person states, by field, and whether a new patient and a value beyond the limits are meant."""
    fields = sorted(FIELDS[group.kind], key=lambda name: name not in group.needs)
    columns = st.columns(_COLUMNS)
    stated = {name: _field(columns[place % _COLUMNS], group, name) for place, name in enumerate(fields)}
    new = st.checkbox("The patient id is of a child nobody knows yet", key=f"new_{group.name}")
    beyond = st.checkbox("The value is so, beyond the limit", key=f"beyond_{group.name}")
    changes = {name: text for name, text in stated.items() if text}
    return changes, {"new_patient": new, "beyond_limits": beyond}


def _field(column: Any, group: HeldGroup, name: str) -> str:  # noqa: ANN401
    words = _TOLD.get(name, name.replace("_", " ").capitalize())
    label = f"{words} – must be stated" if name in group.needs else words
    key = f"{name}_{group.name}"
    if name in _CHOICES:
        chosen = column.selectbox(label, _CHOICES[name], index=None, key=key, format_func=_plain_word)
        return str(chosen or "")
    return str(column.text_input(label, key=key)).strip()


def _plain_word(word: str) -> str:
    return word.replace("_", " ")
