"""The rebound review: every rebound with status, nadir, time from the response, and what went before it."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from khemon.actions import watch
from khemon.actions.watch.lead_up import lead_up
from khemon.models import Actor, Event
from khemon.store import Store
from tests.wards import Files, bring, rebound

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
BERLIN = ZoneInfo("Europe/Berlin")
ASKER = Actor(name="Tester", kind="demo")
DAY = dt.timedelta(days=1)


def course(drug: str, began: float, ended: float | None = None, dose: str | None = None, unit: str = "mg/kg") -> Event:
    """A record of a drug: days before now."""
    end = None if ended is None else NOW - ended * DAY
    return Event(patient_id="P", kind=drug, start=NOW - began * DAY, end=end, dose=dose, unit=unit if dose else None)


def told(*events: Event) -> list[str]:
    """The steps of the four weeks before now, the newest first."""
    return [f"{step.what}: {step.before}" for step in lead_up(events, NOW, NOW - 28 * DAY, BERLIN).steps]


@pytest.mark.parametrize(
    ("events", "steps"),
    [
        ([course("prednisolone", 40, 9, "2")], ["prednisolone stopped (was 2 mg/kg): 9 d before"]),
        (
            [course("prednisolone", 40, 9, "2"), course("prednisolone", 9, None, "1")],
            ["prednisolone tapered from 2 mg/kg to 1 mg/kg: 9 d before"],
        ),
        (
            [course("prednisolone", 40, None, "2"), course("prednisolone", 9, None, "3")],
            ["prednisolone raised from 2 mg/kg to 3 mg/kg: 9 d before"],
        ),
        (
            [course("prednisolone", 40, None, "2"), course("prednisolone", 9, None, "1", "mg/d")],
            ["prednisolone changed from 2 mg/kg to 1 mg/d: 9 d before"],
        ),
        (
            [course("sirolimus", 40, 12, "0.8"), course("sirolimus", 4, None, "0.8")],
            [
                "sirolimus begun again: 0.8 mg/kg: 4 d before",
                "sirolimus held until 16 Nov 2026 13:00 (was 0.8 mg/kg): 12 d before",
            ],
        ),
        (
            [course("sirolimus", 40, None, "0.8"), course("sirolimus", 6, 3, "0"), course("sirolimus", 3, None, "0.8")],
            ["sirolimus resumed: 0.8 mg/kg: 3 d before", "sirolimus held (dose 0): 6 d before"],
        ),
        ([course("infection", 40, 3)], ["infection, until 17 Nov 2026 13:00: 40 d before"]),
        ([course("infection", 40, 30)], []),
        ([course("plasma", 2, None, "10", "mL/kg")], ["plasma (10 mL/kg): 2 d before"]),
        ([course("prednisolone", 40, 29, "2")], []),
        ([course("prednisolone", 40, -2, "2")], []),
    ],
)  # fmt: skip
def test_a_step_before_is_told_by_what_was_done(events: list[Event], steps: list[str]):
    assert told(*events) == steps


def test_what_was_given_is_said_and_what_is_not_recorded_is_not_called_none():
    events = [course("sirolimus", 40, None, "0.8")]
    assert lead_up(events, NOW, NOW - 28 * DAY, BERLIN).going_on == (
        "prednisolone not recorded",
        "sirolimus: 0.8 mg/kg since 11 Oct 2026 14:00",
    )
    held = [*events, course("sirolimus", 2, None, "0"), course("prednisolone", 40, 30, "2")]
    assert lead_up(held, NOW, NOW - 28 * DAY, BERLIN).going_on == (
        "prednisolone: off since 21 Oct 2026 14:00",
        "sirolimus: held since 18 Nov 2026 13:00",
    )


@pytest.fixture(scope="module")
def review(tmp_path_factory):
    """The review of a ward with a confirmed rebound after a taper, a suspected one, and children without any."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('rebounds') / 'khemon.db'}")
    files = Files(NOW)
    files.child("A", "Ada")
    rebound(files, "A")
    files.lab("A", 1, "platelets", "52")
    files.event("A", "prednisolone", 24 * 80, 24 * 10, "2", "mg/kg")
    files.event("A", "infection", 24 * 5)
    files.child("B", "Bea")
    rebound(files, "B", ("", "1.9", "0.4", "110"))
    files.child("C", "Cem")
    files.panel("C", 5, "20", "1.1", "9", "80")
    bring(store, files)
    yield watch.rebound_review(store, ASKER, NOW)
    store.close()


def test_open_rebounds_stand_by_severity_with_their_counts(review):
    assert [(line.patient, line.severity, line.status) for line in review.open] == [
        ("Ada", "critical", "confirmed"),
        ("Bea", "warning", "suspected"),
    ]
    assert (review.counts, review.over, review.responses) == ({"confirmed": 1, "suspected": 1}, (), 2)


def test_a_rebound_tells_its_literal_onset_nadir_and_time_from_the_response(review):
    ada = review.open[0]
    assert (ada.literal, ada.since, ada.confirmed) == ("Platelets 81 ×10⁹/L", "19 Nov 2026 07:00", "20 Nov 2026 08:00")
    assert ada.nadir == "44, 20 Nov 2026 08:00 (25 h after its onset)"
    assert ada.from_response == "48 d after the response was confirmed (2 Oct 2026 14:00); 76 d after it began"
    assert ada.alert is not None and ada.alert.state == "open"


def test_a_rebound_tells_what_went_before_it(review):
    ada, bea = review.open
    assert ada.lead_up.found == (
        "prednisolone stopped (was 2 mg/kg): 8 d before",
        "infection, no end recorded: 3 d before",
    )
    assert bea.lead_up.found == ()
    assert bea.lead_up.going_on == ("prednisolone not recorded", "sirolimus not recorded")
