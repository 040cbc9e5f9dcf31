"""`python -m tests.mutation [FILE or FOLDER …] [--workers N]`: changes, runs, and says what survived."""

from __future__ import annotations

import argparse
import importlib
import os
import pickle
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from pathlib import Path

#: The same histories and examples in every run.
MEASURE = {
    "KHEMON_SEED": "20260101",
    "KHEMON_HISTORIES": "200",
    "KHEMON_FURTHER_EXAMPLES": "200",
    "KHEMON_ALERT_HISTORIES": "200",
    "HYPOTHESIS_PROFILE": "mutation",
}
#: Loaded once, before any fork; nothing of khemon, which a changed module has to be loaded into afresh.
LOADED_BEFORE = [
    *("numpy.random", "numpy.typing", "hypothesis.strategies", "pint", "zoneinfo", "tomllib", "decimal", "csv"),
    *("pydantic.main", "pydantic.types", "pydantic.json_schema", "pydantic.functional_validators", "pydantic.plugin"),
    *("sqlalchemy.dialects.sqlite", "concurrent.futures.process", "concurrent.futures.thread", "unittest.mock"),
]
JUDGEMENT = ["khemon/units.py", "khemon/rules", "khemon/alerts", "khemon/grades", "khemon/explain", "khemon/endpoints"]

os.environ.update(MEASURE)
for _name in LOADED_BEFORE:
    importlib.import_module(_name)

from tests.mutation.changes import Change, changes_of  # noqa: E402
from tests.mutation.listed import Pattern, patterns  # noqa: E402
from tests.mutation.memory import Memory  # noqa: E402
from tests.mutation.rounds import InPlace, Loaded, Outcomes, Told, shown, tell  # noqa: E402
from tests.mutation.suite import CHOSEN, ONLY, ROOT, killers, source_of, words  # noqa: E402


def modules(named: list[str]) -> list[str]:
    """The Python files of files and folders, relative to the root."""
    found = []
    for name in named or JUDGEMENT:
        path = ROOT / name
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        found += [file.relative_to(ROOT).as_posix() for file in files]
    return found


def in_a_process(ask: object) -> object:
    """What a function returns, run in a process of its own so that nothing it loads stays here."""
    with tempfile.NamedTemporaryFile() as file:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                Path(file.name).write_bytes(pickle.dumps(ask()))  # type: ignore[operator]
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        if os.waitpid(pid, 0)[1]:
            raise SystemExit(1)
        return pickle.loads(Path(file.name).read_bytes())


def report(outcomes: Outcomes, listed: dict[Change, Pattern], seconds: float) -> int:
    """Prints killed, listed and survived by module; how many survived."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for change, outcome in outcomes.items():
        # A first look does not ask what acts while modules are loaded.
        counts[change.path]["not asked" if outcome == "afresh" else "killed" if outcome else "survived"] += 1
    for change in listed:
        counts[change.path]["listed"] += 1
    columns = ("killed", "listed", "survived", "not asked")
    print(f"\n{'module':<42}" + "".join(f"{column:>10}" for column in columns))
    whole = sum(counts.values(), Counter[str]())
    for path, count in [*sorted(counts.items()), ("all", whole)]:
        print(f"{path:<42}" + "".join(f"{count[column]:>10}" for column in columns))
    survivors = [change for change, outcome in outcomes.items() if not outcome]
    for change in survivors:
        print(shown(change))
    judged = whole["killed"] + whole["survived"]
    print(f"score {100 * whole['killed'] / max(judged, 1):.1f} % of {judged} changes in {seconds:.0f} s")
    return len(survivors)


def chosen_by_hand() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", help="files or folders; all of what judges when absent")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--tests", nargs="+", metavar="FILE", help="only these files of tests")
    parser.add_argument("--only", metavar="WORDS", default="", help="only tests whose names fit, as pytest -k reads it")
    parser.add_argument("--memory", type=Path, default=ROOT / ".mutation", help="where verdicts are kept")
    parser.add_argument(
        "--quick", action="store_true", help="a first look: only quick tests, and nothing is loaded afresh"
    )
    parser.add_argument(
        "--loading",
        action="store_true",
        help="only what acts while modules are loaded; the tests are not measured first",
    )
    parser.add_argument("--open", action="store_true", help="only changes that no remembered run has killed")
    return parser.parse_args()


def sorted_out(paths: list[str], known: list[Pattern]) -> tuple[list[Change], dict[Change, Pattern]]:
    """The changes of modules: those to be killed, and those that are listed as making no difference."""
    changes, listed = [], {}
    for path in paths:
        source = source_of(path)
        lines = source.splitlines()
        for change in changes_of(path, source):
            pattern = next((each for each in known if each.fits(change, lines[change.line - 1])), None)
            if pattern is None:
                changes.append(change)
            else:
                listed[change] = pattern
    return changes, listed


def verdicts(changes: list[Change], chosen: argparse.Namespace) -> Outcomes:
    """What came of every change: what is remembered with the very same code and tests, and else what the tests say."""
    lines = {path: source_of(path).splitlines() for path in {change.path for change in changes}}
    memory = Memory(chosen.memory, ROOT, [*killers(), *words()], lines)
    names = memory.names(changes)
    outcomes = {change: memory.verdict(names[change]) for change in changes}
    if chosen.open:
        outcomes |= {change: memory.last(names[change]) or None for change in changes if outcomes[change] is None}
    ask = [change for change in changes if outcomes[change] is None]
    tell(f"{len(changes) - len(ask)} verdicts are known of the very same code and tests")
    if ask:
        told = Told(memory, names, quick=chosen.quick)
        if chosen.loading:
            outcomes |= dict.fromkeys(ask, "afresh")
            ask = [change for change in ask if not change.in_function]
            return outcomes | Loaded({}, {}, told).run(ask, chosen.workers)  # type: ignore[return-value]
        found, seconds, run = in_a_process(InPlace(ask, chosen.workers, told).run)  # type: ignore[misc]
        again = [change for change, outcome in found.items() if outcome == "afresh" and not chosen.quick]
        tell(f"{len(again)} changes act while modules are loaded")
        outcomes |= found | Loaded(seconds, run, told).run(again, chosen.workers)
    return outcomes  # type: ignore[return-value]


def main() -> int:
    """0 when nothing survived without a reason."""
    started = time.monotonic()
    chosen = chosen_by_hand()
    os.environ[CHOSEN], os.environ[ONLY] = " ".join(chosen.tests or []), chosen.only
    known = patterns()
    changes, listed = sorted_out(modules(chosen.modules), known)
    outcomes = verdicts(changes, chosen)
    left = report(outcomes, listed, time.monotonic() - started)
    unmet = [pattern for pattern in known if not pattern.met] if not chosen.modules else []
    for pattern in unmet:
        print(f"a pattern that nothing fits any more: {pattern.where} {pattern.code} {pattern.change}")
    return 1 if left or unmet else 0


if __name__ == "__main__":
    sys.exit(main())
