"""`khemon import --watch`: the folder's loop, until a signal ends it between two files."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from khemon.actions.folder import LOOKS_UNENDED, Folder, Taken
from khemon.actions.folder_files import held
from khemon.actions.import_files import HELD, Options, zone_for
from khemon.cli.options import now_ms, open_store, person
from khemon.cli.output import DONE, FOUND_A_PROBLEM, WRONG_USAGE, print_json, say


@dataclass
class Watch:
    """What one run of the command took, and what it said last of files it had to leave."""

    taken: list[Taken] = field(default_factory=list)
    left: dict[str, dict[str, str]] = field(default_factory=dict)

    def tell(self, taken: Taken) -> None:
        """Say what became of a file; the same trouble with the same file once."""
        error = taken.report.get("error")
        if taken.left and self.left.get(taken.name) == error:
            return
        self.left.pop(taken.name, None)
        if taken.left:
            self.left[taken.name] = taken.report["error"]
            say(f"{taken.name}: {_words(error)} It stays, and is tried again.")
        elif error:
            say(f"{taken.name}: {_words(error)} Moved to {taken.where.parent.name}.")
        else:
            counts = ", ".join(f"{number} {fate}" for fate, number in taken.report["counts"].items() if number)
            again = " (imported before)" if taken.report.get("repeated") else ""
            say(f"{taken.name}: {counts or 'no rows'}; batch {taken.report['batch']}{again}")

    def exit_code(self) -> int:
        """As of `import`: 2 when a file could not be read, 1 when rows are held, else 0."""
        if self.left or any(each.error for each in self.taken):
            return WRONG_USAGE
        held_rows = sum(each.report["counts"][fate] for each in self.taken for fate in HELD)
        return FOUND_A_PROBLEM if held_rows else DONE


def _words(error: dict[str, Any] | None) -> str:
    return "" if error is None else f"{error['where']}: {error['found']}. Remedy: {error['remedy']}."


def watch_folder(path: Path, every_s: float, db: str | None, options: Options, *, once: bool, as_json: bool) -> int:
    """Take the files of a folder as they come, until a signal; or, once, those that are there. The exit code."""
    store = open_store(db, make=True)
    try:
        zone_for(store, options)
        with held(path), _until_a_signal() as ending:
            folder = Folder(path, store, person(), options, now_ms)
            watch = Watch()
            say(f"watching {path}; stop with Ctrl-C" if not once else f"looking into {path}")
            _go_round(folder, watch, ending, every_s, once=once)
    finally:
        store.close()
    if not once:
        say("stopped")
        return DONE
    if folder.waiting:
        say(f"{folder.waiting} files stay: they were still growing, or could not be taken")
    if as_json:
        print_json({"files": [{**each.report, "moved_to": str(each.where.relative_to(path))} for each in watch.taken]})
    return watch.exit_code()


def _go_round(folder: Folder, watch: Watch, ending: threading.Event, every_s: float, *, once: bool) -> None:
    looks = 0
    while not ending.is_set():
        looks += 1
        for found in folder.look():
            if ending.is_set():
                return
            taken = folder.take(found)
            if taken is not None:
                watch.tell(taken)
                if once and not taken.left:
                    watch.taken.append(taken)
        if once and (looks >= LOOKS_UNENDED or not folder.waiting):
            return
        ending.wait(every_s)


@contextlib.contextmanager
def _until_a_signal() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; what is being imported then is finished first."""
    ending = threading.Event()
    before = {number: signal.signal(number, lambda *_: ending.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
