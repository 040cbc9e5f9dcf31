"""The report of a cohort: what the cohort page says, as texts and figures for paper."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from khemon.actions.cohort.few import FEW_WORDS, HIDDEN, is_few
from khemon.actions.watch.cohort.recomputed import DifferenceLine, Recomputed
from khemon.actions.watch.cohort.table import HOW_TO_READ, TableCell, TableLine
from khemon.actions.watch.cohort.view import CohortView
from khemon.figures.cohort import CurvesData, SwimmerData, WeeklyData
from khemon.figures.words import INTENDED_USE, SYNTHETIC_WORDS, date_words
from khemon.models import Actor
from khemon.reports import CohortSheet, Drawn, Heading, PrintedCell, PrintedTable
from khemon.reports.contents import LONGEST_NAME, cut

#: So many bars stand on a page; so many children are drawn in all, the others are counted.
BARS, MOST_BARS = 42, 504
#: So many groups have room beside each other; more stand in a table of their own.
GROUPS = 4
_FIRST, _GROUP = 3.4, 2.6
_NOTE = re.compile(r"(\d+) child(?:ren)?: ")
FEW_SIGN = "‡"
#: The columns of difference, p and what was published: their widths, and what stands there without one.
_BESIDE, _NONE = (2.2, 1.2, 3.2), ("", "", "not printed")


def cohort_sheet(
    view: CohortView, trial: Recomputed, actor: Actor, now: dt.datetime, called: Mapping[str, str], *, hide_few: bool
) -> CohortSheet:
    """Everything the report says. called: how each child is named. hide_few: nothing of fewer than five children."""
    tables = [table for title, lines in _chapters(view) for table in _tables(title, lines, view, hide_few)]
    figures = list(_figures(view, called, hide_few))
    return CohortSheet(
        heading=_heading(view, actor, now, hide_few),
        who=tuple(_who(view, hide_few)),
        beside=tuple(tables),
        figures=tuple(figures),
        left_out=tuple(_left_out(view, figures, hide_few)),
        outcome=f"{trial.outcome} {trial.source}. {trial.method}. {trial.rounding}.",
        trial=(_differences(trial.differences), _others(trial), _numbers(trial)),
    )


def _heading(view: CohortView, actor: Actor, now: dt.datetime, hide_few: bool) -> Heading:
    notes = [SYNTHETIC_WORDS] if view.setting.synthetic else []
    if hide_few:
        notes.append(
            f"Counts of {FEW_WORDS} are hidden, and what would tell them. Reports of other groups or days, side by "
            "side, may still tell: publish one."
        )
    return Heading(
        name="Cohort report",
        facts=(cut(view.caption),),
        as_of=view.as_of,
        judged=f"Ward time ({view.setting.timezone}). Judged by {view.judged_by}.",
        printed=cut(f"Printed {date_words(now, view.setting.zone)} by {actor.name}", LONGEST_NAME),
        notes=tuple(notes),
        intended_use=INTENDED_USE,
    )


def _who(view: CohortView, hide_few: bool) -> Iterator[str]:
    groups = ", ".join(f"{name} {count}" for name, count in view.groups)
    yield f"{view.count} {'child' if view.count == 1 else 'children'}: {groups or 'no group'}."
    for reason, count in Counter(line.reason for line in view.left_out).most_common():
        yield f"Not in: {_counted(count, hide_few)}: {reason}."
    if view.not_used:
        rows = "1 row" if view.not_used == 1 else f"{view.not_used:,} rows"
        yield f"{rows} of the files not used, waiting for a person or not usable: no number here counts them."
    for note in view.notes:
        told = _NOTE.match(note)
        yield f"{_counted(int(told[1]), hide_few)}: {note[told.end() :]}." if told else f"{note}."


def _counted(count: int, hide_few: bool) -> str:
    """So many children, in words."""
    if hide_few and is_few(count):
        return FEW_WORDS
    return "1 child" if count == 1 else f"{count} children"


def _chapters(view: CohortView) -> Iterator[tuple[str, Sequence[TableLine]]]:
    if view.count:
        yield "Beside the trial", view.proportions
        yield "Numbers per child, and times", view.amounts
        yield "Classes of volume change", view.lesions
        yield "Platelets by week: counted children, median and quartiles", view.weeks


def _tables(title: str, lines: Sequence[TableLine], view: CohortView, hide_few: bool) -> Iterator[PrintedTable]:
    """One table, or several where there are more groups than have room; what compares them stands in the first."""
    names = [name for name, _ in view.groups]
    heads = ("Difference, % points (95 % CI)", _tested(view), f"Published ({', '.join(view.trial_arms)})")
    told = [(line.title, *_told(line, hide_few)) for line in lines]
    there = [place for place in range(len(heads)) if any(more[place] for _, _, more in told)]
    for first in range(0, len(names), GROUPS):
        own, beside = slice(first, first + GROUPS), [] if first else there
        rows = (
            (PrintedCell(name), *cells[own], *(more[place] or PrintedCell(_NONE[place]) for place in beside))
            for name, cells, more in told
        )
        yield PrintedTable(
            f"{title}, further groups" if first else title,
            ("", *names[own], *(heads[place] for place in beside)),
            (_FIRST, *(_GROUP for _ in names[own]), *(_BESIDE[place] for place in beside)),
            tuple(rows),
            _note(lines, own, hide_few),
        )


def _tested(view: CohortView) -> str:
    """The head of the column of tests: of which two groups, where there are more."""
    return f"p ({', '.join(view.compared)})" if view.compared and view.groups[2:] else "p"


def _told(line: TableLine, hide_few: bool) -> tuple[list[PrintedCell], tuple[PrintedCell | None, ...]]:
    """The cells of a line, and difference, p and what was published; None where there is none of it."""
    hidden = hide_few and any(cell.few for cell in line.cells)
    difference = PrintedCell(HIDDEN) if hidden else PrintedCell(line.difference, (line.direction,))
    test = PrintedCell(HIDDEN if hidden else line.p)
    published = PrintedCell(line.published, (line.source,)) if line.published else None
    told = difference if line.difference else None, test if line.p else None, published
    return [_cell(cell, hide_few) for cell in line.cells], told


def _cell(cell: TableCell, hide_few: bool) -> PrintedCell:
    if hide_few and cell.few:
        return PrintedCell(HIDDEN)
    # A reason may have few children where the number itself has more.
    reasons = f"not in it: {cell.reasons}" if cell.reasons and not hide_few else ""
    words = f"{cell.words}\N{NO-BREAK SPACE}{FEW_SIGN}" if cell.few else cell.words
    return PrintedCell(words, tuple(part for part in (cell.beside, reasons) if part))


def _note(lines: Sequence[TableLine], own: slice, hide_few: bool) -> str:
    few = any(cell.few for line in lines for cell in line.cells[own])
    marked = f"{FEW_SIGN} A part of this number is {FEW_WORDS}: it can give one away. Mind to whom this paper goes."
    told = [HOW_TO_READ] if any(line.difference for line in lines) else []
    return " ".join([*told, *([marked] if few and not hide_few else [])])


def _figures(view: CohortView, called: Mapping[str, str], hide_few: bool) -> Iterator[Drawn]:
    if not view.count:
        return
    if not (hide_few and any(cell.few for line in view.weeks for cell in line.cells)):
        yield _drawn("Platelets by week: median and quartiles", view.weekly)
    if hide_few:
        return
    yield _drawn(view.response.title, view.response)
    yield _drawn(view.rebound.title, view.rebound)
    swims = [replace(swim, patient_id=called[swim.patient_id]) for swim in view.swimmer.swims[:MOST_BARS]]
    for first in range(0, len(swims), BARS):
        shown = SwimmerData(tuple(swims[first : first + BARS]), view.swimmer.caption)
        last = first + len(shown.swims)
        yield _drawn(f"One bar for each child: {first + 1} to {last} of {len(view.swimmer.swims)}", shown)


def _drawn(title: str, shown: WeeklyData | CurvesData | SwimmerData) -> Drawn:
    return Drawn(title, shown.alt, shown.caption, shown)


def _left_out(view: CohortView, figures: Sequence[Drawn], hide_few: bool) -> Iterator[str]:
    """What has no room, and what is not shown because few children stand behind it."""
    if not view.count:
        yield "Nobody is in: there is nothing to count."
    elif hide_few:
        weekly = "" if figures else "the platelets by week (some medians are of few children), "
        yield f"Left out: {weekly}the curves and the bars of the children, which show single ones."
    elif len(view.swimmer.swims) > MOST_BARS:
        rest = len(view.swimmer.swims) - MOST_BARS
        yield f"And {rest} more children, whose bars have no room here: see the screen, or take the file of the bars."


def _differences(lines: Sequence[DifferenceLine]) -> PrintedTable:
    heads = ("Endpoint", "Counts", "In full, %", "Rounded once", "Rounded as the paper", "Printed", "Fisher p°")
    rows = []
    for line in lines:
        paper = [f"{text}{'*' if only else ''}" for text, only in zip(line.paper, line.paper_only, strict=True)]
        outcome = "as recomputed" if line.matches else "DIFFERS"
        cells = [PrintedCell(line.title, (line.source,)), PrintedCell(line.counts, (line.counts_from,))]
        cells += [PrintedCell(_triple(each)) for each in (line.full, line.rounded, paper)]
        rows.append((*cells, PrintedCell(_triple(line.printed), (outcome,)), PrintedCell(line.fisher_p)))
    note = "° khemon's own: the paper prints no p for these endpoints."
    return PrintedTable("The printed differences", heads, (3.2, 2.8, 2.6, 2.2, 2.2, 2.2, 1), tuple(rows), note)


def _triple(figures: Sequence[str]) -> str:
    difference, low, high = figures
    return f"{difference} ({low} to {high})"


def _others(trial: Recomputed) -> PrintedTable:
    rows = [tuple(map(PrintedCell, (line.title, line.printed, line.again, line.source))) for line in trial.others]
    heads = ("What else the trial printed", "Figures", "Recomputed", "Where")
    return PrintedTable("Other printed numbers", heads, (3, 4, 3, 2), tuple(rows))


def _numbers(trial: Recomputed) -> PrintedTable:
    rows = [
        tuple(map(PrintedCell, (line.meaning, f"{line.number}{'°' if line.own else ''}", line.source)))
        for line in trial.numbers
    ]
    own = sum(line.own for line in trial.numbers)
    note = f"{len(rows)} numbers and word lists; {own} are khemon's own°, the others name their source."
    return PrintedTable("Numbers of the endpoints", ("Number", "Value", "Source"), (4, 4, 4), tuple(rows), note)
