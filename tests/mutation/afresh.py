"""The tests in a process that has not loaded khemon yet: it loads the changed module like any other.

pytest is started once, and each change is asked in a fork of it: only khemon and the tests are loaded for each.
"""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.mutation.changes import Change, changed
from tests.mutation.suite import QUIETLY, ROOT, allow, result_of, said_and_done, source_of, words

#: Plugins of the tests that load khemon: a fork loads the one among them that its tests may ask for.
LOADS_KHEMON = ("tests.databases", "tests.server", "tests.browser", "tests.installed")
NEEDED_BY = {"tests/test_timelines.py": "tests.databases"}
#: Seconds that loading khemon and the tests may take; and a test that nobody has measured.
LOADING_SECONDS, UNMEASURED_SECONDS = 10.0, 1.0


class Afresh:
    """A pytest plugin: instead of collecting tests it hands itself over, and collects them in forks of its process."""

    def __init__(self, work: Callable[[Afresh], None], wall_seconds: float) -> None:
        self.work, self.wall_seconds = work, wall_seconds
        self.session: Any = None

    def run(self) -> int:
        """Starts pytest without its tests, works; the exit code of pytest."""
        without = [word for name in LOADS_KHEMON for word in ("-p", f"no:{name}")]
        return int(pytest.main([*QUIETLY, "--capture=sys", *without, *words()], plugins=[self]))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        """Instead of the usual collection."""
        loaded = sorted(name for name in sys.modules if name.partition(".")[0] == "khemon")
        assert not loaded, f"loaded before any change: {loaded}"
        self.session = session
        gc.collect()
        gc.freeze()
        self.work(self)
        return True

    def pytest_runtestloop(self) -> bool:
        """All is done when this would begin."""
        return True

    def ask(self, change: Change | None, groups: Sequence[Sequence[str]], seconds: dict[str, float]) -> str:
        """The first test that fails, `load` when the module or the tests cannot be loaded; empty when none fails.

        groups: names of tests or of files of tests. A group is loaded when those before it have passed.
        """
        return said_and_done(lambda: self._asked(change, groups, seconds), self.wall_seconds)

    def _asked(self, change: Change | None, groups: Sequence[Sequence[str]], seconds: dict[str, float]) -> str:
        if change is not None:
            sys.meta_path.insert(0, _Finder(change))
        for names in groups:
            allow(LOADING_SECONDS)
            if not self._collected(list(dict.fromkeys(name.partition("::")[0] for name in names))):
                return "load"
            for item in self._in_order(names):
                allow(seconds.get(item.nodeid, UNMEASURED_SECONDS))
                if result_of(item)[0]:
                    return str(item.nodeid)
        return ""

    def _collected(self, files: list[str]) -> bool:
        """Collects the tests of files; whether that went well."""
        manager = self.session.config.pluginmanager
        for needed in sorted({NEEDED_BY[file] for file in files if file in NEEDED_BY}):
            manager.unblock(needed)
            manager.import_plugin(needed)
        # Not the names of the tests: such a name may depend on the changed module.
        self.session.perform_collect(files)
        return not self.session.testsfailed

    def _in_order(self, names: Sequence[str]) -> list[pytest.Item]:
        place = {name: number for number, name in enumerate(names)}
        found = []
        for item in self.session.items:
            at = place.get(item.nodeid, place.get(item.nodeid.partition("::")[0]))
            if at is not None:
                found.append((at, item))
        return [item for _, item in sorted(found, key=lambda each: each[0])]


class _Finder:
    """Finds one module: the changed one."""

    def __init__(self, change: Change) -> None:
        self.change = change
        name = change.path.removesuffix(".py").replace("/", ".")
        self.name = name.removesuffix(".__init__")

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """The module's place, with ourselves as its loader."""
        from importlib.util import spec_from_file_location

        if name != self.name:
            return None
        file = ROOT / self.change.path
        folders = [str(file.parent)] if file.name == "__init__.py" else None
        return spec_from_file_location(name, file, loader=self, submodule_search_locations=folders)

    def create_module(self, spec: object) -> None:
        """As usual."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Runs the changed code."""
        source = changed(source_of(self.change.path), self.change)
        exec(compile(source, str(ROOT / self.change.path), "exec"), module.__dict__)
