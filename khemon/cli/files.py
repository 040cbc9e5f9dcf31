"""Commands over files, without a store: evaluate, simulate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from khemon.cli.options import Json, Zone, moment, name_of, now, now_ms, read_bytes, stated_zone
from khemon.cli.output import FOUND_A_PROBLEM, WRONG_USAGE, print_json, print_table, problem_document, say
from khemon.models import Refused
from khemon.rules.calendar import to_ms


def evaluate(
    labs: Annotated[Path, typer.Argument(help="Canonical labs.csv.")],
    events: Annotated[Path | None, typer.Option("--events", help="Canonical events.csv.")] = None,
    patients: Annotated[Path | None, typer.Option("--patients", help="Canonical patients.csv.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="ISO 8601; else the latest time in the input.")] = None,
    protocol: Annotated[str, typer.Option("--protocol", help="ward, trial or a protocol file.")] = "ward",
    timezone: Zone = None,
    as_json: Json = False,
) -> None:
    """Say what every rule says of the results in files. Nothing is stored."""
    from khemon.actions.evaluation import FileProblem, Source, evaluate_files
    from khemon.rules import load_protocol

    zone = stated_zone(timezone)
    moment_ms = None if as_of is None else to_ms(moment(as_of, zone or "UTC", "--as-of"))
    judged_by = load_protocol(protocol)
    try:
        given = [None if path is None else Source(name_of(path), read_bytes(path)) for path in (labs, events, patients)]
        assert given[0] is not None
        found = evaluate_files(given[0], given[1], given[2], judged_by, zone, moment_ms, now_ms())
    except (FileProblem, Refused) as problem:
        file = problem.file if isinstance(problem, FileProblem) else problem.where
        if as_json:
            print_json(problem_document(file, problem))
        say(f"{file}: {problem.where}: {problem.found}. Remedy: {problem.remedy}")
        raise typer.Exit(WRONG_USAGE) from None
    if as_json:
        print_json(found.document)
    else:
        _table(found.document)
    if not found.complete:
        say(f"{len(found.document['not_used'])} rows were not used; see not_used in --json")
        raise typer.Exit(FOUND_A_PROBLEM)


def _table(document: dict[str, list[dict[str, list[dict[str, str | None]]]]]) -> None:
    rows = []
    for patient in document["patients"]:
        for episode in patient["episodes"]:
            words = [episode[name] or "" for name in ("rule", "status", "severity", "onset", "end", "text")]
            rows.append([str(patient["patient_id"]), *words])
    print_table(["patient", "rule", "status", "severity", "onset", "end", "text"], rows)


def simulate(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to; made when it is not there.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another number, other children.")] = 1,
    patients: Annotated[int, typer.Option("--patients", min=1, help="How many children.")] = 73,
    end: Annotated[str | None, typer.Option("--end", help="ISO 8601: when the data end; else now.")] = None,
    timezone: Zone = None,
    dirty: Annotated[bool, typer.Option("--dirty", help="Also write the small, deliberately dirty set.")] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Also write Parquet files, with typed columns.")] = False,
) -> None:
    """Write patients.csv, labs.csv and events.csv of a synthetic cohort."""
    from khemon.simulate import simulate_dirty, simulate_parts, write_cohort, write_parts

    zone = stated_zone(timezone) or "UTC"
    until = now() if end is None else moment(end, zone, "--end")
    try:
        written = write_parts(simulate_parts(seed, until, patients, timezone=zone), out, parquet=parquet)
        if dirty:
            written += write_cohort(simulate_dirty(seed, until, timezone=zone), out, prefix="dirty_")
    except OSError as error:
        raise Refused("--out", f"cannot be written to ({error.strerror})", "choose another folder") from error
    for path in written:
        say(f"wrote {path}")


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command()(evaluate)
    app.command()(simulate)
