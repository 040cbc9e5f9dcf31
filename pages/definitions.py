"""The rulebook in words: every number with its unit and source, and the cases that hold the rules to it."""

from __future__ import annotations

import streamlit as st

from khemon.actions import watch
from khemon.figures.words import date_words
from khemon.ui.parts import compare_parts, definition_parts, frame
from khemon.ui.parts.elements import show

here = frame.page_top("Definitions")
book = watch.definitions(here.store, here.actor, here.now)

show(definition_parts.contents(book))
st.subheader("Protocols in use")
show(definition_parts.history(book))
compare_parts.compare(here)
asked = st.query_params.get("rule")
for sheet, cases in sorted(book.rules, key=lambda pair: pair[0].rule != asked):
    show(definition_parts.rule_card(sheet, cases, book.scores.get(sheet.rule, ())))
st.subheader("Numbers that rules share, and how long an acknowledgement lasts")
show(definition_parts.numbers(book.shared, "Shared numbers"))
st.subheader("Who mutes whom")
show(definition_parts.muting(book))
st.subheader("Children told day by day, and the alerts a ward has for them")
show(definition_parts.timelines(watch.timeline_sheets()))
frame.page_end(date_words(here.now, book.setting.zone), book.setting)
