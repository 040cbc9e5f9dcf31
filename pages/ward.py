"""The ward list: who needs looking at first, and why."""

from __future__ import annotations

import streamlit as st

from khemon.actions import watch
from khemon.ui.parts import frame, moving_parts, other_ward, ward_list
from khemon.ui.parts.elements import el, show
from khemon.ui.parts.handover_parts import ward_links

here = frame.page_top("Ward")
board = watch.ward_board(here.store, here.actor, here.now)
frame.quiet_refresh(board.revision)
frame.damaged_children(board.damaged)
theme = frame.theme()

search = st.text_input("Find a child by name or id", key="search", bind="query-params")
on_ward = ward_list.found_by(board.on_ward, search or "")
follow_up = ward_list.found_by(board.follow_up, search or "")
archived = ward_list.found_by(board.archived, search or "")

show(moving_parts.news(watch.move_notices(here.store, here.actor)))
show(ward_links(here, board.revision))
show(ward_list.held_list(board.held_elsewhere))
if on_ward:
    show(ward_list.ward_list(on_ward, theme))
else:
    show(el("div", other_ward.nothing(here, search or ""), class_="k k-empty"))

st.subheader(f"In follow-up: {len(follow_up)}")
if follow_up:
    show(ward_list.follow_up_list(follow_up))

with st.expander(f"Archived: {len(archived)}", expanded=bool(search and archived)):
    show(ward_list.archived_list(archived))

other_ward.offer(here)
frame.page_end(board.as_of, board.setting)
