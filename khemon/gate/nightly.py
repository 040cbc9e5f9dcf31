"""The check of the store when the server starts, and every night."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging

import anyio.to_thread

from khemon.gate.running import Place
from khemon.store import Store

LOG = logging.getLogger("khemon.gate")
#: When a ward is quiet, by the clock of this machine.
HOUR_OF_NIGHT = 3


async def check_for_ever(place: Place) -> None:
    """Checks now and every night; a store that fails becomes read-only until a later check succeeds."""
    while True:
        await anyio.to_thread.run_sync(_check, place.store)
        await asyncio.sleep(seconds_to_night(dt.datetime.now().astimezone()))


def seconds_to_night(now: dt.datetime) -> float:
    """How long it is to the next check at night; at least a minute."""
    night = now.replace(hour=HOUR_OF_NIGHT, minute=0, second=0, microsecond=0)
    wait = (night - now).total_seconds()
    return max(60.0, wait if wait > 0 else (night + dt.timedelta(days=1) - now).total_seconds())


def _check(store: Store) -> None:
    from khemon.actions.checking import check_and_hold

    try:
        found = check_and_hold(store, int(dt.datetime.now(dt.UTC).timestamp() * 1000))
    except Exception as problem:
        LOG.error("check failed: %s", type(problem).__name__)
        return
    if not found["sound"]:
        LOG.error("check: %d findings; the store is read-only", len(found["findings"]))
