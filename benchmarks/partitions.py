"""The engine, unmodified, on partitions by patient in two worker processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import fields
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from khemon.rules import Episodes, Events, Patients, Protocol, Results, evaluate, load_protocol
from khemon.rules.rulebook import FURTHER

WORKERS, PARTS = 2, 4


def core_protocol(ward: Protocol) -> Protocol:
    """The rules of sections 3.1 to 3.6 alone."""
    rules = {name: rule for name, rule in ward.rules.items() if not isinstance(rule, FURTHER)}
    return ward.model_copy(update={"rules": rules})


def write(data: Results, folder: Path) -> None:
    """Partitions of whole patients as one file per column, as a store of arrays would hold them."""
    count = int(data.patient[-1]) + 1
    for part in range(PARTS):
        first, last = count * part // PARTS, count * (part + 1) // PARTS
        start, stop = np.searchsorted(data.patient, (first, last))
        for field in fields(Results):
            column = getattr(data, field.name)
            if column is not None:
                own = column[start:stop] - (first if field.name == "patient" else 0)
                np.save(folder / f"{part}-{field.name}.npy", own.astype(column.dtype))


def evaluated(folder: Path, part: int, as_of: int) -> Episodes:
    """What a worker does: maps the columns of a partition and evaluates them as if they were all there is."""
    paths = {field.name: folder / f"{part}-{field.name}.npy" for field in fields(Results)}
    columns = {name: np.asarray(np.load(path, mmap_mode="r")) for name, path in paths.items() if path.exists()}
    data = Results(**columns)
    patients = Patients.unknown(int(data.patient[-1]) + 1)
    return evaluate(data, Events.none(), patients, core_protocol(load_protocol("ward")), "UTC", as_of)


def together(pool: ProcessPoolExecutor, folder: Path, count: int, as_of: int) -> list[Episodes]:
    """The episodes of every partition, their patients numbered as in the whole."""
    running = [pool.submit(evaluated, folder, part, as_of) for part in range(PARTS)]
    found = []
    for part, future in enumerate(running):
        episodes = future.result()
        np.add(episodes.patient, np.int32(count * part // PARTS), out=episodes.patient)
        found.append(episodes)
    return found


@contextmanager
def workers() -> Iterator[ProcessPoolExecutor]:
    """The worker processes."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        yield pool
