"""The tests as killers: run once, who runs which line written down, then asked again after each change."""

from __future__ import annotations

import gc
import os
import signal
import time
import types
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import CodeType
from typing import Any

import coverage
import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.changes import Change, changed

ROOT = Path(__file__).resolve().parents[2]
#: Whatever judges is tested by these; none starts a process, a server or a database.
KILLERS = [
    "tests/test_units.py",
    "tests/test_analytes_numbers.py",
    "tests/test_cases.py",
    "tests/test_rulebook_numbers.py",
    "tests/test_calendar.py",
    "tests/test_engine.py",
    "tests/test_engine_blocks.py",
    "tests/test_engine_edges.py",
    "tests/test_engine_laws.py",
    "tests/test_engine_remembering.py",
    "tests/test_engine_shapes.py",
    "tests/test_grounds.py",
    "tests/test_grounds_of_cases.py",
    "tests/test_uncounted.py",
    "tests/test_explained.py",
    "tests/test_further_edges.py",
    "tests/test_further_random.py",
    "tests/test_grades.py",
    "tests/test_protocol_files.py",
    "tests/test_protocol_refusals.py",
    "tests/test_questions.py",
    "tests/test_rulebook.py",
    "tests/test_rulebook_refusals.py",
    "tests/test_alerts_acknowledged.py",
    "tests/test_alerts_edges.py",
    "tests/test_alerts_further.py",
    "tests/test_alerts_identity.py",
    "tests/test_alerts_late.py",
    "tests/test_alerts_laws.py",
    "tests/test_alerts_moves.py",
    "tests/test_alerts_muting.py",
    "tests/test_alerts_reference.py",
    "tests/test_timelines.py::test_the_ward_has_the_alerts_told_on_every_day",
    "tests/test_endpoints.py",
    "tests/test_endpoint_edges.py",
    "tests/test_endpoint_laws.py",
    "tests/test_endpoint_statistics.py",
]
#: Processor seconds a test may take after a change: so many, and so many times what it took before.
PATIENCE_SECONDS, PATIENCE_TIMES = 3.0, 10.0
MEMORY_BYTES = 3 << 30
#: The variables that name other files of tests, and which tests of them by an expression of words as pytest reads it.
CHOSEN, ONLY = "KHEMON_MUTATION_TESTS", "KHEMON_MUTATION_ONLY"
QUIETLY = ["-q", "--assert=plain", "--no-header", "-p", "no:cacheprovider", "-p", "no:cov"]


_SOURCES: dict[str, str] = {}


def source_of(path: str) -> str:
    """The text of a module as it was when it was first asked for: what is edited meanwhile moves no change."""
    if path not in _SOURCES:
        _SOURCES[path] = (ROOT / path).read_text("utf-8")
    return _SOURCES[path]


def killers() -> list[str]:
    """The files of KILLERS that are there, or those that were chosen instead."""
    chosen = os.environ.get(CHOSEN, "").split()
    return chosen or [name for name in KILLERS if (ROOT / name.partition("::")[0]).is_file()]


def words() -> list[str]:
    """What pytest is told to choose from the files."""
    only = os.environ.get(ONLY, "")
    return ["-k", only] if only else []


