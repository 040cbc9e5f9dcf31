"""The ward list of 200 children: its payload against a window-function query of the same facts, and its script."""

from __future__ import annotations

import datetime as dt
import json
import logging
import statistics
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from benchmarks.bench_arrival import HEADER, NAMES, line
from benchmarks.data import results
from benchmarks.timing import ratio_line, spread_line
from khemon.actions import watch
from khemon.actions.import_files import Options, commit
from khemon.actions.watch.cells import ROUND
from khemon.figures.style import LIGHT
from khemon.gate import running
from khemon.models import Actor
from khemon.rules import Results
from khemon.rules.calendar import to_ms
from khemon.settings import Settings
from khemon.store import Store
from khemon.store.connection import connect
from khemon.ui.parts.ward_list import ward_list
from khemon.units import ANALYTE_CODES

ROOT = Path(__file__).resolve().parents[1]
ACTOR = Actor(name="benchmark", kind="demo")
CHILDREN = 200
#: Points of a strip that the query gives.
LAST = 10
HOUR_MS = 3_600_000
#: Each child was last seen at some time within so many hours.
SEEN_WITHIN_H = 48
MS = 1_000
#: The newest points of each child and analyte, and the alerts to review: what a first version of the list would ask.
QUERY = f"""
SELECT patient_id, analyte, collected_ms, comparator, canonical_value FROM (
    SELECT p.patient_id, r.analyte, r.collected_ms, r.comparator, r.canonical_value,
           row_number() OVER (PARTITION BY r.patient_no, r.analyte ORDER BY r.collected_ms DESC) AS place
    FROM result r JOIN patient p ON p.patient_no = r.patient_no
    WHERE r.analyte IN ({", ".join(str(ANALYTE_CODES[name]) for name in ROUND)})
) AS numbered WHERE place <= {LAST} ORDER BY patient_id, analyte, collected_ms
"""
ALERTS = """
SELECT p.patient_id, a.severity, a.text FROM alert a JOIN patient p ON p.patient_no = a.patient_no
WHERE a.state = 'open' ORDER BY p.patient_id, a.alert_id
"""


