"""An invented child: what will happen to it, before anything is measured."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


class PatientRow(NamedTuple):
    """One line of patients.csv."""

    patient_id: str
    name: str = ""
    birth_date: str = ""
    sex: str = ""
    diagnosis: str = ""
    lesion_class: str = ""
    ward: str = ""
    on_ward_from: str = ""
    on_ward_until: str = ""
    followed_until: str = ""
    sirolimus_target: str = ""
    arm: str = ""
    day0: str = ""
    discontinued_at: str = ""
    note: str = ""


class LabRow(NamedTuple):
    """One line of labs.csv."""

    patient_id: str
    collected_at: str
    analyte: str
    value: str
    unit: str
    specimen_id: str = ""
    status: str = "final"
    quality: str = ""
    timing: str = ""
    comment: str = ""
    resulted_at: str = ""


class EventRow(NamedTuple):
    """One line of events.csv."""

    patient_id: str
    kind: str
    start: str
    end: str = ""
    dose: str = ""
    unit: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Invented children with their results and events; `later_labs` is a second delivery of results."""

    patients: tuple[PatientRow, ...]
    labs: tuple[LabRow, ...]
    events: tuple[EventRow, ...]
    later_labs: tuple[LabRow, ...] = ()


DAY_SHIFT = (8.0, 19.0)  # hours; nothing is decided at a time that a change of clocks may skip


@dataclass(frozen=True, slots=True)
class Clock:
    """Days since the first dose, turned into wall time of the ward."""

    dose: dt.datetime  # naive wall time of day 0
    zone: dt.tzinfo

    @property
    def dose_hour(self) -> float:
        """The hour of day 0."""
        return self.dose.hour + self.dose.minute / 60

    def at(self, days: float) -> dt.datetime:
        """The aware time this many days after the first dose, to the minute."""
        wall = self.dose + dt.timedelta(minutes=round(days * 1440))
        return wall.replace(tzinfo=self.zone)

    def text(self, days: float) -> str:
        """The same as ISO 8601 with offset."""
        return self.at(days).isoformat()

    def days(self, day: int, hour: float) -> float:
        """Days since the first dose of an hour on a calendar day after day 0."""
        return day + (hour - self.dose_hour) / 24

    def daytime(self, days: float) -> float:
        """The same calendar day at an hour of the day shift; the order within a day is kept."""
        since_midnight = days + self.dose_hour / 24
        day = int(since_midnight // 1)
        first, last = DAY_SHIFT
        return self.days(day, first + (last - first) * (since_midnight - day))


@dataclass(frozen=True, slots=True)
class Rebound:
    """A fall below the limit after a durable response, and the way back; all in days since day 0."""

    falls_from: float
    half_life: float
    nadir: float
    crosses_down: float
    seen: float
    recovers: float
    tied_to: str
    fibrinogen_nadir: float
    d_dimer_peak: float


@dataclass(frozen=True, slots=True)
class Product:
    """A transfused product: from, to, and what it adds for how long."""

    kind: str
    start: float
    end: float
    dose: str
    rise: float
    half_life: float


@dataclass(slots=True)
class Child:
    """Everything decided about a child; days count from the first dose, `inf` is never."""

    patient_id: str
    name: str
    arm: str
    rng: np.random.Generator
    clock: Clock
    age_days: float
    crossing: float
    baseline: float
    plateau: float
    fibrinogen_crossing: float
    fibrinogen_baseline: float
    fibrinogen_plateau: float
    d_dimer_baseline: float
    d_dimer_plateau: float
    hemoglobin_baseline: float
    sirolimus_level: float
    sex: str
    lesion_class: str
    site: str
    previously_treated: bool
    followed_until: float
    measured_until: float
    transfusions: int = 0
    adverse_events: int = 0
    lesion: str = ""
    quality_better: bool = False
    sequela: bool = False
    interrupted: bool = False
    reduced: bool = False
    stops_for: str = ""
    stops_on: float = np.inf
    leaves: bool = False
    rebound: Rebound | None = None
    prednisolone_stops: float = np.inf
    products: list[Product] = field(default_factory=list)
    bleeds: list[tuple[float, float, float]] = field(default_factory=list)  # from, to, fall in g/L
    steps: list[float] = field(default_factory=list)  # stops, holds and taper steps: counted more often after
    sirolimus_courses: list[tuple[float, float, str]] = field(default_factory=list)  # from, to, dose
    visit_errors: dict[int, float] = field(default_factory=dict)  # week: standard error of the count
    seen_today: float = np.inf  # clinic visit on the day of `end`

    def is_good(self, days: float) -> bool:
        """Whether the latent count stands at 100 or above."""
        if days < self.crossing:
            return False
        return self.rebound is None or not self.rebound.crosses_down <= days < self.rebound.recovers
