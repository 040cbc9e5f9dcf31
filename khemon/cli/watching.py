"""Commands of the watch: alerts, ack, status, advance, round, scorecard."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import typer

from khemon.cli.options import Db, Json, moment, now, now_ms, open_store, person
from khemon.cli.output import print_json, print_table, say
from khemon.models import AlertState, Refused
from khemon.rules.calendar import to_ms
from khemon.store import Store


def _zone(store: Store) -> str:
    with store.reading() as reader:
        return reader.setting("timezone") or "UTC"


def alerts(
    state: Annotated[list[AlertState] | None, typer.Option("--state", help="open, acknowledged, …; else all.")] = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """The review queue, most urgent first."""
    from khemon.actions.status import alerts as listed

    store = open_store(db)
    try:
        document = listed(store, person(), [one.value for one in state] if state else None)
    finally:
        store.close()
    if as_json:
        print_json(document)
        return
    names = ("alert", "patient_id", "severity", "state", "rule", "onset", "text")
    rows = [[str(row[name] or "") for name in names] for row in document["alerts"]]
    print_table(list(names), rows)


def ack(
    alert: Annotated[
        int, typer.Argument(metavar="NUMBER", min=1, max=2**31, help="The alert's number; see: khemon alerts.")
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why, in a few words.")] = "",
    code: Annotated[str | None, typer.Option("--code", help="Why, from the list: acted_on, known, sample, …")] = None,
    until: Annotated[str | None, typer.Option("--until", help="ISO 8601; else as long as the protocol says.")] = None,
    snooze: Annotated[bool, typer.Option("--snooze", help="Quiet unless it gets worse.")] = False,
    to: Annotated[str | None, typer.Option("--to", help="Hand it over to somebody instead; it stays open.")] = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Acknowledge an alert: who, why, until when; or hand it over."""
    from khemon.actions.acknowledge import acknowledge, hand_over
    from khemon.actions.status import alert_document

    store = open_store(db)
    try:
        zone = _zone(store)
        end = None if until is None else moment(until, zone, "--until")
        if to is not None:
            saved = hand_over(store, person(), alert, to, reason, now=now())
        else:
            saved = acknowledge(store, person(), alert, reason, end, now=now(), snooze=snooze, code=code)
    finally:
        store.close()
    document = alert_document(saved, zone)
    if as_json:
        print_json(document)
    elif saved.handed is not None:
        say(f"alert {saved.alert_id} is {saved.state}, handed over to {saved.handed.to}")
    else:
        say(f"alert {saved.alert_id} is {saved.state} until {document['until']}")


def status(
    patient: Annotated[str | None, typer.Option("--patient", help="One patient; else all.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="ISO 8601, by collection; else now.")] = None,
    known_at: Annotated[str | None, typer.Option("--known-at", help="ISO 8601, by recording.")] = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """What the dashboard would say."""
    from khemon.actions.status import status as told
    from khemon.actions.viewing import looked_at

    store = open_store(db)
    try:
        zone = _zone(store)
        document = told(
            store,
            person(),
            now_ms=now_ms(),
            patient_id=patient,
            as_of_ms=None if as_of is None else to_ms(moment(as_of, zone, "--as-of")),
            known_at_ms=None if known_at is None else to_ms(moment(known_at, zone, "--known-at")),
        )
        if patient is not None:
            looked_at(store, person(), patient, "status", now(), opened=False)
    finally:
        store.close()
    if as_json:
        print_json(document)
    else:
        _print_status(document)


def _print_status(document: dict[str, Any]) -> None:
    rows = [
        [patient["patient_id"], episode["severity"], episode["rule"], episode["status"], episode["text"]]
        for patient in document["patients"]
        for episode in patient["episodes"]
        if episode["end"] is None
    ]
    protocol = document["protocol"]
    say(f"as of {document['as_of']}, protocol {protocol['name']} {protocol['version']}")
    if "note" in protocol:
        say(protocol["note"])
    print_table(["patient", "severity", "rule", "status", "text"], rows)


def advance(
    at: Annotated[str | None, typer.Option("--now", help="ISO 8601; else the clock.")] = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Make the moves that time alone makes (the running server does it every minute)."""
    from khemon.actions.advance import advance as moved

    store = open_store(db)
    try:
        moment_ms = now_ms() if at is None else to_ms(moment(at, _zone(store), "--now"))
        document = moved(store, moment_ms, person())
    finally:
        store.close()
    if as_json:
        print_json(document)
    else:
        say(f"{len(document['moves'])} alerts moved")


def ward_round(
    at: Annotated[str, typer.Argument(metavar="HH:MM", help="The hour of the round by the ward's clock.")],
    ward: Annotated[str, typer.Option("--ward", help="As the patients' files name it; else every other ward.")] = "",
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Set the hour of a ward's round, which the ward page counts news from."""
    from khemon.actions.rounds import set_round

    try:
        hour = dt.time.fromisoformat(at)
    except ValueError:
        raise Refused("round", f"{at} is not an hour of the clock", "write it as 08:00") from None
    store = open_store(db)
    try:
        document = set_round(store, person(), ward, hour, now_ms())
    finally:
        store.close()
    if as_json:
        print_json(document)
    else:
        say(f"round of {document['ward'] or 'every other ward'} at {document['at']} (was {document['before']})")


def scorecard(
    days: Annotated[int, typer.Option("--days", min=1, max=36_500, help="How many days back from --to.")] = 90,
    first: Annotated[str | None, typer.Option("--from", help="ISO 8601; else --days before --to.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="ISO 8601; else now.")] = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """What each rule's alerts led to: fired, acknowledged and how soon, dismissed and why, met again."""
    from khemon.actions.scorecard import scorecard as counted

    store = open_store(db)
    try:
        zone = _zone(store)
        end = now() if last is None else moment(last, zone, "--to")
        begin = end - dt.timedelta(days=days) if first is None else moment(first, zone, "--from")
        document = counted(store, person(), begin, end)
    finally:
        store.close()
    if as_json:
        print_json(document)
    else:
        _print_scores(document)


def _print_scores(document: dict[str, Any]) -> None:
    say(f"from {document['from']} to {document['to']}")
    head = ["rule", "fired", "acknowledged", "median hours to it", "dismissed", "never acknowledged", "met again"]
    rows = []
    for score in document["rules"]:
        waited = score["hours_to_acknowledgement"]
        median = "" if waited is None else f"{waited['median']:g}"
        counts = [score["dismissed"], sum(score["never_acknowledged"].values()), score["met_again"]]
        rows.append([score["rule"], str(score["fired"]), str(score["acknowledged"]), median, *map(str, counts)])
    print_table(head, rows)


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    for command in (alerts, ack, status, advance, scorecard):
        app.command()(command)
    app.command("round")(ward_round)
