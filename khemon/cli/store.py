"""Commands that put data into the store and take it back: import, undo, batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import typer

from khemon.actions.import_files import Options, commit, preview, zone_for
from khemon.actions.import_files import batches as listed
from khemon.actions.import_files import undo as take_back
from khemon.cli.folder import watch_folder
from khemon.cli.options import (
    Db,
    Json,
    Zone,
    has_store,
    name_of,
    now_ms,
    open_store,
    person,
    read_bytes,
    settings,
    stated_zone,
)
from khemon.cli.output import FOUND_A_PROBLEM, WRONG_USAGE, print_json, print_table, problem_document, say
from khemon.importers import load_mapping
from khemon.models import KhemonError, Refused
from khemon.store import Store

Files = Annotated[
    list[Path] | None, typer.Argument(help="Laboratory files, events.csv, patients.csv: known by header.")
]
Watched = Annotated[
    Path | None, typer.Option("--watch", help="A folder: its files are imported as they come, then moved aside.")
]
Every = Annotated[float, typer.Option("--every", min=0.05, help="Seconds between two looks into the folder.")]
Once = Annotated[bool, typer.Option("--once", help="Take what is in the folder now, then stop.")]


def import_(
    files: Files = None,
    db: Db = None,
    source: Annotated[str | None, typer.Option("--source", help="Name of the laboratory.")] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", help="TOML file that says how to read it.")] = None,
    patient: Annotated[
        str | None, typer.Option("--patient", help="Whose results these are, if the file is silent.")
    ] = None,
    encoding: Annotated[str | None, typer.Option("--encoding", help="For example cp1252 or gbk.")] = None,
    date_format: Annotated[str | None, typer.Option("--date-format", help="For example %d.%m.%Y.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of each row; keep nothing.")
    ] = False,
    on_conflict: Annotated[Literal["hold", "supersede"], typer.Option("--on-conflict")] = "hold",
    timezone: Zone = None,
    watch: Watched = None,
    every: Every = 5.0,
    once: Once = False,
    as_json: Json = False,
) -> None:
    """Import files, or those that come into a folder: every row gets a fate; one transaction per file."""
    _check_usage(files, watch, once=once, dry_run=dry_run, as_json=as_json)
    options = Options(
        now_ms=now_ms(),
        source=source,
        mapping=None if mapping is None else load_mapping(mapping),
        patient_id=patient,
        encoding=encoding,
        date_format=date_format,
        timezone=stated_zone(timezone),
        on_conflict=on_conflict,
        closed_patient_list=settings().closed_patient_list,
    )
    if watch is not None:
        raise typer.Exit(watch_folder(watch, every, db, options, once=once, as_json=as_json))
    documents = [] if has_store(db) else [_refusal(path, options) for path in files or ()]
    if not documents or not all(documents):
        with _store(db, keep=not dry_run) as store:
            documents = [_take(store, path, options, keep=not dry_run, rows=as_json) for path in files or ()]
    _print(documents, as_json)
    raise typer.Exit(_exit_code(documents))


def _check_usage(files: list[Path] | None, watch: Path | None, *, once: bool, dry_run: bool, as_json: bool) -> None:
    """Refused for options that do not go together."""
    if (watch is None) == (not files):
        raise Refused("import", "needs files, or a folder with --watch", "name one or the other")
    if watch is None and once:
        raise Refused("--once", "says how to watch a folder, and none is named", "name it with --watch")
    if watch is not None and dry_run:
        raise Refused("--dry-run", "keeps nothing, and a watched folder is emptied", "leave one of them out")
    if watch is not None and as_json and not once:
        raise Refused("--json", "prints one document, and a watched folder has no end", "add --once")


def _refusal(path: Path, options: Options) -> dict[str, Any]:
    """Why a first import cannot be made of a file, found before there is a database; empty where nothing is."""
    try:
        zone_for(None, options)
        read_bytes(path)
    except KhemonError as problem:
        return problem_document(name_of(path), problem)
    return {}


@contextmanager
def _store(db: str | None, *, keep: bool) -> Iterator[Store]:
    """The store to import into; what is not kept makes no database where there is none: it has one that goes again."""
    if keep or has_store(db):
        with closing(open_store(db, make=True)) as store:
            yield store
        return
    with TemporaryDirectory() as folder, closing(Store(f"sqlite:///{folder}/khemon.db")) as store:
        yield store


def _take(store: Store, path: Path, options: Options, *, keep: bool, rows: bool) -> dict[str, Any]:
    """What became of one file; a file that cannot be read is told, and the next one is tried."""
    try:
        report = (commit if keep else preview)(store, person(), read_bytes(path), name_of(path), options)
    except KhemonError as problem:
        return problem_document(name_of(path), problem)
    return report.document if rows else {**report.head, "counts": report.counts}


def _print(documents: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(documents[0] if len(documents) == 1 else {"files": documents})
    for document in documents:
        if "error" in document:
            error = document["error"]
            say(f"{document['file']}: {error['where']}: {error['found']}. Remedy: {error['remedy']}")
        elif not as_json:
            counts = ", ".join(f"{number} {fate}" for fate, number in document["counts"].items() if number)
            done = f"batch {document['batch']}" if document["committed"] else "nothing kept (dry run)"
            say(f"{document['file']}: {counts or 'no rows'}; {done}")


def _exit_code(documents: list[dict[str, Any]]) -> int:
    if any("error" in document for document in documents):
        return WRONG_USAGE
    held = sum(document["counts"][fate] for document in documents for fate in ("review", "rejected", "conflict"))
    return FOUND_A_PROBLEM if held else 0


def undo(
    batch: Annotated[str, typer.Argument(help="The batch to take back; see: khemon batches.")],
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Take an import back by a compensating batch."""
    store = open_store(db)
    try:
        document = take_back(store, person(), batch, now_ms())
    finally:
        store.close()
    if as_json:
        print_json(document)
    else:
        say(f"batch {batch} is taken back; {document['patients']} patients were evaluated again")


def batches(db: Db = None, as_json: Json = False) -> None:
    """List imports, newest last."""
    document = _listed(db)
    if as_json:
        print_json(document)
        return
    rows = [
        [row["batch"], row["file"], row["recorded_at"], "undone" if row["undone"] else "", str(row["counts"]["read"])]
        for row in document["batches"]
    ]
    print_table(["batch", "file", "recorded", "", "rows"], rows)


def _listed(db: str | None) -> dict[str, Any]:
    """The imports of a store; none, and a word about it, where there is no database yet."""
    if not has_store(db):
        say("there is no database at this path: nothing was imported there")
        return {"batches": []}
    store = open_store(db)
    try:
        return listed(store, person())
    finally:
        store.close()


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("import")(import_)
    app.command()(undo)
    app.command()(batches)
