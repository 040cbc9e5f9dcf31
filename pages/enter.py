"""By hand: a result, products dose by dose, courses, bleeding, lesions; and what is stored, to correct or set out."""

from __future__ import annotations

import streamlit as st

from khemon.actions import by_hand, watch
from khemon.figures.words import date_words
from khemon.models import Refused
from khemon.ui.parts import enter_changes, enter_forms, enter_parts, frame, patient_parts
from khemon.ui.parts.elements import el, show
from khemon.ui.parts.pages import address

here = frame.page_top("Enter by hand")
key = st.query_params.get("patient")
if key is None:
    enter_parts.choose_child(here)
    setting = watch.setting(here.store, here.actor)
    frame.page_end(date_words(here.now, setting.zone), setting)
    st.stop()
try:
    setting, who = watch.identity_of(here.store, here.actor, key, here.now)
    results = by_hand.results_stored(here.store, here.actor, who.patient_id)
    events = by_hand.events_stored(here.store, here.actor, who.patient_id)
except Refused as refused:
    frame.refused(refused)
    st.stop()

show(patient_parts.identity_bar(who))
links = el("a", "Open the child's page", href=address("patient", patient=key)), el("a", "Another child", href="enter")
show(el("div", links[0], " · ", links[1], class_="k"))
enter_parts.came_of_it(key)

chosen = enter_changes.chosen_entry({"result": results, "event": events})
if chosen is not None:
    enter_changes.change_form(who.patient_id, *chosen, setting.zone)
else:
    words = {"result": "Laboratory result", **by_hand.groups(), "end": "Something has ended"}
    group = st.pills("What is to be entered?", list(words), format_func=words.__getitem__, key="group")
    if group == "result":
        enter_forms.result_form(here, who.patient_id, setting.zone)
    elif group == "end":
        enter_changes.end_form(who.patient_id, events, setting.zone)
    elif group is not None:
        enter_forms.event_form(here, who.patient_id, setting.zone, group)

st.header("Stored events")
enter_changes.stored_list(events, "event", key)
st.header("Stored results")
enter_changes.stored_list(results, "result", key)
frame.page_end(date_words(here.now, setting.zone), setting)
