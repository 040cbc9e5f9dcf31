"""The forms for a new result and for new events. Nothing is chosen beforehand: what is stored was said."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import streamlit as st

from khemon.actions import by_hand
from khemon.actions.by_hand import EventForm, Kind, ResultForm
from khemon.models import QUALITIES, TIMINGS
from khemon.ui.parts import frame
from khemon.ui.parts.elements import el, show
from khemon.ui.parts.enter_parts import LONGEST_TEXT, still_missing, store, sure, turn, when
from khemon.ui.parts.session import Session

_DOSES = "khemon_doses"
_STATUS = {"final": "final", "preliminary": "preliminary (told by phone, still to come)"}
_STEPS = {
    "start": "Start, restart or new dose (taper step or increase)",
    "hold": "Hold (given as dose 0)",
}


def result_form(here: Session, patient_id: str, zone: ZoneInfo) -> None:
    """One result, read back while it is typed."""
    n = turn()
    labels = by_hand.analyte_labels()
    one, two, three = st.columns(3)
    analyte = one.selectbox("Analyte", list(labels), index=None, format_func=labels.__getitem__, key=f"analyte_{n}")
    value = two.text_input("Value, with < or > where reported", key=f"value_{n}", max_chars=40)
    offered = by_hand.units_of(analyte) if analyte else []
    unit = three.selectbox("Unit", offered, index=None, key=f"unit_{n}_{analyte}")
    at = when("Collected", f"collected_{n}", zone)
    status = st.radio("Status", list(_STATUS), index=None, format_func=_STATUS.__getitem__, key=f"status_{n}")
    with st.expander("Sample quality, specimen, timing of a drug level, comment"):
        quality = st.selectbox("What is wrong with the sample", QUALITIES, key=f"quality_{n}", format_func=_quality)
        timing = st.selectbox("Drug level taken as", TIMINGS, key=f"timing_{n}")
        specimen = st.text_input("Specimen id", key=f"specimen_{n}", max_chars=64)
        comment = st.text_input("Comment", key=f"comment_{n}", max_chars=LONGEST_TEXT)
    form = ResultForm(
        patient_id, analyte or "", value, unit or "", at or "", specimen, status or "", quality, timing, comment
    )
    questions: tuple[str, ...] = ()
    if analyte and value and unit:
        preview = by_hand.preview_result(here.store, here.actor, form, here.now)
        if preview.problem is not None:
            frame.refused(preview.problem)
            return
        questions = preview.questions
        show(el("div", preview.words, class_="k k-card", role="status"))
    missing = still_missing({"analyte": analyte, "value": value, "unit": unit, "date and time": at, "status": status})
    agreed = sure(questions, form)
    if st.button("Store this result", type="primary", key=f"store_result_{n}", disabled=missing or not agreed):
        store(lambda now: by_hand.enter_result(now.store, now.actor, form, now=now.now, sure=agreed))


def _quality(quality: str) -> str:
    return quality.replace("_", " ") or "nothing stated"


def event_form(here: Session, patient_id: str, zone: ZoneInfo, group: str) -> None:
    """One event of a group of kinds; products dose by dose."""
    n = turn()
    kinds = {name: kind for name, kind in by_hand.kinds().items() if kind.group == group}
    name = st.selectbox("What", list(kinds), index=None, format_func=_kind_words, key=f"kind_{n}_{group}")
    if name is None:
        return
    kind = kinds[name]
    step = _step(n) if group == "drug" else "start"
    if step is None:
        return
    count = st.session_state.setdefault(f"{_DOSES}_{n}", 1) if group == "product" else 1
    forms, unclear = [], False
    for place in range(count):
        form, clear = _one(patient_id, kind, zone, f"{n}_{name}_{step}_{place}", step, place)
        forms.append(form)
        unclear |= not clear
    if group == "product" and st.button("Another dose", key=f"another_{n}_{count}"):
        st.session_state[f"{_DOSES}_{n}"] = count + 1
        st.rerun()
    missing = still_missing(_needed(kind, forms, step) | {"the whole end, or none": not unclear})
    preview = by_hand.Preview() if missing else by_hand.preview_events(here.store, here.actor, forms, here.now)
    if preview.problem is not None:
        frame.refused(preview.problem)
        return
    agreed = sure(preview.questions, forms)
    words = "Store this" if count == 1 else f"Store these {count} doses"
    if st.button(words, type="primary", key=f"store_event_{n}", disabled=missing or not agreed):
        store(lambda now: by_hand.enter_events(now.store, now.actor, forms, now=now.now, sure=agreed))


def _step(n: int) -> str | None:
    return st.radio("Step", list(_STEPS), index=None, format_func=_STEPS.__getitem__, key=f"step_{n}")


def _kind_words(name: str) -> str:
    return name.replace("_", " ")


def _one(patient_id: str, kind: Kind, zone: ZoneInfo, key: str, step: str, place: int) -> tuple[EventForm, bool]:
    """The fields of one event, and whether its end is said in full or not at all."""
    day_enough = by_hand.day_is_enough(kind.name)
    number = f"Dose {place + 1}, " if place else ""
    start = when(f"{number}{'From' if kind.group == 'drug' else 'Start'}", f"start_{key}", zone, day_enough=day_enough)
    end = "" if kind.end == "none" else _end(number, f"end_{key}", zone, day_enough=day_enough)
    dose, unit = ("0", "") if step == "hold" else dose_fields(kind, key)
    asked = "Note" if kind.note == "optional" else "Note: what it was"
    note = st.text_input(asked, key=f"note_{key}", max_chars=LONGEST_TEXT)
    form = EventForm(patient_id, kind.name, start or "", end or "", dose, unit, note)
    return form, end is not None


def _end(number: str, key: str, zone: ZoneInfo, *, day_enough: bool) -> str | None:
    words = "Until (only if it has ended or the end is certain)"
    return when(f"{number}{words}", key, zone, day_enough=day_enough)


def dose_fields(kind: Kind, key: str, dose: str = "", unit: str = "") -> tuple[str, str]:
    """A number and its unit; two empty texts where the kind has none."""
    if kind.dose == "none":
        return "", ""
    left, right = st.columns(2)
    number = left.text_input(kind.dose_called, dose, 24, f"dose_{key}").strip()
    offered = list(dict.fromkeys((*([unit] if unit else []), *kind.units)))
    at = offered.index(unit) if unit else None
    chosen = right.selectbox("Unit", offered, index=at, accept_new_options=True, key=f"unit_{key}")
    return number, (chosen or "") if number else ""


def _needed(kind: Kind, forms: list[EventForm], step: str) -> dict[str, object]:
    fields: dict[str, object] = {"start": all(form.start for form in forms)}
    if kind.dose == "needed" and step != "hold":
        fields[kind.dose_called.lower()] = all(form.dose for form in forms)
    if any(form.dose and not form.unit for form in forms) and step != "hold":
        fields["unit"] = ""
    if kind.note == "needed":
        fields["note"] = all(form.note.strip() for form in forms)
    return fields
