"""A patient of another ward: opened with a reason, by who is bound to wards."""

from __future__ import annotations

import streamlit as st

from khemon.actions.break_glass import open_other_ward
from khemon.actions.permitted import BREAK_GLASS_HOURS
from khemon.actions.whoami import person
from khemon.models import KhemonError
from khemon.ui.parts import frame
from khemon.ui.parts.session import Session, session

_LONGEST_ID, _LONGEST_REASON = 200, 500


def nothing(here: Session, search: str) -> str:
    """What to say where no child is listed: for those bound to wards that other wards are not shown."""
    if search:
        return "No child on the ward matches."
    if here.present is not None:
        return "No child on the ward was known at this moment."
    wards = person(here.store, here.actor).wards
    if wards:
        return f"No child on {', '.join(wards)}, as the patients' files name it. Children of other wards are not shown."
    return "No child on the ward yet: upload a laboratory file to begin."


def offer(here: Session) -> None:
    """The form, for those who are bound to wards; nothing for others."""
    if here.present is not None or not person(here.store, here.actor).wards:
        return
    with st.expander("A patient of another ward"), st.form("break_glass", clear_on_submit=True):
        st.markdown(
            f"In an emergency only. The patient stays open to you for {BREAK_GLASS_HOURS} hours; others read why."
        )
        other = st.text_input("Hospital number, exactly", max_chars=_LONGEST_ID, key="break_glass_patient")
        reason = st.text_input("Why", max_chars=_LONGEST_REASON, key="break_glass_reason")
        if st.form_submit_button("Open this patient", key="break_glass_open"):
            _open(other, reason)


def _open(other: str, reason: str) -> None:
    here = session()
    try:
        open_other_ward(here.store, here.actor, other.strip(), reason, int(here.now.timestamp() * 1000))
    except KhemonError as problem:
        frame.refused(problem)
        return
    st.rerun()
