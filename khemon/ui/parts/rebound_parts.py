"""The parts of the rebound review."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from khemon.actions.watch import ReboundLine, ReboundReview
from khemon.actions.watch.lead_up import ASKED, LeadUp
from khemon.figures.style import Theme
from khemon.ui.parts import alert_parts
from khemon.ui.parts.elements import Child, Markup, el, join, show, sign, table
from khemon.ui.parts.pages import address
from khemon.ui.parts.session import Session

_LIVE = ("open", "acknowledged", "snoozed")
_STATUSES = ("confirmed", "suspected", "isolated")


def summary(review: ReboundReview) -> Markup:
    """How many stand open, by status, and what a rebound is."""
    told = ", ".join(f"{review.counts.get(status, 0)} {status}" for status in _STATUSES)
    head = el("p", el("b", f"Open: {len(review.open)}"), f" ({told}). Over: {len(review.over)}.")
    words = (el("p", text, class_="k-small k-muted") for text in review.words)
    more = el("a", "The rule with its numbers and cases", href=address("definitions", rule="kmp_rebound"))
    return el("div", head, *words, el("div", more, class_="k-small"), class_="k")


def nothing(review: ReboundReview) -> Markup:
    """What to say where there is no rebound at all: what one would take."""
    durable = f"{review.responses} {'child has' if review.responses == 1 else 'children have'}"
    words = (
        f"No rebound on record. {durable} a confirmed durable response, without which there is none to rebound from."
    )
    return el("div", words, class_="k k-empty")


def card(here: Session, line: ReboundLine, theme: Theme) -> None:
    """One open rebound: what it is, how deep, how long after the response, what went before; then what to do."""
    show(el("section", *_head(line), _facts(line), class_="k k-card", style=f"--edge:var(--{line.severity})"))
    if line.alert is None:
        show(el("div", "No alert stands for it.", class_="k k-muted k-small"))
        return
    words = (
        "Evidence, the four weeks before, history"
        if here.present
        else "Evidence, the four weeks before, decide, history"
    )
    box = st.expander(words, key=f"rebound_{line.alert.alert_id}", on_change="rerun")
    with box:
        if box.open:
            alert_parts.detail(here, line.alert.alert_id, theme)


def _head(line: ReboundLine) -> list[Child]:
    name = el("a", line.patient, href=address("patient", patient=line.key), class_="k-name")
    stale = join(" ", sign("warning", line.stale)) if line.stale else ""
    title = el("h3", name, " ", sign(line.severity, line.status), stale)
    return [title, el("p", el("b", line.text))]


def _facts(line: ReboundLine) -> Markup:
    decided = "none stands"
    if line.alert is not None:
        decided = line.alert.decided or line.alert.handed or line.alert.state
    facts: list[tuple[str, Child]] = [
        ("Literal (trial)", f"since {line.since} ({line.age}): {line.literal}"),
        ("Confirmed", line.confirmed or "not so far"),
        ("Nadir", line.nadir or "no count since"),
        ("After the response", line.from_response),
        ("Four weeks before", _asked(line.lead_up)),
        ("Given at its onset", "; ".join(line.lead_up.going_on)),
        ("All that is recorded of them", _steps(line.lead_up)),
        ("Alert", decided),
    ]
    pairs = (join(el("dt", name), el("dd", value)) for name, value in facts)
    return el("dl", *pairs, class_="k-facts")


def _asked(told: LeadUp) -> Markup:
    """Steroid stop, taper, hold, infection: each that is recorded; where none is, that none is recorded."""
    if not told.found:
        return el("span", f"not recorded: {', '.join(ASKED.values())}", class_="k-muted")
    return join(*(el("div", el("b", each)) for each in told.found))


def _steps(told: LeadUp) -> Markup:
    if not told.steps:
        return el("span", "nothing", class_="k-muted")
    rows: list[list[Child]] = [[step.when, step.before, step.what] for step in told.steps]
    made = table(["When", "Before the onset", "What"], rows, label="The four weeks before")
    return el("details", el("summary", f"{len(rows)} {'entry' if len(rows) == 1 else 'entries'}"), made)


def over(lines: Sequence[ReboundLine]) -> Markup:
    """Rebounds that ended, the newest first."""
    rows: list[list[Child]] = []
    for line in lines:
        child = el("a", line.patient, href=address("patient", patient=line.key))
        log = el("a", "open", href=address("alerts", alert=line.alert.alert_id)) if line.alert else ""
        rows.append(
            [child, line.status, line.since, line.ended, line.nadir, line.from_response, _asked(line.lead_up), log]
        )
    head = ["Child", "Status", "Literal since", "Ended", "Nadir", "After the response", "Four weeks before", "Alert"]
    return el("div", table(head, rows, "k-since", "Rebounds that ended"), class_="k")
