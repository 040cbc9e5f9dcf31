"""The definitions page: every rule in words with its numbers, their sources, and the cases that hold it to them."""

from __future__ import annotations

from collections.abc import Sequence

from khemon.actions.watch import Definitions, TimelineSheet
from khemon.actions.watch.rulebook import CaseLine, NumberLine, RuleSheet
from khemon.ui.parts.elements import Child, Markup, el, join, sign, table


def rule_card(sheet: RuleSheet, cases: Sequence[CaseLine], scores: Sequence[tuple[str, str]] = ()) -> Markup:
    """One rule, with what its alerts led to lately."""
    return el(
        "section",
        el("h2", sheet.title),
        el("p", sheet.words),
        el("p", "Severity: ", sign(sheet.severity, sheet.severity)),
        numbers(sheet.numbers, f"Numbers of {sheet.title}"),
        el("p", f"Source: {sheet.source}.", class_="k-small"),
        el("p", f"Misleads if {sheet.misleads_if}", class_="k-small") if sheet.misleads_if else None,
        _cases(sheet, cases),
        _scores(sheet, scores),
        class_="k k-card",
        id=sheet.rule,
    )


def numbers(lines: Sequence[NumberLine], label: str) -> Markup:
    """Numbers with unit and source; khemon's own carry the sign °."""
    rows: list[list[Child]] = []
    for line in lines:
        instead = el("b", f" instead of {line.instead_of}") if line.instead_of else None
        rows.append([line.meaning, join(f"{line.number}{'°' if line.own else ''}", instead), line.source])
    return table(["Number", "Value", "Source"], rows, label=label)


def _cases(sheet: RuleSheet, cases: Sequence[CaseLine]) -> Markup:
    if not cases:
        return Markup("")
    rows: list[list[Child]] = [[case.name, case.kind, case.series, case.expected, case.why] for case in cases]
    made = table(["Case", "Kind", "Series", "The rule says", "Why"], rows, label=f"Cases of {sheet.title}")
    what = "the base's numbers, not to those changed here" if sheet.is_changed else "this"
    return el("details", el("summary", f"{len(rows)} cases that hold it to {what}"), made)


def _scores(sheet: RuleSheet, scores: Sequence[tuple[str, str]]) -> Markup:
    if not scores:
        return Markup("")
    rows: list[list[Child]] = [[what, count] for what, count in scores]
    made = table(["What its alerts led to", "Last 90 days"], rows, label=f"Scorecard of {sheet.title}")
    return el("details", el("summary", f"Scorecard: alerts in the last 90 days: {scores[0][1]}"), made)


def contents(book: Definitions) -> Markup:
    """Which protocol this is, and its rules as a list."""
    links = (el("a", sheet.title, href=f"#{sheet.rule}") for sheet, _ in book.rules)
    names = el("ul", *(el("li", link) for link in links), class_="k-list k-columns")
    words = "° marks a number that is khemon's own choice, without a published source. All others name theirs."
    based = f"It changes numbers of {book.base}; a changed number names the one it replaces." if book.base else None
    about = el("p", based) if based else None
    return el("div", el("p", el("b", book.protocol)), about, el("p", words), names, class_="k")


def history(book: Definitions) -> Markup:
    """Which protocols were in use, the newest first: since when, by whose decision, why, what changed."""
    rows: list[list[Child]] = [
        [line.called, line.since, line.who, line.why, el("ul", *(el("li", each) for each in line.changed))]
        for line in book.history
    ]
    if not rows:
        return el("p", "None on record yet: the first import puts it there.", class_="k")
    head = ["Protocol", "In use from", "By", "Because", "Numbers changed"]
    return table(head, rows, label="Protocols in use")


def muting(book: Definitions) -> Markup:
    """Who mutes whom."""
    return el("ul", *(el("li", line) for line in book.muting), class_="k k-list")


def timelines(sheets: Sequence[TimelineSheet]) -> Markup:
    """All timelines, folded away."""
    return el("details", el("summary", f"{len(sheets)} children"), *map(_timeline, sheets), class_="k")


def _timeline(sheet: TimelineSheet) -> Markup:
    """One timeline: a child in two sentences, and the alerts of every day."""
    rows: list[list[Child]] = [
        [line.days, el("ul", *(el("li", each) for each in line.happens)), el("ul", *(el("li", a) for a in line.alerts))]
        for line in sheet.lines
    ]
    asked = f"Alerts at {sheet.look} each day. An alert comes before the ward {_times(sheet.calls)}."
    made = table(["Day", "What happens", "Alerts"], rows, label=f"Days of {sheet.title}")
    return el("details", el("summary", sheet.title), el("p", sheet.story), el("p", asked), made, class_="k-card")


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")
