"""The ward list as HTML: one row per child, number, flag, change and age together, all of it as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from khemon.actions.watch import WardLine, WardNews
from khemon.actions.watch.cells import ROUND, Cell
from khemon.actions.watch.line import STRIP_LENGTH
from khemon.actions.watch.ward import Listed
from khemon.figures.board import SparkData, spark_source
from khemon.figures.style import AXES, Theme
from khemon.ui.parts.clock import week_strip
from khemon.ui.parts.elements import Child, Markup, el, join, sign, table
from khemon.ui.parts.pages import address

_LAST = ("KMP", "Response", "Last product")
_REVIEW = "To review"
#: Key of a child and name of a theme to the line and the row made of it.
_ROWS: dict[tuple[int, str], tuple[WardLine, WardNews | None, Markup]] = {}
#: The same of the strips, by the object that is drawn; it is held, so that no other one takes its place.
_STRIPS: dict[tuple[int, str], tuple[SparkData, Markup]] = {}
_MOST_ROWS = 8192
#: So many held rows of one child are told one by one; the others stand behind the link.
SHOWN_HELD = 3
#: And so many criticals that ended before anyone looked: the children below have to stay in sight.
SHOWN_UNSEEN = 3


def found_by(lines: Sequence[WardLine], search: str) -> list[WardLine]:
    """The lines whose name or id contains the text."""
    wanted = search.casefold().strip()
    return [line for line in lines if wanted in f"{line.name} {line.patient_id}".casefold()]


def ward_list(lines: Sequence[WardLine], theme: Theme, news: Mapping[int, WardNews]) -> Markup:
    """The list as a table; on narrow screens each row becomes a card. news: what came of a child, by its key."""
    heads = [_head(analyte, lines) for analyte in ROUND]
    top = el("tr", *(el("th", head, scope="col") for head in ("Child", "State", _REVIEW, *heads, *_LAST)))
    rows = Markup("".join(_kept_row(line, theme, news.get(line.key)) for line in lines))
    made = el("table", el("thead", top), Markup(f"<tbody>{rows}</tbody>"), class_="k k-table k-ward")
    return el("div", made, class_="k-scroll", role="region", tabindex="0", aria_label="Ward list")


def _unit(analyte: str) -> str:
    return f"{AXES[analyte].title} {AXES[analyte].unit}"


def _head(analyte: str, lines: Sequence[WardLine]) -> Markup:
    """An analyte with its unit, and the numbers at which lines are drawn in its strips."""
    numbers = lines[0].sparks[analyte].numbers if lines else ()
    told = el("div", f"{STRIP_LENGTH.days} d, lines {', '.join(numbers)}", class_="k-lines") if numbers else None
    return join(_unit(analyte), told)


def _kept_row(line: WardLine, theme: Theme, news: WardNews | None) -> Markup:
    """The row of a line, made once: a ward list has hundreds, and few of them change between two looks."""
    known = _ROWS.get((line.key, theme.name))
    if known is None or known[0] is not line or known[1] != news:
        if len(_ROWS) >= _MOST_ROWS:
            _ROWS.clear()
        known = _ROWS[line.key, theme.name] = (line, news, _row(line, theme, news))
    return known[2]


def _row(line: WardLine, theme: Theme, news: WardNews | None) -> Markup:
    new = news.analytes if news is not None else frozenset()
    edge = f"k-edge-{line.severity}" if line.severity in ("critical", "warning") else None
    return el(
        "tr",
        el("td", *_who(line, news), class_="k-who"),
        el("td", *_state(line), class_="k-state"),
        el("td", *_notices(line), class_="k-notices", data_head=_REVIEW),
        *(_cell(line.cells[analyte], line.sparks[analyte], theme, is_new=analyte in new) for analyte in ROUND),
        el("td", *_kmp(line), class_="k-why", data_head=_LAST[0]),
        el("td", *_response(line), class_="k-answer", data_head=_LAST[1]),
        el("td", *_given(line), class_="k-given k-whole", data_head=_LAST[2]),
        class_=edge,
    )


def link(key: int, name: str, patient_id: str) -> Markup:
    """The child's name (the id without one), leading to the patient page."""
    return el("a", name or patient_id, href=address("patient", patient=key), class_="k-name")


def _who(line: WardLine, news: WardNews | None = None) -> list[Child]:
    facts = " · ".join(part for part in (line.patient_id if line.name else "", line.age, line.sex) if part)
    came = el("div", news.words, class_="k-small k-came") if news is not None else None
    return [link(line.key, line.name, line.patient_id), el("div", facts, class_="k-muted k-small"), came]


def _state(line: WardLine) -> list[Child]:
    parts: list[Child] = [sign(line.tier_severity, line.tier_words)]
    if line.tier_why:
        parts.append(el("div", line.tier_why, class_="k-small k-muted"))
    parts += [el("div", sign(due.severity, due.words, quiet=True), class_="k-small") for due in line.due]
    return parts


def _cell(cell: Cell, spark: SparkData, theme: Theme, *, is_new: bool) -> Markup:
    head = _unit(cell.analyte)
    drawn = _strip(spark, theme)
    if not cell.value:
        aside = (el("div", remark, class_="k-muted k-small") for remark in cell.remarks)
        return el("td", el("span", cell.flag.word, class_="k-muted"), *aside, class_="k-cell", data_head=head)
    parts: list[Child] = [
        el("div", cell.value, el("span", "new", class_="k-new") if is_new else None, class_="k-value")
    ]
    if cell.flag.severity:
        parts.append(el("div", sign(cell.flag.severity, cell.flag.word), class_="k-small"))
    if cell.change:
        parts.append(el("div", cell.change, class_="k-small"))
    if cell.stale:
        parts.append(el("div", sign("warning", "not rechecked"), class_="k-small"))
    parts.append(el("div", cell.age, class_="k-muted k-small", title=cell.at))
    parts += [el("div", remark, class_="k-muted k-small") for remark in cell.remarks]
    return el("td", *parts, drawn, class_=f"k-cell{' k-stale' if cell.stale else ''}", data_head=head)


