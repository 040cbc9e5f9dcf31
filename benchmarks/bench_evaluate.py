"""Evaluation of many results: against `sum` over every array it takes, and against the same rules in DuckDB SQL."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.data import results
from benchmarks.timing import interleaved, ratio_line
from khemon.rules import NO_TIME, STATUS_WORDS, Episodes, Events, Patients, Protocol, Results, evaluate, load_protocol
from khemon.rules.rulebook import FURTHER, AnyOfRule, PointRule, RunRule

SQL = Path(__file__).with_name("evaluate.sql").read_text("utf-8")


def plain_protocol(ward: Protocol) -> Protocol:
    """The rules of sections 3.1, 3.2 and 3.5 alone."""
    rules = {name: rule for name, rule in ward.rules.items() if isinstance(rule, PointRule | AnyOfRule | RunRule)}
    rules["thrombocytopenia"] = rules["thrombocytopenia"].model_copy(update={"raised": None})
    return ward.model_copy(update={"rules": rules, "muting": {}})


def core_protocol(ward: Protocol) -> Protocol:
    """The rules of sections 3.1 to 3.6 alone."""
    rules = {name: rule for name, rule in ward.rules.items() if not isinstance(rule, FURTHER)}
    return ward.model_copy(update={"rules": rules})


def in_duckdb(data: Results) -> duckdb.DuckDBPyConnection:
    """A connection of two threads with the plain columns as a table in memory."""
    connection = duckdb.connect(config={"threads": 2})
    columns = {"patient": data.patient, "time": data.time, "day": data.day, "analyte": data.analyte, "value": data.low}
    connection.register("given", pa.table(columns))
    connection.execute("CREATE TABLE r AS SELECT * FROM given")
    return connection


def as_sets(found: Episodes, protocol: Protocol) -> set[tuple[Any, ...]]:
    """Our episodes in the form of the query's rows."""
    columns = (found.rule, found.patient, found.onset, found.confirmed_at, found.end, found.status)
    return {
        (protocol.rule_names[rule], int(patient), int(onset), _or_none(confirmed), _or_none(end), STATUS_WORDS[status])
        for rule, patient, onset, confirmed, end, status in zip(*columns, strict=True)
    }


def _or_none(time: int) -> int | None:
    return None if time == NO_TIME else int(time)


def main(rows: int, rounds: int, seed: int = 7) -> None:
    """Print the ratios for about that many results."""
    data = results(rows, seed)
    patients = Patients.unknown(int(data.patient[-1]) + 1)
    ward = load_protocol("ward")
    core, plain = core_protocol(ward), plain_protocol(ward)
    none = Events.none()
    connection = in_duckdb(data)
    said = {tuple(row) for row in connection.execute(SQL).fetchall()}
    found = as_sets(evaluate(data, none, patients, plain, "UTC"), plain)
    if said != found:
        sample = sorted(map(str, said ^ found))[:5]
        sys.exit(f"the outputs differ in {len(said ^ found)} episodes, for example {sample}")
    seconds = interleaved(
        {
            "all": lambda: evaluate(data, none, patients, ward, "UTC"),
            "core": lambda: evaluate(data, none, patients, core, "UTC"),
            "plain": lambda: evaluate(data, none, patients, plain, "UTC"),
            "sum": lambda: [np.sum(array) for array in data.arrays()],
            "duckdb": lambda: connection.execute(SQL).fetchnumpy(),
        },
        rounds,
    )
    size = f"{data.time.size:,} results of {patients.birth_day.size:,} patients"
    print(f"evaluation of {size}; outputs equal: {len(found):,} episodes")
    print("  " + ratio_line("all rules of 3.1-3.7 / sum over every array", seconds, "all", "sum"))
    print("  " + ratio_line("all rules of 3.1-3.6 / sum over every array", seconds, "core", "sum"))
    print("  " + ratio_line("3.1, 3.2, 3.5 / sum over every array", seconds, "plain", "sum"))
    print("  " + ratio_line("3.1, 3.2, 3.5 / the same in DuckDB SQL, two threads", seconds, "plain", "duckdb"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000, int(sys.argv[2]) if len(sys.argv) > 2 else 7)
