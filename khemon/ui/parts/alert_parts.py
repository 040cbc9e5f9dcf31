"""The parts of the alerts page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TypeGuard

import streamlit as st

from khemon.actions import acknowledge, watch
from khemon.actions.watch.alerts import NO_PAGE, AlertLine, AlertView, ReviewQueue
from khemon.actions.watch.lead_up import LeadUp
from khemon.actions.whoami import person
from khemon.figures.style import Theme, rule_words
from khemon.figures.timeline import timeline_figure
from khemon.models import KhemonError
from khemon.ui.parts import frame, patient_parts, signing_parts, visit
from khemon.ui.parts.elements import Child, Markup, el, join, show, sign, table
from khemon.ui.parts.pages import address
from khemon.ui.parts.session import Session, session

_LONGEST_REASON, _LONGEST_NAME = 500, 80
#: So many alerts of a list are boxes that open where they stand; a browser and the server take long over hundreds.
BOXES = 20


def asked_alert() -> int | None:
    """The alert named in the address, None without one."""
    asked = st.query_params.get("alert", "")
    return int(asked) if asked.isdecimal() else None


def of_patient(lines: Sequence[AlertLine], key: str | None) -> list[AlertLine]:
    """The lines of one patient; all without a key."""
    return [line for line in lines if key is None or str(line.key) == key]


def label(line: AlertLine) -> str:
    """The line of an alert in the queue, as a label that shows text as text."""
    return frame.severity_label(line.severity, _told(line))


def _told(line: AlertLine) -> str:
    """What a queue says of an alert beside its severity."""
    status = "" if line.status == "confirmed" else f" {line.status}"
    met = f", met {line.times_met} times" if line.times_met > 1 else ""
    # What has an end is not told as if it went on: one nobody saw, or a run that broke.
    lasted = f"{line.since} to {line.ended}" if line.ended else f"since {line.since} ({line.age})"
    words = f"{line.patient} · {rule_words(line.rule)}{status} · {lasted}{met}"
    reopened = f"re-opened: {line.reopened}" if line.reopened else ""
    for more in (line.evidence, line.recheck, line.note, reopened, line.handed):
        words += f" · {more}" if more else ""
    return words


def queue_list(here: Session, lines: Sequence[AlertLine], asked: int | None, theme: Theme) -> None:
    """A list of the queue: the first as boxes that open in place, the others as lines that open above all of it.

    asked: the alert that stands open above already.
    """
    shown = [line for line in lines if line.alert_id != asked]
    with st.container(gap="xsmall"):
        for line in shown[:BOXES]:
            opened(here, line, theme)
    show(_further(shown[BOXES:]))


def _further(lines: Sequence[AlertLine]) -> Markup:
    """Alerts with the words that stand on a box, in the same order; each a link that opens it."""
    if not lines:
        return Markup("")
    count = f"{len(lines)} more, in the same order; each opens at the top of this page:"
    items = (
        el("li", sign(line.severity), " · ", el("a", _told(line), href=address("alerts", alert=line.alert_id)))
        for line in lines
    )
    return el("div", el("div", count, class_="k-muted"), el("ul", *items, class_="k-list"), class_="k")


def lists(queue: ReviewQueue, asked: int | None) -> TypeGuard[int]:
    """Whether an alert is in one of the lists of the queue."""
    lines = (*queue.to_review, *queue.unseen, *queue.muted, *queue.quiet, *queue.closed)
    return asked in {line.alert_id for line in lines}


def opened(here: Session, line: AlertLine, theme: Theme) -> None:
    """One alert in the queue; what is inside is drawn only while it is open."""
    box = st.expander(label(line), key=f"alert_{line.alert_id}", on_change="rerun")
    with box:
        if box.open:
            detail(here, line.alert_id, theme)


def detail(here: Session, alert_id: int, theme: Theme) -> None:
    """Everything needed to decide on an alert, and the form to do it."""
    visit.alert(here, alert_id)
    view = watch.alert_view(here.store, here.actor, alert_id, here.now)
    show(_head(view))
    figure = timeline_figure(view.timeline, theme)
    alt = view.timeline.alt
    st.plotly_chart(figure, theme=None, key=f"weeks_{alert_id}", config=frame.CHART, alt=alt)
    show(weeks_before(view.lead_up))
    if view.explained is not None:
        show(patient_parts.why(view.explained))
    if here.present is None and view.can_acknowledge and person(here.store, here.actor).may("acknowledge"):
        decide(here, view)
    show(_log(view))
    signing_parts.history(here, alert_id)


def _head(view: AlertView) -> Markup:
    line = view.line
    title = el("b", sign(line.severity), f" {rule_words(line.rule)} {line.status}, since {line.since} ({line.age})")
    parts: list[Child] = [_patient(line, f"Open {line.patient}"), el("div", title), el("div", line.text)]
    for words in (line.note, f"Re-opened: {line.reopened}" if line.reopened else "", line.decided, line.handed):
        if words:
            parts.append(el("div", words, class_="k-muted"))
    if line.muted_by:
        parts.append(
            el("div", f"Muted by {line.muted_by}, which is open; it is listed and can be decided on.", class_="k-muted")
        )
    if line.state == "retracted":
        why = view.moves[-1].why if view.moves else ""
        parts.append(el("div", sign("note", f"retracted: {why}")))
    elif line.ended:
        parts.append(el("div", f"Ended {line.ended}", class_="k-muted"))
    return el("div", *parts, class_="k k-card", style=f"--edge:var(--{line.severity})")


def weeks_before(told: LeadUp) -> Markup:
    """Drugs, infections, products of the four weeks before, as a list: what the lanes of the chart show."""
    now = el("div", el("b", "Given at its onset: "), "; ".join(told.going_on))
    if not told.steps:
        nothing = "Nothing else is recorded of the four weeks before: no step of a drug, no infection, no product."
        return el("div", now, el("div", nothing, class_="k-muted"), class_="k")
    rows: list[list[Child]] = [[step.when, step.before, step.what] for step in told.steps]
    made = table(["When", "Before the onset", "What"], rows, label="The four weeks before")
    return el(
        "div", now, el("details", el("summary", f"The four weeks before: {len(rows)} recorded"), made), class_="k"
    )


def _patient(line: AlertLine, words: str) -> Markup:
    """The way to the child's page; only who it was, when every import of the child was taken back."""
    if line.key == NO_PAGE:
        return el("div", f"{line.patient}: every import was taken back", class_="k-muted")
    return el("div", el("a", words, href=address("patient", patient=line.key)))


