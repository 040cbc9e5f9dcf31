"""`conformance`: run case files against the installed engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from khemon.explain.cases import differences
from khemon.rules.cases import load_cases


def run_files(paths: Sequence[Path]) -> dict[str, Any]:
    """{"passed", "failed", "files": [{"file", "cases": [{"rule", "name", "passed", "differences"}]}]}.

    RulebookProblem, naming file, case and field, for a file that is no case file; nothing was run then.
    """
    loaded = [(path, load_cases(path)) for path in paths]
    files: list[dict[str, Any]] = []
    for path, cases in loaded:
        ran = [(case, differences(case)) for case in cases]
        rows = [{"rule": c.rule, "name": c.name, "passed": not found, "differences": found} for c, found in ran]
        files.append({"file": path.name, "cases": rows})
    verdicts = [row["passed"] for file in files for row in file["cases"]]
    return {"passed": sum(verdicts), "failed": len(verdicts) - sum(verdicts), "files": files}
