"""Looking back: the moment in the address, the control that chooses it, and the marks that nobody can miss."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import streamlit as st

from khemon.actions import watch
from khemon.actions.watch import CorrectionLine
from khemon.figures.words import DAY, HOUR, MINUTE, ago_words, date_words
from khemon.models import Refused
from khemon.ui.parts.elements import Child, Markup, el, show, sign, table
from khemon.ui.parts.pages import AS_OF, KNOWN, address, query_of
from khemon.ui.parts.session import Session
from khemon.ui.parts.sheet import past_sheet

#: In an address: by what is known now, in place of what was known then.
NOW = "now"
#: Steps of the links in the banner.
_STEPS = (-DAY, -8 * HOUR, 8 * HOUR, DAY)
_QUARTER = 15 * MINUTE
#: So many lines of what was recorded since are shown.
_SHOWN = 100
_CHOICES = {"": "what the board knew then", NOW: "that time, by what is known now"}


def entered(here: Session, zone: ZoneInfo, theme: str) -> Session:
    """The session as of the moment in the address, marked as such; the same session when it names none."""
    asked = st.query_params.get(AS_OF)
    if asked is None:
        return here
    known_then = st.query_params.get(KNOWN) != NOW
    try:
        as_of = watch.as_of_of(asked, zone)
        store = watch.store_at(here.store, here.actor, as_of, here.now, known_then=known_then)
    except Refused as refused:
        _refused(refused)
        st.stop()
    back = Session(store, here.actor, as_of, present=here)
    _banner(back, zone, theme, known_then=known_then)
    return back


def leave() -> None:
    """On a page that shows the present: its address says so too."""
    for name in (AS_OF, KNOWN):
        st.query_params.pop(name, None)


def _refused(refused: Refused) -> None:
    """What the address asks cannot be shown: better nothing than the present under another date."""
    way = el("a", "Back to now", href=_here(None))
    head = el("b", f"As of: {refused.found}. ")
    show(el("div", head, refused.remedy, ". ", way, class_="k k-banner k-broken", role="alert"))


def _banner(back: Session, zone: ZoneInfo, theme: str, *, known_then: bool) -> None:
    """The mark that stays in sight however far one scrolls, and the other ground."""
    assert back.present is not None
    when = f"{date_words(back.now, zone)} ({ago_words(back.now, back.present.now)})"
    told = _CHOICES[""] if known_then else "by what is known now: not what the board said then"
    words = el("span", f"{told}. Nothing here is current.")
    steps = [el("a", _step_words(step), href=_here(_text(back.now + step, zone))) for step in _steps(back)]
    if not known_then:
        steps.append(el("a", _CHOICES[""], href=_here(_text(back.now, zone), None)))
    head = el("b", f"◀ LOOKING BACK: {when}")
    links = el("a", "Back to now", href=_here(None)), *steps
    mark = el("div", head, words, *links, class_="k-past", role="alert", data_theme_past=theme)
    st.html(past_sheet())
    show(mark)


def _steps(back: Session) -> list[dt.timedelta]:
    assert back.present is not None
    return [step for step in _STEPS if back.now + step < back.present.now]


def _step_words(step: dt.timedelta) -> str:
    return f"{abs(step) // HOUR} h {'earlier' if step < dt.timedelta(0) else 'later'}"


def _text(at: dt.datetime, zone: ZoneInfo) -> str:
    """A moment for the address: on the ward's clock, to the minute."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"


def _here(as_of: str | None, known: str | None = "") -> str:
    """The address of this page as of another moment; None: now. known: as it is, unless said."""
    kept = {name: value for name, value in st.query_params.items() if name not in (AS_OF, KNOWN)}
    told = st.query_params.get(KNOWN) if known == "" else known
    return "?" + query_of(kept | ({} if as_of is None else {AS_OF: as_of} | ({KNOWN: told} if told else {})))


def control(here: Session, zone: ZoneInfo) -> None:
    """Where a person chooses the moment; it goes into the address, and so into every link."""
    now = here.live.now.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
    shown = now - DAY if here.present is None else here.now.astimezone(zone).replace(tzinfo=None)
    label = "Look back" if here.present is None else "Choose another moment"
    with st.popover(label, icon=":material/history:", width="content"), st.form("look_back", border=False):
        words = f"Day and time on the ward's clock ({zone})"
        at = st.datetime_input(words, shown, max_value=now, step=_QUARTER, format="YYYY-MM-DD", key="look_back_at")
        known = st.radio("Show", list(_CHOICES), format_func=_CHOICES.__getitem__, key="look_back_known")
        asked = st.form_submit_button("Show this moment", type="primary", key="look_back_button")
    if asked and at is not None:
        st.query_params[AS_OF] = f"{at:%Y-%m-%dT%H:%M}"
        if known:
            st.query_params[KNOWN] = known
        else:
            st.query_params.pop(KNOWN, None)
        st.rerun()


def since_then(back: Session, zone: ZoneInfo, key: str | None) -> None:
    """What was recorded after the moment about the time before it; nothing in a session of the present."""
    present = back.present
    if present is None:
        return
    try:
        lines = watch.corrections_since(present.store, back.actor, back.now, key)
        first = watch.first_recorded(present.store, back.actor)
    except Refused:
        return  # the page itself says what is wrong with the key
    if first is None or first > back.now:
        began = "has nothing on record" if first is None else f"took its first file on {date_words(first, zone)}"
        way = el("a", "See that time by what is known now", href=_here(_text(back.now, zone), NOW))
        show(el("div", sign("note", f"khemon knew nothing then: it {began}. "), way, class_="k k-card"))
    elif not lines:
        show(el("div", "Nothing was recorded since about this time: what was known then stands.", class_="k k-muted"))
    if lines:
        changed = sum(not line.arrived for line in lines)
        counts = f"{changed} changed or withdrawn, {len(lines) - changed} arrived later"
        with st.expander(f"Recorded since, about the time up to then: {counts}", icon=":material/edit_note:"):
            show(_since_table(lines[:_SHOWN]))
            if lines[_SHOWN:]:
                words = f"and {len(lines) - _SHOWN} more: open a child to see its own"
                show(el("div", words, class_="k k-muted"))


def _since_table(lines: Sequence[CorrectionLine]) -> Markup:
    rows: list[list[Child]] = []
    for line in lines:
        child = el("a", line.patient, href=address("patient", patient=line.key)) if line.key else line.patient
        mark = el("b", line.now) if line.arrived else sign("warning", line.now)
        rows.append([child, line.what, line.then, mark, line.since])
    head = ["Child", "What", "Known then", "Known now", "Since when, why"]
    return el("div", table(head, rows, "k-since", "Recorded since"), class_="k")
