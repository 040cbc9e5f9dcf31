"""What became of a child: volumes, scores, sequelae, adverse events, the end of follow-up."""

from __future__ import annotations

import numpy as np

from khemon.simulate.child import Child, EventRow
from khemon.simulate.numbers import LAW, between, lognormal

MONTH_6, MONTH_12, MONTH_24 = 168, 364, 728  # days: the trial's visits of weeks 24, 52 and 104


def _brief(
    child: Child, kind: str, day: int, dose: str = "", unit: str = "", note: str = "", place: int = 0
) -> list[EventRow]:
    """A brief event at a visit, unless the child is no longer seen then; `place` keeps events of one day apart."""
    start = child.clock.days(day, LAW["schedule"]["midday"] + place / 60)
    if start > min(child.measured_until, child.followed_until):
        return []
    return [EventRow(child.patient_id, kind, child.clock.text(start), "", dose, unit, note)]


def _volumes(child: Child) -> list[EventRow]:
    """Volumes at baseline, month 6 and month 12; none after treatment was given up."""
    law, rng = LAW["outcome"], child.rng
    first = lognormal(rng, law["volume_median_cm3"], law["volume_sigma"])
    change = -100.0 if child.lesion == "complete" else between(rng, law[child.lesion])
    halfway = change * between(rng, law["month_6_fraction"])
    rows = []
    for day, percent, note in ((-1, 0.0, "baseline"), (MONTH_6, halfway, "month 6"), (MONTH_12, change, "month 12")):
        if day < child.stops_on:
            volume = f"{first * (1 + percent / 100):.2f}"
            rows += _brief(child, "lesion_volume", day, volume, "cm3", note)
    return rows


def _quality_of_life(child: Child) -> list[EventRow]:
    """Total scores at baseline and month 12."""
    law, rng = LAW["outcome"], child.rng
    first = round(between(rng, law["quality_baseline"]), 1)
    gain = between(rng, law["quality_better"] if child.quality_better else law["quality_same"])
    rows = _brief(child, "quality_of_life", -1, f"{first:.1f}", "{score}", "baseline")
    if child.stops_on > MONTH_12:
        rows += _brief(child, "quality_of_life", MONTH_12, f"{first + gain:.1f}", "{score}", "month 12")
    return rows


def _sequelae(child: Child) -> list[EventRow]:
    """One or two sequelae at month 24 for those marked."""
    law = LAW["outcome"]
    if not child.sequela:
        return []
    weights = np.array(law["sequela_weights"], dtype=np.float64)
    number = 2 if child.rng.uniform() < law["sequela_second_share"] else 1
    types = child.rng.choice(law["sequela_types"], size=number, replace=False, p=weights / weights.sum())
    return [row for i, note in enumerate(types) for row in _brief(child, "sequela", MONTH_24, note=str(note), place=i)]


def _adverse_events(child: Child) -> list[EventRow]:
    """Adverse events and infections of the first year, and the infections behind a hold or a rebound."""
    law, rng = LAW["outcome"], child.rng
    rows = []
    for place in range(child.adverse_events):
        day = int(rng.integers(1, MONTH_12))
        if rng.uniform() < law["infection_event_share"]:
            rows += _infection(child, float(day), str(rng.choice(law["infections"])), place)
        else:
            grade = "3" if rng.uniform() < law["severe_share"] else str(rng.choice(["1", "2"]))
            note = f"{rng.choice(law['adverse_events'])}, grade {grade}"
            rows += _brief(child, "adverse_event", day, note=note, place=place)
    if child.rebound is not None and child.rebound.tied_to == "infection":
        lead = between(rng, LAW["rebound"]["tie_lead_days"])
        rows += _infection(child, child.rebound.falls_from - lead, law["infections"][0], child.adverse_events)
    for (_, held, _), (resumed, _, _) in zip(child.sirolimus_courses, child.sirolimus_courses[1:], strict=False):
        if resumed > held and rng.uniform() < LAW["sirolimus"]["infection_share"]:
            rows += _infection(child, held - 1, str(rng.choice(law["infections"][:2])), child.adverse_events + 1)
    return rows


def _infection(child: Child, day: float, note: str, place: int) -> list[EventRow]:
    """An infection that is over by the time the data end, or none; `place` keeps events of one day apart."""
    start = child.clock.days(int(day), LAW["schedule"]["midday"] + place / 60)
    end = start + between(child.rng, LAW["outcome"]["infection_days"])
    if end > child.measured_until:
        return []
    return [EventRow(child.patient_id, "infection", child.clock.text(start), child.clock.text(end), "", "", note)]


def outcome_events(child: Child) -> list[EventRow]:
    """Everything that is recorded about the outcome of a child."""
    rows = [EventRow(child.patient_id, "day0", child.clock.text(0.0), note=child.arm)]
    rows += _volumes(child) + _quality_of_life(child) + _sequelae(child) + _adverse_events(child)
    if child.stops_for and child.stops_on <= child.measured_until:
        at = child.clock.text(child.stops_on)
        rows.append(EventRow(child.patient_id, "discontinuation", at, note=child.stops_for))
    if child.followed_until <= child.measured_until:
        note = "left the study" if child.leaves else "end of follow-up"
        rows.append(EventRow(child.patient_id, "follow_up_end", child.clock.text(child.followed_until), note=note))
    return rows
