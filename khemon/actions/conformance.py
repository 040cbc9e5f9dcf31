"""`conformance`: run files of cases and of timelines against the installed engine."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from khemon.actions import timelines
from khemon.explain.cases import differences
from khemon.rules.cases import load_cases


def run_files(paths: Sequence[Path]) -> dict[str, Any]:
    """{"passed", "failed", "files": [{"file", "cases": [{"rule", "name", "passed", "differences"}]}]}.

    A timeline counts as one case, its rule is "timeline". RulebookProblem, naming file and place, for a file that is
    neither; nothing was run then.
    """
    loaded = [(path, _load_timeline(path) if _is_timeline(path) else _load_cases(path)) for path in paths]
    files: list[dict[str, Any]] = []
    for path, runs in loaded:
        ran = [(rule, name, run()) for rule, name, run in runs]
        rows = [{"rule": rule, "name": name, "passed": not found, "differences": found} for rule, name, found in ran]
        files.append({"file": path.name, "cases": rows})
    verdicts = [row["passed"] for file in files for row in file["cases"]]
    return {"passed": sum(verdicts), "failed": len(verdicts) - sum(verdicts), "files": files}


_Runs = list[tuple[str, str, Callable[[], list[str]]]]


def _is_timeline(path: Path) -> bool:
    """Whether a file tells what happens; one that cannot be read is left to the reader of cases to refuse."""
    try:
        return "happens" in tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False


def _load_timeline(path: Path) -> _Runs:
    timeline = timelines.load_timeline(path)
    return [("timeline", timeline.title, partial(timelines.differences, timeline))]


def _load_cases(path: Path) -> _Runs:
    return [(case.rule, case.name, partial(differences, case)) for case in load_cases(path)]
