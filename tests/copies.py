"""Processes of their own that begin at once: each is a copy of one that has imported everything a single time.

A server imports for some seconds before it listens, and hundreds of processes are started. What a start from nothing
does is seen where that is the question: tests/test_gate_start.py, `spawned` of tests/shell.py.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

COPIES = multiprocessing.get_context("forkserver")
COPIES.set_forkserver_preload(["tests.imported_once"])


class Copy:
    """A running copy with the handle of a `Popen`: what it prints is `stdout`."""

    def __init__(self, work: Callable[..., None], arguments: tuple, env: Mapping[str, str], cwd: Path, errors: Path):
        printed, prints = COPIES.Pipe(duplex=False)
        self._process = COPIES.Process(target=_copied, args=(work, arguments, dict(env), cwd, errors, prints))
        self._process.start()
        prints.close()
        self.stdout = os.fdopen(os.dup(printed.fileno()), encoding="utf-8")
        printed.close()
        self.pid = self._process.pid

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(repr(self._process), timeout or 0)
        return self._process.exitcode

    def ended(self, timeout: float) -> int:
        """Its exit code, once it has come to its end, with nothing of it left open."""
        self.stdout.read()
        self.stdout.close()
        return self.wait(timeout)

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def _copied(work: Callable[..., None], arguments: tuple, env: dict[str, str], cwd: Path, errors: Path, prints) -> None:
    """Does the work as a process started with that environment and folder would."""
    os.dup2(prints.fileno(), 1)
    prints.close()
    with errors.open("w", encoding="utf-8") as said:
        os.dup2(said.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    work(*arguments)
