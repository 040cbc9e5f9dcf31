"""One canonical result row, read."""

import datetime as dt

from khemon.importers import ReadOptions, load_mapping, read

NOW_MS = int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp() * 1000)


def observed(value, analyte="platelets", unit="10*9/L", mapping="", **columns):
    """The one observation of a canonical row with this value; more columns by name."""
    names = ["patient_id", "collected_at", "analyte", "value", "unit", *columns]
    cells = ["P1", "2026-01-01T08:00:00+00:00", analyte, value, unit, *columns.values()]
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    options = ReadOptions(timezone="UTC", now_ms=NOW_MS, mapping=load_mapping(mapping.encode()) if mapping else None)
    (found,) = read(f"{','.join(names)}\n{quoted}\n".encode(), "labs.csv", options).observations
    return found


def code_of(observation):
    return [reason.partition(":")[0] for reason in observation.reasons]
