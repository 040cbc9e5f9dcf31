"""What can be taken along of a cohort: the report as PDF, and files; each link works once and is on record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import streamlit as st

from khemon.actions.cohort.few import FEW_WORDS
from khemon.actions.cohort_export import CAN_HIDE, EXPORTS, ONE_BY_ONE, cohort_csv
from khemon.actions.cohort_report import cohort_report
from khemon.actions.watch.cohort import CohortQuestion, CohortView
from khemon.actions.whoami import person
from khemon.gate import current_settings, download_address
from khemon.gate.downloads import CSV, PDF
from khemon.ui.parts.elements import Markup, el, show, sign
from khemon.ui.parts.session import Session

REPORT = "the whole page as a report (PDF)"


def take_along(here: Session, question: CohortQuestion, view: CohortView) -> None:
    """Links to the report and the files, for those who may take data out."""
    if not person(here.store, here.actor).may("export"):
        return
    st.subheader("Take along")
    with st.container(horizontal=True):
        hide_few = st.checkbox(f"For others' eyes: hide what tells of {FEW_WORDS}", key="hide_few")
        with_ids = st.checkbox("Hospital numbers instead of khemon's own", key="with_ids", disabled=hide_few)
    words = (
        "Each link works once, and that it was used is on record. Small groups can give a child away: mind to whom a "
        "file goes, also one without hospital numbers. Numbers that tell of few children are marked in it."
    )
    if hide_few:
        words = (
            "Numbers behind which fewer than five children stand are hidden, with what would tell them; what shows "
            "single children is left out. Several such files, side by side, can still tell: publish one."
        )
    links = _links(here, question, view, with_ids=with_ids and not hide_few, hide_few=hide_few)
    show(el("div", links, el("div", words, class_="k-muted k-small"), class_="k"))


def _links(here: Session, question: CohortQuestion, view: CohortView, *, with_ids: bool, hide_few: bool) -> Markup:
    if hide_few and view.few_in:
        found = f"Nothing can be taken along so: {', '.join(view.few_in)} has {FEW_WORDS}. "
        return el("div", sign("warning", found), "Group otherwise, or filter that group out.", role="alert")
    store, actor, now, fonts = here.store, here.actor, here.now, current_settings().print_fonts

    def report() -> bytes:
        made = cohort_report(store, actor, question, now, with_ids=with_ids, hide_few=hide_few, fonts=fonts)
        return made.content

    def file(what: str) -> Callable[[], bytes]:
        named = with_ids and what in ONE_BY_ONE
        return lambda: cohort_csv(store, actor, question, what, now, with_ids=named, hide_few=hide_few)

    asked = hashlib.sha256(f"{view.caption} {view.revision} {with_ids} {hide_few}".encode()).hexdigest()
    named = [(REPORT, download_address(f"cohort report {asked}", "cohort-report.pdf", report, PDF))]
    for what, words in EXPORTS.items():
        if what in CAN_HIDE or not hide_few:
            address = download_address(f"cohort {what} {asked}", f"cohort-{what}.csv", file(what), CSV)
            named.append((f"{words} (CSV)", address))
    return el("ul", *(el("li", el("a", words, href=address)) for words, address in named), class_="k-list")
