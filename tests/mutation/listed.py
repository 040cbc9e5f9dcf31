"""Changes that make no difference anyone could see, listed by pattern with the reason (equivalents.toml)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from tests.mutation.changes import Change

LIST = Path(__file__).with_name("equivalents.toml")


@dataclass(slots=True)
class Pattern:
    """Where (path and scope), which line of code, which change; and why it makes no difference."""

    where: str
    code: str
    change: str
    reason: str
    met: int = field(default=0)

    def fits(self, change: Change, line: str) -> bool:
        """Whether it speaks of this change."""
        place = f"{change.path}:{change.scope}"
        text = f"{change.before} → {change.after}"
        if not fnmatch(place, self.where) or not re.search(self.code, line) or not re.fullmatch(self.change, text):
            return False
        self.met += 1
        return True


def patterns() -> list[Pattern]:
    """Every pattern of the list; each has a reason."""
    found = []
    for block in tomllib.loads(LIST.read_text("utf-8")).get("equivalent", []):
        assert block["reason"].strip(), block
        found.append(Pattern(block["where"], block.get("code", ""), block.get("change", ".*"), block["reason"]))
    return found
