"""The same actions from a shell. `khemon --help` lists them."""

from __future__ import annotations

import io
import os
import sys
from codecs import lookup

import typer

from khemon.cli import (
    by_hand,
    cohort,
    exports,
    files,
    grading,
    mappings,
    operation,
    protocols,
    records,
    reviewing,
    store,
    users,
    watching,
)
from khemon.cli.output import FOUND_A_PROBLEM, WRONG_USAGE, say
from khemon.models import KhemonError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Laboratory dashboard for children with kaposiform hemangioendothelioma. Criteria, never advice.",
)
for module in (
    files,
    cohort,
    grading,
    store,
    mappings,
    watching,
    protocols,
    users,
    by_hand,
    reviewing,
    exports,
    records,
    operation,
):
    module.add_to(app)


def _write_utf8() -> None:
    """What leaves through a pipe or into a file is UTF-8 whatever the locale: the same document is the same bytes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty() and lookup(stream.encoding).name != "utf-8":
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def main() -> None:
    """Run the command line; a problem a person can act on is one line on stderr and exit code 2."""
    _write_utf8()
    try:
        app(prog_name="khemon")
    except KhemonError as problem:
        say(f"{problem.where}: {problem.found}. Remedy: {problem.remedy}")
        sys.exit(WRONG_USAGE)
    except BrokenPipeError:
        sys.exit(FOUND_A_PROBLEM)
    except Exception as error:
        # What an unforeseen error says may name a patient: only its kind is told.
        if os.environ.get("KHEMON_TRACEBACK"):
            raise
        say(f"khemon stopped at a fault of its own ({type(error).__name__}). Remedy: run khemon check, and report it;")
        say("KHEMON_TRACEBACK=1 shows where, and may show patient data")
        sys.exit(FOUND_A_PROBLEM)
