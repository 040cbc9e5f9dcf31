"""The demo ward: synthetic children, loaded through the real importer as if day by day."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence

from khemon.actions.acknowledge import acknowledge
from khemon.actions.advance import advance
from khemon.actions.import_files import Options, commit
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.simulate import Cohort, demo_ward
from khemon.store import Store

LOADER = Actor(name="demo", kind="demo")
SYNTHETIC = "synthetic"
#: Files arrive this long before the end: the past in one, then as a ward would get them.
DELIVERIES = tuple(dt.timedelta(hours=hours) for hours in (24 * 28, 24 * 10, 24 * 5, 24 * 3, 48, 24, 12, 0))


def load_demo(store: Store, end: dt.datetime, seed: int, timezone: str) -> int:
    """Fill an empty store with the demo ward as of `end`; the number of children. Everything in it is invented."""
    with store.writing() as writer:
        writer.set_setting(SYNTHETIC, "yes")
        writer.set_setting("timezone", timezone)
        writer.audit(LOADER, "make_demo", "store", {"seed": seed, "end": end.isoformat()}, to_ms(end))
    cohort = demo_ward(end, seed, timezone=timezone)
    before: dt.datetime | None = None
    for delay in sorted(DELIVERIES, reverse=True):
        at = end - delay
        _deliver(store, cohort, before, at)
        advance(store, to_ms(at), LOADER)
        before = at
    _acknowledge_one(store, end)
    return len(cohort.patients)


def _deliver(store: Store, cohort: Cohort, before: dt.datetime | None, at: dt.datetime) -> None:
    """Import what was new at a time: patients, events known by then, results collected since the last delivery."""
    stamp = f"{at:%Y-%m-%d_%H%M}"
    labs = [row for row in cohort.labs if _after(row.collected_at, before) and not _after(row.collected_at, at)]
    events = [_known(row, at) for row in cohort.events if not _after(row.start, at)]
    events = [row for row in events if before is None or _changed(row, before)]
    children = [row for row in cohort.patients if _born(row.birth_date, before, at)]
    _commit(store, f"patients_{stamp}.csv", children, at)
    _commit(store, f"events_{stamp}.csv", events, at)
    _commit(store, f"labs_{stamp}.csv", labs, at)


def _after(text: str, moment: dt.datetime | None) -> bool:
    return moment is None or dt.datetime.fromisoformat(text) > moment


def _born(birth_date: str, before: dt.datetime | None, at: dt.datetime) -> bool:
    """Whether a child is registered with this delivery: born by then, and not registered before."""
    day = dt.date.fromisoformat(birth_date) if birth_date else dt.date.min
    return day <= at.date() and (before is None or day > before.date())


def _known(row: tuple[str, ...], at: dt.datetime) -> tuple[str, ...]:
    """An event as it was known at a time: without an end that had not come yet."""
    end = getattr(row, "end", "")
    return row._replace(end="") if end and _after(end, at) else row  # type: ignore[attr-defined]


def _changed(row: tuple[str, ...], before: dt.datetime) -> bool:
    start, end = getattr(row, "start", ""), getattr(row, "end", "")
    return _after(start, before) or bool(end and _after(end, before))


def _commit(store: Store, name: str, rows: Sequence[tuple[str, ...]], at: dt.datetime) -> None:
    if not rows:
        return
    content = _csv(rows[0]._fields, rows)  # type: ignore[attr-defined]
    commit(store, LOADER, content, name, Options(now_ms=to_ms(at), source="Synthetic laboratory"))


def _csv(header: Iterable[str], rows: Iterable[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _acknowledge_one(store: Store, end: dt.datetime) -> None:
    """One acknowledged alert, so that the page shows what that looks like."""
    with store.reading() as reader:
        open_alerts = [alert for alert in reader.alerts(["open"]) if alert.rule == "kmp"]
    if open_alerts:
        actor = Actor(name="demo nurse", kind="demo")
        acknowledge(store, actor, open_alerts[0].alert_id, "seen on the round; plan in the notes", now=end)
