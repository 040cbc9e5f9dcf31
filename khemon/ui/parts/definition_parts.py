"""The definitions page: every rule in words with its numbers, their sources, and the cases that hold it to them."""

from __future__ import annotations

from collections.abc import Sequence

from khemon.actions.watch import Definitions, TimelineSheet
from khemon.actions.watch.rulebook import CaseLine, NumberLine, RuleSheet
from khemon.ui.parts.elements import Child, Markup, el, sign, table


def rule_card(sheet: RuleSheet, cases: Sequence[CaseLine]) -> Markup:
    """One rule."""
    return el(
        "section",
        el("h2", sheet.title),
        el("p", sheet.words),
        el("p", "Severity: ", sign(sheet.severity, sheet.severity)),
        numbers(sheet.numbers, f"Numbers of {sheet.title}"),
        el("p", f"Source: {sheet.source}.", class_="k-small"),
        el("p", f"Misleads if {sheet.misleads_if}", class_="k-small") if sheet.misleads_if else None,
        _cases(sheet, cases),
        class_="k k-card",
        id=sheet.rule,
    )


def numbers(lines: Sequence[NumberLine], label: str) -> Markup:
    """Numbers with unit and source; khemon's own carry the sign °."""
    rows: list[list[Child]] = []
    for line in lines:
        rows.append([line.meaning, f"{line.number}{'°' if line.own else ''}", line.source])
    return table(["Number", "Value", "Source"], rows, label=label)


def _cases(sheet: RuleSheet, cases: Sequence[CaseLine]) -> Markup:
    if not cases:
        return Markup("")
    rows: list[list[Child]] = [[case.name, case.kind, case.series, case.expected, case.why] for case in cases]
    made = table(["Case", "Kind", "Series", "The rule says", "Why"], rows, label=f"Cases of {sheet.title}")
    return el("details", el("summary", f"{len(rows)} cases that hold it to this"), made)


def contents(book: Definitions) -> Markup:
    """Which protocol this is, and its rules as a list."""
    names = el("ul", *(el("li", sheet.title) for sheet, _ in book.rules), class_="k-list")
    words = "° marks a number that is khemon's own choice, without a published source. All others name theirs."
    return el("div", el("p", el("b", book.protocol)), el("p", words), names, class_="k")


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
