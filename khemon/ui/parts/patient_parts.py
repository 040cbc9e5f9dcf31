"""The parts of the patient page as HTML."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from khemon.actions.watch import PatientView
from khemon.actions.watch.alerts import AlertLine
from khemon.actions.watch.cells import Cell
from khemon.actions.watch.explained import Explained
from khemon.actions.watch.gradelines import GradeTable
from khemon.actions.watch.patient import Identity
from khemon.figures.style import AXES, Theme, rule_words
from khemon.figures.timeline import TimelineData
from khemon.figures.words import dates_in_words
from khemon.ui.parts.elements import Child, Markup, el, join, sign, table
from khemon.ui.parts.pages import address, is_past

_KEY = (
    ("●", "result"),
    ("▽", "below the figure shown (<)"),
    ("△", "above the figure shown (>)"),
    ("⊗", "set aside, not judged, with the reason"),
    ("◎", "ring: after a transfusion, not counted when good"),
    ("▣", "square: preliminary, not counted when good"),
    ("2×", "two results of one time that say the same"),
    ("- -", "action line; ° khemon's own number"),
    ("▨", "no course recorded, or on hold"),
)
_USUAL = "usual at this age, published; the laboratory's own range goes before it"

#: The headings of the page, in order.
SECTIONS = (
    "Timeline",
    "Response clock",
    "Why each flag stands",
    "Laboratory grades",
    "Results as received",
    "Events",
)
#: So many held rows are told one by one; the others stand behind the link.
_SHOWN_HELD = 20
#: So many criticals that ended unseen stand on the page at once.
_SHOWN_UNSEEN = 5
#: So many flags that ended are told, each with all that was behind it.
_SHOWN_PAST = 100


def identity_bar(who: Identity) -> Markup:
    """Who this is."""
    name = el("h1", who.name or who.patient_id, class_="k-name")
    facts = [f"id {who.patient_id}", f"born {who.born}" if who.born[0].isdigit() else who.born, who.age, who.sex]
    facts += [who.diagnosis, who.place]
    if who.target:
        facts.append(f"sirolimus target {who.target}")
    return el("header", name, *(el("span", fact) for fact in facts), class_="k k-identity")


def state(view: PatientView) -> Markup:
    """The state in one sentence, and what the round asks first with its reasons."""
    calm = view.severity not in ("critical", "warning")
    told = dates_in_words(view.sentence)
    sentence = el("p", sign(None if calm else view.severity), " ", told, class_="k-sentence")
    answers = (_answer(title, flag.severity, flag.word, flag.why) for title, flag in view.answers)
    return el("div", sentence, values(view), el("div", *answers, class_="k-answers"), class_="k")


def values(view: PatientView) -> Markup:
    """The latest value of each analyte with flag, change and age."""
    return el("div", *(_value(cell) for cell in view.cells), class_="k-values")


def _value(cell: Cell) -> Markup:
    axis = AXES[cell.analyte]
    head = el("div", f"{axis.title} {axis.unit}", class_="k-muted k-small")
    if not cell.value:
        return el("div", head, el("div", cell.flag.word, class_="k-muted"))
    parts: list[Child] = [head, el("span", cell.value, class_="k-value"), " "]
    if cell.flag.severity:
        parts.append(el("span", sign(cell.flag.severity, cell.flag.word), class_="k-small"))
    told = [cell.change, cell.age, "not rechecked" if cell.stale else "", *cell.remarks]
    parts.append(el("div", " · ".join(words for words in told if words), class_="k-muted k-small", title=cell.at))
    return el("div", *parts)


def _answer(title: str, severity: str | None, word: str, why: str) -> Markup:
    edge = f"--edge:var(--{severity})" if severity in ("critical", "warning") else None
    told = el("div", sign(severity, word) if severity else el("b", word))
    reason = el("div", dates_in_words(why), class_="k-small")
    return el("section", el("h3", title), told, reason, class_="k-card", style=edge)


def notices(view: PatientView) -> Markup:
    """Held results, gaps, and what is new since this person's last visit."""
    held = address("review", patient=view.identity.key)
    items: list[Markup] = [el("li", el("a", sign("warning", row), href=held)) for row in view.held[:_SHOWN_HELD]]
    if view.held[_SHOWN_HELD:]:
        more = f"and {len(view.held) - _SHOWN_HELD} more held, not judged"
        items.append(el("li", el("a", sign("warning", more), href=held)))
    items += [el("li", row) for row in view.gaps]
    moving = el("a", "A result belongs to another child: move it", href=held)
    if not is_past():
        items.append(el("li", moving))
    return el("ul", *items, class_="k k-list")


