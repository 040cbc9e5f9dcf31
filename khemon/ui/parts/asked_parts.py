"""What a file leaves open and a person says: its encoding, how its dates are written. Nothing is chosen for them."""

from __future__ import annotations

import dataclasses

import streamlit as st

from khemon.actions.desk import Paper
from khemon.actions.uploads import Review
from khemon.figures.words import wall_clock_words
from khemon.gate import current_desk
from khemon.ui.parts.elements import Child, el, join, show, table
from khemon.ui.parts.session import session


def read_again(number: str, encoding: str | None = None, date_format: str | None = None) -> None:
    """Read one file anew, with what was just said of it."""
    here, desk = session(), current_desk()
    for paper in desk.papers(here.actor):
        if paper.number == number:
            how = paper.how
            stated = dataclasses.replace(
                how, encoding=encoding or how.encoding, date_format=date_format or how.date_format
            )
            desk.read_again(here.actor, number, stated)


def encodings(paper: Paper, review: Review) -> None:
    """The text under each encoding it may be in, each with a button to read it so."""
    if not review.encodings:
        return
    show(el("div", el("b", "In which of these do names and units read right?"), class_="k"))
    for tried in review.encodings:
        if tried.lines is None:
            show(el("div", f"{tried.words}: not possible, the file holds signs it does not have.", class_="k k-muted"))
            continue
        if tried.same_as:
            show(el("div", f"{tried.words}: this file reads the same as in {tried.same_as}.", class_="k k-muted"))
            continue
        lines = (join(el("span", f"{number:>5}  ", class_="k-muted"), text, "\n") for number, text in tried.lines)
        show(el("div", el("b", tried.words), el("pre", *lines, class_="k-raw"), class_="k k-card"))
        words, key = f"Read it as {tried.encoding}", f"encoding_{tried.encoding}_{paper.number}"
        st.button(words, key=key, on_click=read_again, args=(paper.number,), kwargs={"encoding": tried.encoding})


def dates(paper: Paper, review: Review) -> None:
    """Some dates read in each possible way, side by side, each with a button."""
    if not review.dates:
        return
    show(el("div", el("b", "How are the dates of this file written? Nothing in it says so."), class_="k"))
    texts = [text for text, _ in review.dates[0].moments]
    head = ["As it arrived", *(f"If {reading.words}" for reading in review.dates)]
    rows: list[list[Child]] = []
    for place, text in enumerate(texts):
        moments = (reading.moments[place][1] for reading in review.dates)
        rows.append([el("code", text), *map(wall_clock_words, moments)])
    show(el("div", table(head, rows, label="The dates read in each way"), class_="k"))
    with st.container(horizontal=True):
        for reading in review.dates:
            words, key = f"Here {reading.words}", f"dates_{reading.form}_{paper.number}"
            st.button(words, key=key, on_click=read_again, args=(paper.number,), kwargs={"date_format": reading.form})
