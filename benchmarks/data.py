"""Invented results for measurements: children who are ill, respond and sometimes fall again, as columns."""

from __future__ import annotations

import numpy as np

from khemon.rules import Results
from khemon.rules.calendar import MS_PER_DAY, day_numbers
from khemon.units import ANALYTE_CODES

DRAWS = 80
START_MS = 1_700_000_000_000
#: Share of draws with a platelet count, fibrinogen, D-dimer and hemoglobin: 250 results from 80 draws.
SHARES = {"platelets": 1.0, "fibrinogen": 0.7, "d_dimer": 0.6, "hemoglobin": 0.83}
DIGITS = {"platelets": 0, "fibrinogen": 2, "d_dimer": 2, "hemoglobin": 0}
#: Median and spread (log) of each analyte while ill, responding and well.
LEVELS = {
    "platelets": ((18, 0.6), (90, 0.4), (260, 0.25)),
    "fibrinogen": ((0.9, 0.4), (1.6, 0.25), (2.6, 0.2)),
    "d_dimer": ((12, 0.7), (2, 0.6), (0.5, 0.4)),
    "hemoglobin": ((75, 0.15), (95, 0.1), (115, 0.08)),
}
#: From ill, responding, well: how likely the next draw is ill, responding, well.
NEXT = np.array([[0.86, 0.14, 0.0], [0.06, 0.80, 0.14], [0.015, 0.025, 0.96]])


def results(rows: int, seed: int, draws: int = DRAWS, *, once_ill: bool = False) -> Results:
    """About that many results of whole patients, sorted by patient, time and analyte; one per analyte and time.

    once_ill: each child is ill once, responds and stays well; else it falls again and again.
    """
    rng = np.random.default_rng(seed)
    patients = max(1, round(rows / (draws * sum(SHARES.values()))))
    state = _once_ill(rng, patients, draws) if once_ill else _states(rng, patients, draws)
    hours = rng.choice([24, 48, 48, 72, 168], size=(patients, draws)).cumsum(axis=1) + rng.integers(
        0, 12, (patients, draws)
    )
    parts = []
    for analyte, share in SHARES.items():
        center, spread = np.array(LEVELS[analyte]).T
        value = np.exp(np.log(center[state]) + spread[state] * rng.standard_normal(state.shape)).round(DIGITS[analyte])
        drawn = rng.random(state.shape) < share
        patient, _ = np.nonzero(drawn)
        parts.append((patient, hours[drawn], np.full(patient.size, ANALYTE_CODES[analyte]), value[drawn]))
    patient, hour, analyte, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((analyte, hour, patient))
    time = START_MS + hour[order].astype(np.int64) * (MS_PER_DAY // 24)
    size = order.size
    return Results(
        patient[order].astype(np.int32),
        time,
        day_numbers(time, "UTC"),
        analyte[order].astype(np.int8),
        value[order],
        value[order],
        np.ones(size, np.int8),
        np.zeros(size, np.int8),
        np.full(size, -1, np.int64),
        np.arange(size),
    )


def _once_ill(rng: np.random.Generator, patients: int, draws: int) -> np.ndarray:
    """Per patient and draw 0 ill, 1 responding, 2 well: some weeks of illness, some of response."""
    responds = rng.integers(10, 40, (patients, 1))
    well = responds + rng.integers(5, 20, (patients, 1))
    number = np.arange(draws)
    return (number >= responds).astype(np.int64) + (number >= well)


def _states(rng: np.random.Generator, patients: int, draws: int) -> np.ndarray:
    state = np.zeros((patients, draws), np.int64)
    steps = NEXT.cumsum(axis=1)
    for draw in range(1, draws):
        chance = rng.random(patients)
        state[:, draw] = (chance[:, None] > steps[state[:, draw - 1]]).sum(axis=1)
    return state
