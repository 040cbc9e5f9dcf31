"""The protocol in use beside another one: first its numbers, then, when asked, what it would do to the alerts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from khemon.actions import watch
from khemon.actions.watch import AlertChanges, OtherProtocol
from khemon.actions.watch.comparing import DAYS
from khemon.actions.whoami import person
from khemon.models import KhemonError
from khemon.ui.parts import frame
from khemon.ui.parts.elements import Child, Markup, el, join, show, sign, table
from khemon.ui.parts.pages import address
from khemon.ui.parts.session import Session

_FILE = "a protocol file of the ward's own"
_SIGNS = {"added": "+ added", "removed": "− removed", "changed": "~ changed"}
#: So many alerts are listed; the counts are of all.
_SHOWN = 200


def compare(here: Session) -> None:
    """Choose another protocol and see what it changes; nothing goes live here."""
    choices = [*watch.protocols_to_compare(here.store, here.actor), _FILE]
    words = "Compare the protocol in use with"
    wanted = st.selectbox(words, choices, index=None, key="compare", bind="query-params")
    if wanted not in choices:
        return
    with _named(wanted) as name:
        if name is None:
            return
        try:
            show(_numbers(watch.other_protocol(here.store, here.actor, name)))
            if person(here.store, here.actor).may("look"):
                _alerts(here, name, wanted)
        except KhemonError as problem:
            frame.refused(problem)


@contextmanager
def _named(wanted: str) -> Iterator[str | None]:
    """What to compare with, as the actions take it: a name, or the path of what was chosen from the own machine."""
    if wanted != _FILE:
        yield wanted
        return
    file = st.file_uploader("Protocol file (TOML)", type="toml", key="compare_file")
    if file is None:
        yield None
        return
    with TemporaryDirectory(prefix="khemon-protocol-") as folder:
        path = Path(folder) / (Path(file.name).name or "protocol.toml")
        path.write_bytes(file.getvalue())
        yield str(path)


def _alerts(here: Session, name: str, wanted: str) -> None:
    """The button, and what came of it: every child is judged by both."""
    asked = st.button(f"What would it do to the alerts of the last {DAYS} days?", key=f"compare_alerts_{wanted}")
    if asked:
        with st.spinner("Judging every child by both protocols …", show_time=True):
            changes = watch.alerts_compared(here.store, here.actor, name, here.now)
        show(_changes(changes))


def _numbers(other: OtherProtocol) -> Markup:
    head = el("p", el("b", f"{other.in_use} is in use; beside it: {other.called}."))
    if not (other.numbers or other.others):
        return el("div", head, el("p", "They judge alike: no number differs."), class_="k")
    rows: list[list[Child]] = []
    for line in other.numbers:
        what = join(line.what, el("div", line.path, class_="k-small k-muted"))
        rows.append([line.rule, what, line.now, el("b", line.then), line.source])
    made = table(["Rule", "Number", "In use", "The other", "Source of the other"], rows, label="Numbers that differ")
    items = (el("li", f"{path} differs") for path in other.others)
    return el(
        "div", head, made if rows else None, el("ul", *items, class_="k-list") if other.others else None, class_="k"
    )


def _changes(told: AlertChanges) -> Markup:
    counts = ", ".join(f"{_WORDS[how]} {told.count(how)}" for how in _SIGNS)
    head = el("p", el("b", f"{told.since} to {told.until}, {told.patients} children: it would {counts}."))
    before, after = told.rates
    rates = f"Opened per child and week: {before} in use, {after} by the other." if before is not None else ""
    parts: list[Child] = [head, el("p", rates), el("p", f"Counted: {told.method}.", class_="k-small k-muted")]
    if told.lines:
        parts.append(_change_table(told))
    if told.lines[_SHOWN:]:
        parts.append(el("p", f"and {len(told.lines) - _SHOWN} more: khemon protocol diff lists all", class_="k-muted"))
    return el("div", *parts, class_="k")


_WORDS = {"added": "add", "removed": "remove", "changed": "change"}


def _change_table(told: AlertChanges) -> Markup:
    rows: list[list[Child]] = []
    for line in told.lines[:_SHOWN]:
        child = el("a", line.patient, href=address("patient", patient=line.key)) if line.key else line.patient
        what = join(sign(line.severity), f" {line.rule}")
        rows.append([_SIGNS[line.how], child, what, line.since, line.until, line.text, line.instead])
    head = ["", "Child", "Alert", "Since", "Until", "What it says", "By the other"]
    return table(head, rows, "k-since", "Alerts that another protocol changes")
