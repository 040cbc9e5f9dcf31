"""The power fails at any write of an import: every acknowledged import is there afterwards, and none in part.

`KHEMON_POWER_CUTS=5000` cuts more often than the 40 times of every run; `KHEMON_SEED` repeats the moments.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from unittest import mock

import pytest

from khemon.actions.check import check
from khemon.models import StoreProblem
from khemon.store import Store, connection
from tests.power import Event, Recorder, files_in, image
from tests.shell import sqlite
from tests.test_endurance import FORKS, NURSE, bring, now_of

pytestmark = pytest.mark.faults

CUTS = int(os.environ.get("KHEMON_POWER_CUTS", "40"))
IMPORTS, ROWS = 5, 8


def record(folder: str, careless: bool, answers) -> None:
    """Imports some files and tells what was done to the disk; carelessly: without waiting for it, as nobody should."""
    recorder, plain = Recorder(), connection.sqlite_settings

    def settings(**how):
        return plain(**how) | ({"synchronous": ("OFF", 0)} if careless else {})

    with mock.patch.object(connection, "sqlite_settings", settings):
        store = Store(sqlite(Path(folder)))
        bring(store, 0, ROWS, 1)
        before = files_in(Path(folder))
        recorder.events.clear()
        for number in range(1, IMPORTS + 1):
            recorder.said(bring(store, number, ROWS, 1)["batch"])
        answers.put((before, recorder.events))
        store.close()


def recorded(folder: Path, *, careless: bool) -> tuple[dict[str, bytes], list[Event]]:
    answers = FORKS.SimpleQueue()
    child = FORKS.Process(target=record, args=(str(folder), careless, answers), daemon=True)
    child.start()
    found = answers.get()
    child.join()
    assert child.exitcode == 0
    return found


def what_is_lost(folder: Path, before: dict[str, bytes], events: list[Event], drawn: random.Random) -> str | None:
    """What is wrong after the power failed at a moment of these events and the store was opened again."""
    cut = events[: drawn.randrange(len(events) + 1)]
    for path, content in image(before, cut, drawn).items():
        Path(path).write_bytes(content)
    acknowledged = [event.content.decode() for event in cut if event.what == "done"]
    try:
        store = Store(sqlite(folder))
    except StoreProblem as problem:
        return f"cannot be opened: {problem}"
    try:
        with store.reading() as reader:
            there = [batch.batch for batch in reader.batches()][1:]
            rows = len(reader.results_for())
        sound = check(store, NURSE, now_of(9))["sound"]
    except StoreProblem as problem:
        return f"cannot be read: {problem}"
    finally:
        store.close()
    if there[: len(acknowledged)] != acknowledged or len(there) > len(acknowledged) + 1:
        return f"{len(acknowledged)} were acknowledged, {len(there)} are there"
    return None if sound and rows == (ROWS - 2) * (len(there) + 1) else "not whole"


def test_no_acknowledged_import_is_lost_and_none_is_there_in_part_when_the_power_fails(tmp_path, seed):
    before, events = recorded(tmp_path, careless=False)
    assert sum(event.what == "done" for event in events) == IMPORTS
    assert sum(event.what == "sync" for event in events) >= 3 * IMPORTS
    drawn = random.Random(seed)
    assert [(cut, lost) for cut in range(CUTS) if (lost := what_is_lost(tmp_path, before, events, drawn))] == []


def test_the_model_finds_what_a_store_that_does_not_wait_for_the_disk_loses(tmp_path, seed):
    before, events = recorded(tmp_path, careless=True)
    assert not [event for event in events if event.what == "sync"]
    drawn = random.Random(seed)
    assert any(what_is_lost(tmp_path, before, events, drawn) for _ in range(20))
