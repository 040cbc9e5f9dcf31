"""What an arm as a whole must show: crossing days by quota, medians near the published ones, exact marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from khemon.simulate.course import rise
from khemon.simulate.numbers import LAW, Floats, even_normal, shares

Flags = NDArray[np.bool_]
#: A visit is this much earlier in the day than the first dose was, in days.
_BEFORE_DOSE = LAW["schedule"]["visit_before_dose_hours"] / 24


@dataclass(frozen=True, slots=True)
class Platelets:
    """Crossing day, baseline and plateau (or final level) of each child of an arm; one row per candidate draw."""

    crossing: Floats
    baseline: Floats
    plateau: Floats


def _crossings(quota: dict[str, Any], count: int, rng: np.random.Generator) -> Floats:
    """The crossing day of each child, `inf` for those who never respond; earliest first."""
    groups = shares([*quota["responders"], quota["never"]], count)
    days: list[float] = []
    for (first, last), size in zip(quota["windows"], groups[:-1], strict=True):
        positions = (np.arange(size) + rng.uniform(size=size)) / max(size, 1)
        days += [first + (last - first) * float(p) for p in positions]
    return np.array(days + [np.inf] * groups[-1])


def _candidate(quota: dict[str, Any], count: int, rng: np.random.Generator) -> Platelets:
    """One draw of an arm."""
    law = LAW["platelets"]
    crossing = _crossings(quota, count, rng)
    baseline = np.minimum(
        quota["baseline_median"] * np.exp(law["baseline_sigma"] * even_normal(rng, count)), law["baseline_cap"]
    )
    plateau = np.maximum(
        law["plateau_median"] * np.exp(law["plateau_sigma"] * even_normal(rng, count)), law["plateau_floor"]
    )
    never = np.isinf(crossing)
    low = law["never_median"] * np.exp(law["never_sigma"] * even_normal(rng, max(int(never.sum()), 1)))
    plateau[never] = np.minimum(low[: int(never.sum())], law["never_cap"])
    return Platelets(crossing, baseline, plateau)


def median_at(draw: Platelets, day: float, errors: Floats) -> float:
    """The median count of an arm at the visit of a day, given the standard errors of that visit."""
    law = LAW["platelets"]
    never = np.isinf(draw.crossing)
    crossing = np.where(never, 1.0, draw.crossing)
    plateau = np.where(never, law["plateau_floor"], draw.plateau)
    rising = rise(np.asarray(day), draw.baseline, plateau, law["limit"], crossing, law["slope_days"])
    flat = draw.baseline + (draw.plateau - draw.baseline) * (1 - np.exp(-day / law["never_days"]))
    level = np.where(never, flat, rising)
    level = level * np.exp(np.where(level < law["low"], law["cv_low"], law["cv"]) * errors)
    good = day >= draw.crossing
    return float(np.median(np.where(good, np.maximum(level, law["limit"]), np.minimum(level, law["limit"]))))


def draw_platelets(quota: dict[str, Any], errors: Floats, rng: np.random.Generator) -> Platelets:
    """The draw whose medians lie nearest the published ones; a large arm is drawn once, its medians follow the law.

    `errors` are the standard errors of the visits, one row per visit and one column per child.
    """
    count, weeks = errors.shape[1], LAW["schedule"]["visit_weeks"]
    first, last = 7.0 * weeks[0] - _BEFORE_DOSE, 7.0 * weeks[-1] - _BEFORE_DOSE
    tries = LAW["cohort"]["candidates"] if count <= LAW["cohort"]["largest_searched"] else 1
    week_1, week_4 = quota["median_week_1"], quota["median_week_4"]
    best, best_miss = None, np.inf
    for _ in range(tries):
        draw = _candidate(quota, count, rng)
        early, late = median_at(draw, first, errors[0]), median_at(draw, last, errors[-1])
        miss = max(abs(early / week_1 - 1), abs(late / week_4 - 1))
        if best is None or miss < best_miss:
            best, best_miss = draw, miss
    assert best is not None
    return best


def fibrinogen_crossings(crossing: Floats, counted: int, rng: np.random.Generator) -> Floats:
    """The day fibrinogen crosses its limit: exactly `counted` children before week 4's last safe day."""
    law = LAW["fibrinogen"]
    lag = law["lag_median"] * np.exp(law["lag_sigma"] * even_normal(rng, len(crossing)))
    own = np.where(np.isinf(crossing), law["first_uncounted"] + law["never_lag_days"], crossing)
    days = own + lag
    in_time = np.argsort(np.where(own < law["last_counted"], days, np.inf), kind="stable")[:counted]
    late = np.ones(len(days), dtype=np.bool_)
    late[in_time] = False
    part = rng.uniform(0.5, 1.0, size=len(days))
    squeezed = own + (law["last_counted"] - own) * part
    soon = np.where(days > law["last_counted"], squeezed, days)
    delayed = law["first_uncounted"] + 10 * part
    return np.asarray(np.where(late, np.maximum(days, delayed), soon))


