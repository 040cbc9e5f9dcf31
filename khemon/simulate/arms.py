"""The children of one arm, each with all that will happen to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from khemon.simulate.child import Child, Clock, Rebound
from khemon.simulate.numbers import LAW, Floats, between, even_normal, even_poisson, lognormal
from khemon.simulate.quota import Marks, draw_marks, draw_platelets, fibrinogen_crossings


def draw_rebound(rng: np.random.Generator, child: Child, cause: str) -> Rebound:
    """A fall well after confirmation, seen at a daytime sample, and the way back."""
    law, schedule = LAW["rebound"], LAW["schedule"]
    onset = child.crossing + float(np.clip(lognormal(rng, law["median_days"], law["sigma"]), *law["range_days"]))
    half_life = between(rng, law["half_life_days"])
    down = onset + half_life * float(np.log2(child.plateau / LAW["platelets"]["limit"]))
    day = int(np.ceil(down + between(rng, law["seen_after_days"])))
    seen = child.clock.days(day, schedule["midday"] + between(rng, [0, schedule["jitter_hours"]]))
    return Rebound(
        falls_from=onset,
        half_life=half_life,
        nadir=float(np.clip(lognormal(rng, law["nadir_median"], law["nadir_sigma"]), *law["nadir_range"])),
        crosses_down=down,
        seen=seen,
        recovers=seen + between(rng, law["recovery_days"]),
        tied_to=cause,
        fibrinogen_nadir=between(rng, LAW["fibrinogen"]["rebound_nadir"]),
        d_dimer_peak=between(rng, LAW["d_dimer"]["rebound_peak"]),
    )


def _lesion(marks: Marks, i: int, rng: np.random.Generator) -> str:
    """The volume class of a child at month 12."""
    law = LAW["outcome"]
    if marks.good[i]:
        return "complete" if rng.uniform() < law["complete_share"] else "nearly"
    if marks.overall[i]:
        return "partial"
    return "growth" if rng.uniform() < law["growth_share"] else "none"


def _transfusions(mean: float, crossing: Floats, rng: np.random.Generator) -> list[int]:
    """Products per child: Poisson over the arm, a little more for those who recover late."""
    numbers = sorted(even_poisson(rng, mean, len(crossing)))
    place = np.argsort(np.argsort(crossing, kind="stable"), kind="stable") / max(len(crossing), 1)
    score = LAW["transfusion"]["spread"] * place + rng.uniform(size=len(crossing))
    given = np.zeros(len(crossing), dtype=np.int64)
    given[np.argsort(score, kind="stable")] = numbers
    return [int(n) for n in given]


def _baselines(count: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Starting and final values of the other analytes, and ages, one per child."""
    fib, dimer, hb, age = LAW["fibrinogen"], LAW["d_dimer"], LAW["hemoglobin"], LAW["demography"]
    fibrinogen = fib["baseline_median"] * np.exp(fib["baseline_sigma"] * even_normal(rng, count))
    plateau = fib["plateau_mean"] + fib["plateau_sd"] * even_normal(rng, count)
    months = age["age_median_months"] * np.exp(age["age_sigma"] * even_normal(rng, count))
    hemoglobin = hb["baseline_mean"] + hb["baseline_sd"] * even_normal(rng, count)
    return {
        "fibrinogen_baseline": np.clip(fibrinogen, *fib["baseline_range"]),
        "fibrinogen_plateau": np.maximum(plateau, fib["plateau_floor"]),
        "d_dimer_baseline": dimer["baseline_median"] * np.exp(dimer["baseline_sigma"] * even_normal(rng, count)),
        "d_dimer_plateau": dimer["plateau_median"] * np.exp(dimer["plateau_sigma"] * even_normal(rng, count)),
        "hemoglobin_baseline": np.clip(hemoglobin, hb["range"][0], hb["baseline_cap"]),
        "sirolimus_level": 1 + LAW["sirolimus"]["between_cv"] * even_normal(rng, count),
        "age_days": np.clip(months, *age["age_range_months"]) * LAW["cohort"]["months_to_days"],
    }


def clock_before(end: dt.datetime, days_ago: int, rng: np.random.Generator) -> Clock:
    """A day 0 this many calendar days before `end`, at a morning hour."""
    hour = between(rng, LAW["schedule"]["day0_hours"])
    midnight = dt.datetime.combine(end.date() - dt.timedelta(days=days_ago), dt.time())
    assert end.tzinfo is not None
    return Clock(midnight + dt.timedelta(minutes=round(hour * 60)), end.tzinfo)


