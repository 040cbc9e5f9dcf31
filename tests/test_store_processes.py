"""Many at once: processes and threads that write, and one that is killed while it does."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from khemon.store import Store
from khemon.store.integrity import check
from tests.copies import COPIES
from tests.store_rows import HOUR, NURSE, bring, file_of, lab

#: A fresh interpreter with the store loaded forks the processes: none of the test's own connections is inherited.
START = COPIES


def count_up(url: str, times: int, name: str) -> None:
    """Reads, adds one, writes back: lost when two writers read the same number."""
    store = Store(url)
    for number in range(times):
        with store.writing() as writer:
            writer.set_setting("count", str(int(writer.setting("count") or 0) + 1))
            writer.audit(NURSE, "count", name, {}, number)
        bring(store, [lab(1, patient=name, at=number * HOUR)], content=f"{name} {number}".encode())
    store.close()


@pytest.mark.faults
def test_eight_processes_open_a_new_database_at_once_and_lose_nothing(store_url):
    writers = [START.Process(target=count_up, args=(store_url, 10, f"P{number}")) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 8
    store = Store(store_url)
    with store.reading() as reader:
        assert (reader.setting("count"), len(reader.results_for()), reader.audit_head()[0]) == ("80", 80, 80)
    assert check(store) == []
    store.close()


def test_threads_share_a_store(store):
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                bring(store, [lab(1, patient=f"P{number}", at=turn * HOUR)])
                with store.reading() as reader:
                    assert len(reader.results_for([f"P{number}"])) == turn + 1
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as reader:
        assert (problems, len(reader.results_for())) == ([], 40)


def import_for_ever(url: str, log: str) -> None:
    """Imports file after file and notes each one only after it was committed."""
    store = Store(url)
    with Path(log).open("a") as acknowledged:
        for number in range(100_000):
            rows = [lab(1, patient=f"{os.getpid()}-{number}", at=turn) for turn in range(200)]
            batch = bring(store, rows, content=os.urandom(8))
            acknowledged.write(batch.batch + "\n")
            acknowledged.flush()


@pytest.mark.faults
def test_a_killed_import_is_whole_or_absent_and_what_was_acknowledged_is_there(store_url, tmp_path):
    watching = Store(store_url)
    log = tmp_path / "acknowledged"
    for turn in range(3):
        worker = START.Process(target=import_for_ever, args=(store_url, str(log)))
        worker.start()
        while not log.exists() or log.read_text().count("\n") < 3 * (turn + 1):
            worker.join(0.02)
            assert worker.is_alive()
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        with watching.reading() as reader:  # a reader that was open all the time rolls the torn import back
            assert set(log.read_text().split()) <= {batch.batch for batch in reader.batches()}
    watching.close()
    store = Store(store_url)
    with store.reading() as reader:
        there = {batch.batch for batch in reader.batches()}
        assert set(log.read_text().split()) <= there
        assert len(reader.results_for()) == 200 * len(there)
    assert check(store) == []
    bring(store, [lab(1, patient="after")])
    store.close()


def die_halfway(url: str) -> None:
    """Writes pages of an import into the file, because they do not fit into memory, and dies before the commit."""
    store = Store(url)
    meta, arguments = file_of([lab(1, at=number) for number in range(5_000)], content=b"torn")
    with store.writing() as writer:
        writer._connection.exec_driver_sql("PRAGMA cache_size = -64")
        writer.record_import(meta, **arguments)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.faults
def test_a_reader_rolls_back_an_import_that_died_with_pages_written(tmp_path):
    path = tmp_path / "khemon.db"
    watching = Store(f"sqlite:///{path}")
    bring(watching, [lab(7)])
    before = path.stat().st_size
    worker = START.Process(target=die_halfway, args=(watching.url,))
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL and path.stat().st_size > before
    with watching.reading() as reader:
        assert [row.text for row in reader.results_of("P1")] == ["7"]
    assert check(watching) == []
    watching.close()
