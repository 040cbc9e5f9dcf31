"""Held results: every row that waits for a person, grouped by question, and results that stand at the wrong child."""

from __future__ import annotations

import streamlit as st

from khemon.actions import watch
from khemon.ui.parts import frame, moving_parts, review_parts
from khemon.ui.parts.elements import el, show

here = frame.page_top("Held results")
key, move = st.query_params.get("patient"), st.query_params.get("move")
if move is not None:
    moving_parts.opened(here, move)
queue = watch.held_queue(here.store, here.actor, here.now, key)
frame.quiet_refresh(queue.revision)
show(moving_parts.news(watch.move_notices(here.store, here.actor)))
if key is not None:
    show(el("div", el("a", "Held results of all children", href="review"), class_="k"))

show(review_parts.counts(queue))
groups = review_parts.shown(queue.groups, review_parts.GROUPS_SHOWN, "Questions", "groups")
for group in groups:
    review_parts.question(here, group, alone=groups == [group])

review_parts.decided(watch.decided_lines(here.store, here.actor, review_parts.DECISIONS_SHOWN))
if key is not None:
    moving_parts.form(here, queue, key)
frame.page_end(queue.as_of, queue.setting)
