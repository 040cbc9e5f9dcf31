"""What killed each change in an earlier run, kept in a file: asked first, or believed while nothing has changed.

A change is known by its module, scope, line of code and what it reads before and after, so that lines may move.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.mutation.changes import Change

#: What a verdict depends on: the code, the rulebook and the tests.
DEPENDS = ("khemon/**/*.py", "khemon/**/*.toml", "tests/**/*.py", "tests/samples/**/*")
#: Answers that name no test.
NO_TEST = {"", "afresh", "time", "died", "load"}


def state_of(root: Path, tests: Iterable[str]) -> str:
    """A digest of everything that a verdict depends on; the list of equivalents and this driver are left out."""
    digest = hashlib.sha256("\n".join(tests).encode())
    for pattern in DEPENDS:
        for file in sorted(root.glob(pattern)):
            if file.is_file() and "mutation" not in file.parts:
                digest.update(f"{file.relative_to(root)}\n".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


class Memory:
    """Verdicts of earlier runs by change, and those of this run as they come."""

    def __init__(self, folder: Path, root: Path, tests: Iterable[str], lines: dict[str, list[str]]) -> None:
        self.state = state_of(root, tests)
        self.lines = lines
        folder.mkdir(exist_ok=True)
        self.file = folder / "verdicts.jsonl"
        self.verdicts: dict[str, tuple[str, str]] = {}
        if self.file.exists():
            for line in self.file.read_text("utf-8").splitlines():
                key, outcome, state = json.loads(line)
                self.verdicts[key] = outcome, state

    def names(self, changes: Iterable[Change]) -> dict[Change, str]:
        """What each change is known by; the same change on the same words is numbered."""
        seen: Counter[str] = Counter()
        found = {}
        for change in changes:
            line = self.lines[change.path][change.line - 1].strip()
            name = "|".join((change.path, change.scope, line, change.before, change.after))
            seen[name] += 1
            found[change] = f"{name}|{seen[name]}"
        return found

    def verdict(self, name: str) -> str | None:
        """What came of it with the very same code and tests; None when that is not known."""
        outcome, state = self.verdicts.get(name, ("", ""))
        return outcome if state == self.state else None

    def last(self, name: str) -> str:
        """What came of it in the last run that asked it, whatever has changed since; empty when nothing did."""
        return self.verdicts.get(name, ("", ""))[0]

    def killer(self, name: str) -> str:
        """The test that killed it before, if any did."""
        outcome = self.last(name)
        return "" if outcome in NO_TEST or outcome.startswith("error") else outcome

    def keep(self, name: str, outcome: str) -> None:
        """Written down at once, so that a run that is ended loses nothing."""
        line = json.dumps([name, outcome, self.state]) + "\n"
        number = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(number, line.encode())
        os.close(number)
