"""What goes to stdout (data) and to stderr (everything else)."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from khemon.models import KhemonError

#: Exit codes of the contract.
DONE, FOUND_A_PROBLEM, WRONG_USAGE = 0, 1, 2

errors = Console(stderr=True, highlight=False, markup=False)
#: Columns of a table that does not go to a terminal.
PIPE_WIDTH = 1_000


def say(text: str) -> None:
    """A message for a person, on stderr."""
    errors.print(text, soft_wrap=True)


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on stdout, the same bytes for the same document."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n")
    sys.stdout.flush()


def print_table(columns: list[str], rows: list[list[str]]) -> None:
    """A plain table on stdout."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    # Into a file or a pipe a table is as wide as it is: nothing is folded or cut.
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def problem_document(file: str, problem: KhemonError) -> dict[str, Any]:
    """A file-level failure as the contract prints it."""
    return {"file": file, "error": {"where": problem.where, "found": problem.found, "remedy": problem.remedy}}
