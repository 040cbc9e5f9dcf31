"""The files on the desk: what is under way, what khemon made of each, what has to be said, what became of it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

import streamlit as st

from khemon.actions import file_rows, watch
from khemon.actions.desk import COMMITTING, DONE, Desk, Paper
from khemon.actions.file_rows import FileRows, not_accepted_csv
from khemon.actions.uploads import Raised, Review
from khemon.figures.words import date_words
from khemon.gate import current_desk, download_address
from khemon.models import ImportProblem
from khemon.rules.calendar import to_ms
from khemon.ui.parts import fate_parts, frame, mapping_parts
from khemon.ui.parts.asked_parts import dates, encodings, read_again
from khemon.ui.parts.elements import Child, Markup, el, plain, show, sign
from khemon.ui.parts.pages import TITLES, address
from khemon.ui.parts.session import Session, session

#: A small file is read before the page is drawn; for others the page says what is done.
WAIT_S, JUST_BEGUN = 1.5, dt.timedelta(seconds=2)
LOOK_EVERY = 1.0
SHOWN_ALERTS = 12
#: Questions about a file that are asked beside what each answer would show.
ASKED_HERE = ("encoding", "date_format")
_STEPS = {
    "": "waits for its turn",
    "reading": "reading the file",
    "comparing": "comparing each row with what is stored",
    "judging": "judging the children it speaks of",
}


def papers(here: Session) -> list[Paper]:
    """What lies on the desk of this person, after a short wait for what was begun just now."""
    desk = current_desk()
    found = desk.papers(here.actor)
    if any(paper.active and here.now - paper.since < JUST_BEGUN for paper in found):
        desk.settle(here.actor, WAIT_S)
        found = desk.papers(here.actor)
    return found


def under_way(found: Sequence[Paper]) -> None:
    """What is being read or committed; the page may be left meanwhile."""
    if any(paper.active for paper in found):
        _progress([(paper.number, paper.state) for paper in found])


@st.fragment(run_every=LOOK_EVERY)
def _progress(shown: list[tuple[str, str]]) -> None:
    here = session()
    found = current_desk().papers(here.actor)
    if [(paper.number, paper.state) for paper in found] != shown:
        st.rerun(scope="app")
    lines = [_working(paper, here.now) for paper in found if paper.active]
    words = "You may leave this page, or close it: the work goes on, and what became of it stands here."
    show(
        el(
            "div",
            el("ul", *lines, class_="k-list"),
            el("div", words, class_="k-muted"),
            class_="k k-card",
            role="status",
        )
    )


def _working(paper: Paper, now: dt.datetime) -> Markup:
    aim = "Committing" if paper.state == COMMITTING else "Reading"
    spent = f"{max((now - paper.since).seconds, 0)} s"
    return el("li", el("b", f"{aim} {paper.file.name}"), f": {_STEPS[paper.step]} · {spent} so far")


def waiting(here: Session, found: Sequence[Paper]) -> None:
    """The files that were read: a button for all that can be committed, then each with everything about it."""
    read = [paper for paper in found if not paper.active and paper.state != DONE]
    ready = [paper.number for paper in read if paper.ready]
    if ready:
        words = "Commit 1 file" if len(ready) == 1 else f"Commit {len(ready)} files"
        st.button(words, type="primary", key="commit", on_click=_commit, args=(ready,))
    show(_readiness(read))
    for paper in read:
        st.subheader(plain(paper.file.name))
        if paper.review is not None:
            _how(here, paper)
        _read_paper(here, paper)
        current_desk().shown(here.actor, paper.number)
        st.button("Put away without committing", key=f"away_{paper.number}", on_click=_put_away, args=(paper.number,))


def _how(here: Session, paper: Paper) -> None:
    """Laboratory and mapping of a file; read anew where they are not those it was read with."""

    def again() -> None:
        current_desk().read_again(here.actor, paper.number, paper.how)

    how = mapping_parts.panel(here, paper.file, paper.how, paper.number, download_address, ASKED_HERE, again)
    if how != paper.how:
        current_desk().read_again(here.actor, paper.number, how)
        st.rerun()


def _readiness(read: Sequence[Paper]) -> Markup | None:
    """Which files would be committed, which not, and how much of them would wait."""
    lines: list[Markup] = []
    for paper in read:
        name, review = el("b", paper.file.name), paper.review
        if review is None or not paper.ready:
            lines.append(el("li", name, ": ", sign("warning", "cannot be committed; see below")))
            continue
        held, total = review.held, review.counts["read"]
        words = f"{held:,} of {total:,} wait for a person or cannot be used"
        lines.append(el("li", name, ": ", sign("warning", words) if held else f"{total:,} read, none of them held"))
    return el("ul", *lines, class_="k k-list") if lines else None


def _commit(numbers: list[str]) -> None:
    current_desk().commit(session().actor, numbers)


def _put_away(number: str) -> None:
    current_desk().put_away(session().actor, number)


def _read_paper(here: Session, paper: Paper) -> None:
    review = paper.review
    if review is None:
        words = "khemon stopped at a fault of its own; nothing of this file was kept."
        show(el("div", sign("warning", words), el("div", f"Kind: {paper.fault}"), class_="k k-card", role="alert"))
        st.button("Try again", key=f"again_{paper.number}", on_click=read_again, args=(paper.number,))
    elif review.problem is not None:
        problem = review.problem
        if review.encodings:
            problem = ImportProblem(problem.where, problem.found, "choose below the text that reads right")
        frame.refused(problem)
        encodings(paper, review)
        if not isinstance(review.problem, ImportProblem):
            st.button("Try again", key=f"again_{paper.number}", on_click=read_again, args=(paper.number,))
    elif review.rows is not None:
        _understood(review, review.rows)
        dates(paper, review)
        _rows(here, paper, review.rows)


def _understood(review: Review, rows: FileRows) -> None:
    """Counts, and what the file was taken for."""
    show(fate_parts.counts(review.counts))
    made = review.recognized
    assert made is not None  # what has rows was recognized
    facts = [("Rows", f"{rows.lines_of_file:,} rows of the file hold {len(rows):,} entries"), *made.facts]
    cells: list[Child] = []
    for name, words in facts:
        shown = sign("warning", words) if name in made.open else words
        cells += [el("dt", name), el("dd", shown)]
    notes = el("ul", *(el("li", note) for note in made.notes), class_="k-list k-small") if made.notes else None
    show(el("div", el("h3", "What khemon made of it"), el("dl", *cells, class_="k-facts"), notes, class_="k k-card"))
    if rows.remarked:
        words = f"Accepted with a question: {rows.remarked:,}. Look at them before you commit; they count at once."
        show(el("div", sign("warning", words), class_="k"))
    if review.held:
        words = "Rows that cannot be used, or wait for a person, are kept with the import: nothing is dropped."
        show(el("div", sign("warning", words), class_="k"))


def _rows(here: Session, paper: Paper, rows: FileRows) -> None:
    """The rows of one fate or of all, a page at a time."""
    fates, name = fate_parts.fates_there(rows), paper.file.name
    fate = None
    if fates[1:]:

        def told(fate: str) -> str:
            return f"{fate_parts.FATE_WORDS[fate]} ({len(rows.by_fate[fate]):,})"

        fate = st.pills("Only", fates, key=f"fates_{paper.number}", format_func=told)
    total = len(rows.by_fate[fate]) if fate else len(rows)
    pages = max(math.ceil(total / fate_parts.PER_PAGE), 1)
    page = st.pagination(pages, key=f"page_{paper.number}_{fate}") if pages > 1 else 1
    first = (page - 1) * fate_parts.PER_PAGE
    if pages > 1:
        last = min(first + fate_parts.PER_PAGE, total)
        show(el("div", f"{first + 1:,} to {last:,} of {total:,}", class_="k k-muted k-small"))
    fate_parts.rows_table(rows.page(fate, first, fate_parts.PER_PAGE), f"Rows of {name}")
    if len(rows.by_fate.get("accepted", ())) < len(rows):
        link = download_address(
            f"desk {paper.number} {paper.since}",
            f"not-accepted-{name}.csv",
            lambda: file_rows.as_csv(name, rows.not_accepted()),
        )
        show(download(link))


def download(link: str) -> Markup:
    """A link that a file leaves by."""
    words = "Download the rows that are not accepted, with reasons (CSV)"
    return el(
        "div", el("a", words, href=link), el("span", " · the link works once", class_="k-muted k-small"), class_="k"
    )


def done(here: Session, found: Sequence[Paper]) -> None:
    """What came of each commit: counts, a link to each alert it raised, to what waits, and to what was not accepted."""
    desk = current_desk()
    _left_open(here, desk)
    for paper in found:
        if paper.state == DONE and paper.review is not None:
            _result(here, paper.review)
            desk.shown(here.actor, paper.number)
            st.button("Seen: put away", key=f"away_{paper.number}", on_click=_put_away, args=(paper.number,))


def _result(here: Session, review: Review) -> None:
    words = "was imported before; nothing was added" if review.repeated else f"imported as batch {review.batch}"
    head = el("div", el("b", review.name), f" {words}.")
    after = [fate_parts.counts(review.counts), _alerts(review.raised), _to_review(review)]
    if review.counts["read"] > review.counts.get("accepted", 0) and not review.repeated:
        after.append(download(address_of_not_accepted(here, review.batch, review.name)))
    show(el("div", head, *after, class_="k k-card", role="status", style="--edge:var(--accent)"))


def _alerts(raised: Sequence[Raised]) -> Markup:
    """A link to each alert, the most urgent first; of very many the rest opens on demand."""
    if not raised:
        return el("div", "No alert was raised.")
    told = f"{len(raised):,} {'alert' if len(raised) == 1 else 'alerts'} raised"
    items = [el("li", *_raised(alert)) for alert in raised]
    first, rest = items[:SHOWN_ALERTS], items[SHOWN_ALERTS:]
    more = el("details", el("summary", f"{len(rest):,} more"), el("ul", *rest, class_="k-list")) if rest else None
    return el("div", el("div", told), el("ul", *first, class_="k-list"), more)


def address_of_not_accepted(here: Session, batch: str, name: str) -> str:
    """The address of the list of what an import did not accept."""
    store, actor, now_ms = here.store, here.actor, to_ms(here.now)
    return download_address(
        f"batch {batch}", f"not-accepted-{name}.csv", lambda: not_accepted_csv(store, actor, batch, now_ms)
    )


def _to_review(review: Review) -> Markup | None:
    if not review.waiting or review.repeated:
        return None
    words = "1 row waits" if review.waiting == 1 else f"{review.waiting:,} rows wait"
    told = f"{words} for a person: no rule sees what waits, until somebody decides. "
    link = el("a", "Decide about them", href=address("review")) if "review" in TITLES else None
    return el("div", sign("warning", told), link)


def _raised(alert: Raised) -> list[Child]:
    return [sign(alert.severity), " ", el("a", alert.words, href=address("alerts", alert=alert.alert_id))]


def _left_open(here: Session, desk: Desk) -> None:
    """What became of commits that an earlier server began and could not tell of."""
    for begun in desk.left_open(here.actor):
        at = date_words(begun.at, watch.setting(here.store, here.actor).zone)
        head = f"Committing {begun.file}, begun {at}: the server stopped before you saw what became of it."
        kept = f"It was kept whole, as batch {begun.batch}; its alerts stand on the alerts page."
        words = kept if begun.batch else "Nothing of it was kept: bring the file again. It is never taken twice."
        show(el("div", sign("warning", head), el("div", words), class_="k k-card", role="alert"))
        st.button("Seen", key=f"told_{begun.number}", on_click=_told, args=(begun.number,))


def _told(number: int) -> None:
    current_desk().told(session().actor, number)
