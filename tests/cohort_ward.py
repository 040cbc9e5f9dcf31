"""A ward for the cohort page: 37 children in one arm, two of them without a response by week 4; three in the other.

One result is held.
"""

from __future__ import annotations

import datetime as dt

from khemon.actions.import_files import Options, commit
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Store
from tests.wards import HOSTILE, TIMEZONE, text_of

ACTOR = Actor(name="Tester", kind="demo")
PATIENTS = ("patient_id", "name", "birth_date", "sex", "diagnosis", "ward", "arm", "day0", "discontinued_at")
LABS = ("patient_id", "collected_at", "analyte", "value", "unit")
EVENTS = ("patient_id", "kind", "start", "end", "dose", "unit", "note")
LATE, GIVEN_UP = "C36", "C37"


class _Ward:
    """Its files; days count from each child's day 0, at noon."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now.replace(hour=12, minute=0, second=0, microsecond=0)
        self.patients: list[tuple] = []
        self.labs: list[tuple] = []
        self.events: list[tuple] = []

    def child(
        self,
        patient_id: str,
        arm: str,
        began: int,
        counts: dict[int, object],
        *,
        name: str = "",
        ward: str = "W1",
        stopped: int | None = None,
        sex: str = "female",
    ) -> None:
        """A child whose day 0 was so many days ago; platelets by day."""
        day0 = self.now - dt.timedelta(days=began)

        def at(day: int) -> str:
            return (day0 + dt.timedelta(days=day)).isoformat()

        gone = "" if stopped is None else at(stopped)
        self.patients.append((patient_id, name, "2025-01-15", sex, "KHE", ward, arm, at(0), gone))
        self.events.append((patient_id, "sirolimus", at(0), gone or "", "0.8", "mg/m2"))
        self.labs += [(patient_id, at(day), "platelets", str(value), "10*9/L") for day, value in counts.items()]


def _rising(day: int, until: int) -> dict[int, object]:
    """Weekly counts that are good from a day on."""
    return {each: 150 if each >= day else 20 for each in range(0, until + 1, 7)}


def cohort_ward(store: Store, now: dt.datetime) -> None:
    """Fills a store; everything in it is invented."""
    ward = _Ward(now)
    for number in range(1, 36):
        ward.child(f"C{number:02}", "combination", 200, _rising(14, 63), sex="male" if number % 2 else "female")
    ward.child(LATE, "combination", 200, _rising(35, 84), name="Lea Late")
    ward.child(GIVEN_UP, "combination", 200, _rising(200, 21), name="Gus Given-Up", stopped=20)
    ward.child("M01", "monotherapy", 200, _rising(7, 91) | {98: 40, 100: 30, 105: "<10"}, name="Mia Rebound", ward="W2")
    ward.child("M02", "monotherapy", 20, _rising(7, 14), name="Max Recent")
    ward.child("M03", "monotherapy", 200, _rising(200, 84), name=HOSTILE)
    ward.events.append(("M03", "plasma", ward.events[-1][2], "", "10", "mL/kg"))
    ward.patients.append(("X01", "Xia Waiting", "2026-01-15", "female", "KHE", "W1"))
    held = [("C01", ward.labs[0][1], "hemoglobin", "9000", "g/L")]
    with store.writing() as writer:
        writer.set_setting("synthetic", "yes")
    files = (("patients", PATIENTS, ward.patients), ("events", EVENTS, ward.events), ("labs", LABS, ward.labs))
    for name, columns, rows in files:
        options = Options(now_ms=to_ms(now), timezone=TIMEZONE)
        assert commit(store, ACTOR, text_of(columns, rows), f"{name}.csv", options).complete
    assert not commit(store, ACTOR, text_of(LABS, held), "held.csv", options).complete
