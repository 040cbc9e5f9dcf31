"""The check at the start of a server and every night: what fails it can be read, and nothing is written to it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from khemon.actions.check import check
from khemon.actions.recompute import SYSTEM
from khemon.models import KhemonError
from khemon.store import Store


def check_and_hold(store: Store, now_ms: int) -> dict[str, Any]:
    """The document of `check`. A store that fails it is held: read-only in this process until a check succeeds."""
    try:
        document = check(store, SYSTEM, now_ms)
    except KhemonError as problem:
        document = {"sound": False, "findings": [{"what": "check", "where": problem.where, "found": problem.found}]}
    if document["sound"]:
        store.release()
        return document
    if store.held_because is None:
        first = document["findings"][0]
        details = {"findings": len(document["findings"]), "first": f"{first['what']}: {first['where']}"}
        with suppress(KhemonError), store.writing() as writer:
            writer.audit(SYSTEM, "check_failed", "store", details, now_ms)
    count = len(document["findings"])
    found = "1 thing that is" if count == 1 else f"{count} things that are"
    store.hold(f"its check found {found} not as written; run khemon check and restore a backup")
    return document
