"""Alerts of section 3.7: what the clock opens and a count ends, and who mutes whom."""

from __future__ import annotations

import dataclasses

import pytest

from khemon.alerts import LIVE, recorded_after_it_ended
from khemon.rules import load_protocol
from tests import watched_child
from tests.reference.shorthand import at
from tests.watched_child import WatchedChild

WARD = load_protocol("ward")


@pytest.fixture
def child(monkeypatch) -> WatchedChild:
    """A child watched by every rule."""
    monkeypatch.setattr(watched_child, "cached_protocol", lambda _: WARD)
    return WatchedChild()


def live(child, rule):
    return [alert for alert in child.alerts if alert.rule == rule and alert.state in LIVE]


def test_a_count_that_is_not_seen_alerts_by_the_clock_alone_and_is_over_with_the_next_one(child):
    child.told("plt 0d 40")
    child.clock("2d11h59m")
    assert live(child, "blood_count_overdue") == []
    child.clock("2d12h")
    [alert] = live(child, "blood_count_overdue")
    assert (alert.severity, alert.onset) == ("warning", child.now)
    child.told("plt 3d 45")
    assert live(child, "blood_count_overdue") == []


def test_a_count_that_came_late_and_is_overdue_by_then_says_so(child):
    child.told("plt 0d 40", now="3d")
    [alert] = live(child, "blood_count_overdue")
    assert alert.note == "collected 01 Jan 2026 08:00, received now"


def test_counts_missed_from_day_0_in_a_history_that_comes_at_once_make_no_line(child):
    child.child = dataclasses.replace(child.child, day0=at("0d"))
    child.told("plt 20d 150")
    [missed] = [each for each in child.episodes() if each.rule == "blood_count_overdue"]
    assert (missed.severity, missed.end) == ("warning", at("20d"))
    found = recorded_after_it_ended(child.episodes(), child.alerts, WARD, child.setting().recorded_at)
    assert [each.rule for each in found] == []


def test_counts_missed_again_within_a_week_are_the_same_alert(child):
    child.told("plt 0d 40")
    child.clock("2d12h")
    child.told("plt 3d 45")
    child.clock("5d12h")
    [alert] = live(child, "blood_count_overdue")
    assert alert.times_met == 2


def test_an_acknowledged_one_opens_again_when_the_next_count_is_missed_too(child):
    child.told("plt 0d 40")
    child.clock("2d12h")
    child.acknowledge("blood_count_overdue")
    child.told("plt 3d 45")
    child.clock("5d12h")
    [alert] = live(child, "blood_count_overdue")
    assert alert.state == "open"


def test_a_rebound_mutes_falling_platelets(child):
    child.told("plt 0d 80")
    child.happened("response_documented 12h")
    child.told("plt 1d 240", "plt 2d 230", "plt 3d 220", "plt 4d 90")
    assert live(child, "kmp_rebound")
    assert child.muted()["falling_platelets"] == "kmp_rebound"


def test_an_overdue_level_is_a_note_and_has_no_alert(child):
    child.happened("sirolimus 0d")
    child.clock("11d")
    assert [episode.severity for episode in child.episodes() if episode.rule == "sirolimus_level_overdue"] == ["note"]
    assert child.alerts == []
