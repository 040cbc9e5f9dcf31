"""A canonical labs.csv of a million rows against pandas read_csv and to_sql: time and the peak of memory.

Each side runs in processes of its own. Its memory is the highest resident size the system saw above what it was once
everything was imported and, for our side, an empty store was made.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

from benchmarks.bench_import import labs_csv, naive, ours
from benchmarks.timing import ratio_line, spread_line
from khemon.store import Store

KIB_PER_MB = 1_000_000 / 1_024


def peak_kib() -> int:
    """The highest resident size of this process until now.

    Linux counts into `ru_maxrss` what the process was before it became this program, `VmHWM` is of this program alone.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def one_side(side: str, path: Path, database: Path) -> dict[str, float]:
    """What one import took: seconds of the clock and of the processor, and MB above those of the interpreter."""
    store = Store(f"sqlite:///{database}") if side == "ours" else None
    before, begun, busy = peak_kib(), time.perf_counter(), time.process_time()
    if store is not None:
        ours(path.read_bytes(), store)
    else:
        naive(path, database)
    took = {"seconds": time.perf_counter() - begun, "processor": time.process_time() - busy}
    return took | {"memory": (peak_kib() - before) / KIB_PER_MB}


def measured(side: str, path: Path, database: Path) -> dict[str, float]:
    """The same in a process of its own; the database goes afterwards."""
    command = [sys.executable, "-m", "benchmarks.bench_import_large", side, str(path), str(database)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for left in database.parent.glob(f"{database.name}*"):
        left.unlink()
    found: dict[str, float] = json.loads(said)
    return found


def main(rows: int, rounds: int) -> None:
    """Print the ratios for about that many rows."""
    found: dict[str, dict[str, list[float]]] = {"seconds": {}, "processor": {}, "memory": {}}
    with tempfile.TemporaryDirectory() as name:
        folder, number = Path(name), count()
        path = folder / "labs.csv"
        path.write_bytes(labs_csv(rows, seed=11))
        lines = path.read_bytes().count(b"\n") - 1
        for _ in range(rounds):
            for side in ("ours", "naive"):
                for what, value in measured(side, path, folder / f"{side}{next(number)}.db").items():
                    found[what].setdefault(side, []).append(value)
    print(f"import of {lines:,} rows, complete; each side in processes of its own, {rounds} rounds")
    print("  " + ratio_line("import / pandas.read_csv + to_sql", found["seconds"], "ours", "naive"))
    print("  " + ratio_line("the same, in processor time alone", found["processor"], "ours", "naive"))
    shares = [one / other for one, other in zip(found["memory"]["ours"], found["memory"]["naive"], strict=True)]
    print("  " + spread_line("peak of memory / that of pandas", shares))
    print("  " + spread_line("  ours", found["memory"]["ours"], " MB"))
    print("  " + spread_line("  pandas", found["memory"]["naive"], " MB"))


if __name__ == "__main__":
    if len(sys.argv) > 3:
        sys.stdout.write(json.dumps(one_side(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
