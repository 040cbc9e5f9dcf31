"""Evaluation of many results: against `sum` over every array it takes, and against the same rules in DuckDB SQL.

Then how time grows with the data, the memory it needs beside its input and output, one patient, and two processes.
"""

from __future__ import annotations

import math
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import in_duckdb, partitions
from benchmarks.data import results
from benchmarks.partitions import core_protocol
from benchmarks.timing import interleaved, ratio_line, spread_line
from khemon.rules import Episodes, Events, Patients, Protocol, Results, evaluate, latest_time, load_protocol
from khemon.rules.rulebook import AnyOfRule, PointRule, RunRule

MEGABYTE = 1_000_000
ONE_PATIENT, ENOUGH_DRAWS = 300, 100
NONE = Events.none()


def plain_protocol(ward: Protocol) -> Protocol:
    """The rules of sections 3.1, 3.2 and 3.5 alone."""
    rules = {name: rule for name, rule in ward.rules.items() if isinstance(rule, PointRule | AnyOfRule | RunRule)}
    rules["thrombocytopenia"] = rules["thrombocytopenia"].model_copy(update={"raised": None})
    return ward.model_copy(update={"rules": rules, "muting": {}})


def patients_of(data: Results) -> Patients:
    """The patients of some results, nothing known of them."""
    return Patients.unknown(int(data.patient[-1]) + 1)


def against_sum_and_sql(data: Results, ward: Protocol, rounds: int) -> None:
    """Print the ratios to `sum` and to SQL, after the outputs were found equal."""
    patients, core, plain = patients_of(data), core_protocol(ward), plain_protocol(ward)
    connection = in_duckdb.connected(data)
    found = evaluate(data, NONE, patients, plain, "UTC")
    wrong = in_duckdb.differing(connection, found, plain)
    if wrong:
        sys.exit(f"the outputs differ in {wrong} episodes")
    seconds = interleaved(
        {
            "all": lambda: evaluate(data, NONE, patients, ward, "UTC"),
            "core": lambda: evaluate(data, NONE, patients, core, "UTC"),
            "plain": lambda: evaluate(data, NONE, patients, plain, "UTC"),
            "sum": lambda: [np.sum(array) for array in data.arrays()],
            "duckdb": lambda: connection.execute(in_duckdb.SQL).fetchnumpy(),
        },
        rounds,
    )
    connection.close()
    size = f"{data.time.size:,} results of {patients.birth_day.size:,} patients"
    print(f"evaluation of {size}; outputs equal: {found.size:,} episodes")
    print("  " + ratio_line("all rules of 3.1-3.7 / sum over every array", seconds, "all", "sum"))
    print("  " + ratio_line("all rules of 3.1-3.6 / sum over every array", seconds, "core", "sum"))
    print("  " + ratio_line("3.1, 3.2, 3.5 / sum over every array", seconds, "plain", "sum"))
    print(
        "  " + ratio_line("the same in DuckDB SQL, two threads / 3.1, 3.2, 3.5", seconds, "duckdb", "plain"), flush=True
    )


def growth(sizes: Mapping[int, Results], ward: Protocol, rounds: int) -> None:
    """Print the exponent with which time grows: the slope of the logarithms, fitted round by round."""
    for name, protocol in (("3.1-3.6", core_protocol(ward)), ("3.1-3.7", ward)):
        sides = {str(rows): _evaluation(data, protocol) for rows, data in sizes.items()}
        seconds = interleaved(sides, rounds)
        size = np.log([data.time.size for data in sizes.values()])
        exponents = [float(np.polyfit(size, np.log(times), 1)[0]) for times in zip(*seconds.values(), strict=True)]
        told = ", ".join(f"{data.time.size:,}" for data in sizes.values())
        print("  " + spread_line(f"growth exponent over {told} results, {name}", exponents), flush=True)


def _evaluation(data: Results, protocol: Protocol) -> Callable[[], Any]:
    patients = patients_of(data)
    return lambda: evaluate(data, NONE, patients, protocol, "UTC")


def memory(data: Results, ward: Protocol) -> None:
    """Print the peak of what the interpreter and NumPy allocate, less the episodes; the input is not counted."""
    patients = patients_of(data)
    for name, protocol in (("3.1-3.6", core_protocol(ward)), ("3.1-3.7", ward)):
        tracemalloc.start()
        found = evaluate(data, NONE, patients, protocol, "UTC")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        output = sum(getattr(found, column).nbytes for column in found.__dataclass_fields__)
        above = f"{(peak - output) / MEGABYTE:.0f} MB above input and output ({output / MEGABYTE:.0f} MB)"
        print(f"  peak memory at {data.time.size:,} results, {name}: {above}", flush=True)


def one_patient(ward: Protocol, rounds: int) -> None:
    """Print what one arriving result pays: the evaluation of one patient of 300 results."""
    data = results(1, 3, ENOUGH_DRAWS).take(slice(ONE_PATIENT))
    sides = {"3.1-3.6": _evaluation(data, core_protocol(ward)), "3.1-3.7": _evaluation(data, ward)}
    for name, seconds in interleaved(sides, rounds).items():
        told = f"one patient of {data.time.size} results, {name}"
        print("  " + spread_line(told, [second * 1e3 for second in seconds], " ms"), flush=True)


def two_processes(data: Results, ward: Protocol, rounds: int) -> None:
    """Print the speed-up of two worker processes on partitions by patient, after the episodes were found equal.

    Timed: the workers, who read their partitions before, evaluate them and send the episodes back pickled; the parent
    numbers the patients as in the whole.
    """
    patients, as_of = patients_of(data), latest_time(data, NONE)
    with tempfile.TemporaryDirectory() as name:
        partitions.write(data, Path(name))
        with partitions.workers(Path(name), as_of) as pools:
            for told, protocol in (("3.1-3.6", core_protocol(ward)), ("3.1-3.7", ward)):
                one = partial(evaluate, data, NONE, patients, protocol, "UTC", as_of)
                two = partial(partitions.together, pools, protocol)
                if not same(two(), one()):
                    sys.exit("the episodes of the partitions are not those of the whole")
                seconds = interleaved({"one": one, "two": two}, rounds)
                title = f"one process / {partitions.WORKERS} on partitions, {told}, episodes equal"
                print("  " + ratio_line(title, seconds, "one", "two"), flush=True)


def same(parts: list[Episodes], whole: Episodes) -> bool:
    """Whether the parts, one after the other, are the whole."""
    columns = whole.__dataclass_fields__
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    return all(np.array_equal(joined[name], getattr(whole, name)) for name in columns)


def main(rows: int, rounds: int, seed: int = 7) -> None:
    """Print the figures for a hundredth, a tenth and all of about that many results."""
    ward = load_protocol("ward")
    sizes = {part: results(part, seed) for part in (rows // 100, rows // 10, rows)}
    for data in sizes.values():
        against_sum_and_sql(data, ward, rounds)
    growth(sizes, ward, rounds)
    memory(sizes[rows], ward)
    one_patient(ward, rounds * math.ceil(200 / rounds))
    two_processes(sizes[rows], ward, rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000, int(sys.argv[2]) if len(sys.argv) > 2 else 5)
