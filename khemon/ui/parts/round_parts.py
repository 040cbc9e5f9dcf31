"""The ward's round on the ward page: what is new since it, the children left out by that, and its hour."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import streamlit as st

from khemon.actions.rounds import USUAL, set_round
from khemon.actions.watch import SINCE, UP_TO, WardBoard, WardLine, WardNews
from khemon.actions.whoami import person
from khemon.models import KhemonError
from khemon.ui.parts import frame
from khemon.ui.parts.elements import Child, Markup, el, sign
from khemon.ui.parts.session import Session, session
from khemon.ui.parts.ward_list import link

_EVERYBODY = "all"
_CHOSEN, _IN_ADDRESS = "news_choice", "news"
_WORDS = {_EVERYBODY: "Everybody", SINCE: "Since the last round", UP_TO: "24 h up to the round"}


def asked() -> str | None:
    """The stretch of time in the address, where a choice is noted before the page runs; None for everybody."""
    chosen = st.query_params.get(_IN_ADDRESS)
    return chosen if chosen in (SINCE, UP_TO) else None


def choice(board: WardBoard) -> None:
    """The choice of children by what came of them, kept in the address."""
    since, up_to = board.round_words
    words = {**_WORDS, SINCE: since, UP_TO: up_to}
    st.session_state[_CHOSEN] = asked() or _EVERYBODY
    st.segmented_control(
        "Children",
        list(words),
        required=True,
        key=_CHOSEN,
        format_func=words.__getitem__,
        on_change=_note,
    )


def _note() -> None:
    """Keeps the choice in the address: its words name an hour, so Streamlit cannot."""
    chosen = st.session_state.get(_CHOSEN)
    if chosen in (SINCE, UP_TO):
        st.query_params[_IN_ADDRESS] = chosen
    else:
        st.query_params.pop(_IN_ADDRESS, None)


def with_news(lines: Sequence[WardLine], news: dict[int, WardNews], *, only: bool) -> list[WardLine]:
    """The lines of those for whom something came; all of them where nobody asked."""
    return [line for line in lines if line.key in news] if only else list(lines)


def left_out(lines: Sequence[WardLine], shown: Sequence[WardLine]) -> Markup:
    """Who is not shown because nothing came, those with an urgent flag by name: nobody is forgotten by a filter."""
    kept = {line.key for line in shown}
    hidden = [line for line in lines if line.key not in kept]
    if not hidden:
        return Markup("")
    parts: list[Child] = [f"Nothing new for {len(hidden)} of {len(lines)} children, not shown here. "]
    urgent = [line for line in hidden if line.tier_severity in ("critical", "warning")]
    if urgent:
        parts.append("With a flag among them: ")
        for number, line in enumerate(urgent):
            words = el("span", sign(line.tier_severity, line.tier_words, quiet=True), class_="k-small")
            parts += [", " if number else None, link(line.key, line.name, line.patient_id), " ", words]
    return el("div", *parts, class_="k k-left-out", role="note")


def hour(here: Session, board: WardBoard) -> None:
    """The hour of the round, for those who may set it."""
    who = person(here.store, here.actor)
    if not who.may("set_round"):
        return
    with st.popover("Hour of the round", width="content"), st.form("round", border=False):
        wards = [ward for ward in board.wards if not who.wards or ward in who.wards]
        choices = wards if who.wards else ["", *wards]
        ward = st.selectbox("Ward", choices, format_func=lambda name: name or "Every other ward", key="round_ward")
        at = st.time_input("Round at", USUAL, key="round_hour")
        if st.form_submit_button("Set", key="round_set") and ward is not None and at is not None:
            _set(ward, at)


def _set(ward: str, at: dt.time) -> None:
    here = session()
    try:
        told = set_round(here.store, here.actor, ward, at, int(here.now.timestamp() * 1000))
    except KhemonError as problem:
        frame.refused(problem)
        return
    st.toast(f"Round of {told['ward'] or 'every other ward'} at {told['at']} (was {told['before']})")
    st.rerun()
