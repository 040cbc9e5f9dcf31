"""The same rules in DuckDB SQL, and whether its rows are our episodes."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from khemon.rules import NO_TIME, STATUS_WORDS, Episodes, Protocol, Results

SQL = Path(__file__).with_name("evaluate.sql").read_text("utf-8")
TIMES = ("onset", "confirmed_at", "end_at")


def connected(data: Results) -> duckdb.DuckDBPyConnection:
    """A connection of two threads with the plain columns as a table in memory."""
    connection = duckdb.connect(config={"threads": 2})
    columns = {"patient": data.patient, "time": data.time, "day": data.day, "analyte": data.analyte, "value": data.low}
    connection.register("given", pa.table(columns))
    connection.execute("CREATE TABLE r AS SELECT * FROM given")
    connection.unregister("given")
    return connection


def differing(connection: duckdb.DuckDBPyConnection, found: Episodes, protocol: Protocol) -> int:
    """How many episodes the query and the engine do not have in common, counted row by row in order."""
    said = connection.sql(f"SELECT * FROM ({SQL}) ORDER BY patient, rule, onset").to_arrow_table()
    rule = np.searchsorted(np.array(protocol.rule_names), np.array(said["rule"].to_pylist()))
    status = np.array([STATUS_WORDS.index(word) for word in said["status"].to_pylist()])
    theirs = [said["patient"].to_numpy(), rule, status, *(said[name].fill_null(NO_TIME).to_numpy() for name in TIMES)]
    ours = [found.patient, found.rule, found.status, found.onset, found.confirmed_at, found.end]
    if theirs[0].size != found.size:
        return abs(theirs[0].size - found.size)
    return int(np.logical_or.reduce([one != other for one, other in zip(ours, theirs, strict=True)]).sum())
