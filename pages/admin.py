"""Users: who may sign in, with which roles, and for which wards."""

from __future__ import annotations

import streamlit as st

from khemon.actions import accounts, watch
from khemon.figures.words import date_words
from khemon.ui.parts import admin_parts, frame
from khemon.ui.parts.elements import el, show

here = frame.page_top("Users")
setting = watch.setting(here.store, here.actor)
rows = accounts.accounts(here.store, here.actor)

admin_parts.new_code()
if rows:
    show(admin_parts.listed(rows, setting.zone))
else:
    words = (
        "Nobody has an account yet. From the first one on, everybody signs in by name and password, so begin with an "
        "administrator: the door by which you came in closes."
    )
    show(el("div", words, class_="k k-empty"))
st.subheader("New account")
admin_parts.add()
if rows:
    st.subheader("Change an account")
    admin_parts.change(rows)
frame.page_end(date_words(here.now, setting.zone), setting)
