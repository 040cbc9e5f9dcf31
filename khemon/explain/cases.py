"""Running a case: what the engine says about its series, and where that differs from what it expects."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from khemon.explain import Given, explained
from khemon.models import EVENT_KINDS, QUALITIES, STATUSES, TIMINGS, ChosenBand, Episode
from khemon.rules import NO_TIME, Events, Patients, Results, evaluate, latest_time, prepare
from khemon.rules.calendar import day_numbers, to_ms
from khemon.rules.case_rows import Lab
from khemon.rules.cases import Case, Expected
from khemon.rules.series import NONE
from khemon.units import ANALYTE_CODES, ANALYTES, decimal_text, interval

_NO_BIRTH_DAY = np.iinfo(np.int32).min


class _FromCase:
    """The results of a case by row; an id is the position in `labs`, counted from 1."""

    def __init__(self, labs: Sequence[Lab]) -> None:
        self.labs = labs

    def given(self, row: int) -> Given:
        lab = self.labs[row]
        canonical = f"{lab.comparator}{decimal_text(lab.quantity.value)}"
        return Given(row + 1, lab.value, lab.unit or ANALYTES[lab.analyte].canonical_unit, canonical)


def run_case(case: Case, *, grounded: bool = False) -> list[Episode]:
    """The episodes of the case's rule that the engine finds, explained, in order of onset; with grounds if asked."""
    results, events, patients = columns_of(case)
    protocol = case.rules
    as_of = latest_time(results, events) if case.as_of is None else case.at_ms(case.as_of)
    found = evaluate(results, events, patients, protocol, case.timezone, as_of)
    prepared = prepare(results, events, 1, protocol, as_of)
    diagnosed = [case.diagnosis is not None]
    givens = _FromCase(case.labs)
    who = (["case"], diagnosed, givens)
    episodes = explained(
        found, prepared, patients, protocol, case.timezone, *who, grounded=grounded, targets=[case.target]
    )
    return [episode for episode in episodes if episode.rule == case.rule]


def columns_of(case: Case) -> tuple[Results, Events, Patients]:
    """What an evaluation takes of a case: results in the order of `labs`, events, and the one child."""
    return _results(case), _events(case), _patients(case)


def _patients(case: Case) -> Patients:
    times = (case.day0, case.followed_until)
    day0, followed = (np.array([NO_TIME if text is None else case.at_ms(text)], np.int64) for text in times)
    band = ChosenBand.read(case.target)
    low, high = (np.nan, np.nan) if band is None else (band.low, band.high)
    born = np.array([_birth_day(case)], np.int32)
    return Patients(born, day0, followed, np.array([float(low)]), np.array([float(high)]))


def _birth_day(case: Case) -> int:
    if case.birth is None:
        return int(_NO_BIRTH_DAY)
    return int(day_numbers(np.array([case.start_ms]), case.timezone)[0]) - case.birth


def _results(case: Case) -> Results:
    specimens: dict[str, int] = {}
    labs = case.labs
    intervals = [interval(lab.comparator, lab.quantity.value, lab.quantity.basis) for lab in labs]
    times = np.array([case.at_ms(lab.at) for lab in labs], np.int64)
    code = [NONE if lab.specimen is None else specimens.setdefault(lab.specimen, len(specimens)) for lab in labs]
    return Results(
        np.zeros(len(labs), np.int32),
        times,
        day_numbers(times, case.timezone),
        np.array([ANALYTE_CODES[lab.analyte] for lab in labs], np.int8),
        np.array([low for low, _ in intervals], np.float64),
        np.array([high for _, high in intervals], np.float64),
        np.array([STATUSES.index(lab.status) for lab in labs], np.int8),
        np.array([QUALITIES.index(lab.quality) for lab in labs], np.int8),
        np.array(code, np.int64),
        np.arange(len(labs), dtype=np.int64),
        np.array([TIMINGS.index(lab.timing) for lab in labs], np.int8),
    )


def _events(case: Case) -> Events:
    units: dict[str, int] = {}
    return Events(
        np.zeros(len(case.events), np.int32),
        np.array([EVENT_KINDS.index(event.kind) for event in case.events], np.int8),
        np.array([case.at_ms(event.start) for event in case.events], np.int64),
        np.array([NO_TIME if event.end is None else case.at_ms(event.end) for event in case.events], np.int64),
        np.array([np.nan if event.dose is None else float(event.dose) for event in case.events], np.float64),
        np.array([units.setdefault(e.unit, len(units)) if e.unit else NONE for e in case.events], np.int64),
    )


def differences(case: Case) -> list[str]:
    """Where the engine and the case disagree, each as a line; none when they agree."""
    lines = []
    for number, (wanted, found) in enumerate(zip_longest(case.expect, run_case(case)), start=1):
        if wanted is None or found is None:
            what = f"found but not expected: {found}" if wanted is None else f"expected but not found: {wanted}"
            lines.append(f"episode {number}, {what}")
            continue
        pairs = zip(_expected(case, wanted), _found(found, wanted), strict=True)
        lines += [
            f"episode {number}, {name}: expected {expected!r}, found {said!r}"
            for (name, expected), said in pairs
            if expected != said
        ]
    return lines


def _expected(case: Case, wanted: Expected) -> list[tuple[str, object]]:
    """What a case says about an episode, times as UTC milliseconds."""
    turns = None
    if wanted.evidence is not None:
        turns = sorted((turn.role, turn.analyte, case.at_ms(turn.at)) for turn in wanted.evidence)
    return [
        ("status", wanted.status),
        ("severity", wanted.severity),
        ("onset", case.at_ms(wanted.onset)),
        ("confirmed_at", None if wanted.confirmed_at is None else case.at_ms(wanted.confirmed_at)),
        ("end", None if wanted.end is None else case.at_ms(wanted.end)),
        ("end_reason", wanted.end_reason),
        ("text", wanted.text),
        ("missing", wanted.missing),
        ("evidence", turns),
    ]


def _found(found: Episode, wanted: Expected) -> list[object]:
    """The same of an episode the engine found, in that order; what the case does not speak of is left out."""
    turns = sorted((item.role, item.analyte, to_ms(item.collected_at)) for item in found.evidence)
    return [
        found.status,
        found.severity,
        to_ms(found.onset),
        _ms(found.confirmed_at),
        _ms(found.end),
        found.end_reason,
        None if wanted.text is None else found.text,
        None if wanted.missing is None else found.missing,
        None if wanted.evidence is None else turns,
    ]


def _ms(time: dt.datetime | None) -> int | None:
    return None if time is None else to_ms(time)
