"""One arriving result, committed with its episodes and alerts: against a bare transaction and one flush of the disk.

Measured twice: by a process that had a result of that child before (as a server has), and by one that had none.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from benchmarks.data import results
from benchmarks.timing import interleaved, processor_time, ratio_line
from khemon.actions.check import check
from khemon.actions.import_files import Options, commit, record
from khemon.actions.judging import patients_column
from khemon.actions.recompute import ward_of
from khemon.importers import Observation, Reading
from khemon.models import Actor
from khemon.rules import Events, Results, evaluate
from khemon.rules.calendar import MS_PER_DAY, from_ms, to_ms
from khemon.store import ImportMeta, Store
from khemon.store.connection import connect
from khemon.units import ANALYTE_CODES, ANALYTES

NOW_MS = to_ms(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
MINUTE_MS = MS_PER_DAY // (24 * 60)
ACTOR = Actor(name="benchmark", kind="system")
NAMES = {code: name for name, code in ANALYTE_CODES.items()}
#: Spread (log) of an arriving value about the last one of its analyte.
SPREAD = 0.3
HEADER = "patient_id,collected_at,analyte,value,unit\n"


class Ward:
    """A store of children who are all in care today, and their next results, one child after the other."""

    def __init__(self, folder: Path, rows: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.data = up_to_now(results(rows, seed))
        self.children = int(self.data.patient[-1]) + 1
        self.path = folder / "arrival.db"
        self.store = Store(f"sqlite:///{self.path}")
        self.number = count(1)
        self.raised = 0
        lines = (
            line(f"P{patient:06d}", at, NAMES[code], f"{value:g}")
            for patient, at, code, value in zip(*self._columns(), strict=True)
        )
        content = (HEADER + "".join(lines)).encode()
        commit(self.store, ACTOR, content, "labs.csv", Options(now_ms=NOW_MS, timezone="UTC"))

    def _columns(self) -> tuple[list[int], list[int], list[int], list[float]]:
        data = self.data
        return data.patient.tolist(), data.time.tolist(), data.analyte.tolist(), data.low.tolist()

    def next_result(self) -> tuple[str, int, str, str]:
        """Patient, time, analyte and value of the next result to arrive; the value is near the last one."""
        number = next(self.number)
        child = number % self.children
        own = np.flatnonzero(self.data.patient == child)
        code = self.data.analyte[self.rng.choice(own)]
        last = float(self.data.low[own[self.data.analyte[own] == code][-1]])
        value = last * float(np.exp(SPREAD * self.rng.standard_normal()))
        return f"P{child:06d}", NOW_MS + number * MINUTE_MS, NAMES[int(code)], f"{value:.2f}"

    def arrivals(self) -> Iterator[tuple[ImportMeta, Reading, Options]]:
        """One result after the other as it is after parsing, with the metadata of its file."""
        while True:
            patient_id, at, analyte, value = self.next_result()
            found = observation(patient_id, at, analyte, value)
            content = (HEADER + line(patient_id, at, analyte, value)).encode()
            meta = ImportMeta("result.csv", content, None, "", "labs", "csv", at + MINUTE_MS, ACTOR)
            yield meta, Reading("labs", "csv", [found]), Options(now_ms=at + MINUTE_MS)

    def arrive(self, arrival: tuple[ImportMeta, Reading, Options], store: Store | None = None) -> None:
        """What an import does after parsing, by another process where one is given."""
        meta, reading, options = arrival
        outcome, alerts = record(store or self.store, meta, reading, options, "UTC", keep=True)
        if outcome.counts["accepted"] != 1:
            sys.exit(f"the result was not accepted: {outcome.counts}")
        self.raised += len(alerts)

    def arrive_as_file(self, content: bytes, now_ms: int) -> None:
        """The whole import of a file of one line."""
        report = commit(self.store, ACTOR, content, "result.csv", Options(now_ms=now_ms))
        if report.counts["accepted"] != 1:
            sys.exit(f"the result was not accepted: {report.counts}")

    def one_child(self) -> Callable[[], object]:
        """An evaluation of one child by every rule, without store and words: the engine's share."""
        mine = self.data.take(np.flatnonzero(self.data.patient == 0))
        patients = patients_column(["P000000"], lambda _: None)[0]
        with self.store.reading() as reader:
            protocol = ward_of(reader).protocol
        return lambda: evaluate(mine, Events.none(), patients, protocol, "UTC", NOW_MS)


