"""Import of a canonical labs.csv, complete, against pandas read_csv and to_sql of the same five columns."""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from benchmarks.data import results
from benchmarks.timing import interleaved, ratio_line
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


def ours(content: bytes, folder: Path, counter: list[int]) -> ImportReport:
    """One import into a new store: validation, fates, results, episodes, alerts, audit."""
    counter[0] += 1
    store = Store(f"sqlite:///{folder / f'ours{counter[0]}.db'}")
    try:
        return commit(store, ACTOR, content, "labs.csv", Options(now_ms=NOW_MS, timezone="UTC"))
    finally:
        store.close()


def again(content: bytes, store: Store) -> ImportReport:
    """The same bytes again."""
    return commit(store, ACTOR, content, "labs.csv", Options(now_ms=NOW_MS))


def naive(path: Path, folder: Path, counter: list[int]) -> None:
    """What pandas does without looking at anything."""
    counter[0] += 1
    engine = sa.create_engine(f"sqlite:///{folder / f'naive{counter[0]}.db'}")
    pd.read_csv(path).to_sql("labs", engine, index=False)
    engine.dispose()


def main(rows: int, rounds: int) -> None:
    """Print the ratios for about that many rows."""
    content = labs_csv(rows, seed=11)
    with tempfile.TemporaryDirectory() as name:
        folder, counter = Path(name), [0]
        path = folder / "labs.csv"
        path.write_bytes(content)
        report = ours(content, folder, counter)
        counts = report.document["counts"]
        if counts["read"] != counts["accepted"] or counts["read"] != len(pd.read_csv(path)):
            sys.exit(f"not every row was accepted: {counts}")
        standing = Store(f"sqlite:///{folder / 'ours1.db'}")
        seconds = interleaved(
            {
                "ours": lambda: ours(content, folder, counter),
                "again": lambda: again(content, standing),
                "naive": lambda: naive(path, folder, counter),
            },
            rounds,
        )
        standing.close()
    print(f"import of {counts['read']:,} rows, every row with a fate, episodes, alerts and audit in one transaction")
    print("  " + ratio_line("import / pandas.read_csv + to_sql", seconds, "ours", "naive"))
    print("  " + ratio_line("the same file again / its first import", seconds, "again", "ours"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, int(sys.argv[2]) if len(sys.argv) > 2 else 5)
