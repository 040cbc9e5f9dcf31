"""The ways to a printed page: links that make the PDF when they are followed, each once."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from khemon.actions.handover import handover_of_patient, handover_of_ward, wards_to_print
from khemon.actions.watch import DEFAULT_WINDOW
from khemon.actions.watch.patient import Identity
from khemon.actions.whoami import person
from khemon.gate import current_settings, download_address
from khemon.gate.downloads import PDF
from khemon.ui.parts.elements import Child, Markup, el
from khemon.ui.parts.session import Session

WORDS = "Handover PDF"
_WARDS = "khemon_wards_to_print"
#: So many wards have a link of their own; the command prints any.
_MOST_WARDS = 12


def patient_link(here: Session, who: Identity, window: str | None) -> Markup:
    """The link to the page of a child, for those who may take something along; nothing for others.

    What is printed is known when the link is followed.
    """
    if _looks_back(here) or not person(here.store, here.actor).may("export"):
        return Markup("")
    store, actor, fonts = here.store, here.actor, current_settings().print_fonts
    who_id, chosen = who.patient_id, window or DEFAULT_WINDOW

    def make() -> bytes:
        now = dt.datetime.now(dt.UTC)
        return handover_of_patient(store, actor, who_id, as_of=now, now=now, window=chosen, fonts=fonts).content

    link = download_address(f"handover {who.key} {chosen}", f"handover-{who.key}.pdf", make, PDF)
    return _links([(WORDS, link)])


def ward_links(here: Session, revision: int) -> Markup:
    """A link to the list of each ward, or to the one list there is; nothing for those who may take nothing along.

    revision: of what the page shows; the names of the wards are asked for once for each.
    """
    if _looks_back(here) or not person(here.store, here.actor).may("export"):
        return Markup("")
    known, wards = st.session_state.get(_WARDS, (None, ()))
    if known != revision:
        wards = wards_to_print(here.store, here.actor)
        st.session_state[_WARDS] = (revision, wards)
    several = wards[:_MOST_WARDS] if wards[1:] else ()
    whole = f"{WORDS}, all wards" if several else WORDS
    named = [(whole, _of_ward(here, None)), *((f"{WORDS}, {ward}", _of_ward(here, ward)) for ward in several)]
    return _links(named)


def _looks_back(here: Session) -> bool:
    """Whether the page shows a moment of the past: a print made now would not be what is on it."""
    return getattr(here, "present", None) is not None


def _of_ward(here: Session, ward: str | None) -> str:
    store, actor, fonts = here.store, here.actor, current_settings().print_fonts

    def make() -> bytes:
        now = dt.datetime.now(dt.UTC)
        return handover_of_ward(store, actor, ward, as_of=now, now=now, fonts=fonts).content

    return download_address(f"handover of ward {ward}", "handover-ward.pdf", make, PDF)


def _links(named: list[tuple[str, str]]) -> Markup:
    parts: list[Child] = []
    for words, link in named:
        parts += [el("a", words, href=link), " · "]
    return el("div", *parts, el("span", "a link works once", class_="k-muted k-small"), class_="k k-links")
