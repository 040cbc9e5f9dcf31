"""The page of one child: what the patient page says, as texts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from khemon.actions.handover.heading import LONGEST_FACT, heading, latest, said
from khemon.actions.watch import PatientView
from khemon.actions.watch.alerts import AlertLine
from khemon.actions.watch.patient import Identity
from khemon.actions.watch.tables import EventLine
from khemon.alerts import LIVE
from khemon.figures.clock import ClockData
from khemon.figures.style import rule_words
from khemon.models import Actor
from khemon.reports import Answer, LedgerLine, PatientSheet, Run, Said
from khemon.reports.contents import cut

#: A word for the lists of the page: beyond it, room is better given to another line.
LONGEST_LINE = 110


def patient_sheet(view: PatientView, actor: Actor, as_of: dt.datetime, now: dt.datetime, window: str) -> PatientSheet:
    """Everything the patient page says, in its words; lists begin with what is not over, or with the newest."""
    who = view.identity
    return PatientSheet(
        heading=heading(who.name or who.patient_id, tuple(_facts(who)), view.setting, actor, (as_of, now)),
        state=Said(view.severity if view.severity != "note" else None, cut(view.sentence)),
        latest=tuple(map(latest, view.cells)),
        answers=tuple(Answer(title, said(flag)) for title, flag in view.answers),
        timeline=view.timeline,
        window=f"last {window}" if window[0].isdigit() else window,
        runs=tuple(_run(title, clock) for title, clock in view.clocks),
        alerts=tuple(map(_alert, _by_urgency(view.alerts))),
        waiting=tuple(cut(words, LONGEST_LINE) for words in (*view.held, *view.gaps)),
        events=tuple((event.start, _event(event)) for event in view.events),
    )


def _facts(who: Identity) -> Iterator[str]:
    """The identity bar, fact by fact."""
    yield f"id {who.patient_id}"
    yield f"born {who.born}" if who.born[0].isdigit() else who.born
    yield from (who.age, who.sex, who.diagnosis, who.place)
    if who.target:
        yield f"sirolimus target {who.target}"


def _run(title: str, clock: ClockData) -> Run:
    weeks = tuple(week.state for week in clock.weeks)
    return Run(title, cut(clock.words), weeks, cut("; ".join(clock.facts), LONGEST_LINE * 2))


def _by_urgency(alerts: tuple[AlertLine, ...]) -> list[AlertLine]:
    """Those that are not over as the screen has them, then the others, the last raised first."""
    live = [line for line in alerts if line.state in LIVE]
    over = [line for line in alerts if line.state not in LIVE]
    return live + sorted(over, key=lambda line: -line.alert_id)


def _alert(line: AlertLine) -> LedgerLine:
    status = "" if line.status == "confirmed" else f" {line.status}"
    met = f", met {line.times_met} times" if line.times_met > 1 else ""
    stands = [line.decided or (f"muted by {line.muted_by}" if line.muted_by else line.state)]
    stands += [f"re-opened: {line.reopened}"] if line.reopened else []
    stands += [line.note] if line.note else []
    return LedgerLine(
        severity=line.severity,
        what=f"{rule_words(line.rule)}{status}{met}",
        since=f"{line.since} ({line.age})",
        ended=line.ended,
        stands=cut("; ".join(stands), LONGEST_LINE),
        text=cut(line.text, LONGEST_LINE * 2),
        live=line.state in LIVE,
    )


def _event(event: EventLine) -> str:
    told = " ".join(part for part in (event.kind, event.dose) if part)
    parts = (told, f"until {event.end}" if event.end[:1].isdigit() else event.end, event.note)
    return cut(" · ".join(part for part in parts if part), LONGEST_FACT)
