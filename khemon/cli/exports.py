"""Commands that hand data out: export patient, export audit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from khemon.cli.options import Db, Json, now, open_store, person
from khemon.cli.output import print_json, say

export = typer.Typer(no_args_is_help=True, help="Data out: one child whole, or the record of what was done.")
Out = Annotated[Path, typer.Option("--out", help="Where: something new; nothing is overwritten.")]


@export.command()
def patient(
    patient_id: Annotated[str, typer.Argument(metavar="ID", help="The child's id.")],
    out: Out,
    form: Annotated[
        Literal["csv", "xlsx", "fhir"],
        typer.Option("--format", help="csv: a folder of files that import again; xlsx: a workbook; fhir: R4."),
    ] = "csv",
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Everything about one child: results, events, what is registered, what waits, alerts."""
    from khemon.actions.exporting import export_patient

    store = open_store(db)
    try:
        document = export_patient(store, person(), patient_id, form, out, now=now())
    finally:
        store.close()
    _print(document, as_json)


@export.command()
def audit(
    out: Out,
    form: Annotated[Literal["csv", "json"], typer.Option("--format")] = "csv",
    db: Db = None,
    as_json: Json = False,
) -> None:
    """The record of what was done, with its chain."""
    from khemon.actions.exporting import export_audit

    store = open_store(db)
    try:
        document = export_audit(store, person(), form, out, now=now())
    finally:
        store.close()
    _print(document, as_json)


def _print(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    for file in document["files"]:
        say(f"{file['file']}: {file['rows']} rows, sha256 {file['sha256']}")


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.add_typer(export, name="export")
