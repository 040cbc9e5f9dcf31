"""What a proposed mapping says, in words: what was recognized, what changed since, what only a person can say."""

from __future__ import annotations

from collections.abc import Collection

from khemon.actions.proposals import Proposal
from khemon.ui.parts.elements import Child, Markup, el, join, sign

_LAYOUT_WORDS = {
    "canonical": "khemon's own columns",
    "long": "one result per row",
    "wide": "one column per analyte",
    "dates_across": "one column per time",
}
_SIGN_WORDS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", ".": "point", "": ""}


def facts(made: Proposal) -> Markup:
    """What was recognized, in words."""
    seen = made.seen
    remembered = f"{made.source}, version {made.version} of its mapping" if made.version else "not remembered yet"
    if made.source is None:
        remembered = f"none chosen; the layout is that of {' and of '.join(made.fits)}" if made.fits else "none chosen"
    told = [
        ("Laboratory", remembered),
        ("Layout", _LAYOUT_WORDS.get(seen.layout, "not certain")),
        ("Encoding", seen.encoding or ("" if seen.shape else "not certain")),
        ("Separated by", _SIGN_WORDS.get(seen.delimiter, repr(seen.delimiter))),
        ("Dates", "" if seen.order == "undecided" else seen.order),
        ("Decimal sign", _SIGN_WORDS.get(seen.decimal, seen.decimal)),
        ("Units", "; ".join(f"{analyte.replace('_', ' ')} in {', '.join(of)}" for analyte, of in seen.units.items())),
    ]
    cells: list[Child] = []
    for name, words in told:
        if words:
            cells += [el("dt", name), el("dd", words)]
    return el("dl", *cells, class_="k k-facts")


def left_open(made: Proposal, elsewhere: Collection[str]) -> Markup:
    """What changed since the mapping was remembered, and what only a person can say."""
    lines: list[Markup] = []
    if made.source is None and len(made.fits) > 1:
        words = f"The layout is that of {' and of '.join(made.fits)}: say which laboratory it is."
        lines.append(sign("warning", words))
    if made.problem:
        lines.append(sign("warning", f"The remembered mapping does not fit: {made.problem.found}."))
    for change in made.differences:
        waits = "; its rows wait for a person until the new layout is remembered" if change.touches else ""
        lines.append(sign("warning" if change.touches else "note", f"Changed: {change.words}{waits}."))
    for question in made.seen.questions:
        if question.asks in elsewhere:
            continue
        rows = f" ({question.rows:,} {'row' if question.rows == 1 else 'rows'})" if question.rows else ""
        lines.append(sign("warning", f"{question.words}{rows}"))
        lines += [
            join(el("b", choice), ": ", el("code", shown))
            for choice, shown in zip(question.choices, question.shown, strict=False)
            if shown
        ]
    return el("ul", *(el("li", line) for line in lines), class_="k k-list") if lines else Markup("")
