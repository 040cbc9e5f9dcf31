"""Commits that were begun: noted in the audit before the work, so that the next server can say what became of them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from khemon.actions import import_files, uploads
from khemon.actions.permitted import permitted
from khemon.actions.uploads import Brought, HowToRead
from khemon.models import Actor
from khemon.rules.calendar import from_ms, to_ms
from khemon.store import Store

BEGIN = "begin_import"
#: Older ones are over; and only the end of the audit is read.
LOOKED_BACK = dt.timedelta(days=3)
LAST_ENTRIES = 5_000
#: Who begins a commit is told of its end, by the page or, after a crash, by the next server; then it is marked.
TOLD = "begun_import"


@dataclass(frozen=True, slots=True)
class Begun:
    """A commit another server began and could not tell of: its number in the audit, its batch where it was kept."""

    number: int
    file: str
    at: dt.datetime
    batch: str | None


@permitted("import")
def note(store: Store, actor: Actor, file: Brought, how: HowToRead, desk: str, now: dt.datetime) -> int:
    """The number of the note that a commit begins, kept in a transaction of its own."""
    source, digest = import_files.read_as(store, uploads.options_of(how, now))
    sha256 = hashlib.sha256(file.content).hexdigest()
    details = {"file": file.name, "sha256": sha256, "source": source, "mapping_digest": digest, "desk": desk}
    with store.writing() as writer:
        return writer.audit(actor, BEGIN, f"file {sha256}", details, to_ms(now))


def told(store: Store, actor: Actor, number: int, now: dt.datetime) -> None:
    """Whoever began it knows what became of it."""
    with store.writing() as writer:
        writer.mark_seen(TOLD, number, actor.name, to_ms(now))


@permitted("import")
def batch_of(store: Store, actor: Actor, file: Brought, how: HowToRead, now: dt.datetime) -> str | None:
    """The batch a file was kept as; None when it was not."""
    source, digest = import_files.read_as(store, uploads.options_of(how, now))
    with store.reading() as reader:
        found = reader.standing_batch(hashlib.sha256(file.content).hexdigest(), source, digest)
    return found.batch if found else None


def left_open(store: Store, actor: Actor, desk: str, now: dt.datetime) -> list[Begun]:
    """Commits of a person that other desks began within the last days and nobody was told of, with their batches."""
    since_ms = to_ms(now - LOOKED_BACK)
    found: list[Begun] = []
    with store.reading() as reader:
        kept = {(batch.sha256, batch.recorded_ms): batch.batch for batch in reader.batches()}
        for row in reader.audit_rows(max(reader.audit_head()[0] - LAST_ENTRIES, 0)):
            if row.action != BEGIN or row.at_ms < since_ms or row.actor != actor.name:
                continue
            details: dict[str, Any] = json.loads(row.details)
            if details["desk"] == desk or reader.seen_at(TOLD, row.sequence, actor.name) is not None:
                continue
            standing = reader.standing_batch(details["sha256"], details["source"], details["mapping_digest"])
            batch = kept.get((details["sha256"], row.at_ms)) or (standing.batch if standing else None)
            found.append(Begun(row.sequence, details["file"], from_ms(row.at_ms, "UTC"), batch))
    return found
