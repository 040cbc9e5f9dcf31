"""The ward list: who needs looking at first, and why."""

from __future__ import annotations

import streamlit as st

from khemon.actions import watch
from khemon.ui.parts import frame, moving_parts, other_ward, round_parts, ward_bar, ward_list
from khemon.ui.parts.elements import el, show
from khemon.ui.parts.handover_parts import ward_links

here = frame.page_top("Ward", looks_back=True)
asked = round_parts.asked()
board = watch.ward_board(here.store, here.actor, here.now, asked)
ward_bar.bar(board, here.now)
frame.damaged_children(board.damaged)

with st.container(horizontal=True, vertical_alignment="bottom"):
    search = st.text_input("Find a child by name or id", key="search", width="stretch")
    round_parts.choice(board)
    if here.present is None:
        round_parts.hour(here, board)
found = ward_list.found_by(board.on_ward, search or "")
on_ward = round_parts.with_news(found, board.news, only=asked is not None)
follow_up = ward_list.found_by(board.follow_up, search or "")
archived = ward_list.found_by(board.archived, search or "")

show(moving_parts.news(watch.move_notices(here.store, here.actor)))
show(ward_links(here, board.revision))
show(ward_list.held_list(board.held_elsewhere))
if on_ward:
    show(ward_list.ward_list(on_ward, frame.theme(), board.news))
elif not found:
    show(el("div", other_ward.nothing(here, search or ""), class_="k k-empty"))
show(round_parts.left_out(found, on_ward))

st.subheader(f"In follow-up: {len(follow_up)}")
if follow_up:
    show(ward_list.follow_up_list(follow_up))

with st.expander(f"Archived: {len(archived)}", expanded=bool(search and archived)):
    show(ward_list.archived_list(archived))

other_ward.offer(here)
frame.page_end(board.as_of, board.setting)
