"""What becomes of a file's rows: counts that add up, and every row beside the text it arrived as."""

from __future__ import annotations

from khemon.actions.file_rows import FATES, FileRows, RowLine
from khemon.ui.parts.elements import Child, Markup, el, join, show, sign, table

PER_PAGE = 50
#: A row of more characters is cut here, with a word about it; the list to download holds it whole.
SHOWN_CHARACTERS = 700
FATE_WORDS = {
    "accepted": "accepted",
    "review": "waiting for a person",
    "conflict": "in conflict, held",
    "rejected": "rejected",
    "no_value": "without a value",
    "ignored": "not in khemon's table",
    "duplicate": "stored before",
}
_SEVERITY = {"review": "warning", "conflict": "warning", "rejected": "warning"} | dict.fromkeys(
    ("no_value", "ignored", "duplicate"), "note"
)


def told_counts(counted: dict[str, int]) -> list[str]:
    """The fates that occur, in words, each with its number."""
    return [f"{counted[fate]:,} {words}" for fate, words in FATE_WORDS.items() if counted.get(fate)]


def counts(counted: dict[str, int]) -> Markup:
    """How many rows became what; the parts add up to what was read."""
    return el("div", el("b", f"{counted['read']:,} read"), f" = {' + '.join(told_counts(counted)) or '0'}", class_="k")


def fates_there(rows: FileRows) -> list[str]:
    """The fates that occur, what needs a person first."""
    return [fate for fate in FATES if fate in rows.by_fate]


def rows_table(lines: tuple[RowLine, ...], label: str) -> None:
    """Some rows with their fates; nothing of a reason is ever cut."""
    body: list[list[Child]] = []
    before: RowLine | None = None
    for line in lines:
        same = before is not None and (before.row, before.received) == (line.row, line.received)
        body.append([_place(line), _fate(line), _read(line), _arrived(line, same=same)])
        before = line
    head = ["Row", "What becomes of it", "What was read", "The row as it arrived"]
    show(el("div", table(head, body, "k-fates", label), class_="k"))


def _place(line: RowLine) -> Markup:
    column = el("div", line.field, class_="k-muted k-small") if line.field else None
    return join(el("b", str(line.row)), column)


def _fate(line: RowLine) -> Markup:
    told = sign(_SEVERITY.get(line.decision), FATE_WORDS[line.decision])
    if line.decision == "accepted" and line.remarked:
        told = sign("warning", "accepted, with a question")
    return join(told, *(el("div", f"{reason[:1].upper()}{reason[1:]}.") for reason in line.reasons))


def _read(line: RowLine) -> Markup:
    who = " · ".join(filter(None, (line.patient_id, line.collected)))
    text = f"{line.text} {line.unit}".strip()
    value = f"“{text}”" if text else ""
    item = el("b", f"{line.analyte} ") if line.analyte else None
    return join(el("div", who, class_="k-small"), el("div", item, value, _became(line)))


def _became(line: RowLine) -> Markup | None:
    """The value a rule would see; of a row that is not used it is said that none does."""
    if not line.read_as:
        return None
    if line.decision in ("accepted", "duplicate"):
        return el("b", f" → {line.read_as}")
    return el("span", f" → {line.read_as}, not used", class_="k-muted")


def _arrived(line: RowLine, *, same: bool) -> Markup:
    if same:
        return el("span", "same row", class_="k-muted k-small")
    more = len(line.received) - SHOWN_CHARACTERS
    cut = el("div", f"… and {more:,} more characters", class_="k-muted k-small") if more > 0 else None
    return join(el("code", line.received[:SHOWN_CHARACTERS], class_="k-raw"), cut)
