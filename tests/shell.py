"""The command line as a person uses it: what it printed, what it said, and its exit code."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock

from typer.main import get_command

from khemon.cli import main
from tests.copies import Copy

#: The tree of all commands, built once: that takes ten times as long as the short ones of them.
_built = cache(get_command)


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict:
        """Standard output, which is one JSON document and nothing else."""
        return json.loads(self.out)

    @property
    def error(self) -> dict:
        return self.document["error"]


def _plain(env: dict[str, str] | None) -> dict[str, str]:
    """The environment without what would steer khemon from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KHEMON_")}
    return kept | {"COLUMNS": "400", "NO_COLOR": "1"} | (env or {})


def khemon(*arguments: object, env: dict[str, str] | None = None) -> Said:
    """Runs a command in this process: an exception that a shell would show as a traceback is raised here."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["khemon", *map(str, arguments)]),
        mock.patch.dict(os.environ, _plain(env), clear=True),
        mock.patch("typer.main.get_command", _built),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code: object = 0
        try:
            main()
        except SystemExit as left:
            code = left.code
    return Said(int(str(code or 0)), out.getvalue(), err.getvalue())


def spawned(*arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> Said:
    """Runs a command as a process of its own, started from nothing."""
    started_anew = [sys.executable, "-c", "from khemon.cli import main; main()", *map(str, arguments)]
    done = subprocess.run(started_anew, capture_output=True, text=True, check=False, env=_plain(env), cwd=cwd)
    return Said(done.returncode, done.stdout, done.stderr)


def command(*arguments: str) -> None:
    """Runs a command as the only work of this process."""
    sys.argv = ["khemon", *arguments]
    main()


def started(
    *arguments: object,
    cwd: Path,
    errors: Path,
    env: dict[str, str] | None = None,
    work: Callable[..., None] = command,
) -> Copy:
    """A command that runs as a copy of a process that has imported everything; what it says stands in `errors`."""
    return Copy(work, tuple(map(str, arguments)), _plain(env), cwd, errors)


def sqlite(folder: Path, name: str = "khemon.db") -> str:
    """The URL of a database file."""
    return f"sqlite:///{folder / name}"


def imported(path: Path, url: str, *more: object) -> Said:
    """`khemon import FILE --json` into a store that keeps UTC."""
    return khemon("import", path, "--db", url, "--timezone", "UTC", "--json", *more)
