"""Commands for what a person enters, corrects and sets out: result, event, patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from khemon.actions import by_hand
from khemon.actions.by_hand.listing import Entry, events_stored, results_stored
from khemon.cli.options import Db, Json, now, open_store, person
from khemon.cli.output import print_json, print_table, say
from khemon.store import Store

results = typer.Typer(no_args_is_help=True, help="Results by hand: add, edit, void, list.")
events = typer.Typer(no_args_is_help=True, help="Events by hand: add, edit, void, list.")

patients = typer.Typer(no_args_is_help=True, help="The register by hand: edit.")

Patient = Annotated[str, typer.Option("--patient", help="The patient's id; it has to exist.")]
Sure = Annotated[bool, typer.Option("--sure", help="You have looked again, and it is right.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in a few words.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=2**62, help="Its number; see the command list.")]
_TIME = "ISO 8601; without an offset it is ward time."
Text = Annotated[str | None, typer.Option()]


@contextmanager
def _opened(db: str | None) -> Iterator[Store]:
    store = open_store(db)
    try:
        yield store
    finally:
        store.close()


def _told(done: by_hand.Recorded, as_json: bool) -> None:
    """What an act did: its batch, the rows it brought, and the alerts that moved."""
    document = done.document
    if as_json:
        print_json(document)
        return
    say(f"stored as batch {done.batch}; take it back with: khemon undo {done.batch}")
    for row in document["rows"]:
        say(
            f"number {row['number']}" + "".join(f"; {reason.partition(': ')[2] or reason}" for reason in row["reasons"])
        )
    rows = [[str(one[name]) for name in ("alert", "move", "severity", "rule", "text")] for one in document["alerts"]]
    if rows:
        print_table(["alert", "move", "severity", "rule", "text"], rows)


def _list(entries: Callable[[Store], list[Entry]], patient: str, db: str | None, as_json: bool) -> None:
    with _opened(db) as store:
        found = entries(store)
    if as_json:
        print_json({"patient_id": patient, "entries": [entry.document for entry in found]})
        return
    rows = [[str(one.number), one.when, one.what, one.said, one.state, one.why, one.brought] for one in found]
    print_table(["number", "when", "what", "", "state", "because", "from"], rows)


def _changes(**texts: str | None) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text is not None}


@results.command("add")
def add_result(
    patient: Patient,
    analyte: Annotated[str, typer.Option("--analyte", help="platelets, fibrinogen, d_dimer, hemoglobin, …")],
    value: Annotated[str, typer.Option("--value", help="The number, with < <= > or >= before it.")],
    unit: Annotated[str, typer.Option("--unit", help="For example 10*9/L or mg/dL.")],
    at: Annotated[str, typer.Option("--at", help=f"When the sample was taken. {_TIME}")],
    specimen: Text = None,
    status: Annotated[str, typer.Option("--status", help="final or preliminary.")] = "final",
    quality: Annotated[str, typer.Option("--quality", help="clumped, clotted, …")] = "",
    timing: Annotated[str, typer.Option("--timing", help="Of a drug level: trough, random.")] = "",
    comment: Annotated[str, typer.Option("--comment")] = "",
    sure: Sure = False,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Store a result."""
    form = by_hand.ResultForm(patient, analyte, value, unit, at, specimen or "", status, quality, timing, comment)
    with _opened(db) as store:
        _told(by_hand.enter_result(store, person(), form, now=now(), sure=sure), as_json)


@results.command("edit")
def edit_result(
    number: Number,
    reason: Reason,
    value: Text = None,
    unit: Text = None,
    at: Annotated[str | None, typer.Option("--at", help=_TIME)] = None,
    specimen: Text = None,
    status: Text = None,
    quality: Text = None,
    timing: Text = None,
    comment: Text = None,
    sure: Sure = False,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Store a new version of a result in its place; what is not given stays."""
    changes = _changes(value=value, unit=unit, collected_at=at, specimen_id=specimen, status=status, quality=quality)
    changes |= _changes(timing=timing, comment=comment)
    with _opened(db) as store:
        _told(by_hand.edit_result(store, person(), number, changes, reason, now=now(), sure=sure), as_json)


@results.command("void")
def void_result(number: Number, reason: Reason, db: Db = None, as_json: Json = False) -> None:
    """Set a result out as entered in error."""
    with _opened(db) as store:
        _told(by_hand.void_result(store, person(), number, reason, now=now()), as_json)


@results.command("list")
def list_results(patient: Patient, db: Db = None, as_json: Json = False) -> None:
    """Every version of a patient's results with its number, the newest first."""
    _list(lambda store: results_stored(store, person(), patient), patient, db, as_json)


@events.command("add")
def add_event(
    patient: Patient,
    kind: Annotated[str, typer.Option("--kind", help="platelet_transfusion, sirolimus, active_bleeding, …")],
    start: Annotated[list[str], typer.Option("--start", help=f"{_TIME} Several: one event for each.")],
    end: Annotated[str, typer.Option("--end", help=_TIME)] = "",
    dose: Annotated[str, typer.Option("--dose", help="A number; 0 is a hold of a drug.")] = "",
    unit: Annotated[str, typer.Option("--unit")] = "",
    note: Annotated[str, typer.Option("--note")] = "",
    sure: Sure = False,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Store an event, or the same at several times: products dose by dose."""
    forms = [by_hand.EventForm(patient, kind, at, end, dose, unit, note) for at in start]
    with _opened(db) as store:
        _told(by_hand.enter_events(store, person(), forms, now=now(), sure=sure), as_json)


@events.command("edit")
def edit_event(
    number: Number,
    patient: Patient,
    reason: Reason,
    kind: Text = None,
    start: Annotated[str | None, typer.Option("--start", help=_TIME)] = None,
    end: Annotated[str | None, typer.Option("--end", help=f"{_TIME} Empty: none.")] = None,
    dose: Text = None,
    unit: Text = None,
    note: Text = None,
    sure: Sure = False,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Store what an event was, in place of what is stored; what is not given stays."""
    changes: dict[str, Any] = _changes(kind=kind, start=start, end=end, dose=dose, unit=unit, note=note)
    with _opened(db) as store:
        _told(by_hand.edit_event(store, person(), patient, number, changes, reason, now=now(), sure=sure), as_json)


@events.command("void")
def void_event(number: Number, patient: Patient, reason: Reason, db: Db = None, as_json: Json = False) -> None:
    """Set an event out as entered in error."""
    with _opened(db) as store:
        _told(by_hand.void_event(store, person(), patient, number, reason, now=now()), as_json)


@events.command("list")
def list_events(patient: Patient, db: Db = None, as_json: Json = False) -> None:
    """Every event of a patient with its number, the newest first."""
    _list(lambda store: events_stored(store, person(), patient), patient, db, as_json)


@patients.command("edit")
def edit_patient(
    patient: Patient,
    stated: Annotated[list[str], typer.Option("--set", help="FIELD=TEXT, as in patients.csv; several times.")],
    reason: Reason,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Store what the register says of a patient from now on; fields that are not given stay."""
    changes = {name.strip(): text for name, _, text in (each.partition("=") for each in stated)}
    with _opened(db) as store:
        _told(by_hand.edit_patient(store, person(), patient, changes, reason, now=now()), as_json)


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.add_typer(results, name="result")
    app.add_typer(events, name="event")
    app.add_typer(patients, name="patient")