def alert_list(alerts: Sequence[AlertLine], unseen: Collection[int] = ()) -> Markup:
    """The alerts of this child that are not over, as links to the review; and criticals that ended unseen.

    unseen: those that nobody had seen when this visit began, which from then on count as seen.
    """
    live = [line for line in alerts if line.state in ("open", "acknowledged", "snoozed")]
    over = [line for line in alerts if line.state == "resolved" and (line.unseen or line.alert_id in unseen)]
    none = None if live else el("div", "No alert is open for this child.", class_="k-muted")
    told = el("ul", *(el("li", *_alert(line)) for line in live), class_="k-list") if live else none
    return el("div", told, _ended_unseen(over), class_="k")


def _ended_unseen(lines: Sequence[AlertLine]) -> Markup | None:
    """Criticals that ended before anyone opened them: the first open to the eye, the others behind their number."""
    if not lines:
        return None
    items = [el("li", *_over(line)) for line in lines]
    parts = [el("ul", *items[:_SHOWN_UNSEEN], class_="k-list")]
    if more := items[_SHOWN_UNSEEN:]:
        summary = el("summary", sign("critical", f"and {len(more)} more resolved, not seen"))
        parts.append(el("details", summary, el("ul", *more, class_="k-list")))
    return el("div", *parts)


def _over(line: AlertLine) -> list[Child]:
    words = f"{rule_words(line.rule)}, {line.since} to {line.ended}" if line.ended else rule_words(line.rule)
    link = el("a", words, href=address("alerts", alert=line.alert_id))
    return [sign("critical", "resolved, not seen:"), " ", link, el("span", f" · {line.evidence}", class_="k-muted")]


def entering(key: str | None) -> Markup:
    """The way to enter something for this child, or to correct what is stored; none while looking back."""
    if is_past():
        return Markup("")
    link = el("a", "Enter or correct results and events by hand", href=address("enter", patient=key))
    return el("div", link, class_="k")


def _alert(line: AlertLine) -> list[Child]:
    # A run that broke is told with its end: it is its end that the alert is about.
    lasted = f"{line.since} to {line.ended}" if line.ended else f"since {line.since}"
    words = f"{rule_words(line.rule)} {line.status}, {lasted}"
    link = el("a", words, href=address("alerts", alert=line.alert_id))
    state = line.decided or (f"muted by {line.muted_by}" if line.muted_by else line.state)
    told = "".join(f" · {words}" for words in (state, line.note) if words)
    return [sign(line.severity), " ", link, el("span", told, class_="k-muted")]


def chart_key(theme: Theme) -> Markup:
    """What the marks on the timeline mean."""
    items = [el("span", el("b", mark, aria_hidden="true"), f" {words}") for mark, words in _KEY]
    items.append(el("span", el("b", class_="k-swatch", aria_hidden="true"), f" {_USUAL}"))
    return el("div", *items, class_="k k-key")


def chart_words(timeline: TimelineData) -> Markup:
    """What the weeks are counted from, and the timeline as sentences, for those who hear or would rather read it."""
    note = el("div", timeline.note, class_="k-small") if timeline.note else None
    told = el("ul", *(el("li", words) for words in timeline.words), class_="k-list k-small")
    return el("div", note, el("details", el("summary", "The timeline in words"), told), class_="k")


def news(view: PatientView) -> Markup:
    """A strip with what was recorded since this person's last visit, and what nobody has seen."""
    told = [(each.heading, each.lines) for each in (view.new, view.unseen) if each.heading]
    if view.new.lines and view.new.lines == view.unseen.lines:
        told = [(f"{view.new.heading}; nobody else has opened it since", view.new.lines)]
    parts = [el("div", el("b", heading), _one_by_one(lines)) for heading, lines in told]
    return el("div", *parts, class_="k k-news", role="note", aria_label="New on this page") if parts else Markup("")


def _one_by_one(lines: Sequence[str]) -> Markup | None:
    return el("div", " · ".join(lines), class_="k-small") if lines else None


