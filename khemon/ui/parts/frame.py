"""What every page has: theme, style sheet, banner over synthetic data, quiet refresh, intended use."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from khemon.actions import watch
from khemon.actions.watch.setting import Setting
from khemon.actions.whoami import person
from khemon.figures.style import SIGNS, Theme, theme_called
from khemon.figures.words import INTENDED_USE as _INTENDED_USE
from khemon.figures.words import SYNTHETIC_WORDS as _SYNTHETIC
from khemon.models import KhemonError, StoreProblem
from khemon.ui.parts import looking_back
from khemon.ui.parts.elements import el, plain, show, sign
from khemon.ui.parts.session import Session, session
from khemon.ui.parts.sheet import style_sheet

#: Seconds; for a time in words Streamlit would import pandas.
REFRESH_EVERY = 30.0
#: The chart's own buttons: none that leads off this machine.
CHART = {"displaylogo": False, "showSendToCloud": False, "plotlyServerURL": "", "displayModeBar": False}


def window_control() -> str | None:
    """The choice of a window, kept in the address."""
    options, usual = list(watch.WINDOWS), watch.DEFAULT_WINDOW
    return st.segmented_control("Window", options, default=usual, required=True, key="window", bind="query-params")


def scale_control() -> str | None:
    """The choice between logarithmic and linear axes, kept in the address."""
    options, usual = list(watch.SCALES), watch.SCALES[0]
    return st.segmented_control("Scale", options, default=usual, required=True, key="scale", bind="query-params")


def severity_label(severity: str, words: str) -> str:
    """A label for an expander: sign, word and color of a severity, then words as they stand."""
    color = {"critical": "red", "warning": "orange"}.get(severity, "gray")
    return f":{color}[**{SIGNS[severity]} {severity}**] · {plain(words)}"


def refused(problem: KhemonError) -> None:
    """A problem a person can act on: place, finding, remedy, as text."""
    show(
        el(
            "div",
            sign("warning", problem.where),
            el("div", problem.found),
            el("div", el("b", "What to do: "), problem.remedy),
            class_="k k-card",
            role="alert",
        )
    )


def out_of_order(problem: StoreProblem) -> None:
    """The red state in the place of a page whose rows are not what was written, or cannot be read."""
    head = el("b", "Not shown: the database is damaged here or cannot be read. Look at the laboratory system.")
    told = el("div", f"{problem.where}: {problem.found}. What to do: {problem.remedy}.")
    show(el("div", head, told, class_="k k-banner k-broken", role="alert"))


def damaged_children(patient_ids: Sequence[str]) -> None:
    """The red state in the place of children whose rows are not what was written."""
    if patient_ids:
        named = ", ".join(patient_ids)
        head = el("b", "Not shown, because what is stored of them is not what was written: ")
        told = el("div", "Look at the laboratory system. What to do: run khemon check and restore a backup.")
        show(el("div", head, named, told, class_="k k-banner k-broken", role="alert"))


def theme() -> Theme:
    """The theme the browser shows."""
    return theme_called(st.context.theme.type)


def page_top(title: str, *, looks_back: bool = False) -> Session:
    """The session of this run, with the page's heading drawn; stops where nobody may look.

    looks_back: the page follows the moment in its address, and offers to choose one.
    """
    here = session()
    setting = _setting(here)
    st.html(style_sheet(theme()))
    _whether_sound(here)
    _who(here)
    if setting.synthetic:
        show(el("div", _SYNTHETIC, class_="k k-banner", role="note"))
    if looks_back:
        here = looking_back.entered(here, setting.zone, theme().name)
    else:
        looking_back.leave()
    with st.container(horizontal=True, vertical_alignment="center"):
        if title:
            st.title(title)
        if looks_back:
            looking_back.control(here, setting.zone)
    if looks_back:
        looking_back.since_then(here, setting.zone, st.query_params.get("patient"))
    return here


def _whether_sound(here: Session) -> None:
    """The red word over every page of a store that failed its check, or whose check could not be made."""
    for word, because in (
        ("READ-ONLY", watch.read_only_because(here.store, here.actor)),
        ("NOT CHECKED", watch.unchecked_because(here.store, here.actor)),
    ):
        if because is not None:
            show(el("div", el("b", f"{word}: "), f"{because}.", class_="k k-banner k-broken", role="alert"))


def _setting(here: Session) -> Setting:
    """The store's settings; stops with the red state where they are not what was written."""
    try:
        return watch.setting(here.store, here.actor)
    except StoreProblem as problem:
        st.html(style_sheet(theme()))
        out_of_order(problem)
        st.stop()


def _who(here: Session) -> None:
    """Who is signed in, by an account, and how to leave: a ward's computer is shared."""
    who = person(here.store, here.actor)
    if who.has_account:
        held = ", ".join(role.replace("_", " ") for role in who.roles)
        bound = f", {', '.join(who.wards)}" if who.wards else ""
        links = el("a", "Change password", href="./password"), " · ", el("a", "Sign out", href="./sign-out")
        show(el("div", f"Signed in as {who.name} ({held}{bound}) · ", *links, class_="k k-small k-muted"))


def page_end(as_of: str, setting: Setting) -> None:
    """The last lines of a page: as of when, by which protocol, and what khemon is for."""
    told = el("div", f"As of {as_of}, ward time ({setting.timezone}). Judged by {setting.protocol.called}.")
    show(el("div", told, el("div", _INTENDED_USE), class_="k k-foot"))


def quiet_refresh(shown: int, patient_id: str | None = None) -> None:
    """Looks for a newer revision of the ward, or of a patient, and offers it; never moves what someone is reading."""
    _refreshed(shown, patient_id, [None])


@st.fragment(run_every=REFRESH_EVERY)
def _refreshed(shown: int, patient_id: str | None, just_read: list[None]) -> None:
    """The same by itself every so often; just_read: emptied by the run that read what is shown, which asks nothing."""
    here = session()
    if just_read:
        just_read.clear()
        return
    if shown < 0:  # of a moment of the past: nothing new can come
        return
    if watch.revision(here.store, here.actor, patient_id) != shown:
        offer = st.button("New results – refresh", type="primary", key="refresh_offer")
        if offer:
            st.rerun(scope="app")
