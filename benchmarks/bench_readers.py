"""How long a reader waits while 100,000 rows are imported: what a ward list and a child's page ask, again and again."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from benchmarks.bench_import import ACTOR, NOW_MS, labs_csv
from benchmarks.timing import spread_line
from khemon.actions.import_files import Options, commit
from khemon.actions.watch.patient import patient_view
from khemon.rules.calendar import from_ms
from khemon.store import Store

#: Results of the children who are in the store before, 250 of each.
WARD_ROWS = 5_000
HOUR_MS = 3_600_000
MS = 1_000
#: Readings before the import, to compare with.
IDLE = 20


def ward(store: Store, ids: list[str]) -> None:
    """What a ward list of these children asks of the store."""
    with store.reading() as reader:
        reader.revision(), reader.patients(ids), reader.results_for(ids), reader.events_for(ids)
        reader.episodes(ids, open_only=True), reader.alerts(None, ids), reader.held()


def read_on(url: str, begun: Event | threading.Event, ended: Event | threading.Event, into: Any) -> None:
    """Milliseconds of each reading: alone, and from then on until the import has ended."""
    store, now = Store(url), from_ms(NOW_MS + HOUR_MS)
    with store.reading() as reader:
        numbers = reader.patient_numbers()
    ids = list(numbers)

    def child() -> None:
        patient_view(store, ACTOR, numbers[ids[0]], now)

    def took(read: Callable[[], None]) -> float:
        start = time.perf_counter()
        read()
        return (time.perf_counter() - start) * MS

    reads = (lambda: ward(store, ids), child)
    alone = [took(read) for _ in range(IDLE) for read in reads]
    begun.set()
    during = []
    while not ended.is_set():
        during += [took(read) for read in reads]
    store.close()
    into.put((alone, during))


def beside(url: str, content: bytes, store: Store, *, process: bool) -> tuple[list[float], list[float]]:
    """Readings of another process or thread, alone and during the import of a file."""
    spawned = multiprocessing.get_context("spawn")
    begun, ended = (spawned.Event(), spawned.Event()) if process else (threading.Event(), threading.Event())
    into: Any = spawned.SimpleQueue() if process else SimpleQueue()
    kind: Any = spawned.Process if process else threading.Thread
    reader = kind(target=read_on, args=(url, begun, ended, into))
    reader.start()
    begun.wait()
    commit(store, ACTOR, content, "labs.csv", Options(now_ms=NOW_MS, timezone="UTC"))
    ended.set()
    found: tuple[list[float], list[float]] = into.get()
    reader.join()
    return found


def main(rows: int, rounds: int) -> None:
    """Print the longest reading of each round."""
    known = labs_csv(WARD_ROWS, seed=3).replace(b"\nP", b"\nWARD")
    content = labs_csv(rows, seed=11)
    print(f"readings of a ward list and of a child's page during the import of about {rows:,} rows; {rounds} rounds")
    for process, where in ((True, "in a process of its own"), (False, "in a thread beside the import")):
        longest: dict[str, list[float]] = {"alone": [], "during": []}
        count = 0
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                url = f"sqlite:///{Path(folder) / 'khemon.db'}"
                store = Store(url)
                commit(store, ACTOR, known, "ward.csv", Options(now_ms=NOW_MS, timezone="UTC"))
                alone, during = beside(url, content, store, process=process)
                store.close()
            longest["alone"].append(max(alone))
            longest["during"].append(max(during))
            count += len(during)
        print("  " + spread_line(f"longest of {count} readings {where}", longest["during"], " ms"))
        print("  " + spread_line("  longest of those before it", longest["alone"], " ms"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
