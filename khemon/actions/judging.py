"""From results, events and patients to explained episodes: the one way, for files and for the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from khemon.explain import Givens, explained
from khemon.models import Episode, Patient
from khemon.rules import Episodes, Events, Patients, Protocol, Results, evaluate, prepare
from khemon.rules.calendar import EPOCH
from khemon.rules.series import Bools

_NO_BIRTH_DAY = np.iinfo(np.int32).min


@dataclass(frozen=True, slots=True)
class Case:
    """Everything an evaluation takes: columns by patient index, and the patients those indexes stand for."""

    patient_ids: Sequence[str]
    results: Results
    events: Events
    patients: Patients
    diagnosed: Sequence[bool]


def patients_column(patient_ids: Sequence[str], find: Callable[[str], Patient | None]) -> tuple[Patients, list[bool]]:
    """Birth days and whether KHE or tufted angioma is recorded, by patient index."""
    found = [find(patient_id) for patient_id in patient_ids]
    born = [_NO_BIRTH_DAY if p is None or p.birth_date is None else day_of(p.birth_date) for p in found]
    return Patients(np.array(born, np.int32)), [p is not None and is_diagnosed(p.diagnosis) for p in found]


def day_of(date: dt.date) -> int:
    """The day number of a calendar date."""
    return (date - EPOCH.date()).days


def is_diagnosed(diagnosis: str | None) -> bool:
    """Whether a recorded diagnosis names kaposiform hemangioendothelioma or tufted angioma."""
    words = (diagnosis or "").casefold()
    return "khe" in words.split() or "kaposiform" in words or "tufted" in words or words.strip() in {"khe", "ta"}


def episodes_of(
    case: Case,
    protocol: Protocol,
    timezone: str,
    as_of: int,
    givens: Givens,
    wanted: Callable[[Episodes], Bools] | None = None,
) -> list[Episode]:
    """Every episode as of a time, by patient index, rule and onset; explained, or only those that `wanted` marks."""
    found = evaluate(case.results, case.events, case.patients, protocol, timezone, as_of)
    prepared = prepare(case.results, case.events, len(case.patient_ids), protocol, as_of)
    who = (case.patient_ids, case.diagnosed)
    in_words = None if wanted is None else wanted(found)
    return explained(found, prepared, case.patients, protocol, timezone, *who, givens, in_words)
