"""What the laboratory reports of a sample: noise, clamp, ceilings, gaps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from khemon.simulate import course
from khemon.simulate.child import Child, LabRow
from khemon.simulate.numbers import LAW, Floats, between
from khemon.simulate.schedule import Draw


def _noisy(child: Child, level: Floats, cv: Floats | float, errors: Floats | None = None) -> Floats:
    """The level with a log-normal error of this size, from given standard errors or new ones."""
    errors = child.rng.standard_normal(level.shape) if errors is None else errors
    return np.asarray(level * np.exp(cv * errors), dtype=np.float64)


def _count_errors(child: Child, days: Floats) -> Floats:
    """Standard errors of the counts; those of the first visits are the arm's, on which its medians rest."""
    errors = child.rng.standard_normal(days.shape)
    calendar_days = np.floor(days + child.clock.dose_hour / 24)
    for week, error in child.visit_errors.items():
        errors[calendar_days == 7 * week] = error
    return errors


def _platelets(child: Child, days: Floats) -> Floats:
    """Whole counts; on the right side of 100 in the days when the course says which side that is."""
    law = LAW["platelets"]
    level = course.platelets(child, days)
    cv = np.where(level < law["low"], law["cv_low"], law["cv"])
    counts = _noisy(child, level, cv, _count_errors(child, days))
    counts = np.rint(counts + course.lift(child, days, ("platelet_transfusion",)))
    good = np.array([child.is_good(float(d)) for d in days])
    counts = np.where(good, np.maximum(counts, law["limit"]), counts)
    settled = days > -LAW["schedule"]["every_days"] - 1  # a child enters the study below 100
    return np.where(~good & settled, np.clip(counts, 1, law["limit"] - 1), np.maximum(counts, 1))


def _fibrinogen(child: Child, days: Floats) -> Floats:
    """g/L to two decimals, on the right side of 1.6 until a rebound comes."""
    law = LAW["fibrinogen"]
    level = _noisy(child, course.fibrinogen(child, days), law["cv"])
    level = np.round(level + course.lift(child, days, ("plasma", "cryoprecipitate")), 2)
    after = days >= child.fibrinogen_crossing
    fell = child.rebound.falls_from if child.rebound is not None else np.inf
    above = np.maximum(level, law["limit"] + law["margin"])
    below = np.minimum(level, law["limit"] - law["margin"])
    return np.where(days >= fell, level, np.where(after, above, below))


def _d_dimer_text(value: float) -> str:
    """As reported by an assay that ends at both sides."""
    law = LAW["d_dimer"]
    if value > law["ceiling"]:
        return f">{law['ceiling']:g}"
    return f"<{law['floor']:g}" if value < law["floor"] else f"{value:.2f}"


def _fibrinogen_text(value: float) -> str:
    """As reported, with the lower end of the assay."""
    lowest = LAW["fibrinogen"]["lowest"]
    return f"<{lowest:g}" if value <= lowest else f"{value:.2f}"


def _trough_days(child: Child) -> list[float]:
    """Planned days of sirolimus levels: the trial's grid from the start and from every restart after a hold."""
    law = LAW["sirolimus"]
    starts = [0.0]
    for (_, end, _), (start, _, _) in zip(child.sirolimus_courses, child.sirolimus_courses[1:], strict=False):
        if start > end:
            starts.append(start)
    weeks = [*law["check_weeks"], *range(2 * law["check_every_weeks"], 200, law["check_every_weeks"])]
    days = [start + 7 * week for start in starts for week in weeks]
    return [d for d in days if any(a < d <= b for a, b, _ in child.sirolimus_courses)]


class _Report:
    """Lines of one child's file."""

    def __init__(self, child: Child) -> None:
        self.child, self.law = child, LAW["schedule"]

    def lines(self, draws: list[Draw]) -> Iterator[LabRow]:
        """Every result of every sample, in order of time."""
        child = self.child
        days = np.array([d.days for d in draws], dtype=np.float64)
        platelets, fibrinogen = _platelets(child, days), _fibrinogen(child, days)
        dimer = _noisy(child, course.d_dimer(child, days), LAW["d_dimer"]["cv"])
        hemoglobin = np.rint(_noisy(child, course.hemoglobin(child, days), LAW["hemoglobin"]["cv"]))
        levels = _noisy(child, course.sirolimus(child, days), LAW["sirolimus"]["cv"])
        first, last = self.law["resulted_minutes"]
        self.minutes = child.rng.integers(first, last, size=(len(draws), 3))
        due = self._with_trough(days)
        for i, draw in enumerate(draws):
            yield self._line(i, draw, "A", "platelets", f"{platelets[i]:.0f}", "10*9/L")
            yield self._line(i, draw, "A", "hemoglobin", f"{hemoglobin[i]:.0f}", "g/L")
            coagulation, with_dimer = self._coagulation(draw)
            if coagulation:
                yield self._line(i, draw, "B", "fibrinogen", _fibrinogen_text(fibrinogen[i]), "g/L")
            if with_dimer:
                yield self._line(i, draw, "B", "d_dimer", _d_dimer_text(dimer[i]), "mg/L{FEU}")
            if i in due:
                yield self._trough(i, draw, float(levels[i]))

    def _coagulation(self, draw: Draw) -> tuple[bool, bool]:
        """Whether fibrinogen and whether D-dimer was asked for."""
        rng, law = self.child.rng, self.law
        first, second = rng.uniform(), rng.uniform()
        if draw.acute:
            wanted = bool(first < law["coagulation_share"])
            return wanted, wanted and bool(second >= law["d_dimer_missing_share"])
        baseline = -1 < draw.days <= 0
        return True, baseline or bool(second < law["d_dimer_later_share"])

    def _with_trough(self, days: Floats) -> set[int]:
        """Positions of the samples that carry a level: the nearest to each planned day, within three days."""
        nearest = ((planned, int(np.argmin(np.abs(days - planned)))) for planned in _trough_days(self.child))
        return {at for planned, at in nearest if abs(days[at] - planned) <= 3}

    def _trough(self, i: int, draw: Draw, level: float) -> LabRow:
        """A sirolimus level; now and then one not taken as a trough."""
        law, rng = LAW["sirolimus"], self.child.rng
        if rng.uniform() < law["mistimed"]:
            level *= between(rng, law["mistimed_factor"])
            return self._line(i, draw, "C", "sirolimus", f"{level:.1f}", "ng/mL", "random")
        return self._line(i, draw, "C", "sirolimus", f"{level:.1f}", "ng/mL", "trough")

    def _line(self, i: int, draw: Draw, tube: str, analyte: str, value: str, unit: str, timing: str = "") -> LabRow:
        """One line of labs.csv."""
        collected = self.child.clock.at(draw.days)
        resulted = collected + dt.timedelta(minutes=int(self.minutes[i, "ABC".index(tube)]))
        specimen = f"{self.child.patient_id}-{i + 1:03d}{tube}"
        return LabRow(
            self.child.patient_id,
            collected.isoformat(),
            analyte,
            value,
            unit,
            specimen,
            timing=timing,
            resulted_at=resulted.isoformat(),
        )


def report(child: Child, draws: list[Draw]) -> list[LabRow]:
    """The laboratory's lines on a child, in order of time."""
    return list(_Report(child).lines(draws))
