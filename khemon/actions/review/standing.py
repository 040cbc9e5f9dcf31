"""Which results count now: the version of each that the rules would read, of every analyte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from khemon.importers import Observation
from khemon.rules import Results, choosing
from khemon.store import Reader


def counting(reader: Reader, patient_ids: Iterable[str]) -> set[int]:
    """Ids of these patients' results that are the counting version and not withdrawn, set aside by quality or not."""
    found = reader.results_for(sorted(set(patient_ids)), all_analytes=True)
    results = Results(
        found.patient,
        found.time,
        np.zeros(len(found), np.int32),
        found.analyte,
        found.low,
        found.high,
        found.status,
        found.quality,
        found.specimen,
        found.recorded,
        found.timing,
    )
    stands = choosing.standing(results)
    return set(found.result_id.tolist() if stands is None else found.result_id[stands].tolist())


def standing_like(reader: Reader, rows: Sequence[Observation]) -> Callable[[Observation], bool]:
    """Asks of a row whether a result that counts now says the same for its patient and time."""
    patient_ids = {row.patient_id for row in rows if row.patient_id is not None}
    ids = counting(reader, patient_ids) if patient_ids else set()
    times = {row.collected_ms for row in rows if row.collected_ms is not None}
    said = {
        (one.patient_id, one.analyte, one.collected_ms, one.comparator, one.canonical_value, one.canonical_unit)
        for one in reader.results_beside(patient_ids, times)
        if one.result_id in ids
    }

    def like(row: Observation) -> bool:
        place = (row.patient_id, row.analyte, row.collected_ms)
        return (*place, row.comparator, row.canonical_value, row.canonical_unit) in said

    return like
