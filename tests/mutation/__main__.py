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
    "HYPOTHESIS_PROFILE": "mutation",
}
#: Loaded once, before any fork; nothing of khemon, which a changed module has to be loaded into afresh.
LOADED_BEFORE = ["numpy", "pydantic", "hypothesis", "pint", "sqlalchemy", "zoneinfo", "tomllib", "decimal"]
JUDGEMENT = ["khemon/units.py", "khemon/rules", "khemon/alerts", "khemon/grades", "khemon/explain", "khemon/endpoints"]
#: Seconds on the clock after which a process that says nothing is ended.
WALL_SECONDS = 900.0
#: How many tests are asked of what also acts while modules are loaded, before it is loaded afresh.
FIRST_TESTS = 100
#: What a test may take to be asked in a quick round.
QUICK_SECONDS = 0.2

os.environ.update(MEASURE)
for _name in LOADED_BEFORE:
    importlib.import_module(_name)

from tests.mutation.changes import Change, changes_of  # noqa: E402
from tests.mutation.listed import Pattern, patterns  # noqa: E402
from tests.mutation.suite import CHOSEN, ROOT, Afresh, Suite, said_and_done  # noqa: E402

Outcomes = dict[Change, str]


def modules(named: list[str]) -> list[str]:
    """The Python files of files and folders, relative to the root."""
    found = []
    for name in named or JUDGEMENT:
        path = ROOT / name
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        found += [file.relative_to(ROOT).as_posix() for file in files]
    return found


def shown(change: Change) -> str:
    """A survivor with the line it stands on."""
    line = (ROOT / change.path).read_text("utf-8").splitlines()[change.line - 1].strip()
    return f"survived: {change}\n    {line}"


class Order:
    """Which tests are asked first: those that failed lately in the same place."""

    def __init__(self) -> None:
        self.lately: dict[str, Counter[str]] = defaultdict(Counter)

    def of(self, change: Change, names: list[str]) -> list[str]:
        here, around = self.lately[f"{change.path}:{change.scope}"], self.lately[change.path]
        return sorted(names, key=lambda name: (-here[name], -around[name]))

    def failed(self, change: Change, name: str) -> None:
        for place in (f"{change.path}:{change.scope}", change.path):
            self.lately[place][name] += 1


def share(changes: list[Change], workers: int) -> list[list[Change]]:
    """The changes in as many parts, the changes of one function together."""
    parts: list[list[Change]] = [[] for _ in range(workers)]
    groups: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for change in changes:
        groups[change.path, change.scope].append(change)
    for group in groups.values():
        min(parts, key=len).extend(group)
    return parts


def by_workers(parts: list[list[Change]], work: object) -> Outcomes:
    """What each worker found, together; the last part is done here."""
    with tempfile.TemporaryDirectory() as folder:
        pids = []
        for number, part in enumerate(parts):
            pid = os.fork()
            if pid == 0:
                try:
                    (Path(folder) / str(number)).write_bytes(pickle.dumps(work(part)))  # type: ignore[operator]
                finally:
                    os._exit(0)
            pids.append(pid)
        for pid in pids:
            os.waitpid(pid, 0)
        found: Outcomes = {}
        for number in range(len(parts)):
            found |= pickle.loads((Path(folder) / str(number)).read_bytes())
        return found


def tell(line: str) -> None:
    """A line on the terminal, also while tests have their output taken."""
    print(line, file=sys.__stdout__, flush=True)


class InPlace:
    """First round: the changed code is put into the living functions of a process that has everything loaded."""

    def __init__(self, changes: list[Change], workers: int, longest: float) -> None:
        self.changes, self.workers, self.longest = changes, workers, longest
        self.outcomes: Outcomes = {}
        self.suite = Suite(sorted({change.path for change in changes}), self._work)

    def run(self) -> tuple[Outcomes, dict[str, float], dict[str, list[str]]]:
        """The outcomes; for the second round the seconds of each test, and the tests that run each module."""
        code = self.suite.run()
        if code:
            raise SystemExit(f"the tests fail without any change ({code})")
        modules_run = {
            path: sorted({name for names in lines.values() for name in names if name}, key=self.suite.seconds.get)
            for path, lines in self.suite.by_line.items()
        }
        return self.outcomes, self.suite.seconds, modules_run

    def _work(self, suite: Suite) -> None:
        tell(f"{len(suite.items)} tests in {sum(suite.seconds.values()):.0f} s; {len(self.changes)} changes")
        self.outcomes = by_workers(share(self.changes, self.workers), self._part)

    def _part(self, part: list[Change]) -> Outcomes:
        order, found = Order(), {}
        for change in part:
            found[change] = outcome = self._outcome(change, order)
            if outcome and outcome != "afresh":
                order.failed(change, outcome)
            if not outcome:
                tell(shown(change))
        return found

    def _outcome(self, change: Change, order: Order) -> str:
        if not change.in_function:
            return "afresh"
        running = [name for name in self.suite.running(change) if self.suite.seconds[name] <= self.longest]
        names = order.of(change, running)
        if self.suite.at_load(change):
            names = names[:FIRST_TESTS]
        outcome = said_and_done(lambda: self.suite.ask(change, names), WALL_SECONDS) if names else ""
        return "afresh" if not outcome and self.suite.at_load(change) else outcome