class Ward:
    """A store of 200 children, most of them seen within two days, and their next results, one after the other."""

    def __init__(self, folder: Path, rows: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.url = f"sqlite:///{folder / 'board.db'}"
        self.store = Store(self.url)
        self.begun_ms = to_ms(dt.datetime.now(dt.UTC))
        data = self._seen_lately(results(rows, seed, draws=max(1, rows * 8 // (CHILDREN * 25))))
        self.children, self.rows = int(data.patient[-1]) + 1, data.time.size
        columns = (data.patient.tolist(), data.time.tolist(), data.analyte.tolist(), data.low.tolist())
        lines = (line(f"P{p:06d}", at, NAMES[a], f"{v:g}") for p, at, a, v in zip(*columns, strict=True))
        content = (HEADER + "".join(lines)).encode()
        commit(self.store, ACTOR, content, "labs.csv", Options(now_ms=self.begun_ms, timezone="UTC"))
        self.number = count(1)

    def _seen_lately(self, data: Results) -> Results:
        last = np.zeros(int(data.patient[-1]) + 1, np.int64)
        np.maximum.at(last, data.patient, data.time)
        ago = (self.rng.random(last.size) * SEEN_WITHIN_H * HOUR_MS).astype(np.int64)
        moved = data.time + (self.begun_ms - ago - last)[data.patient]
        return Results(**{name: getattr(data, name) for name in data.__dataclass_fields__} | {"time": moved})

    def arrive(self, now_ms: int) -> None:
        """A count of the next child."""
        child = f"P{next(self.number) % self.children:06d}"
        value = f"{self.rng.integers(5, 300)}"
        content = (HEADER + line(child, now_ms, "platelets", value)).encode()
        report = commit(self.store, ACTOR, content, "result.csv", Options(now_ms=now_ms))
        if report.counts["accepted"] != 1:
            sys.exit(f"the result was not accepted: {report.counts}")

    def payload(self, now_ms: int) -> tuple[watch.WardBoard, bytes]:
        """The list as the browser gets it."""
        board = watch.ward_board(self.store, ACTOR, moment(now_ms))
        return board, ward_list(board.on_ward, LIGHT, board.news).encode()


def moment(ms: int) -> dt.datetime:
    """A time of day from milliseconds."""
    return dt.datetime.fromtimestamp(ms / MS, dt.UTC)


def naive(engine: sa.Engine) -> tuple[dict[str, dict[str, list[tuple[int, str]]]], bytes]:
    """The newest points of every child and its open alerts, by window functions, as JSON."""
    names = {ANALYTE_CODES[name]: name for name in ROUND}
    points: dict[str, dict[str, list[tuple[int, str]]]] = {}
    with engine.begin() as connection:
        for patient, analyte, at, comparator, value in connection.exec_driver_sql(QUERY):
            points.setdefault(patient, {}).setdefault(names[analyte], []).append((at, f"{comparator}{value}"))
        alerts = [tuple(row) for row in connection.exec_driver_sql(ALERTS)]
    return points, json.dumps({"points": points, "alerts": alerts}).encode()


def compare(board: watch.WardBoard, points: dict[str, dict[str, list[tuple[int, str]]]]) -> None:
    """Ends unless both know the same newest values and the same last points of every strip."""
    if {line.patient_id for line in board.on_ward} != set(points):
        sys.exit("not the same children")
    for each in board.on_ward:
        for analyte, cell in each.cells.items():
            own = points[each.patient_id].get(analyte, [])
            shown = each.sparks[analyte].alt.partition(": ")[2].split(", ")
            values = [value for _, value in own][-len(shown) :] if each.sparks[analyte].marks else []
            if (cell.value or None) != (own[-1][1] if own else None) or (values and shown[-len(values) :] != values):
                sys.exit(f"not the same values of {analyte}: {shown} and {values}")


def timed(run: Any) -> tuple[float, Any]:
    """Seconds, and what it gave."""
    begun = time.perf_counter()
    found = run()
    return time.perf_counter() - begun, found


def payloads(ward: Ward, rounds: int) -> dict[str, list[float]]:
    """Seconds of each side and round, a minute apart: the query, the list, and the list after a result has come."""
    engines = connect(ward.url)
    seconds: dict[str, list[float]] = {"query": [], "list": [], "list after a result": []}
    for number in range(rounds + 1):
        now_ms = ward.begun_ms + number * HOUR_MS // 60
        one, (board, content) = timed(lambda at=now_ms: ward.payload(at))
        other, (points, told) = timed(lambda: naive(engines.reading))
        compare(board, points)
        ward.arrive(now_ms)
        after, (board, _) = timed(lambda at=now_ms: ward.payload(at))
        compare(board, naive(engines.reading)[0])
        if number:
            for name, took in zip(seconds, (other, one, after), strict=True):
                seconds[name].append(took)
        else:
            print(f"  first look of a process, everything read: {one * MS:.0f} ms; {len(content):,} bytes")
            print(f"  the query's answer: {len(told):,} bytes")
    engines.dispose()
    return seconds


def scripts(ward: Ward, runs: int) -> dict[str, list[float]]:
    """Milliseconds of runs of the page's whole script without a browser: with nothing new, and after a result."""
    took: dict[str, list[float]] = {}
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    with running.over(ward.store, Settings(mode="demo", database_url=ward.url)) as place:
        page = AppTest.from_file(str(ROOT / "khemon" / "ui" / "main.py"), default_timeout=300)
        page.user = {"session": place.sessions.open(ACTOR)[1].reference}
        page.run()
        for number in range(2 * runs):
            if number % 2:
                ward.arrive(to_ms(dt.datetime.now(dt.UTC)))
            begun, busy = time.perf_counter(), time.process_time()
            page.run()
            wall, busy = (time.perf_counter() - begun) * MS, (time.process_time() - busy) * MS
            if page.exception:
                sys.exit(f"the page failed: {page.exception}")
            when = "after a result" if number % 2 else "nothing new"
            took.setdefault(f"{when}, wall clock", []).append(wall)
            took.setdefault(f"{when}, processor", []).append(busy)
    return took


def main(rows: int, rounds: int, runs: int, seed: int = 7) -> None:
    """Print the ratio of the payloads, and the 95th percentile of the script."""
    with tempfile.TemporaryDirectory() as name:
        ward = Ward(Path(name), rows, seed)
        print(f"ward list, {ward.children} children, {ward.rows:,} results; {rounds} rounds, {runs} runs of the script")
        seconds = payloads(ward, rounds)
        print("  " + ratio_line("payload / window-function query, a minute later", seconds, "list", "query"))
        after = "payload / window-function query, after a result of one child"
        print("  " + ratio_line(after, seconds, "list after a result", "query"))
        for title, taken in scripts(ward, runs).items():
            print("  " + spread_line(f"script of the page, {title}", taken, " ms"))
            print(f"    95th percentile: {statistics.quantiles(taken, n=20)[-1]:.1f} ms")
        ward.store.close()


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*[*given, *(500_000, 15, 40)[len(given) :]])
