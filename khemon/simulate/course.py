"""The hidden course of each analyte, without noise."""

from __future__ import annotations

import numpy as np

from khemon.simulate.child import Child
from khemon.simulate.numbers import LAW, Floats


def rise(days: Floats, low: Floats, high: Floats, target: float, crossing: Floats, widest: float) -> Floats:
    """Logistic rise on the log scale from `low` at day 0 to `high`, passing `target` at `crossing`; all broadcast.

    The scale is `widest` days, less where the crossing would come too early for it.
    """
    part = (np.log(target) - np.log(low)) / (np.log(high) - np.log(low))
    room = LAW["platelets"]["steepest_rise"] * np.log(1 / (1 - part))
    scale = np.minimum(widest, crossing / room)
    start = (np.exp(crossing / scale) * (1 - part) - 1) / part  # closed form of "passes target at crossing"
    now = 1 / (1 + start * np.exp(-np.maximum(days, 0.0) / scale))
    first = 1 / (1 + start)
    share = np.clip((now - first) / (1 - first), 0.0, 1.0)
    grown: Floats = np.exp(np.log(low) + (np.log(high) - np.log(low)) * share)
    return grown


def platelets(child: Child, days: Floats) -> Floats:
    """Platelets in 10*9/L before noise and products."""
    law = LAW["platelets"]
    if np.isinf(child.crossing):
        level = child.baseline + (child.plateau - child.baseline) * (
            1 - np.exp(-np.maximum(days, 0) / law["never_days"])
        )
    else:
        level = _responding(child, days)
    if child.rebound is not None:
        level = _rebounding(child, days, level)
    before = np.minimum(child.baseline * 2 ** (-days / law["before_half_life_days"]), law["before_cap"])
    return np.asarray(np.where(days < 0, np.maximum(before, child.baseline), level))


def _responding(child: Child, days: Floats) -> Floats:
    """The rise to the plateau."""
    law = LAW["platelets"]
    low, high, crossing = np.float64(child.baseline), np.float64(child.plateau), np.float64(child.crossing)
    return rise(days, np.asarray(low), np.asarray(high), law["limit"], np.asarray(crossing), law["slope_days"])


def _rebounding(child: Child, days: Floats, level: Floats) -> Floats:
    """The level with the fall and the recovery written in."""
    law, rebound = LAW["platelets"], child.rebound
    assert rebound is not None
    fallen = np.maximum(level * 2 ** (-(days - rebound.falls_from) / rebound.half_life), rebound.nadir)
    level = np.where(days >= rebound.falls_from, fallen, level)
    lowest = max(rebound.nadir, child.plateau * 2 ** (-(rebound.seen - rebound.falls_from) / rebound.half_life))
    back = rise(
        days - rebound.seen,
        np.asarray(lowest),
        np.asarray(child.plateau),
        law["limit"],
        np.asarray(rebound.recovers - rebound.seen),
        law["slope_days"],
    )
    return np.where(days >= rebound.seen, back, level)


def _depth(child: Child, days: Floats) -> Floats:
    """How far into a rebound the count is: 0 on the plateau, 1 at the nadir."""
    if child.rebound is None:
        return np.zeros_like(days)
    span = np.log(child.plateau) - np.log(child.rebound.nadir)
    depth = (np.log(child.plateau) - np.log(platelets(child, days))) / span
    return np.where(days >= child.rebound.falls_from, np.clip(depth, 0.0, 1.0), 0.0)


def fibrinogen(child: Child, days: Floats) -> Floats:
    """Fibrinogen in g/L before noise and products."""
    law = LAW["fibrinogen"]
    low, high = np.asarray(child.fibrinogen_baseline), np.asarray(child.fibrinogen_plateau)
    level = rise(days, low, high, law["limit"], np.asarray(child.fibrinogen_crossing), law["slope_days"])
    if child.rebound is None:
        return level
    depth = _depth(child, days)
    return np.asarray(level ** (1 - depth) * child.rebound.fibrinogen_nadir**depth)


def d_dimer(child: Child, days: Floats) -> Floats:
    """D-dimer in mg/L FEU before noise."""
    law = LAW["d_dimer"]
    never = np.isinf(child.crossing)
    start = 0.0 if never else child.crossing - law["lead_days"]
    half_life = law["never_half_life_days"] if never else law["half_life_days"]
    lowest = min(law["never_plateau"] if never else child.d_dimer_plateau, child.d_dimer_baseline)
    left: Floats = np.asarray(2.0 ** (-np.maximum(days - start, 0.0) / half_life))
    level: Floats = np.asarray(lowest + (child.d_dimer_baseline - lowest) * left)
    if child.rebound is None:
        return level
    depth = _depth(child, days)
    return np.asarray(level ** (1 - depth) * child.rebound.d_dimer_peak**depth)


def hemoglobin(child: Child, days: Floats) -> Floats:
    """Hemoglobin in g/L before noise, bleeds and red cells included."""
    law = LAW["hemoglobin"]
    for_age = np.interp(child.age_days + days, law["ages_days"], law["means"])
    if np.isinf(child.crossing):
        level = np.full_like(days, child.hemoglobin_baseline)
    else:
        left = 2.0 ** (-np.maximum(days - child.crossing, 0.0) / law["half_life_days"])
        level = for_age + (child.hemoglobin_baseline - for_age) * left
    effects = [(start, -fall) for start, _, fall in child.bleeds]
    effects += [(p.end, p.rise) for p in child.products if p.kind == "red_cell_transfusion"]
    for start, change in effects:
        after = days - start
        level = level + np.where(
            after >= 0, change * 2.0 ** (-np.maximum(after, 0) / law["effect_half_life_days"]), 0.0
        )
    return np.clip(level, law["range"][0], law["range"][1])


def lift(child: Child, days: Floats, kinds: tuple[str, ...]) -> Floats:
    """What the products of these kinds add at each time, in the unit of their analyte."""
    added = np.zeros_like(days)
    for product in child.products:
        if product.kind in kinds:
            after = days - product.end
            gone = 2.0 ** (-np.maximum(after, 0.0) / product.half_life)
            added += np.where(after >= 0, product.rise * gone, 0.0)
    return added


def sirolimus(child: Child, days: Floats) -> Floats:
    """Sirolimus trough in ng/mL before noise, on the full dose."""
    law = LAW["sirolimus"]
    weeks = days / 7
    level = np.interp(weeks, law["weeks"], law["means"]) * child.sirolimus_level
    if child.age_days < law["young_days"]:
        fading = np.clip(1 - weeks / law["weeks"][-1], 0.0, 1.0)
        level = level * (1 + (law["young_factor"] - 1) * fading)
    return np.asarray(level, dtype=np.float64)
