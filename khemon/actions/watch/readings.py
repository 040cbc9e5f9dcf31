"""How a run reads each count: good, bad, or not counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from khemon.actions.watch.known import Known
from khemon.figures.samples import Sample
from khemon.figures.words import DAY, moment
from khemon.rules.calendar import to_ms
from khemon.rules.logic import TRUE, UNKNOWN, verdicts
from khemon.rules.rulebook import RunRule
from khemon.rules.series import Ints
from khemon.units import ANALYTE_CODES


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


@dataclass(frozen=True, slots=True)
class CountAt:
    """A count behind a row of the columns; it is read whole when somebody asks for its words."""

    at: dt.datetime
    row: int
    known: Known

    @property
    def words(self) -> str:
        """The value with its comparator."""
        return self._sample().words

    @property
    def remarks(self) -> tuple[str, ...]:
        """Why it is not counted, or what to know when reading it."""
        return self._sample().remarks

    def _sample(self) -> Sample:
        return self.known.sampled(np.array([self.row], np.int64))[0]


def counts_since(
    known: Known, standing: Ints, rule: RunRule, onset: dt.datetime
) -> list[tuple[Sample | CountAt, bool | None]]:
    """The counts that rules read since the onset of a run, of these rows, each with its reading as above.

    What a clock puts into words, the first weeks and what is not counted, is read whole at once.
    """
    results, since_ms = known.results, to_ms(onset)
    own = standing[(results.analyte[standing] == ANALYTE_CODES[rule.analyte]) & (results.time[standing] >= since_ms)]
    own = own[known.leads(own)]
    answers = verdicts(results.low[own], results.high[own], rule.test, rule.limit.limit)
    neutral = (answers == UNKNOWN) | ((answers == TRUE) & known.is_lifted_or_preliminary(own))
    told = own[neutral | (results.time[own] <= to_ms(onset + (rule.lasts.count + 1) * DAY))]
    made = dict(zip(told.tolist(), known.sampled(told), strict=True))
    each = zip(own.tolist(), results.time[own].tolist(), (answers == TRUE).tolist(), neutral.tolist(), strict=True)
    return [
        (made.get(row) or CountAt(moment(time), row, known), None if is_neutral else is_good)
        for row, time, is_good, is_neutral in each
    ]
