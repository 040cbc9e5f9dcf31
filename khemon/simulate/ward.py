"""The demonstration ward: the cohort, and invented children on top whose stories are told backwards from `end`."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import numpy as np

from khemon.simulate.child import Child, Clock, Cohort, EventRow, LabRow, PatientRow
from khemon.simulate.cohort import local_end, simulate_cohort
from khemon.simulate.measure import report
from khemon.simulate.numbers import STORIES
from khemon.simulate.schedule import samples

_AGO = re.compile(r"(-?)(?:(\d+)d)? ?(?:(\d+)h)?")


def ago(text: str) -> dt.timedelta:
    """The span written as "2d 5h"; with a minus sign it lies ahead. Raises ValueError for anything else."""
    found = _AGO.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"{text!r} is not a span such as '2d 5h'")
    span = dt.timedelta(days=int(found[2] or 0), hours=int(found[3] or 0))
    return -span if found[1] else span


def before(end: dt.datetime, span: str) -> dt.datetime:
    """The aware time so long before the end, in elapsed hours whatever the clocks do in between."""
    return (end.astimezone(dt.UTC) - ago(span)).astimezone(end.tzinfo)


class _Teller:
    """Turns a story into the lines of the three files."""

    def __init__(self, story: dict[str, Any], end: dt.datetime, seed: int, place: int) -> None:
        self.told: dict[str, Any] = STORIES["defaults"] | {"draws": [], "events": []} | story
        self.end, self.name = end, str(story["id"])
        self.rng = np.random.default_rng([seed, 2, place])

    def text(self, span: str | None) -> str:
        """The time so long before the end as ISO 8601, empty for nothing."""
        return before(self.end, span).isoformat() if span else ""

    def patient(self) -> PatientRow:
        """The register line."""
        told = self.told
        return PatientRow(
            patient_id=self.name,
            name=told["name"],
            birth_date=before(self.end, told["born"]).date().isoformat(),
            sex=told["sex"],
            diagnosis=told["diagnosis"],
            lesion_class=told["lesion_class"],
            ward=told["ward"],
            on_ward_from=self.text(told["on_ward"]),
            on_ward_until=self.text(told.get("left_ward")),
            followed_until=(self.end + dt.timedelta(days=told["followed_for"])).isoformat(),
            sirolimus_target=told["sirolimus_target"],
            day0=self.text(told.get("day0")),
            note=told.get("note", ""),
        )

    def events(self) -> list[EventRow]:
        """The event lines, day 0 among them."""
        lines = [
            EventRow(
                self.name,
                event["kind"],
                self.text(event["ago"]),
                self.text(event.get("until")),
                *(event.get(column, "") for column in ("dose", "unit", "note")),
            )
            for event in self.told["events"]
        ]
        if "day0" in self.told:
            lines.append(EventRow(self.name, "day0", self.text(self.told["day0"])))
        return sorted(lines, key=lambda line: (line.start, line.kind))

    def labs(self) -> list[LabRow]:
        """The earlier weeks by the laws, the last days as told."""
        lines: list[LabRow] = []
        if "history" in self.told:
            child = self._child()
            lines = report(child, samples(child))
        for number, draw in enumerate(self.told["draws"]):
            lines += self._draw(draw, f"{self.name}-T{number + 1:02d}")
        return lines

    def _draw(self, draw: dict[str, str], specimen: str) -> list[LabRow]:
        """The lines of one told sample; quality belongs to the count, timing to the level."""
        collected = before(self.end, draw["ago"])
        resulted = collected + dt.timedelta(minutes=self.told["resulted_minutes"])
        return [
            LabRow(
                self.name,
                collected.isoformat(),
                analyte,
                draw[analyte],
                draw.get(f"{analyte}_unit", unit),
                f"{specimen}-{analyte[0].upper()}",
                status=draw.get("status", "final"),
                quality=draw.get("quality", ""),
                timing=draw.get("timing", "") if analyte == "sirolimus" else "",
                comment=draw.get("comment", ""),
                resulted_at=resulted.isoformat(),
            )
            for analyte, unit in STORIES["units"].items()
            if analyte in draw
        ]

    def _child(self) -> Child:
        """The child whose earlier weeks the laws write."""
        told, history = self.told, self.told | self.told["history"]
        clock = Clock(before(self.end, told["day0"]).replace(tzinfo=None), _zone(self.end))
        until = self._days(told["history"]["until"])
        child = Child(
            patient_id=self.name,
            name=told["name"],
            arm="",
            rng=self.rng,
            clock=clock,
            age_days=float((ago(told["born"]) - ago(told["day0"])).days),
            crossing=history["crossing"],
            baseline=history["baseline"],
            plateau=history["plateau"],
            fibrinogen_crossing=history["crossing"] + history["fibrinogen_lag"],
            fibrinogen_baseline=history["fibrinogen_baseline"],
            fibrinogen_plateau=history["fibrinogen_plateau"],
            d_dimer_baseline=history["d_dimer_baseline"],
            d_dimer_plateau=history["d_dimer_plateau"],
            hemoglobin_baseline=history["hemoglobin_baseline"],
            sirolimus_level=1.0,
            sex=told["sex"],
            lesion_class=told["lesion_class"],
            site="",
            previously_treated=False,
            followed_until=np.inf,
            measured_until=until,
        )
        self._courses(child)
        return child

    def _courses(self, child: Child) -> None:
        """Gives the child its told drug courses, for levels and for the denser counts after a step."""
        for event in self.told["events"]:
            if event["kind"] in ("sirolimus", "prednisolone"):
                stop = self._days(event["until"]) if "until" in event else np.inf
                if event["kind"] == "sirolimus":
                    child.sirolimus_courses.append((self._days(event["ago"]), stop, event["dose"]))
                if np.isfinite(stop):
                    child.steps.append(stop)

    def _days(self, span: str) -> float:
        """Days since day 0 of a time before the end."""
        return (ago(self.told["day0"]) - ago(span)) / dt.timedelta(days=1)


def _zone(end: dt.datetime) -> dt.tzinfo:
    """The ward's zone, which `local_end` has put on the end."""
    assert end.tzinfo is not None
    return end.tzinfo


def demo_ward(end: dt.datetime, seed: int, *, timezone: str = "UTC") -> Cohort:
    """The cohort of this seed with the told children on top: 14 on the ward at `end`, about 20 in follow-up.

    The told children belong to no arm, so that the cohort's published counts stay what they are.
    """
    cohort, until = simulate_cohort(seed, end, timezone=timezone), local_end(end, timezone)
    tellers = [_Teller(story, until, seed, place) for place, story in enumerate(STORIES["child"])]
    return Cohort(
        patients=cohort.patients + tuple(teller.patient() for teller in tellers),
        labs=cohort.labs + tuple(line for teller in tellers for line in teller.labs()),
        events=cohort.events + tuple(line for teller in tellers for line in teller.events()),
    )
