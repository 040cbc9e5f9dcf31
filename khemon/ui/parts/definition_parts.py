"""The definitions page: every rule in words with its numbers, their sources, and the cases that hold it to them."""

from __future__ import annotations

from collections.abc import Sequence

from khemon.actions.watch import Definitions
from khemon.actions.watch.rulebook import CaseLine, NumberLine, RuleSheet
from khemon.ui.parts.elements import Child, Markup, el, sign, table


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
        rows.append([line.meaning, f"{line.number}{'°' if line.own else ''}", line.source])
    return table(["Number", "Value", "Source"], rows, label=label)


def _cases(sheet: RuleSheet, cases: Sequence[CaseLine]) -> Markup:
    if not cases:
        return Markup("")
    rows: list[list[Child]] = [[case.name, case.kind, case.series, case.expected, case.why] for case in cases]
    made = table(["Case", "Kind", "Series", "The rule says", "Why"], rows, label=f"Cases of {sheet.title}")
    return el("details", el("summary", f"{len(rows)} cases that hold it to this"), made)


def _scores(sheet: RuleSheet, scores: Sequence[tuple[str, str]]) -> Markup:
    if not scores:
        return Markup("")
    rows: list[list[Child]] = [[what, count] for what, count in scores]
    made = table(["What its alerts led to", "Last 90 days"], rows, label=f"Scorecard of {sheet.title}")
    return el("details", el("summary", f"Scorecard: alerts in the last 90 days: {scores[0][1]}"), made)


def contents(book: Definitions) -> Markup:
    """Which protocol this is, and its rules as a list."""
    names = el("ul", *(el("li", sheet.title) for sheet, _ in book.rules), class_="k-list")
    words = "° marks a number that is khemon's own choice, without a published source. All others name theirs."
    return el("div", el("p", el("b", book.protocol)), el("p", words), names, class_="k")


def muting(book: Definitions) -> Markup:
    """Who mutes whom."""
    return el("ul", *(el("li", line) for line in book.muting), class_="k k-list")
