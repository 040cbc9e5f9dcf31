"""What a child is given: drug courses and products, as events and as what they do to the counts."""

from __future__ import annotations

import numpy as np

from khemon.simulate.child import Child, EventRow, Product
from khemon.simulate.numbers import LAW, between


def _row(child: Child, kind: str, start: float, end: float | None, dose: str, unit: str, note: str) -> EventRow | None:
    """An event line, or nothing for what begins after the child is last seen."""
    first = child.clock.daytime(start)
    if first > child.measured_until:
        return None
    last = np.inf if end is None or np.isinf(end) else child.clock.daytime(end)
    closed = "" if last > child.measured_until else child.clock.text(last)
    return EventRow(child.patient_id, kind, child.clock.text(first), closed, dose, unit, note)


def _kept(rows: list[EventRow | None]) -> list[EventRow]:
    """The lines that exist."""
    return [row for row in rows if row is not None]


def plan_sirolimus(child: Child) -> None:
    """Fills the sirolimus courses of a child and the days after which it is counted more often."""
    law, rng, rebound = LAW["sirolimus"], child.rng, child.rebound
    doses, holds = [(0.0, law["dose"])], []
    if child.interrupted:
        start, length = between(rng, law["interruption_start_days"]), between(rng, law["interruption_days"])
        if rebound is not None:
            start = rebound.falls_from - between(rng, LAW["rebound"]["tie_lead_days"])
            length = min(rebound.seen + 1 - start, law["interruption_days"][1])
        holds.append((start, start + length))
        child.steps.append(start)
    if child.reduced:
        day = between(rng, law["reduction_days"])
        if rebound is not None:
            day = rebound.falls_from - between(rng, LAW["rebound"]["tie_lead_days"])
        doses.append((day, law["reduced_dose"]))
        child.steps.append(day)
    if rebound is not None:
        doses.append((rebound.seen + 1, law["raised_dose"]))
    stop = child.stops_on
    if np.isinf(stop) and rebound is None and rng.uniform() < law["stops_share"]:
        stop = between(rng, law["stops_months"]) * LAW["cohort"]["months_to_days"]
    if np.isfinite(stop):
        child.steps.append(stop)
    child.sirolimus_courses = _courses(sorted(doses), holds, stop)


def _courses(
    doses: list[tuple[float, str]], holds: list[tuple[float, float]], stop: float
) -> list[tuple[float, float, str]]:
    """Courses of one dose each, without the holds; the last one ends at `stop`, which may be `inf`."""
    courses = []
    ends = [day for day, _ in doses[1:]] + [stop]
    for (start, dose), until in zip(doses, ends, strict=True):
        pieces = [(start, min(until, stop))]
        for held, resumed in holds:
            pieces = [piece for a, b in pieces for piece in ((a, min(b, held)), (max(a, resumed), b))]
        courses += [(a, b, dose) for a, b in pieces if a < b]
    return courses


def drug_events(child: Child) -> list[EventRow]:
    """Sirolimus, its prophylaxis, and prednisolone where the arm or a failure calls for it."""
    law = LAW["sirolimus"]
    rows = [
        _row(child, "sirolimus", start, end, dose, "mg/m2", "twice daily")
        for start, end, dose in child.sirolimus_courses
    ]
    until = min(between(child.rng, law["prophylaxis_days"]), child.stops_on)
    rows.append(_row(child, "pjp_prophylaxis", 0.0, until, "", "", "trimethoprim-sulfamethoxazole"))
    if child.arm == "combination":
        rows += _prednisolone(child)
    elif child.stops_for == "lack of efficacy":
        start = child.stops_on
        rows.append(_row(child, "prednisolone", start, None, LAW["prednisolone"]["dose"], "mg/kg", "once daily"))
    return _kept(rows)


def _prednisolone(child: Child) -> list[EventRow | None]:
    """The course of the combination arm: full dose, then taper steps that follow on each other."""
    law, rng = LAW["prednisolone"], child.rng
    shortest, longest = (7 * weeks for weeks in law["course_weeks_range"])
    total = 7 * (law["course_weeks_mean"] + law["course_weeks_sd"] * rng.standard_normal())
    satisfied = child.crossing + law["run_days"] + 1
    taper = min(max(7 * law["earliest_taper_weeks"], satisfied), longest - law["shortest_taper_days"])
    total = float(np.clip(total, max(shortest, taper + law["shortest_taper_days"]), longest))
    days = [0.0] + [float(round(d)) for d in np.linspace(taper, total, len(law["steps"]) + 1)]
    child.steps += days[1:]
    child.prednisolone_stops = days[-1]
    doses = [law["dose"], *law["steps"]]
    return [
        _row(child, "prednisolone", start, end, dose, "mg/kg", "once daily")
        for start, end, dose in zip(days[:-1], days[1:], doses, strict=True)
    ]


def plan_products(child: Child) -> None:
    """Fills the products of a child: before recovery, and so that no counted value stands in their window."""
    law, rng = LAW["transfusion"], child.rng
    last = min(child.crossing - law["latest_before_crossing_days"], law["longest_days"], child.measured_until - 1)
    for _ in range(child.transfusions):
        start = child.clock.daytime(between(rng, [law["first_day"], last]))
        kind = str(rng.choice(law["kinds"], p=law["shares"]))
        limit = child.fibrinogen_crossing if kind in ("plasma", "cryoprecipitate") else child.crossing
        if start > limit - law["clear_days"] or (kind == "platelet_transfusion" and _just_before_visit(start)):
            kind = "red_cell_transfusion"
        child.products.append(_product(kind, start, rng))
    child.products.sort(key=lambda p: p.start)
    if child.products and rng.uniform() < law["bleeding_share"]:
        start = child.products[0].start - law["bleeding_lead_hours"] / 24
        until = child.clock.daytime(start + between(rng, law["bleeding_hours"]) / 24)
        fall = between(rng, LAW["hemoglobin"]["bleed_fall"])
        child.bleeds.append((start, max(until, start + law["bleeding_hours"][0] / 24), fall))


def _just_before_visit(start: float) -> bool:
    """Whether platelets given then would still be seen at a visit of weeks 1-4, on which the arm's medians rest."""
    clear = LAW["transfusion"]["visit_clear_days"]
    return any(0 <= 7 * week - start < clear for week in LAW["schedule"]["visit_weeks"])


def _product(kind: str, start: float, rng: np.random.Generator) -> Product:
    """A product with its effect."""
    law = LAW["transfusion"]
    place = law["kinds"].index(kind)
    rises = [
        law["plasma_rise"],
        law["cryoprecipitate_rise"],
        LAW["hemoglobin"]["red_cell_rise"],
        law["platelet_rise"],
    ]
    half_life = between(rng, law["fibrinogen_half_life_days"])
    if kind == "platelet_transfusion":
        half_life = between(rng, law["platelet_half_life_hours"]) / 24
    end = start + law["hours"][place] / 24
    return Product(kind, start, end, law["doses"][place], between(rng, rises[place]), half_life)


def product_events(child: Child) -> list[EventRow]:
    """Products and bleeds as lines."""
    clock, name = child.clock, child.patient_id
    rows = [EventRow(name, p.kind, clock.text(p.start), clock.text(p.end), p.dose, "mL/kg") for p in child.products]
    rows += [EventRow(name, "active_bleeding", clock.text(a), clock.text(b)) for a, b, _ in child.bleeds]
    return rows
