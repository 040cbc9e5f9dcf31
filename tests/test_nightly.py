"""The check at start and at night: in a process of its own, and what a watchdog is told of it."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from starlette.requests import Request

from khemon.actions.checking import checked, not_made, take
from khemon.gate import running
from khemon.gate.checker import NOT_MADE
from khemon.gate.nightly import HOUR_OF_NIGHT, NICENESS, check_once, seconds_to_night
from khemon.gate.routes import healthz
from khemon.models import StoreProblem
from khemon.settings import Settings
from khemon.store import Store
from tests.server import canary_ward, running_server
from tests.store_rows import bring, lab
from tests.test_store_integrity import tamper

NOW_MS = 1_800_000_000_000
CHECKS = "khemon.gate.checker"
PATIENCE_S = 60


@pytest.mark.parametrize(("hour", "minute", "hours"), [(2, 0, 1), (3, 0, 24), (4, 0, 23), (23, 30, 3.5)])
def test_the_next_check_is_at_the_next_night(hour, minute, hours):
    now = dt.datetime(2026, 3, 2, hour, minute, tzinfo=dt.UTC)
    assert HOUR_OF_NIGHT == 3
    assert seconds_to_night(now) == hours * 3600


def health(store: Store) -> tuple[int, bytes]:
    with running.over(store, Settings(mode="demo", database_url=store.url)):
        answer = asyncio.run(healthz(Request({"type": "http", "method": "GET"})))
    return answer.status_code, bytes(answer.body)


def test_health_says_read_only_and_nothing_else_until_a_check_succeeds(store):
    bring(store, [lab(10)])
    take(store, checked(store.url, NOW_MS), NOW_MS)
    assert health(store) == (200, b"ok\n")
    tamper(store, "UPDATE result SET high = 11")
    take(store, checked(store.url, NOW_MS), NOW_MS)
    assert health(store) == (503, b"read-only\n")
    with pytest.raises(StoreProblem, match="read-only"):
        bring(store, [lab(11)])
    not_made(store, "killed")
    assert health(store) == (503, b"read-only\n")
    tamper(store, "UPDATE result SET high = 10")
    take(store, checked(store.url, NOW_MS), NOW_MS)
    assert health(store) == (200, b"ok\n")
    with store.reading() as reader:
        assert [row.action for row in reader.audit_rows()] == ["check_failed"]


def test_a_process_of_its_own_finds_what_was_changed_and_the_server_is_held(store):
    bring(store, [lab(10)])
    tamper(store, "UPDATE result SET high = 11")
    assert asyncio.run(check_once(store))
    assert health(store) == (503, b"read-only\n")
    assert "its check found" in store.held_because


def test_a_check_that_is_killed_was_not_made_and_is_never_taken_for_a_sound_store(tmp_path):
    url = f"sqlite:///{tmp_path / 'khemon.db'}"
    store = Store(url)
    with closing(sqlite3.connect(tmp_path / "khemon.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")  # the check waits for it

        async def killed() -> bool:
            task = asyncio.create_task(check_once(store))
            os.kill(await asyncio.to_thread(checker_of, os.getpid()), signal.SIGKILL)
            return await task

        assert not asyncio.run(killed())
        other.execute("ROLLBACK")
    assert store.held_because is None
    assert "could not be made (its process ended with code -9)" in store.doubted_because
    assert health(store) == (503, b"unchecked\n")
    assert asyncio.run(check_once(store))
    assert health(store) == (200, b"ok\n")
    store.close()


@pytest.mark.parametrize("said", ["", "{}", '{"sound": true}', '{"sound": true, "findings": ["x"]}', "[1]", "{"])
def test_what_is_no_document_of_a_check_is_no_check(said, tmp_path, monkeypatch):
    store = Store(f"sqlite:///{tmp_path / 'khemon.db'}")
    stand_in = tmp_path / "says"
    stand_in.write_text(f"#!/bin/sh\nprintf %s '{said}'\n")
    stand_in.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(stand_in))
    assert not asyncio.run(check_once(store))
    assert "could not be made (its process ended with code 0)" in store.doubted_because
    store.close()


def test_a_server_answers_while_its_check_is_under_way_behind_everything_else(tmp_path):
    with running_server(canary_ward(tmp_path / "khemon.db"), checks=True) as server:
        checker = checker_of(server.process.pid)
        os.kill(checker, signal.SIGSTOP)  # it is under way for as long as we look
        cookie = server.sign_in()
        assert server.ask("/", headers={"Cookie": cookie}).status == 200
        assert server.ask("/healthz").body == b"ok\n"
        assert str(tmp_path) not in told(checker, "cmdline")
        until(lambda: os.getpriority(os.PRIO_PROCESS, checker) == NICENESS)
    assert not runs(checker)


def test_a_check_whose_server_is_gone_ends(tmp_path):
    Store(f"sqlite:///{tmp_path / 'khemon.db'}").close()
    asked = json.dumps({"url": f"sqlite:///{tmp_path / 'khemon.db'}", "now_ms": NOW_MS}).encode() + b"\n"
    with closing(sqlite3.connect(tmp_path / "khemon.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")  # the check waits for it
        with subprocess.Popen([sys.executable, "-m", CHECKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            said, _ = process.communicate(asked, timeout=PATIENCE_S)
    assert (said, process.returncode) == (b"", NOT_MADE)


def checker_of(server: int) -> int:
    """The process that checks for a server, waited for until it has begun."""
    return until(lambda: next((each for each in children(server) if CHECKS in told(each, "cmdline")), 0))


def children(process: int) -> list[int]:
    threads = Path(f"/proc/{process}/task").iterdir()
    return [int(each) for thread in threads for each in (thread / "children").read_text().split()]


def runs(process: int) -> bool:
    return CHECKS in told(process, "cmdline")  # one that ended and was not waited for has none


def told(process: int, what: str) -> str:
    try:
        return Path(f"/proc/{process}/{what}").read_text()
    except OSError:
        return ""


def until(found, patience_s: float = PATIENCE_S):
    """What `found` returns once it is something."""
    end = time.monotonic() + patience_s
    while not (what := found()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return what
