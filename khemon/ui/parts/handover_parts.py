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


def of_patient(here: Session, who: Identity, window: str | None, as_of: dt.datetime | None = None) -> Markup:
    """The link to the page of a child, for those who may take something along; nothing for others.

    as_of: the moment the page looks back to; None: now, when the link is followed.
    """
    if not person(here.store, here.actor).may("export"):
        return Markup("")
    store, actor, fonts = here.store, here.actor, current_settings().print_fonts
    who_id, chosen = who.patient_id, window or DEFAULT_WINDOW

    def make() -> bytes:
        now = dt.datetime.now(dt.UTC)
        at = as_of or now
        return handover_of_patient(store, actor, who_id, as_of=at, now=now, window=chosen, fonts=fonts).content

    link = download_address(f"handover {who.key} {chosen} {as_of}", f"handover-{who.key}.pdf", make, PDF)
    return _links([(WORDS, link)])


def of_ward(here: Session, revision: int) -> Markup:
    """A link to the list of each ward, or to the one list there is; nothing for those who may take nothing along.

    revision: of what the page shows; the names of the wards are asked for once for each.
    """
    if not person(here.store, here.actor).may("export"):
        return Markup("")
    known, wards = st.session_state.get(_WARDS, (None, ()))
    if known != revision:
        wards = wards_to_print(here.store, here.actor)
        st.session_state[_WARDS] = (revision, wards)
    several = wards[:_MOST_WARDS] if wards[1:] else ()
    whole = f"{WORDS}, all wards" if several else WORDS
    named = [(whole, _of_ward(here, None)), *((f"{WORDS}, {ward}", _of_ward(here, ward)) for ward in several)]
    return _links(named)


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
    return el("div", *parts, el("span", "a link works once", class_="k-muted k-small"), class_="k")
