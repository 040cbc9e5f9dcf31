"""Commands about rows that wait: review (lists, confirms, corrects, rejects), and move."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from khemon.actions.review import confirm, correct, move_results, reject
from khemon.actions.watch.heldqueue import HeldGroup, HeldLine, held_queue
from khemon.actions.watch.moved import MoveNotice, movable_results, move_notices
from khemon.cli.options import Db, Json, now, open_store, person
from khemon.cli.output import FOUND_A_PROBLEM, print_json, print_table, say
from khemon.models import Refused
from khemon.store import Store

review_app = typer.Typer(help="Rows that wait for a person: without a command they are listed.")

Rows = Annotated[list[int], typer.Argument(metavar="ROW…", help="Numbers of rows; see: khemon review.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in a few words.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would follow; keep nothing.")]
NewPatient = Annotated[bool, typer.Option("--new-patient", help="An id that nobody knows yet is meant.")]


@review_app.callback(invoke_without_command=True)
def review(context: typer.Context, db: Db = None, as_json: Json = False) -> None:
    """List what waits for a person, grouped by question; exit code 1 when something does."""
    if context.invoked_subcommand is not None:
        return
    store = open_store(db)
    try:
        queue = held_queue(store, person(), now(), whole_texts=True)
        moved = move_notices(store, person())
    finally:
        store.close()
    if as_json:
        told = [_move_document(one) for one in moved]
        groups = [_group_document(group) for group in queue.groups]
        print_json({"waiting": queue.waiting, "unusable": queue.unusable, "groups": groups, "moved": told})
    else:
        _print_queue(queue.groups)
        for one in moved:
            say(f"{one.at}: results were moved from {one.wrong} to {one.right} by {one.by}: {one.reason}")
    raise typer.Exit(FOUND_A_PROBLEM if queue.groups else 0)


def _move_document(one: MoveNotice) -> dict[str, Any]:
    return {
        "batch": one.batch,
        "at": one.at,
        "by": one.by,
        "from": one.wrong,
        "to": one.right,
        "reason": one.reason,
        "results": list(one.results),
        "alerts": list(one.alerts),
        "taken_back": one.taken_back or None,
    }


def _group_document(group: HeldGroup) -> dict[str, Any]:
    return {
        "file": group.file,
        "kind": group.kind,
        "analyte": group.analyte,
        "decision": group.decision,
        "question": group.question,
        "can_confirm": group.can_confirm,
        "needs": list(group.needs),
        "rows": [_line_document(line) for line in group.lines],
    }


def _line_document(line: HeldLine) -> dict[str, Any]:
    return {
        "row": line.row_id,
        "batch": line.batch,
        "where": line.where,
        "patient_id": line.patient or None,
        "text": line.text,
        "understood": line.understood,
        "collected": line.collected,
        "reasons": list(line.reasons),
        "needs": list(line.needs),
        "stored": line.stored or None,
        "follows": line.follows,
    }


def _print_queue(groups: tuple[HeldGroup, ...]) -> None:
    rows = [_printed(group, line) for group in groups for line in group.lines]
    head = ["row", "waits as", "file", "where", "patient", "as received", "understood as", "collected", "why", "give"]
    print_table(head, rows)
    if not rows:
        say("nothing waits for a person")


def _printed(group: HeldGroup, line: HeldLine) -> list[str]:
    needs = ", ".join(line.needs)
    read = [line.patient, line.text, line.understood, line.collected]
    return [str(line.row_id), group.decision, group.file, line.where, *read, group.question, needs]


@review_app.command("confirm")
def confirm_(rows: Rows, reason: Reason = "", dry_run: DryRun = False, db: Db = None, as_json: Json = False) -> None:
    """Let rows stand as they were understood; one in conflict takes the place of what is stored."""
    store = open_store(db)
    try:
        document = confirm(store, person(), rows, reason, now=now(), keep=not dry_run)
    finally:
        store.close()
    _tell(document, as_json)


@review_app.command("correct")
def correct_(
    rows: Rows,
    reason: Reason = "",
    patient: Annotated[str | None, typer.Option("--patient", help="Whose result it is.")] = None,
    collected_at: Annotated[str | None, typer.Option("--collected-at", help="ISO 8601, ward time.")] = None,
    analyte: Annotated[str | None, typer.Option("--analyte")] = None,
    value: Annotated[str | None, typer.Option("--value", help="With a decimal point; may carry < <= > >=.")] = None,
    unit: Annotated[str | None, typer.Option("--unit")] = None,
    status: Annotated[str | None, typer.Option("--status")] = None,
    quality: Annotated[str | None, typer.Option("--quality")] = None,
    field: Annotated[list[str] | None, typer.Option("--set", help="Any other field: start=2026-03-01T08:00.")] = None,
    new_patient: NewPatient = False,
    beyond_limits: Annotated[bool, typer.Option("--beyond-limits", help="It is so, beyond a hard limit.")] = False,
    dry_run: DryRun = False,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Let rows stand with what is stated in place of what was understood; read as an import would read it."""
    stated = {"patient_id": patient, "collected_at": collected_at, "analyte": analyte, "value": value, "unit": unit}
    stated |= {"status": status, "quality": quality}
    changes = {name: text for name, text in stated.items() if text is not None} | _set(field or [])
    store = open_store(db)
    try:
        said = {"new_patient": new_patient, "beyond_limits": beyond_limits, "keep": not dry_run}
        document = correct(store, person(), rows, changes, reason, now=now(), **said)
    finally:
        store.close()
    _tell(document, as_json)


