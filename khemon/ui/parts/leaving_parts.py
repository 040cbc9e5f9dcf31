"""Files on their way out: made when asked for, told with digest and count, fetched once by a link of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import streamlit as st

from khemon.actions.exporting import Form
from khemon.actions.leaving import Prepared, chart_fetched, prepare_chart
from khemon.actions.whoami import person
from khemon.gate.scripts import ready_address
from khemon.models import KhemonError
from khemon.ui.parts import frame
from khemon.ui.parts.elements import Markup, el, show
from khemon.ui.parts.session import Session, session

_FORMS = {"csv": "CSV files (ZIP)", "xlsx": "Workbook (XLSX)", "fhir": "FHIR R4 (JSON)"}


def way_out(here: Session, patient_id: str) -> None:
    """The way out for one child's data; nothing for who may not export, or while looking back: it is that of today."""
    if here.present is not None or not person(here.store, here.actor).may("export"):
        return
    with st.expander("Export this child's data"):
        form = cast("Form", st.radio("As", list(_FORMS), format_func=_FORMS.__getitem__, horizontal=True, key="form"))
        words = "It holds names and results. That it was made, and that it was fetched, is on record under your name."
        show(el("div", words, class_="k k-muted k-small"))
        if st.button("Make the file", key="make_file"):
            offered(lambda: _chart(patient_id, form))


def _chart(patient_id: str, form: Form) -> tuple[Prepared, Callable[[], bytes]]:
    here = session()
    made = prepare_chart(here.store, here.actor, patient_id, form, now=here.now)
    return made, lambda: chart_fetched(here.store, here.actor, patient_id, made, now=here.now)


def offered(make: Callable[[], tuple[Prepared, Callable[[], bytes]]]) -> None:
    """Make a file and show its link, with what the receiver compares."""
    try:
        made, fetch = make()
        address = ready_address(made.sha256, made.name, fetch, made.kind, len(made.content))
    except KhemonError as problem:
        frame.refused(problem)
        return
    show(link(made, address))


def link(made: Prepared, address: str) -> Markup:
    """The link with name, count and digest of what it leads to."""
    told = el("div", f"{made.rows:,} rows, {len(made.content):,} bytes. SHA-256: ", el("code", made.sha256))
    note = el("div", "The link works once, for you, for ten minutes.", class_="k-muted k-small")
    return el("div", el("a", made.name, href=address), told, note, class_="k k-card", role="status")
