"""Backups that were restored before they count, and restoring them: what was there is whole until what comes is."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from khemon.actions.check import check
from khemon.actions.permitted import permitted
from khemon.models import Actor, Refused
from khemon.rules.calendar import from_ms
from khemon.store import Store, copies

#: Bytes read at once.
CHUNK = 1024 * 1024


@permitted("keep")
def backup(store: Store, actor: Actor, path: Path, now_ms: int) -> dict[str, Any]:
    """A copy of the store in a new file: {"file", "sha256", "bytes", "head", "counts", "sound", "findings"}.

    The copy is restored into a temporary place and checked there before it gets its name; one that is not sound does
    not. Nothing is overwritten. Where the record of what was done ends is told: note it elsewhere.
    """
    _refuse_existing(path)
    with _temporary(path) as made:
        store.copy_to(made)
        document, counts, head = _tried(made, actor, now_ms)
        told = {"file": path.name, "sha256": digest_of(made), "bytes": made.stat().st_size, "head": head}
        if document["sound"]:
            copies.put_in_place(made, path)
    if document["sound"]:
        with store.writing() as writer:
            writer.audit(actor, "backup", f"file {path.name}", told | {"counts": counts}, now_ms)
    return told | {"counts": counts} | document


def restore(
    url: str, actor: Actor, path: Path, now_ms: int, *, replace: bool, sqlite_path: Path | None
) -> dict[str, Any]:
    """Puts a backup in the place of a database: {"file", "sha256", "head", "counts", "aside", "sound", "findings"}.

    It is checked first; one that is not sound changes nothing. A database with records is refused unless `replace`,
    and is then kept under another name. sqlite_path: the file behind the URL; None for a server.
    """
    if not path.is_file():
        raise Refused(path.name, "is not there", "check the path")
    if copies.is_blank(path):
        raise Refused(path.name, "is empty: it holds no database", "choose a file that khemon backup wrote")
    place = sqlite_path or path
    with _temporary(place) as made:
        copies.copy_of(path, made)
        told: dict[str, Any] = {"file": path.name, "sha256": digest_of(path)}
        document, counts, head = _tried(made, actor, now_ms)
        told |= {"head": head, "counts": counts, "aside": None} | document
        if not document["sound"]:
            return told
        _record(made, actor, told, now_ms)
        stamp = from_ms(now_ms, "UTC").strftime("%Y%m%dT%H%M%S")
        if sqlite_path is None:
            told["aside"] = _into_server(url, made, f"khemon_before_{stamp.lower()}", replace=replace)
        else:
            told["aside"] = _into_file(url, sqlite_path, made, f"{sqlite_path.name}.before-{stamp}", replace=replace)
    return told


def _into_file(url: str, path: Path, made: Path, name: str, *, replace: bool) -> str | None:
    if not path.exists():
        copies.replace_file(made, path, None)
        return None
    empty = _is_empty(url)
    _refuse_records(empty, replace=replace)
    aside = None if empty else path.with_name(name)
    with copies.alone(path):
        copies.replace_file(made, path, aside)
    return None if aside is None else aside.name


def _into_server(url: str, made: Path, name: str, *, replace: bool) -> str | None:
    store = Store(url)
    try:
        empty = store.is_empty()
        _refuse_records(empty, replace=replace)
        store.take_from(made, aside=None if empty else name)
    finally:
        store.close()
    return None if empty else name


def _refuse_records(empty: bool, *, replace: bool) -> None:
    if not empty and not replace:
        found = "holds records already"
        raise Refused("database", found, "restore elsewhere with --db, or add --replace: the old one is kept aside")


def _is_empty(url: str) -> bool:
    """Whether nothing was recorded in a database; one that cannot even be opened is taken to hold something."""
    from khemon.models import StoreProblem

    try:
        store = Store(url)
    except StoreProblem:
        return False
    try:
        return store.is_empty()
    except StoreProblem:
        return False
    finally:
        store.close()


def _tried(made: Path, actor: Actor, now_ms: int) -> tuple[dict[str, Any], dict[str, int], str]:
    """What a check says of the file, restored into a temporary place; its counts; where its record ends."""
    with _temporary(made) as place:
        copies.copy_of(made, place)
        store = Store(f"sqlite:///{place}")
        try:
            document = check(store, actor, now_ms)
            if not document["sound"]:
                return document, {}, ""
            with store.reading() as reader:
                counts = {
                    "patients": len(reader.patient_ids()),
                    "imports": len(reader.batches()),
                    "results": len(reader.results_for(all_analytes=True)),
                    "alerts": len(reader.alerts()),
                }
                sequence, head = reader.audit_head()
        finally:
            store.close()
    return document, counts, f"{sequence}:{head}"


def _record(made: Path, actor: Actor, told: dict[str, Any], now_ms: int) -> None:
    """Puts the restoring on record in what is about to be restored."""
    store = Store(f"sqlite:///{made}")
    try:
        with store.writing() as writer:
            details = {name: told[name] for name in ("sha256", "head", "counts")}
            writer.audit(actor, "restore", f"file {told['file']}", details, now_ms)
    finally:
        store.close()
    copies.settle_file(made)


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise Refused(path.name, "is there already", "choose another name: nothing is overwritten")
    if not path.parent.is_dir():
        raise Refused(path.name, "is in a folder that is not there", "make the folder first")


@contextmanager
def _temporary(beside: Path) -> Iterator[Path]:
    """A name in the same folder that goes when the block ends, with all that SQLite put beside it."""
    path = beside.with_name(f".{beside.name}.{secrets.token_hex(4)}")
    try:
        yield path
    finally:
        copies.remove(path)


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            found.update(part)
    return found.hexdigest()
