"""Commands of the record: audit, backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from khemon.cli.options import Db, Json, moment, now_ms, open_store, person, settings
from khemon.cli.output import FOUND_A_PROBLEM, print_json, print_table, say
from khemon.models import Refused
from khemon.rules.calendar import to_ms
from khemon.store import file_of


def audit(
    verify: Annotated[bool, typer.Option("--verify", help="Whether it is as it was written; exit code 1 if not.")] = (
        False
    ),
    known_head: Annotated[
        str | None, typer.Option("--known-head", help="sequence:hash noted elsewhere; must still stand in it.")
    ] = None,
    patient: Annotated[str | None, typer.Option("--patient", help="Entries about one child.")] = None,
    who_saw: Annotated[str | None, typer.Option("--who-saw", metavar="ID", help="Who looked at this child.")] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Entries by one person.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="import, view_patient, acknowledge, …")] = None,
    first: Annotated[str | None, typer.Option("--from", help="ISO 8601.")] = None,
    last: Annotated[str | None, typer.Option("--until", help="ISO 8601, not included.")] = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """What was done, by whom and when; the first bad entry where someone changed the record."""
    from khemon.actions.auditing import Wanted, seen_by
    from khemon.actions.auditing import audit as read

    store = open_store(db)
    try:
        if who_saw is not None:
            _print_seen(seen_by(store, person(), who_saw), as_json)
            return
        with store.reading() as reader:
            zone = reader.setting("timezone") or "UTC"
        times = (None if text is None else to_ms(moment(text, zone, name)) for text, name in _edges(first, last))
        wanted = Wanted(patient, actor, action, *times)
        document = read(store, person(), wanted, verify=verify, known_head=known_head)
    finally:
        store.close()
    _print(document, as_json)
    if not document.get("sound", True):
        raise typer.Exit(FOUND_A_PROBLEM)


def _edges(first: str | None, last: str | None) -> tuple[tuple[str | None, str], ...]:
    return (first, "--from"), (last, "--until")


def _print(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(document)
    elif "sound" not in document:
        rows = [
            [str(each["sequence"]), each["at"], each["actor"], each["action"], each["object"], _words(each["details"])]
            for each in document["entries"]
        ]
        print_table(["entry", "at", "by", "did", "to", "details"], rows)
    finding = document.get("finding")
    if finding:
        say(f"{finding['what']}: {finding['where']}: {finding['found']}")
    elif "sound" in document:
        head = document["head"]
        say(f"sound; its head is {head['sequence']}:{head['hash']}: note it elsewhere, and name it with --known-head")


def _words(details: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in details.items() if value not in (None, "", [], {}))


def _print_seen(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    names = ["actor", "kind", "first", "last", "times"]
    rows = [[str(row[name]) for name in names] for row in document["seen_by"]]
    print_table(["by", "kind", "first", "last", "quarter hours"], rows)


def backup(
    file: Annotated[Path, typer.Argument(help="A new file; nothing is overwritten.")],
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Copy the database into a file while it is in use, and restore that on trial before it counts as a backup."""
    from khemon.actions.safekeeping import backup as kept

    store = open_store(db)
    try:
        document = kept(store, person(), file, now_ms())
    finally:
        store.close()
    _print_copy(document, as_json, "backed up")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `khemon backup` made.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="In the place of a database with records, which is kept aside.")
    ] = False,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of the database, once it proved to be sound. Stop the server first."""
    from khemon.actions.safekeeping import restore as put_back
    from khemon.gate.opening import is_served

    url = db or settings().database_url
    if is_served(url):
        raise Refused("database", "is being served by khemon", "stop the server first, then restore")
    document = put_back(url, person(), file, now_ms(), replace=replace, sqlite_path=file_of(url))
    _print_copy(document, as_json, "restored")


def _print_copy(document: dict[str, Any], as_json: bool, done: str) -> None:
    if as_json:
        print_json(document)
    for finding in document["findings"]:
        say(f"{finding['what']}: {finding['where']}: {finding['found']}")
    if not document["sound"]:
        say(f"not {done}: it is not sound; nothing was changed")
        raise typer.Exit(FOUND_A_PROBLEM)
    if as_json:
        return
    counts = ", ".join(f"{number} {what}" for what, number in document["counts"].items())
    say(f"{done}: {document['file']}, sha256 {document['sha256']}; {counts}; tried by restoring it and checking that")
    say(f"its record ends at {document['head']}: note it elsewhere")
    if document.get("aside"):
        say(f"what was there before is kept as {document['aside']}")


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    for command in (audit, backup, restore):
        app.command()(command)
