"""The check at the start of a server and every night: what fails it can be read, and nothing is written to it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from khemon.actions.check import check
from khemon.actions.recompute import SYSTEM
from khemon.models import KhemonError
from khemon.store import Store

#: What every page says, and what is to be done, while the last check could not be made.
NOT_MADE = "the server tries again every ten minutes; its log says why, and khemon check shows it"


def checked(url: str, now_ms: int) -> dict[str, Any]:
    """The document of `check` for the store at a URL; one that cannot be opened or read is not sound."""
    try:
        store = Store(url)
        try:
            return check(store, SYSTEM, now_ms)
        finally:
            store.close()
    except KhemonError as problem:
        return {"sound": False, "findings": [{"what": "check", "where": problem.where, "found": problem.found}]}


def take(store: Store, document: dict[str, Any], now_ms: int) -> None:
    """Acts on a check that was made: a store that failed it is held, read-only in this process until one succeeds."""
    if document["sound"]:
        store.release()
        return
    if store.held_because is None:
        first = document["findings"][0]
        details = {"findings": len(document["findings"]), "first": f"{first['what']}: {first['where']}"}
        with suppress(KhemonError), store.writing() as writer:
            writer.audit(SYSTEM, "check_failed", "store", details, now_ms)
    count = len(document["findings"])
    found = "1 thing that is" if count == 1 else f"{count} things that are"
    store.hold(f"its check found {found} not as written; run khemon check and restore a backup")


def not_made(store: Store, why: str) -> None:
    """Says that nobody knows whether the store is sound. One that is held stays held; any other can be written to."""
    store.doubt(f"the check of this database could not be made ({why}); {NOT_MADE}")