def _calendar(followed: bool, end: dt.datetime, rng: np.random.Generator) -> tuple[Clock, float, float]:
    """Day 0, the last day of follow-up and the last day with data."""
    law = LAW["calendar"]
    low, high = law["follow_up"] if followed else law["archived"]
    clock = clock_before(end, int(rng.integers(low, high)), rng)
    until = float(rng.integers(*(law["followed_for_days"] if followed else law["archived_after_days"])))
    return clock, until, min(until, days_to_end(clock, end))


def days_to_end(clock: Clock, end: dt.datetime) -> float:
    """Days from the first dose to `end`, less what a result needs to arrive."""
    wall = end.replace(tzinfo=None) - clock.dose
    return float(wall / dt.timedelta(days=1) - LAW["calendar"]["arrival_hours"] / 24)


def _stop(child: Child, marks: Marks, i: int) -> None:
    """Writes in when and why treatment is given up, and whether the child leaves the study then."""
    law = LAW["outcome"]
    if not (marks.lack_of_efficacy[i] or marks.other_stop[i]):
        return
    lack = bool(marks.lack_of_efficacy[i])
    child.stops_for = "lack of efficacy" if lack else "request of the family"
    day = int(between(child.rng, law["lack_of_efficacy_days"] if lack else law["other_stop_days"]))
    child.stops_on = child.clock.days(day, LAW["schedule"]["midday"])
    child.leaves = bool(marks.leaves[i])
    if child.leaves:
        child.followed_until = float(day + int(between(child.rng, law["leaves_after_days"])))
        child.measured_until = min(child.measured_until, child.followed_until)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a child stands in the cohort."""

    arm: str
    number: int
    seed: int
    end: dt.datetime


def _child(place: _Place, lot: dict[str, Any], marks: Marks, i: int) -> Child:
    """One child put together."""
    law, rng = LAW["demography"], np.random.default_rng([place.seed, 1, place.number])
    clock, until, measured = _calendar(bool(marks.follow_up[i]), place.end, rng)
    nouns = law["names"]
    child = Child(
        patient_id=f"SYN-{place.number + 1:03d}",
        name=f"Synthetic {nouns[place.number % len(nouns)]} {place.number + 1}",
        arm=place.arm,
        rng=rng,
        clock=clock,
        sex="female" if marks.female[i] else "male",
        lesion_class=str(rng.choice(law["lesion_classes"], p=law["lesion_shares"])),
        site="retroperitoneal or intrathoracic" if marks.deep_site[i] else "",
        previously_treated=bool(marks.treated_before[i]),
        followed_until=until,
        measured_until=measured,
        lesion=_lesion(marks, i, rng),
        quality_better=bool(marks.quality[i]),
        sequela=bool(marks.sequela[i]),
        interrupted=bool(marks.interrupted[i]),
        reduced=bool(marks.reduced[i]),
        **lot,
    )
    _stop(child, marks, i)
    if marks.rebound[i]:
        child.rebound = draw_rebound(rng, child, marks.cause[i])
    return child


def draw_arm(arm: str, numbers: Sequence[int], seed: int, end: dt.datetime) -> list[Child]:
    """The children of an arm; `numbers` are their places in the whole cohort and seed their own randomness."""
    quota: dict[str, Any] = LAW["quota"][arm]
    count = len(numbers)
    if not count:
        return []
    rng = np.random.default_rng([seed, len(arm), count])
    errors = rng.standard_normal((len(LAW["schedule"]["visit_weeks"]), count))
    draw = draw_platelets(quota, errors, rng)
    marks = draw_marks(quota, draw.crossing, rng)
    counted = round(quota["fibrinogen_week_4"] * count / (sum(quota["responders"]) + quota["never"]))
    lots = _baselines(count, rng) | {
        "crossing": draw.crossing,
        "baseline": draw.baseline,
        "plateau": draw.plateau,
        "fibrinogen_crossing": fibrinogen_crossings(draw.crossing, counted, rng),
    }
    children = [
        _child(_Place(arm, int(number), seed, end), {name: float(column[i]) for name, column in lots.items()}, marks, i)
        for i, number in enumerate(rng.permutation(np.array(numbers)))  # so that ids say nothing about the course
    ]
    products = _transfusions(quota["transfusions_mean"], draw.crossing, rng)
    events = even_poisson(rng, quota["adverse_events_mean"], count)
    for i, child in enumerate(children):
        child.transfusions, child.adverse_events = products[i], events[i]
        child.visit_errors = dict(zip(LAW["schedule"]["visit_weeks"], errors[:, i].tolist(), strict=True))
    return children