def said_and_done(ask: Any, wall_seconds: float) -> str:
    """What `ask(say)` says in a process of its own; `time` when it says nothing for too long."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        os.setpgid(0, 0)
        _in_a_box(writing)
        answer = "died"
        try:
            answer = ask()
        except BaseException as problem:
            answer = f"error: {type(problem).__name__}"
        finally:
            os.write(writing, answer.encode())
            os._exit(0)
    os.close(writing)
    try:
        answer = _heard(reading, wall_seconds)
    finally:
        os.close(reading)
        _end(pid)
    if answer.startswith("error") and not answer.endswith(MemoryError.__name__):
        raise RuntimeError(f"the driver itself failed, which is no verdict: {answer}")
    return answer


def _in_a_box(writing: int) -> None:
    """No output, bounded memory, and a word when the processor time of a test is used up."""
    import resource

    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    def out_of_time(*_: object) -> None:
        os.write(writing, b"time")
        os._exit(0)

    signal.signal(signal.SIGPROF, out_of_time)


def _heard(reading: int, wall_seconds: float) -> str:
    import select

    ready, _, _ = select.select([reading], [], [], wall_seconds)
    return os.read(reading, 4096).decode() if ready else "time"


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def allow(seconds: float) -> None:
    """Starts the clock of one test."""
    signal.setitimer(signal.ITIMER_PROF, PATIENCE_SECONDS + PATIENCE_TIMES * seconds)


class Suite:
    """A pytest plugin: runs every test once, then hands itself over."""

    def __init__(self, paths: Iterable[str], work: Any) -> None:
        self.paths = {path: str(ROOT / path) for path in paths}
        self.work = work
        self.coverage = coverage.Coverage(data_file=None, config_file=False, include=list(self.paths.values()))
        self.items: dict[str, pytest.Item] = {}
        self.seconds: dict[str, float] = {}
        self.by_line: dict[str, dict[int, list[str]]] = {}
        self.live: dict[str, dict[tuple[int, str], list[types.FunctionType]]] = {}
        self.caches: list[Any] = []

    def run(self) -> int:
        """Collects, measures, works; the exit code of pytest."""
        self.coverage.start()
        return int(pytest.main([*QUIETLY, "--capture=sys", *words(), *killers()], plugins=[self]))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of the usual loop."""
        if session.testsfailed:
            raise session.Failed("the tests cannot be collected")
        self.items = {item.nodeid: item for item in session.items}
        remembering = self._caches({name.removesuffix(".py").replace("/", ".") for name in self.paths})
        for name, item in self.items.items():
            # What an earlier test had worked out would hide that this one runs those lines too.
            for cache in remembering:
                cache.cache_clear()
            self.coverage.switch_context(name)
            failed, self.seconds[name] = result_of(item)
            if failed:
                raise session.Failed(f"fails without any change: {name}")
        self.coverage.stop()
        found = self.coverage.get_data()
        self.by_line = {path: found.contexts_by_lineno(file) for path, file in self.paths.items()}
        self._index()
        self.work(self)
        return True

    def _index(self) -> None:
        files = {file: path for path, file in self.paths.items()}
        for thing in gc.get_objects():
            if isinstance(thing, types.FunctionType) and thing.__code__.co_filename in files:
                functions = self.live.setdefault(files[thing.__code__.co_filename], {})
                functions.setdefault(_key(thing.__code__), []).append(thing)
        self.caches = self._caches({"khemon", "tests"})
        gc.collect()
        gc.freeze()

    @staticmethod
    def _caches(within: set[str]) -> list[Any]:
        """What remembers the answers of a function of these modules, or of modules in these folders."""
        found = (thing for thing in gc.get_objects() if hasattr(type(thing), "cache_clear"))
        named = ((getattr(getattr(thing, "__wrapped__", None), "__module__", None) or "", thing) for thing in found)
        return [thing for module, thing in named if module in within or module.partition(".")[0] in within]

    def running(self, change: Change) -> list[str]:
        """The tests that run the changed lines, quickest first; without those that ran while modules were loaded."""
        first, last = change.lines
        found = {name for line in range(first, last + 1) for name in self.by_line[change.path].get(line, ()) if name}
        return sorted(found, key=self.seconds.__getitem__)

    def at_load(self, change: Change) -> bool:
        """Whether a changed line ran while modules were loaded and tests collected."""
        first, last = change.lines
        return any("" in self.by_line[change.path].get(line, ()) for line in range(first, last + 1))

    def put_in_place(self, change: Change) -> bool:
        """Gives the living functions the changed code; False where none has it or it does not fit."""
        file = self.paths[change.path]
        code = compile(changed(source_of(change.path), change), file, "exec")
        new = {_key(part): part for part in _parts(code)}
        placed = False
        for key, functions in self.live.get(change.path, {}).items():
            for function in functions:
                if key in new and function.__code__ != new[key]:
                    try:
                        function.__code__ = new[key]
                    except ValueError:
                        return False
                    placed = True
        for cache in self.caches:
            cache.cache_clear()
        return placed

    def ask(self, change: Change, names: list[str]) -> str:
        """The first of the tests that fails once the change is made; empty when none does, `afresh` when it cannot."""
        if not self.put_in_place(change):
            return "afresh"
        for name in names:
            allow(self.seconds[name])
            if result_of(self.items[name])[0]:
                return name
        return ""


def result_of(item: pytest.Item) -> tuple[bool, float]:
    """Whether a test fails, and the processor seconds it takes."""
    before = time.process_time()
    reports = runtestprotocol(item, log=False, nextitem=None)
    return any(report.failed for report in reports), time.process_time() - before


def _key(code: CodeType) -> tuple[int, str]:
    return code.co_firstlineno, code.co_qualname


def _parts(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)
