"""The engine, unmodified, on partitions by patient in two worker processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from khemon.rules import Episodes, Events, Patients, Protocol, Results, evaluate
from khemon.rules.rulebook import FURTHER

#: Each worker holds some of the partitions; with several of its own it evaluates one while another is on its way back.
WORKERS, PARTS = 2, 8

#: In a worker: the results and the first patient of each partition it holds, and the moment it looks at.
_HELD: dict[int, tuple[Results, int]] = {}
_AS_OF: list[int] = []


def core_protocol(ward: Protocol) -> Protocol:
    """The rules of sections 3.1 to 3.6 alone."""
    rules = {name: rule for name, rule in ward.rules.items() if not isinstance(rule, FURTHER)}
    return ward.model_copy(update={"rules": rules})


def write(data: Results, folder: Path) -> None:
    """Partitions of whole patients, one file each."""
    count = int(data.patient[-1]) + 1
    for part in range(PARTS):
        first, last = count * part // PARTS, count * (part + 1) // PARTS
        rows = slice(*np.searchsorted(data.patient, (first, last)))
        own = {field.name: getattr(data, field.name) for field in fields(Results)}
        columns = {name: column[rows] for name, column in own.items() if column is not None}
        columns["patient"] = columns["patient"] - np.int32(first)
        np.savez(folder / f"{part}.npz", first=np.array(first), **columns)


def hold(folder: Path, parts: range, as_of: int) -> None:
    """What a worker does at its start: reads its partitions."""
    _AS_OF.append(as_of)
    for part in parts:
        columns = dict(np.load(folder / f"{part}.npz"))
        first = int(columns.pop("first"))
        _HELD[part] = (Results(**columns), first)


def evaluated(part: int, protocol: Protocol) -> Episodes:
    """What a worker does when asked: the episodes of a partition, evaluated as if it were all there is."""
    data, first = _HELD[part]
    found = evaluate(data, Events.none(), Patients.unknown(int(data.patient[-1]) + 1), protocol, "UTC", _AS_OF[0])
    np.add(found.patient, np.int32(first), out=found.patient)
    return found


@contextmanager
def workers(folder: Path, as_of: int) -> Iterator[list[ProcessPoolExecutor]]:
    """A pool of one process per worker, so that each worker is asked for what it holds."""
    share = PARTS // WORKERS
    with ExitStack() as stack:
        pools = [
            ProcessPoolExecutor(
                1,
                mp_context=get_context("spawn"),
                initializer=hold,
                initargs=(folder, range(worker * share, (worker + 1) * share), as_of),
            )
            for worker in range(WORKERS)
        ]
        yield [stack.enter_context(pool) for pool in pools]


def together(pools: list[ProcessPoolExecutor], protocol: Protocol) -> list[Episodes]:
    """The episodes of every partition in order, patients numbered as in the whole."""
    share = PARTS // WORKERS
    running = [pools[part // share].submit(evaluated, part, protocol) for part in range(PARTS)]
    return [future.result() for future in running]
