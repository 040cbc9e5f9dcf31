"""What the forms of the page share: whose entries they are, dates and times, storing, and what came of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

import streamlit as st

from khemon.actions import by_hand, import_files
from khemon.alerts import Move
from khemon.figures.style import rule_words
from khemon.models import KhemonError
from khemon.ui.parts import frame
from khemon.ui.parts.elements import Child, Markup, el, plain, show, sign
from khemon.ui.parts.pages import address
from khemon.ui.parts.session import Session, session

_DONE, _ROUND, _ASKED = "khemon_entered_by_hand", "khemon_entry_round", "khemon_entry_asked"
_CLOCK = re.compile(r"([01]?\d|2[0-3]):?([0-5]\d)", re.ASCII)
FIRST_DAY = dt.date(1990, 1, 1)
LONGEST_TEXT = 1_000
_MOVES = {
    "raise": "raised",
    "meet": "met again",
    "worsen": "worsened, open again",
    "expire": "open again",
    "resolve": "ended",
    "retract": "withdrawn: its ground is gone",
    "follow": "moved",
}


def turn() -> int:
    """A number that is in the key of every field: another one empties the forms."""
    return int(st.session_state.setdefault(_ROUND, 0))


def choose_child(here: Session) -> None:
    """Whose entries: chosen from all children, never taken over from before."""
    names = by_hand.children(here.store, here.actor)
    if not names:
        show(el("div", "No child is known yet: upload a file of patients first.", class_="k k-empty"))
        return
    words = "Whose result or event is it?"
    chosen = st.selectbox(words, list(names), index=None, format_func=lambda key: plain(names[key]), key="child")
    if chosen is not None:
        st.query_params["patient"] = str(chosen)
        st.rerun()


def when(
    label: str, key: str, zone: ZoneInfo, default: dt.datetime | None = None, *, day_enough: bool = False
) -> str | None:
    """A time as ISO 8601 with its offset; empty where nothing is said, None while it is half said or none at all.

    day_enough: a bare date without a time.

    default: what a correction begins with; kept to the second while date and time stay.
    """
    local = default.astimezone(zone) if default else None
    left, right = st.columns(2)
    day = left.date_input(
        f"{label}: date", local.date() if local else None, min_value=FIRST_DAY, format="YYYY-MM-DD", key=f"{key}_day"
    )
    words = "time, 24 h" + (" (empty: the day)" if day_enough else "")
    clock = right.text_input(f"{label}: {words}", f"{local:%H:%M}" if local else "", 8, f"{key}_clock").strip()
    if not isinstance(day, dt.date):
        return None if clock else ""
    if not clock:
        return day.isoformat() if day_enough else None
    found = _CLOCK.fullmatch(clock)
    if found is None:
        show(el("div", sign("warning", "Write the time as 08:15."), class_="k"))
        return None
    time = dt.time(int(found[1]), int(found[2]))
    if default and local and (local.date(), local.hour, local.minute) == (day, time.hour, time.minute):
        return local.isoformat()
    return _meant(day, time, zone, key)


def _meant(day: dt.date, time: dt.time, zone: ZoneInfo, key: str) -> str | None:
    """The time that a ward clock showed once; asked where it showed it twice, none where it was set forward over it."""
    readings = dict(by_hand.clock_readings(day, time, zone))
    if not readings:
        show(el("div", sign("warning", "The clock was set forward over this time: there was none."), class_="k"))
        return None
    if len(readings) == 1:
        return next(iter(readings.values()))
    chosen = st.radio("The clock showed this time twice", list(readings), index=None, key=f"{key}_{day}_{time}")
    return readings[chosen] if chosen else None


def still_missing(fields: dict[str, object]) -> bool:
    """Whether something has to be filled in yet, which is named."""
    names = [name for name, value in fields.items() if not value]
    if names:
        show(el("div", f"Still missing: {', '.join(names)}.", class_="k k-muted"))
    return bool(names)


def sure(questions: Sequence[str], about: object) -> bool:
    """Whether the person has answered what is asked; another entry is asked anew."""
    if not questions:
        return True
    show(el("div", *(el("div", sign("warning", f"Check: {words}.")) for words in questions), class_="k", role="alert"))
    mark = hashlib.sha256(repr((about, questions)).encode()).hexdigest()[:12]
    return st.checkbox("I have looked again: it is right", key=f"sure_{turn()}_{mark}")


def store(act: Callable[[Session], by_hand.Recorded], about: object = None) -> None:
    """Do it, and remember what came of it; what is refused is told, and nothing has changed.

    about: what a question is kept for, to be answered at the next run.
    """
    here = session()
    try:
        done = act(here)
    except by_hand.Question as question:
        st.session_state[_ASKED] = (about, question.questions)
        st.rerun()
    except KhemonError as problem:
        frame.refused(problem)
        return
    st.session_state[_DONE] = (st.query_params.get("patient"), done)
    st.session_state[_ROUND] = turn() + 1
    st.query_params.pop("entry", None)
    st.rerun()


def asked(about: object) -> tuple[str, ...]:
    """What was asked when this was to be stored."""
    whose, questions = st.session_state.get(_ASKED, (None, ()))
    return questions if whose == about else ()


def came_of_it(key: str | None) -> None:
    """What the last act did for this child: the batch, the alerts it moved, and the way back."""
    whose, done = st.session_state.get(_DONE, (None, None))
    if done is None or whose != key:
        return
    head = el("div", el("b", f"Stored as batch {done.batch}."))
    items = [el("li", *_move(move)) for move in done.moves]
    told = el("ul", *items, class_="k-list") if items else el("div", "No alert was raised or moved.")
    show(el("div", head, told, class_="k k-card", role="status", style="--edge:var(--accent)"))
    st.button("Take this back", key=f"take_back_{done.batch}", on_click=_take_back, args=(done.batch,))


def _move(move: Move) -> list[Child]:
    words = f"{rule_words(move.alert.rule)} {move.alert.status}: {_MOVES.get(move.move, move.move)}. {move.alert.text}"
    return [sign(move.alert.severity), " ", el("a", words, href=address("alerts", alert=move.alert.alert_id))]


def _take_back(batch: str) -> None:
    here = session()
    st.session_state.pop(_DONE, None)
    try:
        import_files.undo(here.store, here.actor, batch, int(here.now.timestamp() * 1000))
    except KhemonError as problem:
        frame.refused(problem)
        return
    st.toast("It was taken back.", icon="✅")


def struck(words: str) -> Markup:
    """Text that no longer holds."""
    return el("s", words)
