"""The parts about results at the wrong child: the form that moves them, and what those who had looked are told."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from khemon.actions import review, watch
from khemon.actions.review.recording import LONGEST_REASON
from khemon.actions.review.telling import move_opened
from khemon.actions.watch import HeldQueue, MoveNotice
from khemon.models import Refused
from khemon.ui.parts import frame, review_parts
from khemon.ui.parts.elements import Markup, el, show, sign
from khemon.ui.parts.pages import address, is_past
from khemon.ui.parts.session import Session


def news(notices: Sequence[MoveNotice], key: int | None = None) -> Markup:
    """Moves of results that this person has to know of, each a link; it stays until it is opened. key: of one child."""
    if is_past():
        return Markup("")
    notices = [notice for notice in notices if key is None or key in (notice.key, notice.to_key)]
    items = [
        el("li", el("a", sign("warning", _headline(notice)), href=address("review", move=notice.batch)))
        for notice in notices
    ]
    return el("ul", *items, class_="k k-list") if items else Markup("")


def _headline(notice: MoveNotice) -> str:
    what = f"{len(notice.results)} {'result' if len(notice.results) == 1 else 'results'}"
    if notice.taken_back:
        return f"The move of {what} from {notice.wrong} to {notice.right} was taken back on {notice.taken_back}"
    looked = f"; you looked on {notice.looked}" if notice.looked else ""
    return f"{what} you may have read at {notice.wrong} belong to {notice.right}{looked}: see what changed"


def opened(here: Session, batch: str) -> None:
    """One move in full, noted as opened by this person."""
    try:
        notice = watch.move_notice(here.store, here.actor, batch)
    except Refused as refused:
        frame.refused(refused)
        return
    move_opened(here.store, here.actor, batch, now=here.now)
    show(_card(notice))


def _card(notice: MoveNotice) -> Markup:
    wrong = _child(notice.wrong, notice.key)
    right = _child(notice.right, notice.to_key)
    parts = [
        el("div", "Moved from ", wrong, " to ", right, f" on {notice.at} by {notice.by}: {notice.reason}"),
        el("div", f"You had looked at {notice.wrong} on {notice.looked}.") if notice.looked else Markup(""),
        el("div", sign("warning", f"Taken back on {notice.taken_back}")) if notice.taken_back else Markup(""),
        el("ul", *(el("li", words) for words in notice.results), class_="k-list"),
        el("div", el("b", "Alerts: "), "; ".join(notice.alerts) or "none came or went"),
    ]
    return el("div", *parts, class_="k k-card", role="status", style="--edge:var(--warning)")


def _child(name: str, key: int) -> Markup:
    """The way to the child's page; only the name where nothing of the child stands any more."""
    return el("a", name, href=address("patient", patient=key)) if key else el("b", name)


def form(here: Session, queue: HeldQueue, key: str) -> None:
    """The form that moves results of one child; what would change stands below before anything is kept."""
    own = next((child for child in queue.patients if str(child.key) == key), None)
    if own is None:
        return
    st.subheader("Results that belong to another child")
    found = watch.movable_results(here.store, here.actor, own.patient_id)
    told = {one.result_id: one.words for one in found}
    others = {child.patient_id: child.name for child in queue.patients if child.patient_id != own.patient_id}

    def called(patient_id: str) -> str:
        return f"{others[patient_id]} ({patient_id})" if others[patient_id] else patient_id

    with st.form("move"):
        rows = st.multiselect("Which results", list(told), format_func=told.__getitem__, key="move_rows")
        to = st.selectbox("They belong to", list(others), index=None, format_func=called, key="move_to")
        new = st.text_input("or to a child nobody knows yet (new patient id)", key="move_new").strip()
        reason = st.text_input("Reason", key="move_why", max_chars=LONGEST_REASON)
        left, right = st.columns(2)
        sure = left.form_submit_button("Move", type="primary", key="move_button")
        ask = right.form_submit_button("What would change?", key="move_ask")
    if sure or ask:
        asked = (here.store, here.actor, rows, own.patient_id, to or new, reason)
        review_parts.act(
            lambda keep: review.move_results(*asked, now=here.now, new_patient=bool(new and not to), keep=keep),
            keep=sure,
        )
