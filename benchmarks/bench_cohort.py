"""Endpoints of a large cohort kept as Parquet: against reading the same files with pandas; two processes; memory.

Timed as ours: reading the Parquet into arrays and every endpoint of every child. A part of the children is simulated,
the others are the same under other ids: so many rows would take longer to draw than to judge.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.cohort_files import END, NAMES, ZONE, children_of, write
from benchmarks.timing import interleaved, processor_time, ratio_line
from khemon.endpoints import Findings, catalog, endpoints_of, joined
from khemon.rules import load_protocol
from khemon.rules.calendar import to_ms

WORKERS, PARTITIONS, SIMULATED = 2, 8, 2_000
GIGABYTE = 1 << 30


def of_partition(folder: Path, threads: bool = True) -> Findings:
    """Every endpoint of the children of one partition."""
    return endpoints_of(children_of(folder, threads), load_protocol("ward"), ZONE, to_ms(END))


def one_by_one(folders: list[Path], threads: bool = True) -> Findings:
    """Every partition in this process."""
    return joined([of_partition(folder, threads) for folder in folders])


def in_worker(folder: Path) -> tuple[Findings, int, float]:
    """A partition by one thread; which process did it, and the seconds it kept a processor busy."""
    begun = time.process_time()
    found = of_partition(folder, threads=False)
    return found, os.getpid(), time.process_time() - begun


def in_pool(pool: ProcessPoolExecutor, folders: list[Path], busy: list[float]) -> Findings:
    """Every partition in the workers of a pool, each read by the worker itself; only endpoints come back.

    busy: here goes how long the busier worker kept its processor.
    """
    parts = list(pool.map(in_worker, folders))
    spent: dict[int, float] = {}
    for _, process, seconds in parts:
        spent[process] = spent.get(process, 0.0) + seconds
    busy.append(max(spent.values()))
    return joined([found for found, _, _ in parts])


def read_with_pandas(folders: list[Path]) -> int:
    """Rows of all files, read with pandas and let go."""
    return sum(len(pd.read_parquet(folder / f"{name}.parquet")) for folder in folders for name in NAMES)


def peak(folders: list[Path], work: bool) -> float:
    """Gigabytes that a process of its own needs at most: to start, or for every endpoint."""
    if work:
        one_by_one(folders)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIGABYTE


def same_in_every_copy(found: Findings, copies: int) -> bool:
    """Whether each copy of the simulated children has the same answers."""
    columns = [found.answers[endpoint.name].state.reshape(copies, -1) for endpoint in catalog()]
    return all((column == column[0]).all() for column in columns)


def main(patients: int, rounds: int) -> None:
    """Print the figures for about that many children."""
    simulated = min(SIMULATED, patients // PARTITIONS)
    context = get_context("forkserver")
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(WORKERS, context) as pool:
        rows = write(Path(name), patients, simulated, PARTITIONS)
        folders = [Path(name) / str(place) for place in range(PARTITIONS)]
        alone: list[float] = []
        busier: list[float] = []
        found, pooled = one_by_one(folders), in_pool(pool, folders, busier)
        copies = patients // simulated
        equal = all(np.array_equal(found.answers[e.name].state, pooled.answers[e.name].state) for e in catalog())
        if not equal or not same_in_every_copy(found, copies):
            sys.exit("the endpoints of copies or of processes differ")
        print(f"endpoints of {copies * simulated:,} children ({simulated:,} simulated), {rows:,} results in Parquet")
        sides = {
            "ours": partial(one_by_one, folders),
            "one": processor_time(partial(one_by_one, folders, threads=False), alone),
            "pool": partial(in_pool, pool, folders, busier),
            "pandas": partial(read_with_pandas, folders),
        }
        seconds = interleaved(sides, rounds)
        print("  " + ratio_line("reading and every endpoint / reading with pandas", seconds, "ours", "pandas"))
        told = f"one process / {WORKERS} processes, one thread each, answers equal"
        print("  " + ratio_line(told, seconds, "one", "pool"))
        # A machine with other things to do gives neither side its processors: then this tells what they would take.
        kept = {"one": alone[1:], "pool": busier[2:]}
        print("  " + ratio_line("the same in processor time, the busier of the two", kept, "one", "pool"))
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), patients, simulated, PARTITIONS)
        folders = [Path(name) / str(place) for place in range(PARTITIONS)]
        for told, work in (("to start", False), ("for every endpoint, one partition at a time", True)):
            with ProcessPoolExecutor(1, context) as alone:
                print(f"  peak memory {told}: {alone.submit(peak, folders, work).result():.2f} GB", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