def _set(fields: list[str]) -> dict[str, str]:
    found = {}
    for text in fields:
        name, sign, value = text.partition("=")
        if not sign:
            raise Refused("--set", "there is no = in it", "write it as start=2026-03-01T08:00")
        found[name.strip()] = value
    return found


@review_app.command("reject")
def reject_(rows: Rows, reason: Reason = "", dry_run: DryRun = False, db: Db = None, as_json: Json = False) -> None:
    """Set rows aside: what is stored stays, and no rule ever reads them."""
    store = open_store(db)
    try:
        document = reject(store, person(), rows, reason, now=now(), keep=not dry_run)
    finally:
        store.close()
    _tell(document, as_json)


def move(
    source: Annotated[str, typer.Option("--from", help="The patient they stand at.")],
    to: Annotated[str | None, typer.Option("--to", help="The patient they belong to.")] = None,
    results: Annotated[
        list[int] | None, typer.Argument(metavar="RESULT…", help="Numbers of results; without any they are listed.")
    ] = None,
    reason: Reason = "",
    batch: Annotated[str | None, typer.Option("--batch", help="In place of RESULT: all of this import.")] = None,
    new_patient: NewPatient = False,
    dry_run: DryRun = False,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Move results to the right patient: withdrawn where they stood, new where they belong, both judged anew."""
    if results and batch:
        raise Refused("RESULT", "results and --batch are both named", "name one of them")
    store = open_store(db)
    try:
        if not results and batch is None:
            _list_movable(store, source, as_json)
            return
        if to is None:
            raise Refused("--to", "is missing", "name the patient they belong to")
        document = move_results(
            store,
            person(),
            results or [],
            source,
            to,
            reason,
            now=now(),
            batch=batch,
            new_patient=new_patient,
            keep=not dry_run,
        )
    finally:
        store.close()
    _tell(document, as_json)


def _list_movable(store: Store, patient_id: str, as_json: bool) -> None:
    found = movable_results(store, person(), patient_id)
    if as_json:
        print_json({"results": [{"result": one.result_id, "text": one.words, "batch": one.batch} for one in found]})
    else:
        print_table(["result", "", "batch"], [[str(one.result_id), one.words, one.batch] for one in found])


def _tell(document: dict[str, Any], as_json: bool) -> None:
    """Print an act; exit code 1 when a row of it waits again."""
    if as_json:
        print_json(document)
    else:
        counts = ", ".join(f"{number} {fate}" for fate, number in document["counts"].items() if fate != "read")
        done = f"batch {', '.join(document['batches'])}" if document["committed"] else "nothing kept (dry run)"
        say(f"{document['act']}: {counts or 'nothing stands by it'}; {done}")
        for alert in document["alerts"]:
            say(f"alert {alert['alert']} {alert['move']}: {alert['rule']}, {alert['severity']}")
    raise typer.Exit(FOUND_A_PROBLEM if document["counts"].get("conflict") else 0)


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.add_typer(review_app, name="review")
    app.command()(move)
