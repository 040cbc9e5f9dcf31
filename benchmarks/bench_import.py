"""Import of a canonical labs.csv, complete, against pandas read_csv and to_sql of the same five columns."""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from benchmarks.data import results
from benchmarks.timing import interleaved, processor_time, ratio_line
from khemon.actions.import_files import ImportReport, Options, commit
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Store
from khemon.units import ANALYTE_CODES, ANALYTES

NOW_MS = to_ms(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
ACTOR = Actor(name="benchmark", kind="system")


def labs_csv(rows: int, seed: int) -> bytes:
    """A canonical labs.csv of about that many invented results."""
    data = results(rows, seed)
    names = {code: name for name, code in ANALYTE_CODES.items()}
    frame = pd.DataFrame(
        {
            "patient_id": [f"P{patient:06d}" for patient in data.patient],
            "collected_at": pd.to_datetime(data.time, unit="ms", utc=True).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
            "analyte": [names[code] for code in data.analyte],
            "value": [f"{value:g}" for value in data.low],
            "unit": [ANALYTES[names[code]].canonical_unit for code in data.analyte],
        }
    )
    return frame.to_csv(index=False).encode()


def empty_stores(folder: Path, count: int) -> Iterator[Store]:
    """New stores, made before anything is measured: an import finds one."""
    return iter([Store(f"sqlite:///{folder / f'ours{number}.db'}") for number in range(count)])


def ours(content: bytes, store: Store) -> ImportReport:
    """One import: validation, fates, results, episodes, alerts, audit."""
    report = commit(store, ACTOR, content, "labs.csv", Options(now_ms=NOW_MS, timezone="UTC"))
    store.close()
    return report


def again(content: bytes, store: Store) -> ImportReport:
    """The same bytes again."""
    return commit(store, ACTOR, content, "labs.csv", Options(now_ms=NOW_MS))


def naive(path: Path, database: Path) -> None:
    """What pandas does without looking at anything."""
    engine = sa.create_engine(f"sqlite:///{database}")
    pd.read_csv(path).to_sql("labs", engine, index=False)
    engine.dispose()


def main(rows: int, rounds: int) -> None:
    """Print the ratios for about that many rows."""
    content = labs_csv(rows, seed=11)
    with tempfile.TemporaryDirectory() as name:
        folder, number = Path(name), count()
        path = folder / "labs.csv"
        path.write_bytes(content)
        stores = empty_stores(folder, rounds + 2)
        counts = ours(content, next(stores)).document["counts"]
        if counts["read"] != counts["accepted"] or counts["read"] != len(pd.read_csv(path)):
            sys.exit(f"not every row was accepted: {counts}")
        standing = Store(f"sqlite:///{folder / 'ours0.db'}")
        busy: dict[str, list[float]] = {"ours": [], "naive": []}
        seconds = interleaved(
            {
                "ours": processor_time(lambda: ours(content, next(stores)), busy["ours"]),
                "again": lambda: again(content, standing),
                "naive": processor_time(lambda: naive(path, folder / f"naive{next(number)}.db"), busy["naive"]),
            },
            rounds,
        )
        standing.close()
    print(f"import of {counts['read']:,} rows, every row with a fate, episodes, alerts and audit in one transaction")
    print("  " + ratio_line("import / pandas.read_csv + to_sql", seconds, "ours", "naive"))
    print("  " + ratio_line("the same, in processor time alone", busy, "ours", "naive"))
    print("  " + ratio_line("the same file again / its first import", seconds, "again", "ours"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, int(sys.argv[2]) if len(sys.argv) > 2 else 5)
