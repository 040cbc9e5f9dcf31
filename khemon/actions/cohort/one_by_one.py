"""Each child of a cohort: every endpoint with its state and reason, and the numbers behind it."""

from __future__ import annotations

from typing import Any

import numpy as np

from khemon.actions.cohort.gathering import Gathered
from khemon.actions.cohort.selecting import Chosen
from khemon.endpoints import LESION_CLASSES, NEVER, REASON_WORDS, REASONS, STATES, Answers, Findings, endpoint_numbers
from khemon.rules.calendar import from_ms

#: Where a day 0 comes from, by its code.
DAY0_TOLD = ("register", "event", "first dose of sirolimus")


def patients_told(gathered: Gathered, found: Findings, groups: Chosen) -> list[dict[str, Any]]:
    """Every child in a group, by id."""
    placed = {place: group.name for group in groups.groups for place in group.members.tolist()}
    order = sorted(placed, key=lambda place: gathered.patient_ids[place])
    return [_child(gathered, found, place, placed[place]) for place in order]


def _child(gathered: Gathered, found: Findings, place: int, group: str) -> dict[str, Any]:
    day0 = from_ms(int(found.day0[place]), gathered.timezone).isoformat()
    return {
        "patient_id": gathered.patient_ids[place],
        "group": group,
        "day0": day0,
        "day0_from": DAY0_TOLD[int(found.day0_told[place])],
        "seen_until_day": int(found.last[place]),
        "endpoints": {name: _answer(answers, place) for name, answers in found.answers.items()},
        "values": _values(found, place),
        "platelets": _platelets(found, place),
    }


def _answer(answers: Answers, place: int) -> dict[str, str]:
    reason = REASONS[answers.reason[place]]
    return {"state": STATES[answers.state[place]], "reason": reason, "words": REASON_WORDS[reason]}


def _day(day: np.int64) -> int | None:
    """A day since day 0; None where there is none."""
    return None if abs(int(day)) >= NEVER // 2 else int(day)


def _number(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)


def _values(found: Findings, place: int) -> dict[str, Any]:
    """Days count from day 0; volumes and scores as recorded."""
    judged, treated = found.judged, found.treated
    runs, fibrinogen = judged.platelets, judged.fibrinogen
    told: dict[str, Any] = {
        "response_onset_day": _day(runs.onset[place]),
        "response_confirmed_day": _day(runs.confirmed[place]),
        "provisional_onset_day": _day(runs.open_onset[place]),
        "fibrinogen_onset_day": _day(fibrinogen.onset[place]),
        "rebound_day": _day(judged.rebounds.onset[place]),
        "rebound_confirmed_day": _day(judged.rebounds.confirmed[place]),
        "stopped_day": _day(treated.stopped[place]),
        "prednisolone_day": _day(treated.prednisolone[place]),
        "intervention_day": _day(treated.intervention[place]),
        "prednisolone_days": int(treated.steroid_days[place]),
        "troughs": int(treated.troughs[place]),
        "troughs_in_band": int(treated.in_band[place]),
        "fibrinogen_week_4": _number(judged.fibrinogen_week.value[place, 0]),
        "volume_baseline": _number(found.volumes.first[place]),
        "volume_month_12": _number(found.volumes.later[place]),
        "score_baseline": _number(found.scores.first[place]),
        "score_month_12": _number(found.scores.later[place]),
    }
    for scheme, classes in found.lesions.items():
        code = int(classes[place])
        told[f"lesion_class_{scheme}"] = LESION_CLASSES[code] if code >= 0 else None
    kinds = endpoint_numbers().products.events
    told["products"] = dict(zip(kinds, found.given.by_kind[place].tolist(), strict=True))
    return told


def _platelets(found: Findings, place: int) -> list[dict[str, Any]]:
    """The count of each week that there is, baseline (week 0) first, with the day it was taken."""
    counts, base = found.judged.counts, found.judged.baseline
    weeks = [0, *(week for week, _ in endpoint_numbers().weeks.of_counts())]
    values = [base.value[place], *counts.value[place]]
    days, signs = [base.day[place], *counts.day[place]], [base.beyond[place], *counts.beyond[place]]
    settled = [base.settled[place], *counts.settled[place]]
    signed = ("<", "", ">")
    return [
        {
            "week": week,
            "day": _day(day),
            "value": f"{signed[int(sign) + 1]}{float(value):g}",
            "settled": bool(final),
        }
        for week, value, day, sign, final in zip(weeks, values, days, signs, settled, strict=True)
        if not np.isnan(value)
    ]