def grades(table_of: GradeTable) -> Markup:
    """The laboratory grades as a table, with what they are and are not."""
    if not table_of.lines:
        return el("div", f"No result that {table_of.criteria} has a term for.", class_="k k-muted")
    about = (
        f"Grades of laboratory values by {table_of.criteria}, not of adverse events: in Kasabach-Merritt phenomenon "
        "low platelets and fibrinogen are the disease. Limits of normal are those usual at the age of the sample, "
        "as published; a laboratory's own are not on record. No baseline is used."
    )
    head = ["Analyte", "Latest, as received", "Grade", "Why", "Worst on record", "Grade", "Limit of normal used"]
    rows: list[list[Child]] = [
        [
            join(el("b", line.analyte), el("div", line.term, class_="k-muted k-small")),
            line.latest,
            el("b", line.latest_grade),
            el("span", line.latest_why, class_="k-small"),
            line.worst,
            el("b", line.worst_grade),
            el("span", line.normal, class_="k-small"),
        ]
        for line in table_of.lines
    ]
    return el("div", el("p", about, class_="k-muted k-small"), table(head, rows, label="Laboratory grades"), class_="k")


def sections() -> Markup:
    """The way to the parts of the page, by mouse or keyboard."""
    links = (el("a", words, href=f"#{words.lower().replace(' ', '-')}") for words in SECTIONS)
    return el("nav", *links, class_="k k-sections", aria_label="Parts of this page")


def why(flag: Explained) -> Markup:
    """Why this flag stands: the rule in words, its numbers, the samples, what is missing, the source."""
    parts: list[Child] = [el("p", el("b", dates_in_words(flag.text)))]
    since = f"Since {flag.since}{f', until {flag.until}' if flag.until else ''}."
    parts.append(el("p", since, *([" ", sign("warning", flag.stale)] if flag.stale else [])))
    parts.append(el("p", el("b", "Rule: "), flag.words))
    rows: list[list[Child]] = [
        [line.role, line.analyte, f"{line.value} {line.unit}", line.at] for line in flag.evidence
    ]
    if rows:
        parts.append(table(["This result", "Analyte", "As received", "Collected"], rows, label="Evidence"))
    if flag.missing:
        parts.append(el("p", el("b", "Missing: "), ", ".join(flag.missing)))
    if flag.not_counted:
        parts.append(el("p", el("b", "Seen and not counted: "), "; ".join(flag.not_counted)))
    parts.append(rests_on(flag))
    numbers: list[list[Child]] = [[line.meaning, line.number, line.source] for line in flag.numbers]
    made = table(["Number", "Value", "Source"], numbers, label="Numbers of the rule")
    parts.append(el("details", el("summary", "Numbers and sources"), made))
    parts.append(el("p", f"Source: {flag.source}. {flag.protocol}.", class_="k-muted k-small"))
    if flag.misleads_if:
        parts.append(el("p", f"Misleads if {flag.misleads_if}", class_="k-muted k-small"))
    return el("div", *parts, class_="k")


def rests_on(flag: Explained) -> Markup:
    """What it takes beside the evidence to tell this again: results, events, entries of the register."""
    rows: list[list[Child]] = [[line.analyte, f"{line.value} {line.unit}", line.at, ""] for line in flag.rests_on]
    rows += [[line.kind, "event", line.since, line.until] for line in flag.events]
    rows += [[entry, "entry of the register", "", ""] for entry in flag.entries]
    if not rows:
        return Markup("")
    made = table(["What", "As received", "From", "Until"], rows, label="What it rests on beside the evidence")
    return el("details", el("summary", "It also rests on"), made)


def _past_why(flag: Explained) -> Markup:
    return el("details", el("summary", dates_in_words(flag.text)), why(flag))


def past_list(past: Sequence[Explained]) -> Markup:
    """Flags that ended, the newest first, up to so many."""
    more = f"The {_SHOWN_PAST} newest of {len(past)}." if len(past) > _SHOWN_PAST else ""
    rows: list[list[Child]] = [
        [join(el("b", flag.title), " ", flag.status), flag.since, flag.until, _past_why(flag)]
        for flag in past[:_SHOWN_PAST]
    ]
    made = table(["Flag", "Since", "Until", "What it said"], rows, label="Flags that ended")
    return el("div", el("p", more) if more else None, made, class_="k")
