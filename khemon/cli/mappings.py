"""Commands of mappings: list, show, propose, keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from khemon.actions.import_files import Options
from khemon.cli.options import Db, Json, Zone, has_store, name_of, now_ms, open_store, person, read_bytes, stated_zone
from khemon.cli.output import FOUND_A_PROBLEM, WRONG_USAGE, print_json, print_table, problem_document, say
from khemon.importers import load_mapping
from khemon.models import KhemonError

commands = typer.Typer(no_args_is_help=True, help="How the files of each laboratory are read, remembered by its name.")
Source = Annotated[str, typer.Option("--source", help="Name of the laboratory.")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="For example cp1252 or gbk.")]


@commands.command("list")
def list_(db: Db = None, as_json: Json = False) -> None:
    """Every version of every laboratory's mapping, the newest first."""
    from khemon.actions.mappings import mappings

    document: dict[str, list[dict[str, object]]] = {"mappings": []}
    if has_store(db):
        store = open_store(db)
        try:
            document = mappings(store, person())
        finally:
            store.close()
    if as_json:
        print_json(document)
        return
    names = ("source", "version", "kept_at", "actor", "reason", "digest")
    print_table(list(names), [[str(row[name])[:60] for name in names] for row in document["mappings"]])


@commands.command()
def show(
    source: Annotated[str, typer.Argument(help="Name of the laboratory.")],
    version: Annotated[int | None, typer.Option("--version", min=1, max=2**31, help="Else the last one.")] = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """A laboratory's mapping as TOML on stdout: what `keep` takes in."""
    from khemon.actions.mappings import mapping_of

    store = open_store(db)
    try:
        document = mapping_of(store, person(), source, version)
    finally:
        store.close()
    if as_json:
        print_json(document)
        return
    say(f"{document['source']}, version {document['version']}, {document['kept_at']}: {document['reason']}")
    typer.echo(document["toml"], nl=False)


@commands.command()
def propose(
    file: Annotated[Path, typer.Argument(help="A file of the laboratory.")],
    source: Annotated[str | None, typer.Option("--source", help="Name of the laboratory, if it is known.")] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", help="TOML file with what is known already.")] = None,
    patient: Annotated[str | None, typer.Option("--patient", help="Whose results, if the file is silent.")] = None,
    encoding: Encoding = None,
    date_format: Annotated[str | None, typer.Option("--date-format", help="For example %d.%m.%Y.")] = None,
    timezone: Zone = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Say what is recognized in a file and propose its mapping, as TOML on stdout. Nothing is kept.

    Exit code 1: something is open, or the layout is not the remembered one; stderr says what.
    """
    from khemon.actions.proposals import proposal

    options = Options(
        now_ms=now_ms(),
        source=source,
        mapping=None if mapping is None else load_mapping(mapping),
        patient_id=patient,
        encoding=encoding,
        date_format=date_format,
        timezone=stated_zone(timezone),
    )
    store = open_store(db) if has_store(db) else None
    try:
        made = proposal(store, person(), read_bytes(file), name_of(file), options)
    except KhemonError as problem:
        _refuse(name_of(file), problem, as_json)
    finally:
        if store is not None:
            store.close()
    if as_json:
        print_json(made.document)
    else:
        for words in made.told():
            say(words)
        typer.echo(made.toml, nl=False)
    if not made.settled:
        raise typer.Exit(FOUND_A_PROBLEM)


def _refuse(file: str, problem: KhemonError, as_json: bool) -> NoReturn:
    if as_json:
        print_json(problem_document(file, problem))
    say(f"{file}: {problem.where}: {problem.found}. Remedy: {problem.remedy}")
    raise typer.Exit(WRONG_USAGE) from None


@commands.command()
def keep(
    file: Annotated[Path, typer.Argument(help="The mapping (TOML).")],
    source: Source,
    reason: Annotated[str, typer.Option("--reason", help="Why it is kept, in a few words.")],
    like: Annotated[
        Path | None, typer.Option("--like", help="A file it reads: another layout than its own is noticed later.")
    ] = None,
    patient: Annotated[
        str | None, typer.Option("--patient", help="Whose results --like holds, if it is silent.")
    ] = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Remember a mapping as the next version of a laboratory's: `import --source NAME` reads with it from then on."""
    from khemon.actions.mappings import remember
    from khemon.actions.proposals import shape_for

    content = read_bytes(file)
    store = open_store(db, make=True)
    try:
        shape = ""
        if like is not None:
            options = Options(now_ms=now_ms(), mapping=load_mapping(content), patient_id=patient)
            shape = shape_for(store, person(), read_bytes(like), options)
        document = remember(store, person(), source, content, shape, reason, now_ms())
    finally:
        store.close()
    if as_json:
        print_json(document)
    elif document["added"]:
        say(f"kept as version {document['version']} of {document['source']}")
    else:
        say(f"it is version {document['version']} of {document['source']} already")
    if not document["layout_known"]:
        say("the layout of its files is not known, so a change of it is not noticed; give a file with --like")


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.add_typer(commands, name="mapping")
