"""The parts of the page of held results: a question with its rows, and the answers to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from khemon.actions import import_files, review
from khemon.actions.review.recording import LONGEST_REASON
from khemon.actions.watch import DecidedLine, HeldGroup, HeldLine, HeldQueue
from khemon.figures.style import rule_words
from khemon.models import KhemonError
from khemon.ui.parts import frame
from khemon.ui.parts.correction import changes_asked
from khemon.ui.parts.elements import Child, Markup, el, join, plain, show, sign, table
from khemon.ui.parts.pages import address
from khemon.ui.parts.session import Session, session

#: More rows or questions than this stand on further pages of the list.
ROWS_SHOWN, GROUPS_SHOWN, DECISIONS_SHOWN = 50, 30, 50
_FATES = {"conflict": "in conflict", "review": "to confirm", "rejected": "could not be used"}

_BECOMES = {"accepted": "stands", "duplicate": "is stored already", "conflict": "contradicts what is stored, and waits"}
_MOVES = {
    "raise": "is raised",
    "meet": "is met again",
    "worsen": "gets worse and opens again",
    "expire": "opens again",
    "follow": "goes on, changed",
    "resolve": "is resolved",
    "retract": "is retracted",
}


def counts(queue: HeldQueue) -> Markup:
    """How much waits."""
    if not queue.groups:
        words = "Nothing waits: every row that came is judged, or was decided about."
        return el("div", words, class_="k k-empty")
    held = f"{queue.waiting} {'row waits' if queue.waiting == 1 else 'rows wait'} and no rule reads them"
    lost = f"{queue.unusable} could not be used" if queue.unusable else ""
    return el("div", sign("warning", "; ".join(filter(None, (held, lost)))), class_="k")


def shown(items: Sequence[Any], most: int, words: str, key: str) -> list[Any]:
    """The items on the chosen page of a long list."""
    pages = range((len(items) + most - 1) // most)
    if not pages[1:]:
        return list(items)

    def label(page: int) -> str:
        return f"{page * most + 1} to {min((page + 1) * most, len(items))} of {len(items)}"

    chosen = st.selectbox(words, pages, format_func=label, key=key)
    return list(items[chosen * most : (chosen + 1) * most])


def question(here: Session, group: HeldGroup, *, alone: bool) -> None:
    """One question; its rows and answers are drawn only while it is open."""
    rows = f"{len(group.lines)} {'row' if len(group.lines) == 1 else 'rows'}"
    words = f"{group.analyte} · {rows} {_FATES[group.decision]} · {group.file} · {group.question}"
    label = frame.severity_label(group.severity, words) if group.severity else plain(words)
    box = st.expander(label, key=f"group_{group.name}", expanded=alone, on_change="rerun")
    with box:
        if box.open:
            lines = shown(group.lines, ROWS_SHOWN, "Rows", f"rows_{group.name}")
            show(rows_table(lines))
            answers(here, group, lines)


def rows_table(lines: Sequence[HeldLine]) -> Markup:
    """The rows as received beside what was understood."""
    head = ["Row", "As received", "Understood as", "Collected", "Child", "Why it waits", "What follows", "Since"]
    rows: list[list[Child]] = []
    for line in lines:
        read = join(line.understood, " ", sign(line.severity) if line.severity else Markup(""))
        who = el("a", line.child, href=address("patient", patient=line.key)) if line.key else line.child or "nobody"
        text = el("div", line.text, class_="k-wrap")
        rows.append([line.where, text, read, line.collected, who, "; ".join(line.reasons), line.follows, line.age])
    return el("div", table(head, rows, "k-held", "Rows that wait"), class_="k")


def answers(here: Session, group: HeldGroup, lines: Sequence[HeldLine]) -> None:
    """The forms: confirm or reject, or correct."""
    decide, amend = st.tabs(["Confirm or reject", "Correct…"])
    with decide, st.form(f"decide_{group.name}"):
        rows, reason = _which(group, lines, "decide")
        if not group.can_confirm:
            show(el("div", "Cannot be confirmed as it stands: correct it, or reject it.", class_="k k-muted"))
        first, second, third = st.columns(3)
        kind: Literal["primary", "secondary"] = "primary" if group.can_confirm else "secondary"
        name, off = group.name, not group.can_confirm
        sure = first.form_submit_button("Confirm", type=kind, key=f"confirm_{name}", disabled=off)
        no = second.form_submit_button("Reject", key=f"reject_{name}")
        ask = third.form_submit_button("What would follow?", key=f"ask_{name}", disabled=off)
    with amend, st.form(f"correct_{group.name}"):
        changed, changed_why = _which(group, lines, "correct")
        changes, options = changes_asked(group)
        left, right = st.columns(2)
        amended = left.form_submit_button("Correct", type="primary", key=f"amend_{name}")
        try_it = right.form_submit_button("What would follow?", key=f"try_{name}")
    if sure or ask:
        act(lambda keep: review.confirm(here.store, here.actor, rows, reason, now=here.now, keep=keep), keep=sure)
    elif no:
        act(lambda keep: review.reject(here.store, here.actor, rows, reason, now=here.now, keep=keep), keep=True)
    elif amended or try_it:
        asked = (here.store, here.actor, changed, changes, changed_why)
        act(lambda keep: review.correct(*asked, now=here.now, keep=keep, **options), keep=amended)


def _which(group: HeldGroup, lines: Sequence[HeldLine], form: str) -> tuple[list[int], str]:
    """The rows that are meant, all of the question unless some are chosen, and the reason."""
    every = [line.row_id for line in group.lines]
    rows = every
    if every[1:]:
        told = {line.row_id: f"{line.where} · {line.text} · {line.collected}" for line in lines}
        words = f"Only these rows (none chosen: all {len(every)})"
        rows = (
            st.multiselect(words, list(told), format_func=told.__getitem__, key=f"which_{form}_{group.name}") or every
        )
    reason = st.text_input("Reason", key=f"why_{form}_{group.name}", max_chars=LONGEST_REASON)
    return rows, reason


def act(decide: Callable[[bool], Mapping[str, Any]], *, keep: bool) -> None:
    """Does it, or tells what would follow; a refusal is shown."""
    try:
        told = decide(keep)
    except KhemonError as problem:
        frame.refused(problem)
        return
    if not keep:
        show(what_follows(told))
        return
    again = told["counts"].get("conflict", 0)
    held = f" {again} now contradict what is stored, and wait." if again else ""
    st.toast(f"Decided. Batch {', '.join(told['batches'])} takes it back.{held}", icon="✅")
    st.rerun()


def what_follows(told: Mapping[str, Any]) -> Markup:
    """What an act would do: rows by fate, and the alerts that come and go."""
    fates = told.get("arrived", told["counts"])
    parts = [f"{told['withdrawn']} withdrawn at {told['from']}"] if "withdrawn" in told else []
    at = f" at {told['to']}" if "to" in told else ""
    parts += [f"{number} {_BECOMES.get(name, name)}{at}" for name, number in fates.items() if name != "read"]
    items = [
        el(
            "li",
            sign(alert["severity"]),
            f" {rule_words(alert['rule'])} {_MOVES[alert['move']]} ({alert['patient_id']})",
        )
        for alert in told["alerts"]
    ]
    listed = el("ul", *items, class_="k-list") if items else el("div", "No alert would come or go.")
    head = el("div", el("b", "If you decide so: "), f"{', '.join(parts) or 'nothing is stored'}. Nothing is kept yet.")
    return el("div", head, listed, class_="k k-card", role="status", style="--edge:var(--accent)")


def decided(lines: Sequence[DecidedLine]) -> None:
    """The last decisions, and the form that takes one back."""
    with st.expander(f"Decided: the last {len(lines)}" if lines else "Decided: nothing yet"):
        rows: list[list[Child]] = [
            [line.at, line.who, line.verdict, line.what, line.reason, line.batch] for line in lines
        ]
        head = ["When", "Who", "Decision", "About", "Why", "Batch"]
        show(el("div", table(head, rows, label="Decisions"), class_="k"))
        batches = list(dict.fromkeys(line.batch for line in lines))
        if batches:
            with st.form("take_back"):
                chosen = st.selectbox("Take a decision back: its rows wait again", batches, index=None, key="back")
                asked = st.form_submit_button("Take it back", key="back_button")
            if asked and chosen:
                _taken_back(session(), chosen)


def _taken_back(here: Session, batch: str) -> None:
    try:
        import_files.undo(here.store, here.actor, batch, int(here.now.timestamp() * 1000))
    except KhemonError as problem:
        frame.refused(problem)
        return
    st.toast("The decision was taken back; its rows wait again.", icon="✅")
    st.rerun()
