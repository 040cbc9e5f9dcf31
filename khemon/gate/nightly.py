"""The check of the store when the server starts, and every night: in a process of its own, so that pages go on."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import os
import sys
from contextlib import suppress
from typing import Any

import anyio.to_thread

from khemon.gate.places import ROOT
from khemon.gate.quiet import where_of
from khemon.gate.running import Place
from khemon.store import Store

LOG = logging.getLogger("khemon.gate")
#: When a ward is quiet, by the clock of this machine.
HOUR_OF_NIGHT = 3
#: The first people who look come before the check of the start.
FIRST_AFTER_S = 3.0
#: A check that could not be made is tried again.
AGAIN_AFTER_S = 600.0
#: A check that takes longer than this hangs.
LONGEST_S = 6 * 3600.0
#: Pages, imports and people come first.
NICENESS = 10


async def check_for_ever(place: Place) -> None:
    """Checks soon and every night; a store that fails becomes read-only until a later check succeeds."""
    await asyncio.sleep(FIRST_AFTER_S)
    while True:
        made = await check_once(place.store)
        await asyncio.sleep(seconds_to_night(dt.datetime.now().astimezone()) if made else AGAIN_AFTER_S)


def seconds_to_night(now: dt.datetime) -> float:
    """How long it is to the next check at night; at least a minute."""
    night = now.replace(hour=HOUR_OF_NIGHT, minute=0, second=0, microsecond=0)
    wait = (night - now).total_seconds()
    return max(60.0, wait if wait > 0 else (night + dt.timedelta(days=1) - now).total_seconds())


async def check_once(store: Store) -> bool:
    """Whether a check could be made; what it found, or that it was not made, the store knows then."""
    # Only a server needs it, and only then.
    from khemon.actions.checking import not_made, take

    now_ms = int(dt.datetime.now(dt.UTC).timestamp() * 1000)
    try:
        document = await asyncio.wait_for(_document(store.url, now_ms), LONGEST_S)
        await anyio.to_thread.run_sync(take, store, document, now_ms)
    except _NotMadeError as problem:
        why = str(problem)
    except TimeoutError:
        why = "it did not end"
    except Exception as problem:
        why = where_of(problem)
    else:
        if not document["sound"]:
            LOG.error("check: %d findings; the store is read-only", len(document["findings"]))
        return True
    LOG.error("check could not be made: %s", why)
    not_made(store, why)
    return False


class _NotMadeError(Exception):
    """Why a check could not be made, without a word about a patient."""


async def _document(url: str, now_ms: int) -> dict[str, Any]:
    """What the process that checks has found. However this ends, that process has ended too."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "khemon.gate.checker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # a traceback may name a patient
        env={**os.environ, "PYTHONPATH": path},
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        with suppress(AttributeError, OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        process.stdin.write(json.dumps({"url": url, "now_ms": now_ms}).encode() + b"\n")
        with suppress(ConnectionError):
            await process.stdin.drain()
        said = await process.stdout.read()  # to its end; the input stays open until then
        code = await process.wait()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return _read(said, code)


def _read(said: bytes, code: int) -> dict[str, Any]:
    """The document in what the process said; anything that is not surely one is no check."""
    try:
        document = json.loads(said)
    except ValueError:
        document = None
    if isinstance(document, dict) and code == 0:
        sound, findings = document.get("sound"), document.get("findings")
        if isinstance(sound, bool) and isinstance(findings, list) and sound is not bool(findings):
            return document
    fault = document.get("fault") if isinstance(document, dict) else None
    raise _NotMadeError(fault if isinstance(fault, str) else f"its process ended with code {code}")
