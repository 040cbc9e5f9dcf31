"""The synthetic cohort: two arms with the published counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

import numpy as np

from khemon.simulate.arms import days_to_end, draw_arm
from khemon.simulate.child import Child, Cohort, EventRow, LabRow, PatientRow
from khemon.simulate.measure import report
from khemon.simulate.numbers import LAW, between, shares
from khemon.simulate.outcome import outcome_events
from khemon.simulate.schedule import samples
from khemon.simulate.treatment import drug_events, plan_products, plan_sirolimus, product_events


def local_end(end: dt.datetime, timezone: str) -> dt.datetime:
    """`end` in the ward's time zone, to the minute."""
    if end.tzinfo is None:
        raise ValueError("end: a time without an offset; give one with an offset, such as 2026-11-21T08:00+01:00")
    return end.astimezone(ZoneInfo(timezone)).replace(second=0, microsecond=0)


def patient_row(child: Child, stable: float) -> PatientRow:
    """The register line of a child; `stable` is the day its acute phase ended."""
    law, clock, rng = LAW["demography"], child.clock, child.rng
    birth = clock.at(0.0).date() - dt.timedelta(days=int(child.age_days))
    leaves_ward = min(stable + between(rng, law["ward_after_stable_days"]), child.measured_until)
    notes = [child.site, "previously treated" if child.previously_treated else ""]
    stopped = np.isfinite(child.stops_on)
    return PatientRow(
        patient_id=child.patient_id,
        name=child.name,
        birth_date=birth.isoformat(),
        sex=child.sex,
        diagnosis=law["diagnosis"],
        lesion_class=child.lesion_class,
        ward=law["ward"],
        on_ward_from=clock.text(clock.daytime(-min(between(rng, law["ward_before_days"]), child.age_days - 1))),
        on_ward_until=clock.text(clock.daytime(leaves_ward)),
        followed_until=clock.text(child.followed_until),
        sirolimus_target=law["sirolimus_target"],
        arm=child.arm,
        day0=clock.text(0.0),
        discontinued_at=clock.text(child.stops_on) if stopped else "",
        note="; ".join(note for note in notes if note),
    )


def file_of(child: Child) -> tuple[PatientRow, list[LabRow], list[EventRow]]:
    """Everything written about a child."""
    plan_sirolimus(child)
    plan_products(child)
    events = drug_events(child) + product_events(child)
    draws = samples(child)
    stable = max((d.days for d in draws if d.acute and d.days < 120), default=0.0)
    events += outcome_events(child)
    return patient_row(child, stable), report(child, draws), sorted(events, key=lambda e: (e.start, e.kind))


def collect(children: Iterable[Child]) -> Cohort:
    """A cohort of these children, in the order of their ids."""
    patients: list[PatientRow] = []
    labs: list[LabRow] = []
    events: list[EventRow] = []
    for child in sorted(children, key=lambda c: c.patient_id):
        row, results, happenings = file_of(child)
        patients.append(row)
        labs += results
        events += happenings
    return Cohort(tuple(patients), tuple(labs), tuple(events))


def simulate_cohort(
    seed: int, end: dt.datetime, patients: int = 73, *, timezone: str = "UTC", before: int = 0
) -> Cohort:
    """The cohort of this seed whose data end shortly before `end`; the same seed and end give the same bytes.

    With 73 patients the counts are the published ones: 37 and 36 children, durable responses by weeks 1-4
    9-22-31-35 and 4-12-20-24, ever 67, rebounds 2 and 6. before: how many children other parts hold already, whose
    ids are taken. Raises ValueError for an `end` without an offset.
    """
    law, until = LAW["cohort"], local_end(end, timezone)
    first, second = shares([law["combination"], law["monotherapy"]], patients)
    places = np.random.default_rng([seed, patients]).permutation(patients) + before
    children = draw_arm("combination", [int(p) for p in places[:first]], seed, until)
    children += draw_arm("monotherapy", [int(p) for p in places[first : first + second]], seed, until)
    _see_today(children, until)
    return collect(children)


def simulate_parts(seed: int, end: dt.datetime, patients: int = 73, *, timezone: str = "UTC") -> Iterator[Cohort]:
    """A cohort of any size in parts that fit into memory; a small one is one part, the same as `simulate_cohort`.

    Every part has the shares of the published cohort, and a seed of its own that follows from this one.
    """
    at_once = LAW["cohort"]["at_once"]
    for number, before in enumerate(range(0, patients, at_once)):
        own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0]) if number else seed
        size = min(at_once, patients - before)
        yield simulate_cohort(own, end, size, timezone=timezone, before=before)


def _see_today(children: list[Child], until: dt.datetime) -> None:
    """Lets the youngest of those still followed come to clinic in the hours before the end."""
    law = LAW["calendar"]
    followed = [c for c in children if c.followed_until > c.measured_until]
    for child in sorted(followed, key=lambda c: c.clock.dose, reverse=True)[: law["seen_today"]]:
        hours = between(child.rng, law["seen_hours_ago"])
        to_end = days_to_end(child.clock, until) + law["arrival_hours"] / 24
        child.seen_today = to_end - hours / 24
        child.measured_until = max(child.measured_until, child.seen_today)
