"""The pages of the dashboard: one registry, so that links and navigation speak of the same ones."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import streamlit as st

from khemon.actions.whoami import person
from khemon.ui.parts.session import session

ROOT = Path(__file__).resolve().parents[3]
#: url path -> title, in the order of the navigation; the first is the default page.
TITLES = {
    "ward": "Ward",
    "patient": "Patient",
    "alerts": "Alerts",
    "review": "Held results",
    "upload": "Upload",
    "enter": "Enter by hand",
    "cohort": "Cohort",
    "definitions": "Definitions",
    "audit": "Audit",
    "admin": "Users",
}


def address(page: str, **query: object) -> str:
    """The address of a page inside the dashboard; the ward's is the root."""
    path = "./" if page == "ward" else page
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return f"{path}?{asked}" if asked else path


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
    st.set_page_config(page_title="khemon", page_icon=":hospital:", layout="wide")
    here = session()
    exist = person(here.store, here.actor).pages
    st.navigation(list(registered(exist).values()), position="top").run()
