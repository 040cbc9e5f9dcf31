"""The pages of the dashboard: one registry, so that links and navigation speak of the same ones."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[3]
#: url path -> title, in the order of the navigation; the first is the default page.
TITLES = {
    "ward": "Ward",
    "patient": "Patient",
    "alerts": "Alerts",
    "review": "Held results",
    "upload": "Upload",
    "definitions": "Definitions",
}


def address(page: str, **query: object) -> str:
    """The address of a page inside the dashboard; the ward's is the root."""
    path = "./" if page == "ward" else page
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return f"{path}?{asked}" if asked else path


def registered() -> dict[str, st.Page]:
    """Every page, by url path."""
    return {
        name: st.Page(
            ROOT / "pages" / f"{name}.py",
            title=title,
            url_path=name,
            default=name == "ward",
            visibility="hidden" if name == "patient" else "visible",
        )
        for name, title in TITLES.items()
    }


def run() -> None:
    """Set the page up and run the one the browser asks for."""
    st.set_page_config(page_title="khemon", page_icon=":hospital:", layout="wide")
    st.navigation(list(registered().values()), position="top").run()
