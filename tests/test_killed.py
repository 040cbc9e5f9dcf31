"""Killed, itself or its database server, at any moment of an import: what was acknowledged is there, nothing in part.

`KHEMON_KILLS=2000` kills more often than the 200 times of every run; `KHEMON_SEED` repeats the moments.
"""

from __future__ import annotations

import gc
import itertools
import mmap
import os
import random
import shutil
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psutil
import pytest
import sqlalchemy as sa

from khemon.store import Store, tables
from tests import test_endurance
from tests.databases import _server
from tests.shell import sqlite
from tests.test_endurance import FORKS, assert_as_if_nothing_had_happened, assert_whole

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("KHEMON_KILLS", "200"))
ROWS = 8
#: Where an import is: before its transaction (a process starts, a file is read), in it, and from the commit to the
#: moment at which the acknowledgment is written down.
READING, WRITING, COMMITTING = range(3)
LONG_ENOUGH_TO_SLEEP = 0.02
#: Whole checks of the store, which read every row, besides the one at the end.
LOOK_CLOSELY_EVERY = 500


def bring(store: Store, number: int) -> dict:
    """Imports a short file about one child: what is killed here is the way of a file, however long."""
    return test_endurance.bring(store, number, ROWS, 1)


class Kill(NamedTuple):
    """When a process is killed: so many whole imports later, in this phase, at this part of its usual length."""

    after: int
    phase: int
    part: float


class Importing:
    """A process that imports file after file and shows in shared memory where it is."""

    def __init__(self, url: str, log: Path) -> None:
        self.url, self.log = url, log
        self.place = mmap.mmap(-1, 8)

    @property
    def phase(self) -> int:
        return self.place[0]

    @property
    def done(self) -> int:
        return int.from_bytes(self.place[1:8], "little")

    def enter(self, phase: int, done: int) -> None:
        self.place[0:8] = bytes([phase]) + done.to_bytes(7, "little")

    def run(self, files: int | None = None) -> None:
        """Imports for ever, or so many files, noting each one once it was acknowledged."""
        self.enter(READING, 0)
        store, done = Store(self.url), 0
        engine = store._engines.writing
        sa.event.listen(engine, "begin", lambda _: self.enter(WRITING, done))
        sa.event.listen(engine, "commit", lambda _: self.enter(COMMITTING, done))
        first = self.log.read_bytes().count(b"\n") if self.log.exists() else 0
        log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for number in itertools.count(first):
            batch = bring(store, number)["batch"]
            os.write(log, f"{batch}\n".encode())  # one call: it is there whole or not at all
            done += 1
            self.enter(READING, done)
            if done == files:
                break
        os.close(log)
        store.close()

    def lengths(self) -> list[float]:
        """How long each phase lasts here and now: the middle one of seven imports, in seconds."""
        spans: list[list[float]] = [[], [], []]
        last = time.perf_counter()

        def enter(phase: int, done: int, plain=self.enter) -> None:
            nonlocal last
            now = time.perf_counter()
            spans[self.phase].append(now - last)
            last = now
            plain(phase, done)

        self.run(1)
        self.enter = enter  # type: ignore[method-assign]
        self.run(7)
        del self.enter
        return [median(each) for each in spans]


def wait(seconds: float) -> None:
    """Waits so long, awake: who sleeps on a busy machine wakes up when a commit of a millisecond is long over."""
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        if left > LONG_ENOUGH_TO_SLEEP:
            time.sleep(left / 2)


def breed(orders, folder: str, url: str, log: str) -> None:
    """Forks an importing process for every order, from one that has done it all before, and kills it when told."""
    lengths = Importing(sqlite(Path(folder), "practice.db"), Path(folder) / "practice").lengths()
    gc.freeze()  # a child that collects nothing copies nothing
    while (order := orders.recv()) is not None:
        kill, work = Kill(*order), Importing(url, Path(log))
        child = os.fork()
        if child == 0:
            try:
                work.run()
            finally:
                os._exit(1)
        while (work.done, work.phase) < (kill.after, kill.phase):
            assert os.waitpid(child, os.WNOHANG)[0] == 0, "it stopped by itself"
        wait(kill.part * lengths[kill.phase])
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        orders.send((os.WIFSIGNALED(status), work.phase))