def _strip(spark: SparkData, theme: Theme) -> Markup | None:
    """The picture of an analyte's last weeks, drawn once; its source holds nothing that would have to be escaped."""
    if not spark.marks:
        return None
    known = _STRIPS.get((id(spark), theme.name))
    if known is None:
        if len(_STRIPS) >= _MOST_ROWS:
            _STRIPS.clear()
        made = Markup(f'<img src="{spark_source(spark, theme)}" alt="{escape(spark.alt)}">')
        known = _STRIPS[id(spark), theme.name] = (spark, made)
    return known[1]


def _kmp(line: WardLine) -> list[Child]:
    word = line.kmp.word
    return [el("div", sign(line.kmp.severity, word)), el("div", line.kmp.why, class_="k-small k-muted")]


def _response(line: WardLine) -> list[Child]:
    if line.clock.status == "none":
        return [el("span", line.clock.words, class_="k-muted k-small")]
    return [el("div", line.clock.words, class_="k-small"), week_strip(line.clock)]


def _given(line: WardLine) -> list[Child]:
    """The last product with the values around it, and the time since the last fibrinogen."""
    seen = line.last_fibrinogen
    fibrinogen = el("div", f"fibrinogen {seen if 'never' in seen else f'last {seen}'}", class_="k-small k-muted")
    if line.given is None:
        return [el("div", "none recorded", class_="k-muted k-small"), fibrinogen]
    given = line.given
    around = (el("div", words, class_="k-small k-muted") for words in given.around)
    return [el("div", el("b", given.product), f" {given.ago}", class_="k-small", title=given.at), *around, fibrinogen]


def _notices(line: WardLine) -> list[Child]:
    parts: list[Child] = []
    if line.alerts.open:
        words = f"{line.alerts.open} {'alert' if line.alerts.open == 1 else 'alerts'}"
        told = sign(line.alerts.worst, words)
        parts.append(el("div", el("a", told, href=address("alerts", patient=line.key))))
    if line.alerts.decided:
        parts.append(el("div", f"{line.alerts.decided} acknowledged", class_="k-muted k-small"))
    held = address("review", patient=line.key)
    parts += [el("div", el("a", sign("warning", row), href=held), class_="k-small") for row in line.held[:SHOWN_HELD]]
    if line.held[SHOWN_HELD:]:
        more = f"and {len(line.held) - SHOWN_HELD} more held"
        parts.append(el("div", el("a", sign("warning", more), href=held), class_="k-small"))
    parts += _unseen(line)
    return parts or [el("span", "none", class_="k-muted k-small")]


def _unseen(line: WardLine) -> list[Child]:
    """The last criticals that ended before anyone looked, and how many more the queue lists."""
    queue = address("alerts", patient=line.key)
    told = [f"resolved, not seen: {words}" for words in line.unseen[:SHOWN_UNSEEN]]
    if line.unseen[SHOWN_UNSEEN:]:
        told.append(f"and {len(line.unseen) - SHOWN_UNSEEN} more resolved, not seen")
    return [el("div", el("a", sign("critical", words), href=queue), class_="k-small") for words in told]


def follow_up_list(lines: Sequence[WardLine]) -> Markup:
    """Children in follow-up: the same order, fewer columns."""
    head = ["Child", "State", *(f"{AXES[analyte].title} {AXES[analyte].unit}" for analyte in ROUND)]
    rows: list[list[Child]] = [
        [
            join(*_who(line)),
            join(*_state(line)),
            *(_short_cell(line.cells[analyte]) for analyte in ROUND),
            el("span", line.clock.words),
            join(*_notices(line)),
        ]
        for line in lines
    ]
    return el("div", table([*head, "Response", "To review"], rows, "k-follow", "Children in follow-up"), class_="k")


def _short_cell(cell: Cell) -> Markup:
    """A cell in two lines: the value with its flag, and its age."""
    if not cell.value:
        return el("span", cell.flag.word, class_="k-muted")
    flag = sign(cell.flag.severity, cell.flag.word) if cell.flag.severity else Markup("")
    age = el("div", cell.age, class_="k-muted k-small", title=cell.at)
    return join(el("b", cell.value), " ", el("span", flag, class_="k-small"), age)


def archived_list(listed: Sequence[Listed]) -> Markup:
    """Children whose observation has ended, as links."""
    items = (el("li", link(child.key, child.name, child.patient_id), _until(child)) for child in listed)
    return el("ul", *items, class_="k k-list")


def _until(child: Listed) -> Markup:
    facts = [child.patient_id if child.name else "", f"until {child.until}" if child.until else ""]
    return el("span", " · ".join(["", *filter(None, facts)]), class_="k-muted k-small")


def held_list(held: Sequence[str]) -> Markup:
    """Held rows that belong to nobody on a list."""
    if not held:
        return Markup("")
    queue = address("review")
    rows = [el("li", el("a", sign("warning", row), href=queue)) for row in held[:SHOWN_HELD]]
    if held[SHOWN_HELD:]:
        rows.append(el("li", el("a", f"and {len(held) - SHOWN_HELD} more held", href=queue)))
    return el("ul", *rows, class_="k k-list")
