"""`check` of a store that nobody looked after for days: what time alone changes is no finding, anything else is."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from khemon.actions.check import check
from khemon.rules.calendar import to_ms
from khemon.store import Store
from tests.acting_store import NURSE, ActingStore
from tests.histories.pools import DAY, HOUR
from tests.reference import Event, Lab

START = dt.datetime(2026, 3, 27, 6, tzinfo=dt.UTC)


@pytest.fixture
def ward(tmp_path):
    """One child: low counts and hemoglobin of an hour ago, and a bleeding known to end in two days."""
    acting = ActingStore(Store(f"sqlite:///{tmp_path / 'khemon.db'}"), "Europe/Berlin", START)
    an_hour_ago = START - HOUR
    low = (("hemoglobin", "55"), ("platelets", "8"), ("fibrinogen", "1.2"))
    acting.import_labs("P1", [Lab(0, name, an_hour_ago, "", Decimal(value)) for name, value in low])
    acting.import_event("P1", Event("active_bleeding", START - 2 * HOUR, START + 2 * DAY))
    yield acting
    acting.store.close()


def found(ward: ActingStore, later: dt.timedelta) -> list[dict]:
    return check(ward.store, NURSE, to_ms(ward.now + later))["findings"]


@pytest.mark.parametrize("hours", [0, 1, 22, 23, 24, 25, 47, 48, 49, 71, 72, 1000])
def test_a_store_is_sound_however_long_nobody_looked_at_the_clock(ward, hours):
    assert found(ward, hours * HOUR) == []


def test_it_is_sound_whenever_somebody_looked_last(ward):
    for hours in (20, 23, 25, 30, 48, 49):
        ward.now = START + hours * HOUR
        ward.look()
        assert found(ward, 100 * HOUR) == [], hours


@pytest.mark.parametrize("hours", [0, 23, 24, 49, 1000])
@pytest.mark.parametrize("change", [{"severity": "note"}, {"end": START, "end_reason": "resolved"}])
def test_an_episode_that_does_not_follow_from_the_results_is_found_at_any_time(ward, hours, change):
    with ward.store.writing() as writer:
        episodes = [row.episode for row in writer.episodes(["P1"])]
        forged = [each.model_copy(update=change) if each.rule == "red_cell_criterion" else each for each in episodes]
        assert forged != episodes
        writer.save_episodes(["P1"], forged)
    (finding,) = found(ward, hours * HOUR)
    assert finding["where"] == "patient P1"
