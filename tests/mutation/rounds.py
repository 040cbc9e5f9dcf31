"""The two rounds: changed code in living functions, then what acts while modules are loaded; and how work is shared."""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
import time
from collections import Counter, defaultdict
from itertools import accumulate
from pathlib import Path

import pytest

from tests.mutation.afresh import Afresh
from tests.mutation.changes import Change
from tests.mutation.memory import NO_TEST, Memory
from tests.mutation.suite import Suite, killers, said_and_done, source_of

#: Seconds on the clock after which a process that says nothing is ended.
WALL_SECONDS = 900.0
#: How many tests are asked of what also acts while modules are loaded, before it is loaded afresh.
FIRST_TESTS = 100
#: How many of those that failed lately are asked first, where nothing else is known.
LATELY = 8
#: What a test, and all tests of one change together, may take in a first look.
QUICK_SECONDS, QUICK_TOGETHER_SECONDS = 0.5, 3.0
#: After how many changes a word is said.
A_WORD_AFTER = 100

Outcomes = dict[Change, str]


def shown(change: Change) -> str:
    """A survivor with the line it stands on."""
    line = source_of(change.path).splitlines()[change.line - 1].strip()
    return f"survived: {change}\n    {line}"


class Order:
    """Which tests are asked first: those that failed lately in the same place."""

    def __init__(self) -> None:
        self.lately: dict[str, Counter[str]] = defaultdict(Counter)

    def of(self, change: Change, names: list[str]) -> list[str]:
        here, around = self.lately[f"{change.path}:{change.scope}"], self.lately[change.path]
        return sorted(names, key=lambda name: (-here[name], -around[name]))

    def failed(self, change: Change, name: str) -> None:
        if name in NO_TEST:
            return
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


class Told:
    """What came of each change, written down and said at once."""

    def __init__(self, memory: Memory, names: dict[Change, str], *, quick: bool) -> None:
        self.memory, self.names, self.quick = memory, names, quick
        self.started, self.count = time.monotonic(), 0

    def killer(self, change: Change) -> str:
        """The test that killed it in an earlier run, if any did."""
        return self.memory.killer(self.names[change])

    def of(self, change: Change, outcome: str) -> str:
        """The outcome, told. That a first look did not kill is no verdict."""
        self.count += 1
        if outcome != "afresh" and (outcome or not self.quick):
            self.memory.keep(self.names[change], outcome)
        if not outcome:
            tell(shown(change))
        if self.count % A_WORD_AFTER == 0:
            tell(f"{self.count} changes after {time.monotonic() - self.started:.0f} s")
        return outcome


class InPlace:
    """First round: the changed code is put into the living functions of a process that has everything loaded."""

    def __init__(self, changes: list[Change], workers: int, told: Told) -> None:
        self.changes, self.workers, self.told = changes, workers, told
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
            order.failed(change, self.told.killer(change))
        for change in part:
            found[change] = outcome = self.told.of(change, self._outcome(change, order))
            order.failed(change, outcome)
        return found

    def _outcome(self, change: Change, order: Order) -> str:
        if not change.in_function:
            return "afresh"
        running = self.suite.running(change)
        before = self.told.killer(change)
        names = [name for name in running if name == before]
        names += [name for name in order.of(change, running) if name != before]
        if self.told.quick:
            names = self._quick(names)
        if self.suite.at_load(change):
            names = names[:FIRST_TESTS]
        outcome = said_and_done(lambda: self.suite.ask(change, names), WALL_SECONDS) if names else ""
        return "afresh" if not outcome and self.suite.at_load(change) else outcome

    def _quick(self, names: list[str]) -> list[str]:
        """As many quick ones as a first look has time for."""
        quick = [name for name in names if self.suite.seconds[name] <= QUICK_SECONDS]
        together = accumulate(self.suite.seconds[name] for name in quick)
        return [name for name, seconds in zip(quick, together, strict=True) if seconds <= QUICK_TOGETHER_SECONDS]


class Loaded:
    """Second round: what acts while modules are loaded is loaded afresh for each change.

    Without a first round nothing is known of seconds and of who runs what: the files of tests are asked in their order.
    """

    def __init__(self, seconds: dict[str, float], modules_run: dict[str, list[str]], told: Told) -> None:
        self.seconds, self.modules_run, self.told = seconds, modules_run, told
        self.outcomes: Outcomes = {}
        self.passed: set[str] = set()

    def run(self, changes: list[Change], workers: int) -> Outcomes:
        """What came of each change."""
        code = Afresh(lambda afresh: self._work(afresh, changes, workers), WALL_SECONDS).run()
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):  # here none is collected
            raise SystemExit(f"the tests cannot be asked afresh ({code})")
        return self.outcomes

    def _work(self, afresh: Afresh, changes: list[Change], workers: int) -> None:
        self.outcomes = by_workers(share(changes, workers), lambda part: self._part(afresh, part))

    def _part(self, afresh: Afresh, part: list[Change]) -> Outcomes:
        order = Order()
        found = {}
        for change in part:
            found[change] = outcome = self.told.of(change, self._outcome(afresh, change, order))
            order.failed(change, outcome)
        return found

    def _outcome(self, afresh: Afresh, change: Change, order: Order) -> str:
        groups = self._groups(change, order)
        outcome = afresh.ask(change, groups, self.seconds)
        if outcome:
            asked = [name for names in groups for name in names] if outcome in NO_TEST else [outcome]
            # To load a file is enough where loading failed: none of its tests is called so.
            self._sound(afresh, [name.partition("::")[0] + "::" for name in asked] if outcome == "load" else asked)
        return outcome

    def _sound(self, afresh: Afresh, names: list[str]) -> None:
        """Of what failed: it does not fail without a change. What the first round measured has passed."""
        asked = [name for name in names if name not in self.seconds and name not in self.passed]
        failed = afresh.ask(None, [asked], self.seconds) if asked else ""
        if failed:
            tell(f"fails without any change: {failed}")
            raise SystemExit(1)
        self.passed.update(asked)

    def _groups(self, change: Change, order: Order) -> list[list[str]]:
        """The one that killed it before, then what fits best, then all the others."""
        before = [name for name in [self.told.killer(change)] if name in self.seconds]
        if not self.seconds:
            lately: dict[str, list[str]] = {}
            for name, _ in order.lately[change.path].most_common(LATELY):
                lately.setdefault(name.partition("::")[0], []).append(name)
            return [*lately.values(), *([file] for file in killers())]
        own = order.of(change, self._own(change.path))
        rest = [name for name in sorted(self.seconds, key=self.seconds.__getitem__) if name not in set(own)]
        return [names for names in (before, own, rest) if names]

    def _own(self, path: str) -> list[str]:
        """The tests of the file that is about the module: of those that mostly run it, the one that runs the least."""
        runs = Counter(name.partition("::")[0] for name in self.modules_run[path])
        whole = Counter(name.partition("::")[0] for name in self.seconds)
        mostly = [file for file, count in runs.items() if 2 * count > whole[file]] or list(runs)
        if not mostly:
            return []
        own = min(mostly, key=lambda file: sum(self.seconds[name] for name in self.seconds if name.startswith(file)))
        return sorted((name for name in self.seconds if name.startswith(own + "::")), key=self.seconds.__getitem__)
