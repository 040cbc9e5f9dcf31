"""Commands that hand data out: export patient, export audit, handover."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import typer

from khemon.cli.options import Db, Json, moment, now, open_store, person, settings
from khemon.cli.output import print_json, say
from khemon.models import Refused

export = typer.Typer(no_args_is_help=True, help="Data out: one child whole, or the record of what was done.")
Out = Annotated[
    Path | None, typer.Option("--out", help="Where: something new; nothing is overwritten. Else on stdout.")
]
#: What of a folder of files goes to stdout where no folder is named.
FIRST_OF_FOLDER = "labs.csv"


@export.command()
def patient(
    patient_id: Annotated[str, typer.Argument(metavar="ID", help="The child's id.")],
    out: Out = None,
    form: Annotated[
        Literal["csv", "xlsx", "fhir"],
        typer.Option("--format", help="csv: a folder of files that import again; xlsx: a workbook; fhir: R4."),
    ] = "csv",
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Everything about one child: results, events, what is registered, what waits, alerts."""
    from khemon.actions.exporting import export_patient

    _refuse_stdout(out, form, as_json)
    with closing(open_store(db)) as store, _place(out) as place:
        document = export_patient(store, person(), patient_id, form, place, now=now())
        _hand_over(document, out, place, as_json)


@export.command()
def audit(
    out: Out = None,
    form: Annotated[Literal["csv", "json"], typer.Option("--format")] = "csv",
    db: Db = None,
    as_json: Json = False,
) -> None:
    """The record of what was done, with its chain."""
    from khemon.actions.exporting import export_audit

    _refuse_stdout(out, form, as_json)
    with closing(open_store(db)) as store, _place(out) as place:
        document = export_audit(store, person(), form, place, now=now())
        _hand_over(document, out, place, as_json)


def _refuse_stdout(out: Path | None, form: str, as_json: bool) -> None:
    """Refused for what stdout cannot take: a workbook, or text where one JSON document was asked for."""
    if out is None and (form == "xlsx" or (as_json and form == "csv")):
        raise Refused("--out", f"{form} needs a place of its own here", "name a new file or folder with --out")


@contextmanager
def _place(out: Path | None) -> Iterator[Path]:
    """Where the files go: as stated, else a folder of this process that is gone afterwards."""
    if out is not None:
        yield out
        return
    with TemporaryDirectory() as folder:
        yield Path(folder) / "stdout"


def _hand_over(document: dict[str, Any], out: Path | None, place: Path, as_json: bool) -> None:
    """Says what was written; without a stated place puts it on stdout, and says what of a folder does not go there."""
    if out is not None:
        _print(document, as_json)
        return
    sys.stdout.write((place / FIRST_OF_FOLDER if place.is_dir() else place).read_bytes().decode())
    sys.stdout.flush()
    others = [file for file in document["files"] if place.is_dir() and file["file"] != FIRST_OF_FOLDER and file["rows"]]
    if others:
        told = ", ".join(f"{file['file']} ({file['rows']} rows)" for file in others)
        say(f"on stdout stands {FIRST_OF_FOLDER} alone. Not there: {told}. Remedy: name a folder with --out")


def handover(
    out: Annotated[Path, typer.Option("--out", help="The PDF: a new file; nothing is overwritten.")],
    patient: Annotated[str | None, typer.Option("--patient", metavar="ID", help="One page about this child.")] = None,
    ward: Annotated[str | None, typer.Option("--ward", metavar="NAME", help="The list of a ward; * for all.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="ISO 8601, by collection; else now.")] = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """A page for the handover as PDF: one child (--patient) or the list of a ward (--ward)."""
    from khemon.actions.handover import handover_of_patient, handover_of_ward

    if (patient is None) == (ward is None):
        raise Refused("--patient, --ward", "one of them is needed, and not both", "say --patient ID or --ward NAME")
    store = open_store(db)
    try:
        with store.reading() as reader:
            zone = reader.setting("timezone") or "UTC"
        at = now()
        how: dict[str, Any] = {"as_of": at if as_of is None else moment(as_of, zone, "--as-of"), "now": at}
        how |= {"place": out, "fonts": settings().print_fonts}
        if patient is not None:
            made = handover_of_patient(store, person(), patient, **how)
        else:
            made = handover_of_ward(store, person(), None if ward == "*" else ward, **how)
    finally:
        store.close()
    document = made.document(out.name)
    if as_json:
        print_json(document)
    else:
        say(f"{out.name}: as of {document['as_of']}, sha256 {made.sha256}")


def _print(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    for file in document["files"]:
        say(f"{file['file']}: {file['rows']} rows, sha256 {file['sha256']}")


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.add_typer(export, name="export")
    app.command()(handover)
