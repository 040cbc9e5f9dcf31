"""Who looked at which child: one audit entry for a person, a child and a quarter of an hour."""

from __future__ import annotations

import datetime as dt
from typing import Any

from khemon.actions.acknowledge import see
from khemon.actions.permitted import permitted
from khemon.models import Actor
from khemon.rules.calendar import from_ms, to_ms
from khemon.store import Reader, Store, Writer

#: What is an entry of its own.
QUARTER_MS = 15 * 60 * 1000
VIEW = "view_patient"
#: The kind of visits kept for the child's own page: opening an alert shows some results of a child, not all.
PAGE = "page"
#: What tells that somebody saw a child's data.
LOOKS = (VIEW, "see_alerts", "export_patient", "handover_patient")


def quarter_of(now: dt.datetime) -> int:
    """The number of a quarter of an hour."""
    return to_ms(now) // QUARTER_MS


@permitted("look")
def looked_at(
    store: Store,
    actor: Actor,
    patient_id: str,
    where: str,
    now: dt.datetime,
    *,
    opened: bool,
    whole: bool = False,
    alert_id: int | None = None,
) -> None:
    """Notes that someone looks at a child, and with `opened` that its alerts are seen; nobody waits for it.

    where: the page or command. whole: the page that shows all of the child was opened. alert_id: nothing but this
    alert was, and the child's other ones are as unseen as before. The entry is written by the
    store's own thread within moments; a process that is killed in these moments may lose it.
    """
    more: dict[str, Any] = {"opened": opened, "whole": whole, "alert_id": alert_id}
    store.later(lambda writer: record_view(writer, actor, patient_id, where, now, **more))


def record_view(
    writer: Writer,
    actor: Actor,
    patient_id: str,
    where: str,
    now: dt.datetime,
    *,
    opened: bool = False,
    whole: bool = False,
    alert_id: int | None = None,
) -> None:
    """The entry, unless this person has one for this child and quarter of an hour."""
    at_ms = to_ms(now)
    if opened:
        see(writer, actor, patient_id, now, alert_id)
    if whole:
        writer.mark_seen(PAGE, patient_id, actor.name, at_ms)
    last = writer.seen_at("view", patient_id, actor.name)
    if last is None or last // QUARTER_MS != quarter_of(now):
        writer.mark_seen("view", patient_id, actor.name, at_ms)
        writer.audit(actor, VIEW, f"patient {patient_id}", {"where": where}, at_ms)


def who_saw(reader: Reader, patient_id: str) -> list[dict[str, Any]]:
    """Who looked at a child: {"actor", "kind", "first", "last", "times"}, the latest first."""
    zone = reader.setting("timezone") or "UTC"
    found: dict[tuple[str, str], list[int]] = {}
    for row in reader.audit_rows():
        if row.object == f"patient {patient_id}" and row.action in LOOKS:
            found.setdefault((row.actor, row.actor_kind), []).append(row.at_ms)
    told = [
        {
            "actor": actor,
            "kind": kind,
            "first": from_ms(min(times), zone).isoformat(),
            "last": from_ms(max(times), zone).isoformat(),
            "times": len({at // QUARTER_MS for at in times}),
        }
        for (actor, kind), times in sorted(found.items(), key=lambda item: -max(item[1]))
    ]
    return told