def _marked(count: int, number: int, rng: np.random.Generator, allowed: Flags | None = None) -> Flags:
    """`number` children marked at random among the allowed ones."""
    places = np.flatnonzero(np.ones(count, dtype=np.bool_) if allowed is None else allowed)
    marks = np.zeros(count, dtype=np.bool_)
    marks[rng.permutation(places)[:number]] = True
    return marks


@dataclass(frozen=True, slots=True)
class Marks:
    """Who of an arm has what; one flag per child."""

    rebound: Flags
    cause: list[str]  # what a rebound is tied to, "" for nothing
    lack_of_efficacy: Flags
    other_stop: Flags
    leaves: Flags
    good: Flags
    overall: Flags
    quality: Flags
    sequela: Flags
    female: Flags
    interrupted: Flags
    reduced: Flags
    deep_site: Flags
    treated_before: Flags
    follow_up: Flags


def _causes(rebound: Flags) -> list[str]:
    """What each rebound is tied to: the causes in turn for the share that has one."""
    law = LAW["rebound"]
    cause = [""] * len(rebound)
    tied = np.flatnonzero(rebound)[: round(law["tied_share"] * int(rebound.sum()))]
    for turn, child in enumerate(tied):
        cause[child] = law["causes"][turn % len(law["causes"])]
    return cause


def draw_marks(quota: dict[str, Any], crossing: Floats, rng: np.random.Generator) -> Marks:
    """Marks with exact quotas, none of which costs a counted responder his response."""
    count = len(crossing)
    size = sum(quota["responders"]) + quota["never"]
    scaled = {k: round(v * count / size) for k, v in quota.items() if isinstance(v, int)}
    late = crossing >= quota["windows"][-1][0]
    never = np.isinf(crossing)
    first = never if never.any() else late
    lack = _marked(count, scaled["lack_of_efficacy"], rng, first)
    other = _marked(count, scaled["other_discontinuation"], rng, ~late)
    stopped = lack | other
    stays = ~stopped
    leaves = _marked(count, scaled["leaves_after_stop"], rng, stopped)
    rebound = _marked(count, scaled["rebound"], rng, stays & ~never)
    cause = _causes(rebound)
    held, tapered = (np.array([c == word for c in cause]) for word in ("interruption", "taper"))
    overall = _marked(count, scaled["lesion_overall"], rng, stays)
    return Marks(
        rebound=rebound,
        cause=cause,
        lack_of_efficacy=lack,
        other_stop=other,
        leaves=leaves,
        good=_marked(count, scaled["lesion_good"], rng, overall),
        overall=overall,
        quality=_marked(count, scaled["quality_of_life"], rng, stays),
        sequela=_marked(count, scaled["sequelae"], rng, ~leaves),
        female=_marked(count, scaled["female"], rng),
        interrupted=held | _marked(count, scaled["interruptions"] - int(held.sum()), rng, stays & ~rebound),
        reduced=tapered | _marked(count, scaled["reductions"] - int(tapered.sum()), rng, stays & ~rebound),
        deep_site=_marked(count, scaled["deep_site"], rng),
        treated_before=_marked(count, scaled["previously_treated"], rng),
        follow_up=_marked(count, scaled["follow_up_now"], rng, stays & ~never),
    )
