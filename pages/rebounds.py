"""Rebound review: every fall after a durable response, how deep, how long after it, and what went before."""

from __future__ import annotations

import streamlit as st

from khemon.actions import watch
from khemon.ui.parts import frame, rebound_parts
from khemon.ui.parts.elements import el, show

here = frame.page_top("Rebound review", looks_back=True)
review = watch.rebound_review(here.store, here.actor, here.now)
frame.quiet_refresh(review.revision)
frame.damaged_children(review.damaged)
theme = frame.theme()

show(rebound_parts.summary(review))
for line in review.open:
    rebound_parts.card(here, line, theme)
if not (review.open or review.over):
    show(rebound_parts.nothing(review))
elif not review.open:
    show(el("div", "No rebound is open.", class_="k k-empty"))

if review.over:
    with st.expander(f"Over: {len(review.over)}"):
        show(rebound_parts.over(review.over))
frame.page_end(review.as_of, review.setting)