def decide(here: Session, view: AlertView) -> None:
    """The form: a reason, until when, and whether to be quiet unless it gets worse."""
    number = view.line.alert_id
    durations = dict(view.durations)
    with st.form(f"decide_{number}"):
        listed = {"": "in words only", **dict(view.reasons)}
        code = st.selectbox("Why", list(listed), format_func=listed.__getitem__, key=f"code_{number}")
        reason = st.text_area("Reason in words", key=f"reason_{number}", max_chars=_LONGEST_REASON, height=68)
        until = st.selectbox("For how long", list(durations), key=f"until_{number}")
        signed = signing_parts.asked(here, number)
        left, right = st.columns(2)
        sure = left.form_submit_button("Acknowledge", type="primary", key=f"acknowledge_{number}")
        quiet = right.form_submit_button("Quiet unless it gets worse", key=f"snooze_{number}")
    hand_over(view)
    if sure or quiet:
        _decided(number, code or None, reason, durations[until], signed, snooze=quiet)


def _decided(
    number: int, code: str | None, reason: str, lasts: dt.timedelta, signed: signing_parts.Asked, *, snooze: bool
) -> None:
    here = session()
    until = here.now + lasts
    try:
        given = signed.given()
        acknowledge.acknowledge(
            here.store, here.actor, number, reason, until, now=here.now, snooze=snooze, code=code, **given
        )
    except KhemonError as problem:
        frame.refused(problem)
        return
    signed.over()
    st.toast("Noted. The alert is under “Quiet now” until then.", icon="✅")
    st.rerun()


def hand_over(view: AlertView) -> None:
    """The form that hands an alert over to somebody: it stays as it is, and says whose it is."""
    number = view.line.alert_id
    with st.form(f"hand_over_{number}", clear_on_submit=True):
        left, right = st.columns(2)
        to = left.text_input("Hand over to", key=f"hand_to_{number}", max_chars=_LONGEST_NAME)
        note = right.text_input("Words for them", key=f"hand_note_{number}", max_chars=_LONGEST_REASON)
        asked = st.form_submit_button("Hand over (it stays open)", key=f"hand_over_button_{number}")
    if asked:
        here = session()
        try:
            acknowledge.hand_over(here.store, here.actor, number, to, note, now=here.now)
        except KhemonError as problem:
            frame.refused(problem)
            return
        st.toast("Handed over; the alert stands as it stood.", icon="✅")
        st.rerun()


def quiet_list(lines: Sequence[AlertLine]) -> Markup:
    """Everything that is muted, acknowledged or quiet: how, by whom, since when, until when, and why."""
    rows: list[list[Child]] = []
    for line in lines:
        if line.quiet is None:
            continue
        evidence = "; ".join(filter(None, (line.evidence, line.recheck)))
        what = join(sign(line.severity), f" {rule_words(line.rule)}", el("div", evidence, class_="k-small k-muted"))
        whose = el("div", line.handed, class_="k-small") if line.handed else ""
        told = line.quiet
        decide = el("a", "open", href=address("alerts", alert=line.alert_id))
        rows.append(
            [
                _patient(line, line.patient),
                what,
                told.how,
                told.by,
                told.since,
                told.until,
                join(told.why, whose),
                decide,
            ]
        )
    head = ["Child", "Alert", "Quiet", "By", "Since", "Until", "Why", ""]
    return el("div", table(head, rows, "k-quiet-list", "Everything that is quiet"), class_="k")


def _log(view: AlertView) -> Markup:
    rows: list[list[Child]] = [[move.at, move.who, move.what, move.why] for move in view.moves]
    made = table(["When", "Who", "What", "Why"], rows, label="History of this alert")
    return el(
        "details", el("summary", f"History: {len(rows)} {'move' if len(rows) == 1 else 'moves'}"), made, class_="k"
    )


def over_list(lines: Sequence[AlertLine]) -> Markup:
    """Alerts that are over, as a table."""
    rows: list[list[Child]] = []
    for line in lines:
        link = _patient(line, line.patient)
        what = join(sign(line.severity), " ", rule_words(line.rule))
        opened_at = el("a", "open", href=address("alerts", alert=line.alert_id))
        rows.append([link, what, line.since, line.ended, line.state, line.text, opened_at])
    head = ["Child", "Alert", "Since", "Ended", "State", "What it said", ""]
    return el("div", table(head, rows, label="Alerts that are over"), class_="k")