class Loaded:
    """Second round: what acts while modules are loaded is loaded afresh for each change."""

    def __init__(self, seconds: dict[str, float], modules_run: dict[str, list[str]]) -> None:
        self.seconds, self.modules_run = seconds, modules_run

    def part(self, part: list[Change]) -> Outcomes:
        """What came of each change."""
        found = {}
        for change in part:
            found[change] = outcome = self._outcome(change)
            if not outcome:
                tell(shown(change))
        return found

    def _outcome(self, change: Change) -> str:
        """Asks the module's own file of tests first, then all the others."""
        own = self._own(change.path)
        rest = [name for name in sorted(self.seconds, key=self.seconds.__getitem__) if name not in set(own)]
        for names in (own, rest):
            asking = Afresh(names, self.seconds)
            outcome = said_and_done(lambda asking=asking: asking.ask(change), WALL_SECONDS) if names else ""
            if outcome:
                return outcome
        return ""

    def _own(self, path: str) -> list[str]:
        """The tests of the file that is about the module: of those that mostly run it, the one that runs the least."""
        runs = Counter(name.partition("::")[0] for name in self.modules_run[path])
        whole = Counter(name.partition("::")[0] for name in self.seconds)
        mostly = [file for file, count in runs.items() if 2 * count > whole[file]] or list(runs)
        if not mostly:
            return []
        own = min(mostly, key=lambda file: sum(self.seconds[name] for name in self.seconds if name.startswith(file)))
        return sorted((name for name in self.seconds if name.startswith(own + "::")), key=self.seconds.__getitem__)


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
        counts[change.path]["killed" if outcome else "survived"] += 1
    for change in listed:
        counts[change.path]["listed"] += 1
    print(f"\n{'module':<42}{'killed':>8}{'listed':>8}{'survived':>10}")
    for path, count in sorted(counts.items()):
        print(f"{path:<42}{count['killed']:>8}{count['listed']:>8}{count['survived']:>10}")
    whole = sum(counts.values(), Counter[str]())
    print(f"{'all':<42}{whole['killed']:>8}{whole['listed']:>8}{whole['survived']:>10}")
    survivors = [change for change, outcome in outcomes.items() if not outcome]
    for change in survivors:
        print(shown(change))
    judged = whole["killed"] + whole["survived"]
    print(f"score {100 * whole['killed'] / max(judged, 1):.1f} % of {judged} changes in {seconds:.0f} s")
    return len(survivors)


def main() -> int:
    """0 when nothing survived without a reason."""
    started = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", help="files or folders; all of what judges when absent")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--tests", nargs="+", metavar="FILE", help="only these files of tests")
    parser.add_argument(
        "--quick", action="store_true", help="without the tests that take longer, and without loading afresh"
    )
    chosen = parser.parse_args()
    os.environ[CHOSEN] = " ".join(chosen.tests or [])
    longest = QUICK_SECONDS if chosen.quick else WALL_SECONDS
    known = patterns()
    changes, listed = [], {}
    for path in modules(chosen.modules):
        source = (ROOT / path).read_text("utf-8")
        lines = source.splitlines()
        for change in changes_of(path, source):
            pattern = next((each for each in known if each.fits(change, lines[change.line - 1])), None)
            if pattern is None:
                changes.append(change)
            else:
                listed[change] = pattern
    outcomes, seconds, run = in_a_process(InPlace(changes, chosen.workers, longest).run)  # type: ignore[misc]
    again = [change for change, outcome in outcomes.items() if outcome == "afresh" and not chosen.quick]
    tell(f"{len(again)} changes act while modules are loaded")
    outcomes |= by_workers(share(again, chosen.workers), Loaded(seconds, run).part)
    left = report({change: outcomes[change] for change in changes}, listed, time.monotonic() - started)
    unmet = [pattern for pattern in known if not pattern.met] if not chosen.modules else []
    for pattern in unmet:
        print(f"a pattern that nothing fits any more: {pattern.where} {pattern.code} {pattern.change}")
    return 1 if left or unmet else 0


if __name__ == "__main__":
    sys.exit(main())
