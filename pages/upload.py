"""Upload without fear: every row's fate before anything is kept, every import can be taken back."""

from __future__ import annotations

import streamlit as st

from khemon.actions import watch
from khemon.figures.words import date_words
from khemon.ui.parts import desk_parts, frame, upload_parts
from khemon.ui.parts.elements import el, show

here = frame.page_top("Upload")
setting = watch.setting(here.store, here.actor)
own_zone = watch.own_zone(here.store, here.actor)
if own_zone:
    words = f"A time without an offset is read as ward time: {own_zone}."
    show(el("div", words, class_="k k-muted"))

results = st.container()
upload_parts.files()
upload_parts.how_to_read(own_zone)
papers = desk_parts.papers(here)
with results:
    desk_parts.done(here, papers)
desk_parts.under_way(papers)
desk_parts.waiting(here, papers)
if not papers:
    show(el("div", "Choose a file: you see what becomes of every row before anything is kept.", class_="k k-empty"))

batches = watch.imports(here.store, here.actor)
st.subheader(f"Earlier imports: {len(batches)}")
if batches:
    upload_parts.earlier(here, batches)
frame.page_end(date_words(here.now, setting.zone), setting)
