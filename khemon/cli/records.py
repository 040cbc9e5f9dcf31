"""Commands of the record: audit."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from khemon.cli.options import Db, Json, moment, open_store, person
from khemon.cli.output import FOUND_A_PROBLEM, print_json, print_table, say
from khemon.rules.calendar import to_ms


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


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command()(audit)
