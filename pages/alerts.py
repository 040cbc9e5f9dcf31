"""The review queue: what needs a decision, what was decided and until when, what nobody has seen."""

from __future__ import annotations

import streamlit as st

from khemon.actions import watch
from khemon.ui.parts import alert_parts, frame
from khemon.ui.parts.elements import el, show

here = frame.page_top("Alerts", looks_back=True)
queue = watch.review_queue(here.store, here.actor, here.now)
frame.quiet_refresh(queue.revision)
frame.damaged_children(queue.damaged)
theme = frame.theme()
asked = alert_parts.asked_alert()
key = st.query_params.get("patient")

if key is not None:
    show(el("div", el("a", "Alerts of all children", href="alerts"), class_="k"))
if asked in {line.alert_id for line in queue.closed}:
    alert_parts.detail(here, asked, theme)

GROUPS = (
    ("To review", queue.to_review, "Nothing waits for a decision."),
    ("Resolved, not seen", queue.unseen, ""),
    ("Muted by a graver alert", queue.muted, "Nothing is muted."),
    ("Acknowledged or quiet", queue.quiet, "Nothing is acknowledged or quiet."),
)
for title, lines, nothing in GROUPS:
    own = alert_parts.of_patient(lines, key)
    if own or nothing:
        st.subheader(f"{title}: {len(own)}")
    if nothing and not own:
        show(el("div", nothing, class_="k k-muted"))
    for line in own:
        alert_parts.opened(here, line, theme, asked=line.alert_id == asked)

closed = alert_parts.of_patient(queue.closed, key)
with st.expander(f"Over: {len(closed)}"):
    show(alert_parts.over_list(closed))
frame.page_end(queue.as_of, queue.setting)
