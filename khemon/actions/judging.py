"""From results, events and patients to explained episodes: the one way, for files and for the store."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from khemon.explain import Givens, explained
from khemon.models import SEVERITIES, ChosenBand, Episode, Patient
from khemon.rules import (
    END_REASONS,
    NO_TIME,
    STATUS_WORDS,
    Episodes,
    Events,
    Patients,
    Prepared,
    Protocol,
    Results,
    evaluated,
    evaluated_of,
    prepare,
)
from khemon.rules.calendar import EPOCH, to_ms
from khemon.rules.series import Bools, Ints
from khemon.store import BareEpisodes

_NO_BIRTH_DAY = np.iinfo(np.int32).min


@dataclass(frozen=True, slots=True)
class Case:
    """Everything an evaluation takes: columns by patient index, and the patients those indexes stand for."""

    patient_ids: Sequence[str]
    results: Results
    events: Events
    patients: Patients
    diagnosed: Sequence[bool]
    targets: Sequence[str]
    #: Of one patient: where what was found before is kept; None where nothing is.
    memory: dict[Any, Any] | None = None


def patients_column(
    patient_ids: Sequence[str], find: Callable[[str], Patient | None]
) -> tuple[Patients, list[bool], list[str]]:
    """What the rules take from the register; by patient index whether KHE or tufted angioma is recorded; the target.

    The target is the chosen band of sirolimus as it was written, empty without one.
    """
    found = [find(patient_id) for patient_id in patient_ids]
    born = [_NO_BIRTH_DAY if p is None or p.birth_date is None else day_of(p.birth_date) for p in found]
    bands = [target_band(p.sirolimus_target if p else None) or (np.nan, np.nan) for p in found]
    patients = Patients(
        np.array(born, np.int32),
        np.array([NO_TIME if p is None or p.day0 is None else to_ms(p.day0) for p in found], np.int64),
        np.array(
            [NO_TIME if p is None or p.followed_until is None else to_ms(p.followed_until) for p in found], np.int64
        ),
        np.array([low for low, _ in bands], np.float64),
        np.array([high for _, high in bands], np.float64),
    )
    targets = [(p.sirolimus_target or "") if p else "" for p in found]
    return patients, [p is not None and is_diagnosed(p.diagnosis) for p in found], targets


def _times(times: Sequence[dt.datetime | None]) -> Ints:
    return np.array([NO_TIME if time is None else to_ms(time) for time in times], np.int64)


def target_band(target: str | None) -> tuple[float, float] | None:
    """The sirolimus band written as "10-15"; None when none was chosen or it cannot be read."""
    band = ChosenBand.read(target or "")
    return None if band is None else (float(band.low), float(band.high))


def dose_of(text: str | None) -> float:
    """The number of a recorded dose; NaN where there is none to read."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*", text or "")
    return float(found[1]) if found else np.nan


def unit_codes(texts: Iterable[str | None]) -> Ints:
    """A code for each unit of a dose: equal where the texts are, -1 without one."""
    known: dict[str, int] = {}
    folded = ("".join((text or "").casefold().split()) for text in texts)
    return np.array([known.setdefault(unit, len(known)) if unit else -1 for unit in folded], np.int64)


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
    *,
    grounded: bool = False,
    asked: Callable[[Episodes], Bools] | None = None,
) -> list[Episode]:
    """Every episode as of a time, by patient index, rule and onset; explained, or only those that `wanted` marks.

    grounded: with all that each rests on. asked: only those that it marks.
    """
    found, block = evaluated(case.results, case.events, case.patients, protocol, timezone, as_of)
    in_words = None if wanted is None else wanted(found)
    chosen = None if asked is None else asked(found)
    return _explained(case, found, block, protocol, timezone, as_of, givens, in_words, chosen, grounded=grounded)


def shown_episodes(
    case: Case,
    protocol: Protocol,
    timezone: str,
    prepared: Prepared,
    givens: Givens,
    wanted: Callable[[Episodes], Bools],
    asked: Callable[[Episodes], Bools],
) -> list[Episode]:
    """Those of one patient's episodes that are asked for, the wanted ones in words with all that each rests on.

    prepared: the case as `prepare` gives it. What only alerts go by, the depth of every value inside, is left out.
    """
    found = evaluated_of(prepared, case.patients, protocol, timezone)
    shown = (protocol, timezone, prepared.as_of, givens, wanted(found), asked(found))
    return _explained(case, found, prepared, *shown, grounded=True, banded=False)


def _explained(
    case: Case,
    found: Episodes,
    block: Prepared | None,
    protocol: Protocol,
    timezone: str,
    as_of: int,
    givens: Givens,
    in_words: Bools | None,
    asked: Bools | None = None,
    *,
    grounded: bool = False,
    banded: bool = True,
) -> list[Episode]:
    prepared = block or prepare(case.results, case.events, len(case.patient_ids), protocol, as_of)
    who = (case.patient_ids, case.diagnosed)
    return explained(
        found,
        prepared,
        case.patients,
        protocol,
        timezone,
        *who,
        givens,
        in_words,
        asked,
        grounded=grounded,
        banded=banded,
        targets=case.targets,
        memory=case.memory,
    )


def told_and_untold(
    case: Case,
    protocol: Protocol,
    timezone: str,
    as_of: int,
    givens: Givens,
    wanted: Callable[[Episodes], Bools],
) -> tuple[list[Episode], Episodes]:
    """As `episodes_of`, for those that `wanted` marks; the rest stays columns."""
    told, found, asked = told_of_all(case, protocol, timezone, as_of, givens, wanted)
    return told, found.take(~asked)


def told_of_all(
    case: Case,
    protocol: Protocol,
    timezone: str,
    as_of: int,
    givens: Givens,
    wanted: Callable[[Episodes], Bools],
) -> tuple[list[Episode], Episodes, Bools]:
    """The same with every episode as columns, and which of them were wanted."""
    found, block = evaluated(case.results, case.events, case.patients, protocol, timezone, as_of, case.memory)
    asked = wanted(found)
    told = _explained(case, found, block, protocol, timezone, as_of, givens, None, asked) if asked.any() else []
    return told, found, asked


def bare_episodes(found: Episodes, patient_ids: Sequence[str], protocol: Protocol) -> BareEpisodes:
    """The same episodes as they are stored without words."""
    names = protocol.rule_names
    sources = [protocol.rules[name].source for name in names]

    def said(words: Sequence[str | None], codes: npt.NDArray[Any]) -> list[Any]:
        return list(map(words.__getitem__, codes.tolist()))

    def known(times: Ints) -> list[int | None]:
        return [None if time == NO_TIME else time for time in times.tolist()]

    return BareEpisodes(
        said(patient_ids, found.patient),
        said(names, found.rule),
        found.onset.tolist(),
        said(STATUS_WORDS, found.status),
        said(SEVERITIES, found.severity),
        known(found.confirmed_at),
        known(found.end),
        said([reason or None for reason in END_REASONS], found.end_reason),
        said(sources, found.rule),
    )
