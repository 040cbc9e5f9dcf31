"""Commands of protocols: list, show, diff, live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from khemon.cli.options import Db, Json, has_store, moment, now_ms, open_store, person
from khemon.cli.output import print_json, print_table, say
from khemon.rules.calendar import to_ms
from khemon.store import Store

commands = typer.Typer(no_args_is_help=True, help="Which numbers the rules use, and what others would change.")
_WHAT = "live (the store's own), ward, trial, or a protocol file."
Days = Annotated[int, typer.Option("--days", help="How far back to look.")]


@contextmanager
def _store_if_any(db: str | None) -> Iterator[Store | None]:
    """The store where there is one: lists and files can be read without."""
    store = open_store(db) if has_store(db) else None
    try:
        yield store
    finally:
        if store is not None:
            store.close()


@commands.command("list")
def list_(db: Db = None, as_json: Json = False) -> None:
    """The protocols that come with khemon, and those this store was judged by, the newest first."""
    from khemon.actions.protocol_lists import listed

    with _store_if_any(db) as store:
        document = listed(store, person())
    if as_json:
        print_json(document)
        return
    rows = [
        [each["name"], each["version"], "comes with khemon", "", "", each["digest"][:12]]
        for each in document["built_in"]
    ]
    for number, each in enumerate(document["history"]):
        state = "in use since" if number == 0 else "in use from"
        rows.append(
            [
                each["name"],
                each["version"],
                f"{state} {each['since']}",
                each["actor"],
                each["reason"],
                each["digest"][:12],
            ]
        )
    print_table(["protocol", "version", "", "by", "because", "digest"], rows)
    if document["note"]:
        say(document["note"])


@commands.command()
def show(
    protocol: Annotated[str, typer.Argument(help=f"{_WHAT} Without it: live, or ward where there is no store.")] = "",
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Every number of a protocol with unit and source, and the base's number where it differs."""
    from khemon.actions.protocol_lists import shown

    with _store_if_any(db) as store:
        document = shown(store, person(), protocol or ("ward" if store is None else "live"))
    if as_json:
        print_json(document)
        return
    say(f"{document['title']} ({document['name']}), version {document['version']}, digest {document['digest'][:12]}")
    rows = [
        [each["path"], each["value"], each["unit"], _base(each), each["source"] or "khemon's own"]
        for each in document["numbers"]
    ]
    print_table(["number", "value", "unit", document["base"] or "", "source"], rows)


def _base(number: dict[str, Any]) -> str:
    return "" if number["base"] is None else f"{number['base']['value']} {number['base']['unit']}"


@commands.command()
def diff(
    a: Annotated[str, typer.Argument(help=_WHAT)],
    b: Annotated[str, typer.Argument(help=_WHAT)],
    days: Days = 90,
    as_of: Annotated[str | None, typer.Option("--as-of", help="ISO 8601; else now.")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Also replay the alerts day by day; slower.")] = False,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Which alerts B would add and remove compared with A, child by child. Nothing is changed."""
    from khemon.actions.protocol_diff import check_days
    from khemon.actions.protocol_diff import diff as compared

    check_days(days)
    store = open_store(db)
    try:
        with store.reading() as reader:
            zone = reader.setting("timezone") or "UTC"
        at_ms = now_ms() if as_of is None else to_ms(moment(as_of, zone, "--as-of"))
        document = compared(store, person(), a, b, days=days, as_of_ms=at_ms, now_ms=now_ms(), replay=replay)
    finally:
        store.close()
    if as_json:
        print_json(document)
    else:
        _print_diff(document)


def _print_diff(document: dict[str, Any]) -> None:
    a, b, period = document["a"], document["b"], document["period"]
    say(f"{a['name']} {a['version']} -> {b['name']} {b['version']}, {period['from']} to {period['to']}")
    say(f"{document['patients']} children")
    numbers = [[each["path"], _number(each["before"]), _number(each["after"])] for each in document["numbers"]]
    if numbers:
        print_table(["number", "before", "after"], numbers)
    else:
        say("the numbers are the same")
    for path in document["other"]:
        say(f"also differs: {path}")
    for name in ("episodes", "replay"):
        if name in document:
            _print_part(document[name])


def _print_part(part: dict[str, Any]) -> None:
    say("")
    say(f"Counted: {part['method']}.")
    rows = [
        [
            sign,
            each["patient_id"],
            each["severity"],
            each["rule"],
            each["onset"],
            each["end"] or "",
            _was(each),
            each["text"],
        ]
        for sign, kind in (("+", "added"), ("-", "removed"), ("~", "changed"))
        for each in part[kind]
    ]
    print_table(["", "patient", "severity", "rule", "onset", "end", "by the other", "text"], rows)
    columns = ("before", "after", "added", "removed", "changed")
    counted = {**part["by_rule"], **part["by_severity"]}
    print_table(
        ["alerts", *columns], [[name, *(str(row[column]) for column in columns)] for name, row in counted.items()]
    )
    rates = part["per_patient_and_week"]
    say(f"opened per child and week: {rates['before']} before, {rates['after']} after")


def _was(row: dict[str, Any]) -> str:
    """What the other protocol says there: an episode that does not alert, or one that differs."""
    other = row.get("before") or row.get("after")
    if other is None:
        return "nothing"
    times = "".join(f", {part} {other[part] or 'none'}" for part in ("onset", "end") if part in row.get("differs", ()))
    return f"{other['severity']}, {other['status']}{times}"


def _number(number: dict[str, Any] | None) -> str:
    return "" if number is None else f"{number['value']} {number['unit']} ({number['source'] or 'own'})"


@commands.command()
def live(
    protocol: Annotated[str, typer.Argument(help="ward, trial, or a protocol file.")],
    reason: Annotated[str, typer.Option("--reason", help="Who decided it, and why.")],
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Judge the store by this protocol from now on; look first with: khemon protocol diff live PROTOCOL."""
    from khemon.actions.going_live import go_live

    store = open_store(db)
    try:
        document = go_live(store, person(), protocol, reason, now_ms())
    finally:
        store.close()
    if as_json:
        print_json(document)
        return
    head = document["protocol"]
    say(f"{head['name']} {head['version']} is in use; {document['patients']} children were evaluated again")
    rows = [
        [str(move[name]) for name in ("alert", "patient_id", "severity", "rule", "move", "reason")]
        for move in document["moves"]
    ]
    if rows:
        print_table(["alert", "patient", "severity", "rule", "move", "reason"], rows)


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.add_typer(commands, name="protocol")
