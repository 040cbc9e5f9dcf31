"""The parts of the audit page: the verdict on the chain, what to look for, entries, and who looked at a child."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from zoneinfo import ZoneInfo

import streamlit as st

from khemon.actions.auditing import Wanted
from khemon.actions.leaving import Prepared, prepare_record, record_fetched
from khemon.actions.watch.record import LINES_SHOWN, LookLine, RecordLine, RecordView, Verdict
from khemon.figures.words import date_words
from khemon.rules.calendar import to_ms
from khemon.ui.parts import leaving_parts
from khemon.ui.parts.elements import Child, Markup, el, join, show, sign, table
from khemon.ui.parts.session import Session, session

_LONGEST_ID = 200
_PAGE, _VERDICT = "audit_page", "khemon_audit_verdict"
_VERIFIED_FOR = dt.timedelta(minutes=1)


def _first_page() -> None:
    st.session_state[_PAGE] = 1


def wanted(people: tuple[str, ...], acts: tuple[str, ...], zone: ZoneInfo) -> Wanted:
    """What to look for. A child's number stays out of the address: addresses are kept by browsers and proxies."""
    first, second, third = st.columns(3)
    who = first.selectbox("Who", people, index=None, key="audit_who", on_change=_first_page)
    words = "What"
    act = second.selectbox(words, acts, index=None, format_func=_plain_act, key="audit_what", on_change=_first_page)
    patient = third.text_input(
        "About a child: hospital number, exactly", max_chars=_LONGEST_ID, key="audit_patient", on_change=_first_page
    )
    fourth, fifth, _ = st.columns(3)
    since = fourth.date_input("From", value=None, key="audit_from", on_change=_first_page)
    until = fifth.date_input("Until, that day included", value=None, key="audit_until", on_change=_first_page)
    after = until + dt.timedelta(days=1) if isinstance(until, dt.date) else None
    return Wanted((patient or "").strip() or None, who, act, _midnight(since, zone), _midnight(after, zone))


def _plain_act(act: str) -> str:
    return act.replace("_", " ")


def _midnight(day: object, zone: ZoneInfo) -> int | None:
    return to_ms(dt.datetime(day.year, day.month, day.day, tzinfo=zone)) if isinstance(day, dt.date) else None


def page_number() -> int:
    """Which part of the entries is asked for."""
    return int(st.session_state.get(_PAGE, 1))


def is_due(here: Session) -> bool:
    """Whether the chain is to be gone through again: once a minute, not at every touch of a filter."""
    kept = st.session_state.get(_VERDICT)
    return kept is None or here.now - kept[1] > _VERIFIED_FOR


def verdict(here: Session, told: Verdict | None, zone: ZoneInfo) -> Markup:
    """Whether the chain was as it was written when it was gone through last; the first bad entry by name if not."""
    if told is not None:
        st.session_state[_VERDICT] = told, here.now
    kept, at = st.session_state[_VERDICT]
    return join(_verdict(kept), el("div", f"Gone through at {date_words(at, zone)}.", class_="k k-muted k-small"))


def _verdict(told: Verdict) -> Markup:
    if told.sound:
        head = el("div", "The chain is sound: no entry was edited, deleted, inserted, moved or cut off.")
        note = el(
            "div", "It ends at ", el("code", told.head), ". Note this elsewhere; what was noted must stand in it."
        )
        return el("div", head, note, class_="k k-card", style="--edge:var(--fine)", role="status")
    head = el("b", "The chain is broken. First bad: ")
    rest = el(
        "div", "Entries before it are as they were written. What to do: restore a backup, and find out who could."
    )
    return el("div", head, f"{told.where} {told.found}.", rest, class_="k k-banner k-broken", role="alert")


def looks(found: tuple[LookLine, ...]) -> Markup:
    """Who looked at the child that is asked for."""
    rows: list[list[Child]] = [[line.who, line.first, line.last, str(line.times)] for line in found]
    if not rows:
        return el("div", "Nobody looked at this child.", class_="k k-empty")
    head = ["Who", "First", "Last", "Quarters of an hour"]
    return el("div", table(head, rows, label="Who looked at this child"), class_="k")


def entries(view: RecordView) -> None:
    """The entries, the newest first, a part at a time."""
    st.subheader(
        f"Entries: {view.found:,}" if view.found == view.total else f"Entries: {view.found:,} of {view.total:,}"
    )
    if not view.lines:
        show(el("div", "No entry is like that.", class_="k k-empty"))
        return
    bad = st.session_state[_VERDICT][0].where
    rows: list[list[Child]] = [
        [_number(line, bad), _in_one_line(line.at), line.who, line.did, line.about, line.told] for line in view.lines
    ]
    head = ["Entry", "When", "Who", "Did", "To", "What it tells"]
    show(el("div", table(head, rows, label="Entries of the record"), class_="k"))
    pages = math.ceil(view.found / LINES_SHOWN)
    if pages > 1:
        st.pagination(pages, key=_PAGE)


def _in_one_line(words: str) -> Markup:
    return el("span", words, style="white-space:nowrap")


def _number(line: RecordLine, bad: str) -> Markup:
    number = el("b", str(line.sequence))
    return join(number, " ", sign("critical", "first bad")) if bad == f"audit entry {line.sequence}" else number


def export(wanted: Wanted) -> None:
    """The way out for the entries that are asked for."""
    if st.button("Make a file of these entries (CSV)", key="make_record"):
        leaving_parts.offered(lambda: _record(wanted))


def _record(wanted: Wanted) -> tuple[Prepared, Callable[[], bytes]]:
    here = session()
    made = prepare_record(here.store, here.actor, wanted, now=here.now)
    return made, lambda: record_fetched(here.store, here.actor, made, now=here.now)
