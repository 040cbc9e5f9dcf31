"""The same actions from a shell. `khemon --help` lists them."""

from __future__ import annotations

import sys

import typer

from khemon.cli import files, grading, operation, store, watching
from khemon.cli.output import say
from khemon.models import KhemonError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Laboratory dashboard for children with kaposiform hemangioendothelioma. Criteria, never advice.",
)
for module in (files, grading, store, watching, operation):
    module.add_to(app)


def main() -> None:
    """Run the command line; a problem a person can act on is one line on stderr and exit code 2."""
    try:
        app()
    except KhemonError as problem:
        say(f"{problem.where}: {problem.found}. Remedy: {problem.remedy}")
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(1)
