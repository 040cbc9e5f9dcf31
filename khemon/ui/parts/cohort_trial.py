"""The trial's figures beside khemon's: recomputed from counts, with the source of each, and what is khemon's own."""

from __future__ import annotations

from khemon.actions.watch.cohort import Recomputed
from khemon.actions.watch.cohort.recomputed import DifferenceLine
from khemon.ui.parts.elements import Child, Markup, el, join, sign, table


def summary(told: Recomputed) -> Markup:
    """How many printed figures come out, and how."""
    state = None if told.all_match else sign("critical", "Some do not come out at all: do not rely on the comparison.")
    about = el("p", f"{told.source}. {told.method}. {told.rounding}.", class_="k-small k-muted")
    return el("div", el("p", el("b", told.outcome)), state, about, class_="k")


def differences(told: Recomputed) -> Markup:
    """The printed differences, each beside the same from counts."""
    head = ["Endpoint", "Counts", "In full, %", "Rounded once", "Rounded as the paper", "Printed", "Fisher p°"]
    rows: list[list[Child]] = [
        [
            join(el("b", line.title), el("div", line.source, class_="k-muted k-small")),
            join(line.counts, el("div", line.counts_from, class_="k-muted k-small")),
            _triple(line.full),
            _triple(line.rounded),
            _marked(line),
            _outcome(line),
            line.fisher_p,
        ]
        for line in told.differences
    ]
    note = "° khemon's own: the paper prints no p for these endpoints."
    made = table(head, rows, label="The printed differences, recomputed")
    return el("div", made, el("p", note, class_="k-small"), class_="k")


def _triple(figures: tuple[str, ...]) -> str:
    difference, low, high = figures
    return f"{difference} ({low} to {high})"


def _marked(line: DifferenceLine) -> str:
    return _triple(
        tuple(f"{text}{'*' if only else ''}" for text, only in zip(line.paper, line.paper_only, strict=True))
    )


def _outcome(line: DifferenceLine) -> Markup:
    return join(
        _triple(line.printed), " ", sign(None, "as recomputed") if line.matches else sign("critical", "differs")
    )


def others(told: Recomputed) -> Markup:
    """Other printed numbers, and why they are not recomputed."""
    rows: list[list[Child]] = [[line.title, line.printed, line.again, line.source] for line in told.others]
    return el(
        "div", table(["Printed", "Figures", "Recomputed", "Where"], rows, label="Other printed numbers"), class_="k"
    )


def numbers(told: Recomputed) -> Markup:
    """Every number the endpoints use beyond the protocol's rules."""
    rows: list[list[Child]] = [
        [line.meaning, f"{line.number}{'°' if line.own else ''}", line.source] for line in told.numbers
    ]
    made = table(["Number", "Value", "Source"], rows, label="Numbers of the endpoints")
    own = sum(line.own for line in told.numbers)
    words = f"{len(rows)} numbers and word lists; {own} are khemon's own°, the others name their source"
    return el("details", el("summary", words), made, class_="k")