def standing(path: Path) -> list[tuple[str, int]]:
    """Every import in the file, in order, and how many rows it has; what the dead one left is rolled back first."""
    own = "BETWEEN batch_no * :span AND batch_no * :span + :span - 1"
    rows = f"(SELECT count(*) FROM result WHERE result_id {own}) + (SELECT count(*) FROM fate WHERE fate_id {own})"
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(f"SELECT batch, {rows} FROM batch ORDER BY batch_no", {"span": tables.BATCH_SPAN}).fetchall()


def test_imports_killed_at_any_moment_are_whole_or_absent(disk_path, seed):
    url, log, drawn = sqlite(disk_path), disk_path / "acknowledged", random.Random(seed)
    Store(url).close()
    phases = [READING, WRITING, COMMITTING] * -(-KILLS // 3)
    drawn.shuffle(phases)
    orders, theirs = FORKS.Pipe()
    breeder = FORKS.Process(target=breed, args=(theirs, str(disk_path), url, str(log)), daemon=True)
    breeder.start()
    theirs.close()
    died = Counter()
    for turn, phase in enumerate(phases[:KILLS], start=1):
        orders.send(Kill(int(drawn.random() < 0.2), phase, drawn.random()))
        killed, where = orders.recv()
        assert killed, f"kill {turn}"
        died[where] += 1
        noted = log.read_text().split() if log.exists() else []
        found = standing(disk_path / "khemon.db")
        assert [batch for batch, _ in found[: len(noted)]] == noted, f"kill {turn}: an acknowledged import is missing"
        assert len(found) - len(noted) in (0, 1), f"kill {turn}: more than the one that was under way"
        assert {rows for _, rows in found} <= {ROWS}, f"kill {turn}: an import is there in part"
        if turn % LOOK_CLOSELY_EVERY == 0:
            look_closely(url, log)
    orders.send(None)
    breeder.join()
    assert min(died[phase] for phase in (READING, WRITING, COMMITTING)) > KILLS // 10, died
    files = look_closely(url, log)
    # A fifth of them dies in a second import, so that there is something to lose; more where a commit went through.
    assert files > KILLS // 6
    store = Store(url)
    assert_as_if_nothing_had_happened(store, files, disk_path, bring)
    store.close()


def look_closely(url: str, log: Path) -> int:
    """Reads every row there is, and everything that follows from them; the number of files."""
    store = Store(url)
    files = assert_whole(store, log, ROWS)
    store.close()
    return files


# ---- the database server ------------------------------------------------------------------------------------------

OUTAGES = 2


@pytest.fixture
def doomed_postgres(postgres_url: sa.URL) -> Iterator[Any]:
    """A PostgreSQL server of the test's own, which may be killed. The shared one says whether any can be had."""
    folder = Path(tempfile.mkdtemp(prefix="khemon-doomed-"))
    server = _server(folder / "data")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def kill_whole(server: Any) -> None:
    """Every process of the server at once, as when its machine goes down."""
    main = psutil.Process(server.get_pid())
    family = [main, *main.children(recursive=True)]
    for process in family:
        process.suspend()
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=20)


@pytest.mark.postgres
def test_a_killed_database_server_has_every_acknowledged_import_when_it_is_back(doomed_postgres, tmp_path, seed):
    url = sa.make_url(doomed_postgres.get_uri()).set(drivername="postgresql").render_as_string(hide_password=False)
    log, drawn = tmp_path / "acknowledged", random.Random(seed)
    Store(url).close()
    for _ in range(OUTAGES):
        child = FORKS.Process(target=test_endurance.import_for_ever, args=(url, str(log)), daemon=True)
        child.start()
        enough = len(test_endurance.acknowledged(log)) + 2
        while len(test_endurance.acknowledged(log)) < enough:
            child.join(0.005)
            assert child.is_alive(), "it stopped by itself"
        child.join(drawn.uniform(0, 0.1))
        kill_whole(doomed_postgres)
        child.join()
        assert child.exitcode == 0, "it did not say what happened"
        doomed_postgres.ensure_postgres_running()
    store = Store(url)
    files = assert_whole(store, log)
    assert files >= 2 * OUTAGES
    assert_as_if_nothing_had_happened(store, files, tmp_path)
    store.close()
    problems = Path(f"{log}.problems").read_text().splitlines()
    assert len(problems) == OUTAGES and all("try again" in problem for problem in problems)
