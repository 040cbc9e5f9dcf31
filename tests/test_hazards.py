"""Every hazard names its control and a test that is alive."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = ("id", "hazard", "harm", "cause", "control", "tests", "remains")


def hazards() -> list[dict[str, str]]:
    lines = [
        line for line in (ROOT / "docs" / "hazards.md").read_text(encoding="utf-8").splitlines() if line[:1] == "|"
    ]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert tuple(rows[0]) == COLUMNS
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows[2:]]


@cache
def alive_in(name: str) -> frozenset[str]:
    """Names of the tests of a file that run: not those marked to be skipped."""
    path = ROOT / "tests" / name
    if not path.is_file():
        return frozenset()
    functions = [
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)
    ]
    alive = (node for node in functions if "skip" not in " ".join(ast.unparse(mark) for mark in node.decorator_list))
    return frozenset(node.name for node in alive if node.name.startswith("test_"))


def test_hazards_are_numbered_and_whole():
    found = hazards()
    assert [each["id"] for each in found] == [f"H{number:02}" for number in range(1, len(found) + 1)]
    assert len(found) >= 20
    incomplete = [each["id"] for each in found if not all(each[name] for name in COLUMNS[:-1])]
    assert incomplete == []


def test_every_attack_that_is_told_of_has_a_live_test():
    text = (ROOT / "docs" / "attacks.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| tried")]
    named = [re.findall(r"`(test_\w+\.py)::(test_\w+)`", row) for row in rows]
    assert len(rows) >= 20 and all(named)
    assert [f"{file}::{test}" for found in named for file, test in found if test not in alive_in(file)] == []


def test_every_hazard_has_a_live_test():
    dead = []
    for each in hazards():
        named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", each["tests"])
        dead += [f"{each['id']}: {file}::{test}" for file, test in named if test not in alive_in(file)]
        dead += [] if named else [f"{each['id']}: names no test"]
    assert dead == [], "\n".join(dead)
