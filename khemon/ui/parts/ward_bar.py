"""The bar over the ward list: as of when it is, and what came since, without touching what someone reads."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from khemon.actions import watch
from khemon.actions.watch import WardBoard
from khemon.actions.watch.changes import Changes, Moved
from khemon.figures.style import SEVERITY_ORDER
from khemon.figures.words import MINUTE, ago_words
from khemon.ui.parts.elements import Child, Markup, el, show, sign
from khemon.ui.parts.frame import REFRESH_EVERY
from khemon.ui.parts.session import session

#: A list older than this says so: the ages on it are those of then.
OLD = 10 * MINUTE
#: So soon after the list was made the clock alone has changed nothing of it.
_SAME = dt.timedelta(seconds=1)
_NAMED = 3


@st.fragment(run_every=REFRESH_EVERY)
def bar(shown: WardBoard, at: dt.datetime) -> None:
    """One line that stays at the top of the window, always as high; what came is shown when the reader asks for it.

    Nothing of a moment of the past, when nothing new can come.
    """
    if shown.revision < 0:
        return
    here = session()
    with st.container(key="ward_bar", horizontal=True, vertical_alignment="center", gap="small"):
        changes = None
        if here.now - at > _SAME or watch.revision(here.store, here.actor) != shown.revision:
            changes = watch.ward_changes(here.store, here.actor, shown, at, here.now)
        show(told(shown.as_of, changes, at, here.now))
        if st.button("Show as of now", key="ward_now", width="content"):
            st.rerun(scope="app")


def told(as_of: str, changes: Changes | None, at: dt.datetime, now: dt.datetime) -> Markup:
    """What the bar says."""
    parts: list[Child] = [el("span", el("b", f"As of {as_of}"), class_="k-nowrap")]
    if now - at > OLD:
        parts.append(sign("warning", f"shown {ago_words(at, now)}: the ages below are of then"))
    parts += _news(changes) if changes is not None else []
    if len(parts) == 1:
        parts.append(el("span", "nothing new since", class_="k-muted"))
    between = [part for each in parts for part in (" · ", each)][1:]
    return el("div", *between, class_="k k-bar", role="status")


def _news(changes: Changes) -> list[Child]:
    """The gravest first: where the line is short, the rest is what can wait."""
    moved = sorted(changes.moved, key=lambda each: SEVERITY_ORDER.index(each.severity or "note"))
    parts: list[Child] = [_state(each) for each in moved[:_NAMED]]
    if moved[_NAMED:]:
        parts.append(f"{len(moved) - _NAMED} more changed")
    if changes.results:
        count = f"{changes.results} new result{'' if changes.results == 1 else 's'} since {changes.since}"
        parts.append(el("span", el("b", count), f": {_names(changes.children)}"))
    if changes.other:
        parts.append(f"changed since {changes.since}: alerts, events or held rows")
    return parts


def _state(moved: Moved) -> Markup:
    return el("span", sign(moved.severity, f"{moved.name}: {moved.now}"), f" (was: {moved.before})")


def _names(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if names[_NAMED:] else ""
    return ", ".join(names[:_NAMED]) + more