def up_to_now(data: Results) -> Results:
    """The same results with every child's last one today."""
    last = np.zeros(int(data.patient[-1]) + 1, np.int64)
    np.maximum.at(last, data.patient, data.time)
    moved = data.time + (NOW_MS - last)[data.patient]
    fields = {name: getattr(data, name) for name in data.__dataclass_fields__}
    return Results(**fields | {"time": moved})


def line(patient_id: str, at: int, analyte: str, value: str) -> str:
    """A line of a canonical labs.csv."""
    return f"{patient_id},{from_ms(at).isoformat()},{analyte},{value},{ANALYTES[analyte].canonical_unit}\n"


def observation(patient_id: str, at: int, analyte: str, value: str) -> Observation:
    """The result as the reader of a file hands it on."""
    unit, number = ANALYTES[analyte].canonical_unit, float(value)
    return Observation(
        row=1,
        field=None,
        patient_id=patient_id,
        collected_ms=at,
        analyte=analyte,
        text=value,
        value=value,
        unit=unit,
        canonical_value=value,
        canonical_unit=unit,
        basis="canonical",
        low=number,
        high=number,
        collected_text=from_ms(at).isoformat(),
    )


def bare(engine: sa.Engine) -> Callable[[], None]:
    """BEGIN IMMEDIATE, three inserts, COMMIT by the driver alone, on a connection with the settings of a writer."""
    raw = engine.raw_connection().driver_connection
    assert raw is not None
    raw.execute(
        "CREATE TABLE IF NOT EXISTS plain (place INTEGER, number INTEGER, said TEXT, PRIMARY KEY (place, number))"
    )
    number = count(1)
    said = "x" * 200

    def run() -> None:
        now = next(number)
        raw.execute("BEGIN IMMEDIATE")
        for place in range(3):
            raw.execute("INSERT INTO plain VALUES (?, ?, ?)", (place, now, said))
        raw.execute("COMMIT")

    return run


def flush(folder: Path) -> Callable[[], None]:
    """One page written and flushed."""
    place = os.open(folder / "flushed", os.O_RDWR | os.O_CREAT)
    page = b"x" * 4096

    def run() -> None:
        os.pwrite(place, page, 0)
        os.fdatasync(place)

    return run


def main(rows: int, rounds: int, seed: int = 7) -> None:
    """Print the ratios for arrivals in a store of about that many results (500,000 take half a minute to import)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ward = Ward(folder, rows, seed)
        engines = connect(f"sqlite:///{ward.path}")
        arrivals = ward.arrivals()
        # A server had a result of every child before; another process has met none of them.
        for _ in range(ward.children):
            ward.arrive(next(arrivals))
        other = Store(f"sqlite:///{ward.path}")
        ready = [next(arrivals) for _ in range(3 * rounds + 3)]
        files = ready[1::3]
        singles, firsts = iter(ready[::3]), iter(ready[2::3])
        whole = iter([(meta.content, options.now_ms) for meta, _, options in files])
        busy: dict[str, list[float]] = {"arrival": [], "bare": []}
        seconds = interleaved(
            {
                "arrival": processor_time(lambda: ward.arrive(next(singles)), busy["arrival"]),
                "bare": processor_time(bare(engines.writing), busy["bare"]),
                "flush": flush(folder),
                "first": lambda: ward.arrive(next(firsts), other),
                "file": lambda: ward.arrive_as_file(*next(whole)),
                "engine": ward.one_child(),
            },
            rounds,
        )
        engines.dispose()
        other.close()
        found = check(ward.store, ACTOR, NOW_MS + next(ward.number) * MINUTE_MS)
        ward.store.close()
    if not found["sound"]:
        sys.exit(f"the store does not follow from its results: {found['findings'][:3]}")
    each, alerts = ward.data.time.size // ward.children, ward.raised
    print(
        f"one arriving result, {each} of that child, {ward.children} children; {rounds} rounds, {alerts} alerts raised"
    )
    for title, ours, theirs in (
        ("committed with episodes and alerts / bare transaction of three inserts", "arrival", "bare"),
        ("the same by a process that had no result of that child before", "first", "bare"),
        ("evaluation by every rule alone, nothing remembered / bare transaction", "engine", "bare"),
        ("committed with episodes and alerts / one page written and flushed", "arrival", "flush"),
        ("bare transaction / one page written and flushed", "bare", "flush"),
        ("import of a file of one line, parsed as well / bare transaction", "file", "bare"),
    ):
        print("  " + ratio_line(title, seconds, ours, theirs))
    # While the disk is busy with others, waiting for it dominates both sides and the first figure falls by itself.
    print("  " + ratio_line("the first, in processor time alone", busy, "arrival", "bare"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000, int(sys.argv[2]) if len(sys.argv) > 2 else 60)
