"""The parts of the cohort page: who is in, the table, the children behind a number, what can be taken along."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from khemon.actions.watch.cohort import CohortView, People, PersonLine, TableCell, TableLine
from khemon.actions.watch.cohort.table import HOW_TO_READ
from khemon.figures.cohort import SwimmerData, swimmer_figure
from khemon.figures.style import Theme
from khemon.ui.parts import frame
from khemon.ui.parts.cohort_asking import PARTS, with_these
from khemon.ui.parts.elements import Child, Markup, el, join, sign, table
from khemon.ui.parts.pages import address

#: So many children fit on one figure.
BARS = 80
#: A longer list of those who are in is folded away, where there are others to look at.
OPEN_UNTIL = 12


def nobody(view: CohortView) -> Markup:
    """What to do where nobody is in."""
    words = (
        "Nobody is in. A child is in from its day 0 on: the first dose of the allocated treatment. State it in the "
        "patients file (day0), or enter the event day0 or the first dose of sirolimus; or take filters away."
    )
    return el("div", words, class_="k k-empty")


def no_patients(may_import: bool) -> Markup:
    """What to do where there are no children at all."""
    link = el("a", "Upload patients, events and results", href=address("upload")) if may_import else None
    return el("div", "There are no children yet. ", link or "Ask for an upload of patients and results.",
              class_="k k-empty")  # fmt: skip


def who_is_in(view: CohortView, may_review: bool) -> Markup:
    """How many are in, in which groups, and whom the filters leave out; what is held, with the way there."""
    groups = ", ".join(f"{name} {count}" for name, count in view.groups)
    head = el("div", el("b", f"{view.count} {'child' if view.count == 1 else 'children'}"), f": {groups}. ")
    rows: list[list[Child]] = [
        [_patient_link(line.key, line.name, line.patient_id), line.reason] for line in view.left_out
    ]
    made = table(["Child", "Why it is not in"], rows, label="Children who are not in") if rows else None
    out = el("details", el("summary", f"{len(rows)} not in, and why"), made) if rows else None
    held = None
    if view.not_used:
        rows_words = "1 row" if view.not_used == 1 else f"{view.not_used:,} rows"
        words = f"{rows_words} of the files not used, waiting for a person or not usable: no number here counts them"
        link = el("a", "Held results", href=address("review")) if may_review else None
        held = el("div", sign("warning", words), " ", link)
    notes = el("ul", *(el("li", note) for note in view.notes), class_="k-list k-small") if view.notes else None
    caption = el("div", view.caption, class_="k-muted k-small")
    return el("div", head, caption, out, held, notes, class_="k")


def _patient_link(key: int, name: str, patient_id: str) -> Markup:
    known = el("span", f" {patient_id}", class_="k-muted k-small") if name else None
    return join(el("a", name or patient_id, href=f"{address('patient', patient=key)}&window=all"), known)


def numbers(lines: Sequence[TableLine], view: CohortView, label: str) -> Markup:
    """Lines of the table; every number leads to its children."""
    names = [name for name, _ in view.groups]
    between = view.compared is not None and any(line.difference for line in lines)
    tested = any(line.p for line in lines)
    printed = any(line.published for line in lines)
    head = ["", *names]
    head += ["Difference, % points (95 % CI)"] if between else []
    head += [_tested(view)] if tested else []
    head += [f"Published ({', '.join(view.trial_arms)})"] if printed else []
    rows: list[list[Child]] = []
    for line in lines:
        row: list[Child] = [_title(line), *(_cell(line.what, cell) for cell in line.cells)]
        row += [_between(line)] if between else []
        row += [line.p] if tested else []
        row += [_published(line)] if printed else []
        rows.append(row)
    return el("div", table(head, rows, "k-cohort", label), class_="k")


def _tested(view: CohortView) -> str:
    """The head of the column of tests: of which two groups, where there are more."""
    return f"p ({', '.join(view.compared)})" if view.compared and view.groups[2:] else "p"


def _title(line: TableLine) -> Markup:
    words = f"{line.title}: the children of all groups behind it"
    return el("a", line.title, href=with_these(count=line.what, group=""), title=words, class_="k-title")


def _cell(what: str, cell: TableCell) -> Markup:
    words = f"{cell.words}: the children behind it"
    link = el("a", cell.words, href=with_these(count=what, group=cell.group), title=words)
    return join(link, el("div", cell.beside, class_="k-muted k-small k-beside") if cell.beside else None)


def _between(line: TableLine) -> Markup:
    return join(line.difference, el("div", line.direction, class_="k-muted k-small k-beside"))


def _published(line: TableLine) -> Markup:
    """What the trial printed, and where; on a narrow screen the place is told with the children behind the number."""
    if not line.published:
        return el("span", "not printed", class_="k-muted k-small")
    told = (el("div", part) for part in line.published.split("; "))
    return join(*told, el("div", line.source, class_="k-muted k-small k-source"))


def reading_the_table() -> Markup:
    """What a reader has to know of the table."""
    words = f"Open a number for the children behind it. {HOW_TO_READ.removesuffix('.')}: see "
    link = el("a", PARTS[1], href=with_these(show=PARTS[1]))
    return el("p", words, link, ".", class_="k k-muted k-small")


def behind(people: People | None, view: CohortView) -> Markup:
    """The children behind the number that was asked for, those who are not in it first."""
    close = el("a", "Close this list", href=with_these(count="", group=""))
    if people is None:
        words = "The table has no number of this name in this group. Choose one in the table below."
        return el("div", sign("warning", words), " ", close, class_="k k-card", role="alert")
    of = people.group or "all groups"
    head = el("h2", f"{people.title}: {of}")
    others = sum(len(lines) for _, lines in people.sections[:-1])
    parts = [_section(title, lines, others) for title, lines in people.sections]
    caption = el("p", view.caption, class_="k-muted k-small")
    line = next(line for line in view.lines if line.what == people.what)
    words = f"Printed by the trial ({', '.join(view.trial_arms)}): {line.published}. {line.source}."
    printed = el("p", words, class_="k-small") if line.published else None
    return el(
        "section", head, caption, printed, *parts, close, class_="k k-card", id="behind", style="--edge:var(--accent)"
    )


def _section(title: str, lines: Sequence[PersonLine], others: int) -> Markup:
    if not lines:
        return el("p", el("b", title))
    rows: list[list[Child]] = [
        [_patient_link(line.key, line.name, line.patient_id), line.group, line.why, _facts(line)] for line in lines
    ]
    made = table(["Child", "Group", "Why", "What shows it"], rows, "k-behind", title)
    folded = others and len(lines) > OPEN_UNTIL
    return el("details", el("summary", el("b", title)), made, open=None if folded else "")


def _facts(line: PersonLine) -> Markup:
    counts = el("div", f"Platelets ×10⁹/L, {line.counts}", class_="k-muted k-small") if line.counts else None
    return join(*(el("div", fact) for fact in line.facts), counts)


def swimmer(data: SwimmerData, theme: Theme) -> None:
    """The bars of the children, some at a time."""
    pages = max(math.ceil(len(data.swims) / BARS), 1)
    page = st.pagination(pages, key="bars") if pages > 1 else 1
    shown = data.page((page - 1) * BARS, BARS)
    st.plotly_chart(swimmer_figure(shown, theme), theme=None, key="swimmer", config=frame.CHART, alt=shown.alt)
