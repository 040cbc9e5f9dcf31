"""What is stored of a child, version by version, and the forms to correct one or to set it out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import streamlit as st

from khemon.actions import by_hand
from khemon.actions.by_hand import Entry
from khemon.models import QUALITIES, TIMINGS
from khemon.ui.parts.elements import Child, Markup, el, join, plain, show, sign, table
from khemon.ui.parts.enter_forms import dose_fields
from khemon.ui.parts.enter_parts import LONGEST_TEXT, asked, store, struck, sure, turn, when
from khemon.ui.parts.pages import address

SHOWN, MORE = 25, 100
_LONGEST_REASON = 500
_STATES = {"corrected": "corrected", "set out": "entered in error", "replaced": "replaced by a later version"}


def stored_list(entries: Sequence[Entry], kind: str, key: str) -> None:
    """The newest entries with what became of each; more on request."""
    many = st.session_state.setdefault(f"shown_{kind}_{key}", SHOWN)
    rows = [_row(entry, kind, key) for entry in entries[:many]]
    if not rows:
        show(el("div", f"No {kind} is stored for this child.", class_="k k-muted"))
        return
    head = ["When", "What", "As entered", "State", "From", ""]
    show(el("div", table(head, rows, label=f"Stored {kind}s, the newest first"), class_="k"))
    if len(entries) > many and st.button(f"Show more of {len(entries)}", key=f"more_{kind}_{key}_{many}"):
        st.session_state[f"shown_{kind}_{key}"] = many + MORE
        st.rerun()


def _row(entry: Entry, kind: str, key: str) -> list[Child]:
    gone = entry.state in ("corrected", "set out")
    words: list[Child] = [struck(text) if gone and text else text for text in (entry.when, entry.what, entry.said)]
    state: Markup | str = "" if entry.stands else _STATES.get(entry.state, entry.state)
    if entry.why:
        state = join(el("b", state), f" by {entry.why}")
    link = el("a", "Correct", href=address("enter", patient=key, entry=f"{kind}-{entry.number}"))
    return [*words, state, entry.brought, link if entry.stands else ""]


def chosen_entry(found: dict[str, Sequence[Entry]]) -> tuple[str, Entry] | None:
    """The entry named in the address; told when it no longer is what counts."""
    kind, _, number = (st.query_params.get("entry") or "").partition("-")
    for entry in found.get(kind, ()):
        if str(entry.number) == number:
            if entry.stands:
                return kind, entry
            words = f"This entry is no longer what counts: {entry.state} {entry.why}"
            show(el("div", sign("warning", words), class_="k k-card", role="alert"))
            return None
    if number:
        words = "This entry is not stored as it was shown; somebody changed it. Look at the list below."
        show(el("div", sign("warning", words), class_="k k-card", role="alert"))
    return None


def change_form(patient_id: str, kind: str, entry: Entry, zone: ZoneInfo) -> None:
    """Correct what is stored, or set it out; both with a reason."""
    mark = f"{turn()}_{entry.number}"
    st.subheader(plain(", ".join(part for part in (f"Correct: {entry.what}", entry.when, entry.said) if part)))
    changes = _result_changes(entry, mark, zone) if kind == "result" else _event_changes(entry, mark, zone)
    reason = st.text_input("Reason (kept with it)", key=f"reason_{mark}", max_chars=_LONGEST_REASON)
    questions = asked((entry.number, changes))
    agreed = sure(questions, (entry.number, changes)) if questions else False
    left, right, _ = st.columns(3)
    ready = bool(reason) and bool(changes)
    correct = left.button("Store the correction", type="primary", key=f"correct_{mark}", disabled=not ready)
    void = right.button("Set out as entered in error", key=f"void_{mark}", disabled=not reason)
    if correct and changes is not None:
        _correct(patient_id, kind, entry, changes, reason, agreed=agreed)
    elif void and kind == "result":
        store(lambda here: by_hand.void_result(here.store, here.actor, entry.number, reason, now=here.now))
    elif void:
        store(lambda here: by_hand.void_event(here.store, here.actor, patient_id, entry.number, reason, now=here.now))


def end_form(patient_id: str, entries: Sequence[Entry], zone: ZoneInfo) -> None:
    """The end of something that goes on: a drug, bleeding, symptoms, an infection."""
    going_on = {entry.number: entry for entry in entries if entry.stands and entry.goes_on}
    if not going_on:
        show(el("div", "Nothing is stored for this child that goes on without an end.", class_="k k-muted"))
        return
    words = {number: plain(f"{one.what} since {one.when} {one.said}") for number, one in going_on.items()}
    n = turn()
    number = st.selectbox("What has ended", list(words), index=None, format_func=words.__getitem__, key=f"ended_{n}")
    end = when("Ended", f"ended_at_{n}_{number}", zone) if number else None
    changes = {"end": end or ""}
    questions = asked((number, changes))
    agreed = sure(questions, (number, changes)) if questions else False
    if st.button("Store the end", type="primary", key=f"store_end_{n}", disabled=not end) and number is not None:
        _correct(patient_id, "event", going_on[number], changes, "end recorded", agreed=agreed)


def _correct(patient_id: str, kind: str, entry: Entry, changes: dict[str, str], reason: str, *, agreed: bool) -> None:
    if kind == "result":
        store(
            lambda here: by_hand.edit_result(
                here.store, here.actor, entry.number, changes, reason, now=here.now, sure=agreed
            ),
            (entry.number, changes),
        )
        return
    store(
        lambda here: by_hand.edit_event(
            here.store, here.actor, patient_id, entry.number, changes, reason, now=here.now, sure=agreed
        ),
        (entry.number, changes),
    )


def _result_changes(entry: Entry, mark: str, zone: ZoneInfo) -> dict[str, str] | None:
    """What differs from the stored result; None while the time is not one."""
    was = entry.fields
    left, right = st.columns(2)
    value = left.text_input("Value, with < or > where reported", was["value"], 40, f"edit_value_{mark}")
    units = list(dict.fromkeys((was["unit"], *by_hand.units_of(was["analyte"]))))
    unit = right.selectbox("Unit", units, key=f"edit_unit_{mark}")
    at = when("Collected", f"edit_at_{mark}", zone, dt.datetime.fromisoformat(was["collected_at"]))
    statuses = list(dict.fromkeys((was["status"], "final", "preliminary")))
    status = st.selectbox("Status", statuses, key=f"edit_status_{mark}")
    at_quality, at_timing = QUALITIES.index(was["quality"]), TIMINGS.index(was["timing"])
    quality = st.selectbox("What is wrong with the sample", QUALITIES, at_quality, key=f"edit_quality_{mark}")
    timing = st.selectbox("Drug level taken as", TIMINGS, at_timing, key=f"edit_timing_{mark}")
    comment = st.text_input("Comment", was["comment"], LONGEST_TEXT, f"edit_comment_{mark}")
    if not at:
        return None
    said = {"value": value, "unit": unit, "collected_at": at, "status": status, "quality": quality}
    return _differing(was, {**said, "timing": timing, "comment": comment})


def _event_changes(entry: Entry, mark: str, zone: ZoneInfo) -> dict[str, str] | None:
    """What differs from the stored event; None while its start is none."""
    was, kind = entry.fields, by_hand.kinds()[entry.fields["kind"]]
    enough = by_hand.day_is_enough(kind.name)
    start = when("Start", f"edit_start_{mark}", zone, dt.datetime.fromisoformat(was["start"]), day_enough=enough)
    ended = dt.datetime.fromisoformat(was["end"]) if was["end"] else None
    end = "" if kind.end == "none" else when("Until", f"edit_end_{mark}", zone, ended, day_enough=enough)
    dose, unit = dose_fields(kind, f"edit_{mark}", was["dose"], was["unit"])
    note = st.text_input("Note", was["note"], LONGEST_TEXT, f"edit_note_{mark}")
    if not start or end is None:
        return None
    said = {"start": start, "end": end, "dose": dose, "unit": unit, "note": note}
    return _differing(was, said)


def _differing(was: dict[str, str], said: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in said.items() if text != was[name]}
