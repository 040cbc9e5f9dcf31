"""An invented ward in a database, for measurements of what is shown: as many children and results as asked for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

from benchmarks.data import results
from khemon.actions.import_files import Options, commit
from khemon.models import Actor
from khemon.rules.calendar import MS_PER_DAY, to_ms
from khemon.store import Store
from khemon.units import ANALYTE_CODES, ANALYTES

ACTOR = Actor(name="benchmark", kind="system")


def ward_database(path: Path, children: int, rows: int, now: dt.datetime, seed: int = 5) -> str:
    """The URL of a new database of a demo: children who are on the ward now, with about that many results up to now."""
    url = f"sqlite:///{path}"
    data = results(rows, seed, draws=round(rows / children / 3.13))
    names = {code: name for name, code in ANALYTE_CODES.items()}
    # Every child's last result is of the last days.
    last = np.zeros(int(data.patient.max()) + 1, np.int64)
    np.maximum.at(last, data.patient, data.time)
    rng = np.random.default_rng(seed)
    ago = (rng.integers(1, 60, last.size) * (MS_PER_DAY // 24)).astype(np.int64)
    time = data.time + (to_ms(now) - ago - last)[data.patient]
    stamps = np.datetime_as_string(time.astype("datetime64[ms]"), unit="s")
    labs = "patient_id,collected_at,analyte,value,unit\n" + "".join(
        f"C{patient:04d},{stamp}Z,{names[code]},{value:g},{ANALYTES[names[code]].canonical_unit}\n"
        for patient, stamp, code, value in zip(data.patient, stamps, data.analyte, data.low, strict=True)
    )
    first = dt.datetime.fromtimestamp(int(time.min()) / 1000, dt.UTC).date()
    born = (first - dt.timedelta(days=30)).isoformat()
    patients = "patient_id,name,birth_date,ward,on_ward_from\n" + "".join(
        f"C{number:04d},Child {number:04d},{born},Ward 1,{now.date() - dt.timedelta(days=30)}\n"
        for number in range(last.size)
    )
    store = Store(url)
    with store.writing() as writer:
        writer.set_setting("synthetic", "yes")
        writer.set_setting("timezone", "UTC")
    options = Options(now_ms=to_ms(now), timezone="UTC")
    for name, text in (("patients.csv", patients), ("labs.csv", labs)):
        report = commit(store, ACTOR, text.encode(), name, options)
        assert report.complete, report.document["counts"]
    store.close()
    return url
