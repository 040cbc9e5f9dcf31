"""The pages of the dashboard: one registry, so that links and navigation speak of the same ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import quote

import streamlit as st

from khemon.actions.whoami import person
from khemon.ui.parts.session import session
from khemon.ui.parts.turns import Turns

ROOT = Path(__file__).resolve().parents[3]
#: A page that is made for longer than so many seconds keeps nobody waiting: most take a tenth of a second.
_LONGEST_S = 0.25
_TURNS = Turns(_LONGEST_S)
#: url path -> title, in the order of the navigation; the first is the default page.
TITLES = {
    "ward": "Ward",
    "patient": "Patient",
    "alerts": "Alerts",
    "rebounds": "Rebounds",
    "review": "Held results",
    "upload": "Upload",
    "enter": "Enter by hand",
    "cohort": "Cohort",
    "definitions": "Definitions",
    "audit": "Audit",
    "admin": "Users",
}


#: The moment a page looks back to, and by what knowledge, as they stand in an address.
AS_OF, KNOWN = "as_of", "known"
#: Pages that can look back; from one to another the moment goes along.
LOOKS_BACK = ("ward", "patient", "alerts", "rebounds")


def address(page: str, **query: object) -> str:
    """The address of a page inside the dashboard, with the moment looked back to; the ward's is the root."""
    path = "./" if page == "ward" else page
    if page in LOOKS_BACK:
        asked = st.query_params.to_dict()  # at once: each question of its own waits for a lock
        query |= {name: asked[name] for name in (AS_OF, KNOWN) if name in asked}
    return f"{path}?{query_of(query)}" if query else path


def query_of(values: Mapping[str, object]) -> str:
    """What stands behind the question mark of an address."""
    return "&".join(f"{name}={quote(str(value), safe=':')}" for name, value in values.items())


def is_past() -> bool:
    """Whether the address names a moment of the past: there is nothing to do there."""
    return AS_OF in st.query_params


def registered(exist: Collection[str] = tuple(TITLES)) -> dict[str, st.Page]:
    """The pages that exist for a person, by url path; the first of them stands at the root."""
    names = [name for name in TITLES if name in exist]
    return {
        name: st.Page(
            ROOT / "pages" / f"{name}.py",
            title=TITLES[name],
            url_path=name,
            default=name == names[0],
            visibility="hidden" if name == "patient" else "visible",
        )
        for name in names
    }


def run() -> None:
    """Set the page up and run the one the browser asks for."""
    st.set_page_config(page_title="khemon", page_icon="🏥", layout="wide")
    here = session()
    exist = person(here.store, here.actor).pages
    page = st.navigation(list(registered(exist).values()), position="top")
    with _TURNS.taken():
        page.run()
