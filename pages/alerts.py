"""The review queue: what needs a decision, what was decided and until when, what nobody has seen."""

from __future__ import annotations

import streamlit as st

from khemon.actions import watch
from khemon.ui.parts import alert_parts, frame
from khemon.ui.parts.elements import el, show
from khemon.ui.parts.pages import address

here = frame.page_top("Alerts", looks_back=True)
queue = watch.review_queue(here.store, here.actor, here.now)
frame.quiet_refresh(queue.revision)
frame.damaged_children(queue.damaged)
theme = frame.theme()
asked, key = alert_parts.asked_alert(), st.query_params.get("patient")
quiet = alert_parts.of_patient((*queue.quiet, *queue.muted), key)
closed = alert_parts.of_patient(queue.closed, key)
review = el("a", "Rebound review", href=address("rebounds"))
others = [el("a", "Alerts of all children", href=address("alerts")), " · "] if key or asked else []
show(el("div", *others, review, class_="k"))

if alert_parts.lists(queue, asked):
    with st.container(border=True):
        alert_parts.detail(here, asked, theme)

for title, lines, nothing in (
    ("To review", queue.to_review, "Nothing waits for a decision."),
    ("Resolved, not seen", queue.unseen, ""),
):
    own = alert_parts.of_patient(lines, key)
    if own or nothing:
        st.subheader(f"{title}: {len(own)}")
    if nothing and not own:
        show(el("div", nothing, class_="k k-empty"))
    alert_parts.queue_list(here, own, asked, theme)

st.subheader(f"Quiet now: {len(quiet)}")
if quiet:
    show(alert_parts.quiet_list(quiet))
else:
    show(el("div", "Nothing is muted, acknowledged or quiet.", class_="k k-muted"))
with st.expander(f"Over: {len(closed)}"):
    show(alert_parts.over_list(closed))
frame.page_end(queue.as_of, queue.setting)
