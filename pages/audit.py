"""The record of what was done: whether it is whole, who did what, who looked at a child."""

from __future__ import annotations

import streamlit as st

from khemon.actions import watch
from khemon.actions.watch.record import record_names, record_view
from khemon.figures.words import date_words
from khemon.models import Refused
from khemon.ui.parts import audit_parts, frame
from khemon.ui.parts.elements import show

here = frame.page_top("Audit")
setting = watch.setting(here.store, here.actor)
top = st.container()
try:
    people, acts = record_names(here.store, here.actor)
    wanted = audit_parts.wanted(people, acts, setting.zone)
    view = record_view(here.store, here.actor, wanted, audit_parts.page_number(), verify=audit_parts.is_due(here))
except Refused as refused:
    frame.refused(refused)
    st.stop()

with top:
    show(audit_parts.verdict(here, view.verdict, setting.zone))
if view.looks is not None:
    st.subheader("Who looked at this child")
    show(audit_parts.looks(view.looks))
audit_parts.entries(view)
audit_parts.export(wanted)
frame.page_end(date_words(here.now, setting.zone), setting)
