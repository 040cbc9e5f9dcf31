"""Upload without fear: every row's fate before anything is kept, every import can be taken back."""

from __future__ import annotations

import streamlit as st

from khemon.actions import uploads, watch
from khemon.figures.words import date_words
from khemon.ui.parts import frame, mapping_parts, upload_parts
from khemon.ui.parts.elements import el, show

here = frame.page_top("Upload")
setting = watch.setting(here.store, here.actor)
own_zone = watch.own_zone(here.store, here.actor)
if own_zone:
    words = f"A time without an offset is read as ward time: {own_zone}."
    show(el("div", words, class_="k k-muted"))

upload_parts.results()
chosen = upload_parts.files()
stated = upload_parts.how_to_read(own_zone)
if chosen:
    with st.spinner("Reading …"):
        how = [mapping_parts.panel(here, file, stated, f"{turn}_{file.name}") for turn, file in enumerate(chosen)]
        reviews = uploads.previewed(here.store, here.actor, chosen, how, here.now)
    readable = [pair for *pair, review in zip(chosen, how, reviews, strict=True) if review.problem is None]
    if readable:
        words = "Commit 1 file" if len(readable) == 1 else f"Commit {len(readable)} files"
        st.button(words, type="primary", key="commit", on_click=upload_parts.commit, args=(readable,))
    upload_parts.previews(reviews)
else:
    show(el("div", "Choose a file: you see what becomes of every row before anything is kept.", class_="k k-empty"))

batches = watch.imports(here.store, here.actor)
st.subheader(f"Earlier imports: {len(batches)}")
if batches:
    show(upload_parts.earlier(batches))
    upload_parts.take_back(batches)
frame.page_end(date_words(here.now, setting.zone), setting)
