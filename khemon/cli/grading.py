"""Commands that hold values and engines to published criteria: grade, conformance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from khemon.cli.options import Json, read_bytes
from khemon.cli.output import FOUND_A_PROBLEM, WRONG_USAGE, print_json, print_table, problem_document, say
from khemon.models import ImportProblem, Refused


def grade(
    values: Annotated[Path, typer.Argument(help="CSV with the columns analyte, value, unit, lln, uln, baseline.")],
    criteria: Annotated[str, typer.Option("--criteria", help="Name of the criteria, or a file.")] = "ctcae-4.03",
    as_json: Json = False,
) -> None:
    """Say the laboratory grade of every value in a file, or why it cannot be graded. Nothing is stored."""
    from khemon.actions.grading import grade_file
    from khemon.grades import load_criteria

    chosen = load_criteria(criteria)
    try:
        graded = grade_file(read_bytes(values), chosen)
    except (ImportProblem, Refused) as problem:
        if as_json:
            print_json(problem_document(values.name, problem))
        say(str(problem))
        raise typer.Exit(WRONG_USAGE) from None
    if as_json:
        print_json(graded.document)
    else:
        _table(graded.document)
    if graded.in_doubt:
        say(f"{graded.in_doubt} rows could not be read or contradict themselves; see their reason")
        raise typer.Exit(FOUND_A_PROBLEM)


def _table(document: dict[str, Any]) -> None:
    names = ["row", "analyte", "value", "unit", "grade", "term", "reason"]
    print_table(names, [["" if row[name] is None else str(row[name]) for name in names] for row in document["rows"]])


def conformance(
    files: Annotated[
        list[Path], typer.Argument(help="Files of cases or timelines (TOML); their form is described in docs/cases.md.")
    ],
    as_json: Json = False,
) -> None:
    """Run files of cases and timelines against the installed engine; exit code 1 when any is not as it expects."""
    from khemon.actions.conformance import run_files

    document = run_files(files)
    if as_json:
        print_json(document)
    for file in document["files"]:
        for case in file["cases"]:
            for difference in case["differences"]:
                say(f"{file['file']}: {case['name']}: {difference}")
    say(f"{document['passed']} cases passed, {document['failed']} failed")
    if document["failed"]:
        raise typer.Exit(FOUND_A_PROBLEM)


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command()(grade)
    app.command()(conformance)
