"""The list of a ward: what the ward page says of each child, as texts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator

from khemon.actions.handover.heading import LONGEST_FACT, heading, latest, said
from khemon.actions.watch import WardBoard, WardLine
from khemon.actions.watch.cells import ROUND
from khemon.figures.style import AXES
from khemon.models import Actor
from khemon.reports import Said, WardRow, WardSheet
from khemon.reports.contents import LONGEST_NAME, cut

#: So many held rows are told one by one.
SHOWN_HELD = 2
#: And so many criticals that ended before anyone looked.
SHOWN_UNSEEN = 3
ALL_WARDS = "All wards"


def ward_sheet(
    board: WardBoard,
    ward: str | None,
    shown: Collection[str],
    actor: Actor,
    as_of: dt.datetime,
    now: dt.datetime,
) -> WardSheet:
    """The children of `shown` (ids) that are on the ward list, in its order; the others of `shown` are counted."""
    on_ward = [line for line in board.on_ward if line.patient_id in shown]
    follow_up = [line for line in board.follow_up if line.patient_id in shown]
    children = "1 child" if len(on_ward) == 1 else f"{len(on_ward)} children"
    facts = ("Ward list", f"{children} on the ward", "children without a ward on record stand on every list")
    return WardSheet(
        heading=heading(ward or ALL_WARDS, facts, board.setting, actor, (as_of, now), board.damaged),
        analytes=tuple(f"{AXES[analyte].title} {AXES[analyte].unit}" for analyte in ROUND),
        rows=tuple(map(_row, on_ward)),
        elsewhere=tuple(_elsewhere(board, follow_up)),
    )


def _row(line: WardLine) -> WardRow:
    facts = (line.patient_id if line.name else "", line.age, line.sex)
    return WardRow(
        name=cut(line.name or line.patient_id, LONGEST_NAME),
        facts=cut(" · ".join(part for part in facts if part), LONGEST_FACT),
        severity=line.severity,
        state=Said(line.tier_severity, cut(line.tier_words), cut(line.tier_why)),
        latest=tuple(latest(line.cells[analyte]) for analyte in ROUND),
        spark=line.sparks["platelets"],
        kmp=said(line.kmp),
        run=line.clock.words,
        review=tuple(_review(line)) or (Said(None, "none"),),
    )


def _review(line: WardLine) -> Iterator[Said]:
    """What waits for a decision: alerts, held rows, criticals that ended unseen."""
    if line.alerts.open:
        yield Said(line.alerts.worst, f"{line.alerts.open} {'alert' if line.alerts.open == 1 else 'alerts'}")
    if line.alerts.decided:
        yield Said(None, f"{line.alerts.decided} acknowledged")
    yield from (Said("warning", cut(row, LONGEST_FACT)) for row in line.held[:SHOWN_HELD])
    if line.held[SHOWN_HELD:]:
        yield Said("warning", f"and {len(line.held) - SHOWN_HELD} more held")
    told = line.unseen[:SHOWN_UNSEEN]
    yield from (Said("critical", cut(f"resolved, not seen: {words}", LONGEST_FACT)) for words in told)
    if line.unseen[SHOWN_UNSEEN:]:
        yield Said("critical", f"and {len(line.unseen) - SHOWN_UNSEEN} more resolved, not seen")


def _elsewhere(board: WardBoard, follow_up: list[WardLine]) -> Iterator[str]:
    """What the rows do not tell."""
    if follow_up:
        urgent = [line for line in follow_up if line.severity in ("critical", "warning")]
        told = ", ".join(f"{line.name or line.patient_id} ({line.tier_words})" for line in urgent)
        yield cut(f"In follow-up, not in these rows: {len(follow_up)}.{f' Flagged: {told}.' if told else ''}")
    if board.held_elsewhere:
        named = "; ".join(board.held_elsewhere[:SHOWN_HELD])
        more = len(board.held_elsewhere) - SHOWN_HELD
        yield cut(f"Held rows of no child on a list: {named}{f'; and {more} more' if more > 0 else ''}.")
