"""How a run reads each count: good, bad, or not counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from khemon.actions.watch.known import Known
from khemon.figures.samples import Sample
from khemon.rules.logic import TRUE, UNKNOWN, verdicts
from khemon.rules.rulebook import RunRule


def run_counts(
    known: Known, patient_id: str, rule: RunRule, samples: Sequence[Sample]
) -> list[tuple[Sample, bool | None]]:
    """The samples of a run's analyte, each with its reading: True good, False bad, None neutral or undecided."""
    own = [sample for sample in samples if sample.analyte == rule.analyte and sample.leads]
    low, high = np.array([sample.low for sample in own], float), np.array([sample.high for sample in own], float)
    answers = verdicts(low, high, rule.test, rule.limit.limit)
    found: list[tuple[Sample, bool | None]] = []
    for sample, answer in zip(own, answers, strict=True):
        good = bool(answer == TRUE)
        neutral = good and (sample.supported or sample.preliminary)
        found.append((sample, None if neutral or answer == UNKNOWN else good))
    return found
