"""What one arriving result costs: the store is asked for its child and nothing else, however large the ward."""

from __future__ import annotations

import re

from khemon.actions.import_files import Options, commit
from khemon.models import Actor
from khemon.rules.calendar import MS_PER_DAY
from khemon.store import Store

NOW_MS = 1_760_000_000_000
HEADER = "patient_id,collected_at,analyte,value,unit\n"
COUNTS = {"platelets": ("12", "10*9/L"), "fibrinogen": ("0.8", "g/L"), "hemoglobin": ("74", "g/L")}


def bring(store: Store, rows: list[tuple[str, str, str]], days: int) -> None:
    lines = "".join(
        f"{child},{day}T08:00:00+00:00,{analyte},{','.join(COUNTS[analyte])}\n" for child, day, analyte in rows
    )
    options = Options(now_ms=NOW_MS + days * MS_PER_DAY, timezone="UTC")
    assert commit(store, Actor(name="nurse", kind="local"), (HEADER + lines).encode(), "labs.csv", options).complete


def asked_for_one_result(folder, children: int) -> tuple[list[str], list[str]]:
    """The statements of one arrival in a ward of so many children, without their values; and the tables it scans."""
    store = Store(f"sqlite:///{folder / f'{children}.db'}")
    bring(store, [(f"C{child:03d}", "2025-10-08", analyte) for child in range(children) for analyte in COUNTS], 0)
    bring(store, [("C000", "2025-10-09", "hemoglobin")], 1)
    with store.writing() as writer:
        driver = writer._connection.connection.driver_connection
    traced: list[str] = []
    driver.set_trace_callback(traced.append)
    bring(store, [("C000", "2025-10-10", "platelets")], 2)
    driver.set_trace_callback(None)
    queries = [each for each in traced if each.startswith("SELECT") and "LIMIT 1" not in each]
    plans = [row[3] for each in queries for row in driver.execute(f"EXPLAIN QUERY PLAN {each}")]
    store.close()
    said = [re.sub(r"'[^']*'|-?\b\d[\d.]*\b", "?", each) for each in traced]
    return said, [plan for plan in plans if plan.startswith("SCAN") and "CONSTANT" not in plan]


def test_a_result_of_one_child_asks_for_that_child_alone(tmp_path):
    small, scans = asked_for_one_result(tmp_path, 2)
    large, _ = asked_for_one_result(tmp_path, 40)
    assert len(small) > 20
    assert small == large
    # Few rows each, and compared as a whole with what should be there.
    whole = {"SCAN batch_undo", "SCAN setting", "SCAN row_decision"}
    assert set(scans) <= whole, "only what was undone, set or decided by people is read whole"
